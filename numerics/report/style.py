"""The frame of the report's pages and their style sheet, which extends that of the derivations."""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main class="varprop">
{body}
</main>
</body>
</html>
"""

SHEET = """
body { margin: 0 auto; max-width: 52rem; padding: 3rem 1.25rem 6rem; background: #fff; }
@media (prefers-color-scheme: dark) { body { background: #17191d; } }
main.varprop { --good: #1c7c4a; --mind: #9a6200; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { main.varprop { --good: #6cc793; --mind: #e0b15c; --bad: #f2958d; } }
main > header { margin-bottom: 2.6rem; }
main > header h1 { font-size: 2em; letter-spacing: -.01em; margin-bottom: .55em; }
.abstract { border-left: 3px solid var(--line); padding-left: 1em; }
nav ol { columns: 2; margin: 1.2em 0 0; padding-left: 1.4em; }
nav a { white-space: nowrap; }
main > section { margin-top: 3rem; }
main > section > h2 { font-size: 1.35em; border-bottom: 1px solid var(--line); padding-bottom: .25em; }
main h3 { font-size: 1.08em; margin: 2em 0 .3em; }
main article { margin: 0 0 2.1em; }
main article > h3 + p { margin-top: 0; }
.equation { background: var(--soft); border-left: 3px solid var(--mark); padding: .35em .9em; margin: .6em 0; }
.chip { font: 600 .74em/1 ui-sans-serif, system-ui, sans-serif; letter-spacing: .02em; padding: .25em .6em .28em;
  border: 1px solid currentColor; border-radius: 1em; white-space: nowrap; vertical-align: .1em; }
.good { color: var(--good); } .mind { color: var(--mind); } .bad { color: var(--bad); }
.varprop details.outer { margin: .5em 0; padding-left: 0; border-left: 0; }
.varprop details.outer > summary { color: var(--mark); }
.varprop details.outer > div, .varprop details.outer > pre { border-left: 2px solid var(--line); padding-left: 1.1em;
  margin-top: .6em; }
details div.varprop { font-size: .94em; }
details.outer > div > .varprop > h1, details.outer > div > .varprop > h1 + p { display: none; }
.varprop table.ruled { width: 100%; font-size: .9em; border-top: 1.5px solid; border-bottom: 1.5px solid;
  margin: .8em 0; }
.varprop table.ruled th { text-align: left; font-weight: 600; border-bottom: 1px solid var(--line);
  padding: .3em .8em .3em 0; }
.varprop table.ruled td { padding: .2em .8em .2em 0; vertical-align: middle; }
.varprop table.ruled .num { text-align: right; font-variant-numeric: tabular-nums lining-nums; }
.varprop table.ruled tr.group > td { border-top: 1px solid var(--line); }
.varprop table.audit td { vertical-align: top; padding: .55em .9em .55em 0; white-space: normal; }
.varprop table.audit tr + tr > td { border-top: 1px solid var(--line); }
.varprop table.audit td:last-child { text-align: right; white-space: nowrap; }
.varprop table.audit .math { padding-left: 0; }
.scroll { overflow-x: auto; }
figure { margin: 1.2em 0; }
figure svg { width: 100%; height: auto; }
figcaption { color: var(--dim); font-size: .86em; }
pre { overflow-x: auto; font: .8em/1.5 ui-monospace, Menlo, Consolas, monospace; background: var(--soft);
  padding: .7em .9em; }
""".strip()
