"""Names, numbers and parameters on the command line, as people write them."""

import json
import math

import mpmath
import pytest
from click.testing import CliRunner

import derive
from numerics.cli import main
from numerics.cli.output import working

SMALL = ["--widths", "8,6,4", "--activation", "tanh"]


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def good(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def bad(*arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    return result.stderr


# Theorems, claims, hypotheses, activations.


@pytest.mark.parametrize("name", ["glorot-2010-eq-7", "eq7", "equation 2", "Eq. (7)"])
def test_derive_follows_a_claim_to_its_theorem(name):
    """And says so on standard error."""
    result = run("derive", name)
    assert result.exit_code == 0
    assert result.stdout == good("derive", "weight-gradient-variance")
    assert "glorot-2010-eq-7" in result.stderr
    assert "weight-gradient-variance" in result.stderr


def test_derive_lists_the_claims_that_a_theorem_decides():
    """As text; JSON, LaTeX and HTML are the derivation alone."""
    assert "Decides, by varprop audit: glorot-2010-eq-6" in good("derive", "backward-variance")
    assert "Decides" not in good("derive", "length-map")
    assert json.loads(good("derive", "backward-variance", "--format", "json"))["name"] == "backward-variance"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hypotheses", "varprop list hypotheses"),
        ("linear-regime", "linear-regime is a hypothesis, which theorems assume"),
        ("tanh", "varprop maps 'tanh'"),
        ("answer-2-equivalence", "varprop derive forward-variance and varprop derive backward-variance"),
        ("torch-gain-tanh", "varprop audit torch-gain-tanh"),
        ("bakward-variance", "did you mean backward-variance"),
    ],
)
def test_derive_says_where_other_names_lead(name, words):
    assert words in bad("derive", name)


def test_audit_names_the_theorem_that_decides():
    """In words and in JSON; a loose name is said."""
    result = run("audit", "eq6")
    assert result.exit_code == 0
    assert "glorot-2010-eq-6: refuted" in result.stdout
    assert "decided by  varprop derive backward-variance" in result.stdout
    assert "'eq6' is glorot-2010-eq-6" in result.stderr
    (data,) = json.loads(good("audit", "glorot-2010-eq-6", "--format", "json"))
    assert data["theorems"] == ["backward-variance"]


def test_audit_of_a_theorem_is_of_all_that_it_decides():
    result = run("audit", "half-variance", "--format", "json")
    assert [entry["id"] for entry in json.loads(result.stdout)] == [
        name for name in derive.claims() if "half-variance" in good_theorems(name)
    ]
    assert "decides no printed formula" in bad("audit", "length-map")


def good_theorems(claim):
    from derive.lookup import deciding

    return deciding(derive.claim(claim))


def test_list_takes_words_and_shows_sources():
    """A word of the name, of what it is or of the source; the plural of a kind."""
    assert "Maas et al. 2013" in good("list", "leakyrelu")
    kinds = {line.split()[0] for line in good("list", "hypotheses").splitlines()[1:]}
    assert kinds == {"hypothesis"}
    found = json.loads(good("list", "schoenholz", "--format", "json"))
    assert [t["name"] for t in found["theorems"]] == [
        t["name"] for t in json.loads(good("list", "--format", "json"))["theorems"] if "Schoenholz" in t["source"]
    ]
    assert "nothing has 'zzz'" in bad("list", "zzz")


def test_kernel_takes_a_theorem_in_any_spelling():
    assert good("kernel", "Backward_Variance") == good("kernel", "backward-variance")


# Activations.


@pytest.mark.parametrize("name", ["LeakyReLU(negative_slope=0.2)", "nn.LeakyReLU(0.2)", "leaky_relu(0.2)"])
def test_other_spellings_give_the_same_curve(name):
    mine = good("curve", "--widths", "8,6,4", "--gain", 1, "--activation", "leaky-relu(0.2)")
    assert good("curve", "--widths", "8,6,4", "--gain", 1, "--activation", name) == mine


