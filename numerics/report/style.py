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
nav > ol { columns: 2 17rem; column-gap: 2rem; margin: 1.2em 0 0; padding-left: 1.4em; }
nav li { break-inside: avoid; }
nav ul { margin: 0 0 .2em; padding-left: 1.1em; list-style: none; font-size: .88em; }
main.varprop a { white-space: normal; overflow-wrap: anywhere; }
main > section { margin-top: 3rem; }
main > section > h2 { font-size: 1.35em; border-bottom: 1px solid var(--line); padding-bottom: .25em; }
main h3 { font-size: 1.08em; margin: 2em 0 .3em; }
main h4 { font-size: 1em; margin: 0 0 .2em; }
main article { margin: 0 0 2.1em; }
main article > h3 + p { margin-top: 0; }
main article.claim { margin: 0; padding: .7em 0 .8em; border-top: 1px solid var(--line); }
.claim .math { padding-left: 0; }
form.filter { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .5em .9em; align-items: center;
  padding: .7em 0; margin: 1em 0; background: var(--page, #fff); border-bottom: 1px solid var(--line); }
form.filter[hidden], article.claim[hidden], section.source[hidden] { display: none; }
form.filter input[type="search"] { flex: 1 1 14rem; } form.filter select { max-width: 18rem; }
form.filter :is(input, select) { font: inherit; font-size: .92em; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: .3em; padding: .25em .5em; }
form.filter label { white-space: nowrap; font-size: .92em; } form.filter output { font-size: .88em; opacity: .75; }
section.source > h2 { font-size: 1.02em; margin: 2.2em 0 .4em; border: 0; }
.varprop .equation { background: var(--soft); --page: var(--soft); border-left: 3px solid var(--mark);
  padding: .35em .9em; margin: .6em 0; }
.chip { font: 600 .74em/1 ui-sans-serif, system-ui, sans-serif; letter-spacing: .02em; padding: .25em .6em .28em;
  border: 1px solid currentColor; border-radius: 1em; white-space: nowrap; vertical-align: .1em; }
.good { color: var(--good); } .mind { color: var(--mind); } .bad { color: var(--bad); }
.varprop details.outer { margin: .5em 0; padding-left: 0; border-left: 0; }
.varprop details.outer > summary { color: var(--mark); }
.varprop details.outer > :is(div, pre) { border-left: 2px solid var(--line); padding-left: 1.1em; margin-top: .6em; }
details div.varprop { font-size: .94em; }
details.outer > div > .varprop > h1, details.outer > div > .varprop > h1 + p { display: none; }
.varprop table.ruled { display: table; background: none; width: 100%; font-size: .9em; border-top: 1.5px solid;
  border-bottom: 1.5px solid; }
.scroll { margin: .8em 0; }
.varprop table.ruled th { text-align: left; font-weight: 600; border-bottom: 1px solid var(--line);
  padding: .3em .8em .3em 0; white-space: nowrap; }
.varprop table.ruled td { padding: .2em .8em .2em 0; vertical-align: middle; min-width: 0; }
.varprop table.ruled :is(th, td).num { text-align: right; font-variant-numeric: tabular-nums lining-nums; }
.varprop table.ruled td:first-child, main.varprop table.ruled a { white-space: nowrap; overflow-wrap: normal; }
.varprop table.ruled tr.group > td { border-top: 1px solid var(--line); }
.varprop table.ruled td:last-child { white-space: nowrap; padding-right: 0; }
figure { margin: 1.2em 0; }
figure svg { display: block; width: 100%; height: auto; min-width: 34rem; }
figcaption { color: var(--dim); font-size: .86em; }
.varprop pre { font: .8em/1.5 ui-monospace, Menlo, Consolas, monospace; background-color: var(--soft);
  --page: var(--soft); padding: .7em .9em; }
@media print { .varprop pre { white-space: pre-wrap; } figure, article.claim { break-inside: avoid; } }
""".strip()