@pytest.mark.parametrize(
    "command",
    [
        ["maps"],
        ["critical"],
        ["init"],
        ["kernel", "length-map", "--activation"],
        ["curve", "--widths", "8,6,4", "--gain", "1", "--activation"],
        ["simulate", "--widths", "8,6,4", "--gain", "1", "--networks", "5", "--activation"],
        ["verify", "--widths", "8,6,4", "--gain", "1", "--networks", "20", "--activation"],
    ],
    ids=lambda command: command[0],
)
def test_parameters_of_an_expression_in_every_command(command):
    """The number stands in the expression; without it the error names the option."""
    given, meant = run(*command, "tanh(b*x)", "--param", "b=1/2"), run(*command, "tanh((1/2)*x)")
    assert given.exit_code in (0, 1)
    assert given.stdout == run(*command, "tanh(0.5*x)").stdout or given.stdout == meant.stdout
    assert "--param b=NUMBER" in bad(*command, "tanh(b*x)")


def test_parameters_in_a_report(tmp_path):
    """What has no number is refused before anything is computed."""
    assert "--param b=NUMBER" in bad("report", "-o", tmp_path / "r", "--activation", "tanh(b*x)")
    assert "must stand in" in bad("report", "-o", tmp_path / "r", "--activation", "tanh(x)", "--param", "b=1")
    assert not (tmp_path / "r").exists()


def test_parameters_in_a_phase_diagram(tmp_path):
    for name, arguments in (("a.csv", ["tanh(b*x)", "--param", "b=2"]), ("b.csv", ["tanh(2*x)"])):
        good("phase", *arguments, "-o", tmp_path / name, "--points", 8)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("b", "--param must be NAME=NUMBER"),
        ("x=1", "--param must be NAME=NUMBER"),
        ("tanh=1", "--param must be NAME=NUMBER"),
        ("b=c", "--param b: unknown name 'c'"),
        ("c=1", "parameter c must stand in the expression"),
    ],
)
def test_bad_parameters_get_one_line(given, words):
    assert words in bad("init", "tanh(x)", "--param", given)
    assert "is given twice" in bad("init", "tanh(b*x)", "--param", "b=1", "--param", "b=2")


def test_a_parameter_that_stays_a_symbol_has_closed_forms():
    """E[(x Phi(bx))²] at b = 1 is gelu's; numbers need a number."""
    text = good("maps", "x*Phi(b*x)", "--symbol", "b")
    assert "length_map = " in text
    assert "b**2" in text
    assert "error" not in text
    assert "kept by --symbol b" in bad("maps", "x*Phi(b*x)")
    data = json.loads(good("maps", "x*Phi(b*x)", "--symbol", "b", "--format", "json"))
    assert {found["value"] for found in data["maps"].values()} == {None}


def test_expectations_with_parameters_and_formulas_of_symbols():
    """E[x²] is the variance, E[exp(b x)] = exp(b² q/2)."""
    assert good("expect", "x**2", "--variance", "2*(1-r)").splitlines()[:2] == ["2 − 2 r", "for 1 − r > 0"]
    with mpmath.workdps(30):
        truth = float(mpmath.exp(mpmath.mpf(2) / 3))
    assert good("expect", "exp(b*x)", "--param", "b=2", "--variance", "1/3").splitlines()[1] == f"= {truth!r}"
    assert "variance: unknown function 'sqr'; did you mean sqrt?" in bad("expect", "x", "--variance", "sqr(2)")


# Numbers.


@pytest.mark.parametrize(
    ("option", "formula", "value"),
    [
        ("--gain", "1/3", repr(1 / 3)),
        ("--gain", "2*(1 - 1/4)", "1.5"),
        ("--gain", "1/3,sqrt(2)", f"{1 / 3!r},{math.sqrt(2)!r}"),
        ("--gain", "max(1, 2)", "2"),
        ("--weight-variance", "1/8,1/6", "0.125," + repr(1 / 6)),
        ("--bias-variance", "e**-2", repr(math.exp(-2))),
        ("--input-variance", "pi/4", repr(math.pi / 4)),
        ("--gradient-variance", "2**-3", "0.125"),
    ],
)
def test_formulas_where_a_number_option_is_read(option, formula, value):
    """The nearest float, and so the same output."""
    more = [] if option in ("--gain", "--weight-variance") else ["--gain", "1"]
    network = ["curve", *SMALL, *more, "--format", "json"]
    assert good(*network, option, formula) == good(*network, option, value)


def test_formulas_in_all_other_commands(tmp_path):
    assert good("maps", "tanh", "--q", "1/2", "--rho", "1/4") == good("maps", "tanh", "--q", 0.5, "--rho", 0.25)
    assert good("critical", "erf", "--bias-variance", "1/25") == good("critical", "erf", "--bias-variance", 0.04)
    kernel = ["kernel", "length-map", "--activation", "erf"]
    assert good(*kernel, "--domain", "1/2", "4/2", "--gain", "3/2") == good(*kernel, "--domain", 0.5, 2, "--gain", 1.5)
    assert good("init", "relu", "--time-limit", "120/2") == good("init", "relu")
    good("phase", "erf", "-o", tmp_path / "a.csv", "--points", 8, "--gain", "1/2", "3")
    good("phase", "erf", "-o", tmp_path / "b.csv", "--points", 8, "--gain", 0.5, 3)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize("text", ["__import__('os').getcwd()", "1/0", "r", "2**2**99", "x", "1;2", ""])
def test_what_is_no_number_is_refused(text):
    assert "'--gain': must be numbers, separated by commas" in bad("curve", *SMALL, "--gain", text)


def test_widths_are_integers():
    assert "must be positive integers" in bad("curve", "--widths", "8,16/2", "--gain", 1)


# The older name of --gain.


@pytest.mark.parametrize("command", [["maps", "relu"], ["phase", "relu", "--points", "8"]])
def test_the_older_name_of_gain_is_accepted_with_a_note(command, tmp_path):
    values = ["2"] if command[0] == "maps" else ["1", "3"]
    out = {"maps": [[], []], "phase": [["-o", tmp_path / "a.csv"], ["-o", tmp_path / "b.csv"]]}[command[0]]
    older, newer = run(*command, *out[0], "--weight-variance", *values), run(*command, *out[1], "--gain", *values)
    assert (older.exit_code, newer.exit_code, newer.stderr) == (0, 0, "")
    assert older.stdout == newer.stdout
    assert "n Var[W] is called --gain" in older.stderr
    if command[0] == "phase":
        assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert "give --gain, not --weight-variance" in bad(
        *command, *out[0], "--weight-variance", *values, "--gain", *values
    )


# Signs of life.


def test_a_report_off_a_terminal_says_a_line_a_stage(capsys):
    """All theorems are one stage, and all claims; other commands are silent there."""
    with working("writing the report", stages=True) as progress:
        for what in ("theorem a", "theorem b", "claim c", "theorem d", "typesetting", "simulating x", "simulating y"):
            progress(what)
    with working("fixed points") as progress:
        progress("theorem a")
    assert capsys.readouterr().err.splitlines() == [
        "varprop: deriving and checking theorems",
        "varprop: auditing claims",
        "varprop: typesetting",
        "varprop: simulating x",
        "varprop: simulating y",
    ]


def test_audits_are_listed_by_verdict_and_by_source():
    """One line a claim, of those in whose source a text stands, and of one verdict."""
    listed = good("audit", "--source", "stylegan", "--by", "verdict").splitlines()
    assert [line for line in listed if line and not line.startswith(" ")] == [
        "holds (1)",
        "refuted (6)",
        "7 printed formulas: 6 refuted, 1 holds.",
    ]
    (swish,) = [line.split() for line in listed if "stylegan-swish" in line]
    assert swish[-2:] == ["-0.16", "computed"]
    sources = good("audit", "hyperfan", "convs2s-dropout", "--by", "source", "--verdict", "holds")
    assert "Gehring et al. 2017" in sources
    assert "Chang et al. 2020" not in sources
    assert "none of" in bad("audit", "--source", "nobody 1901")
    assert "go with claims" in bad("audit", "--equation", "Var[z^1] = 1", "--by", "source")


def test_list_searches_for_a_text_as_it_stands():
    """Words may stand anywhere; a text of --search stands together."""
    assert "he-2015-std-64" in good("list", "--search", "He et al. 2015")
    assert "nothing has" in bad("list", "--search", "2015 He et al.")
    assert "he-2015-std-64" in good("list", "2015", "He")
