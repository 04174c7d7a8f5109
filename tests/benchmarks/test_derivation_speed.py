"""How long it takes to derive, to check and to import: from a cold process, as a user meets it.

The targets are in seconds of processor time on one core, so that what else the machine does counts little.
"""

import json
import subprocess
import sys

import pytest

SIX = """
import json, resource
import derive
from derive.proof.checking import check_all
names = derive.theorems()[:6]
results = check_all([derive.theorem(name) for name in names])
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "names": names,
    "passed": all(r.passed for r in results),
    "grades": sorted({str(r.grade) for r in results}),
    "seconds": used.ru_utime + used.ru_stime,
}))
"""
TEXT = """
import json, resource
import derive
text = derive.theorem("backward-variance").text()
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"lines": len(text.splitlines()), "seconds": used.ru_utime + used.ru_stime}))
"""
IMPORT = """
import json, resource, time
import {module}
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({{"seconds": used.ru_utime + used.ru_stime}}))
"""


def cold(program):
    """Run a program in a new process; return what it prints, with the processor time that it took."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def report(capsys, what, seconds, limit):
    with capsys.disabled():
        print(f"\n{what}: {seconds:.2f} s of {limit:.2f} s allowed (ratio {seconds / limit:.2f})")


def test_all_six_theorems_derived_and_fully_checked(capsys):
    found = cold(SIX)
    report(capsys, "six theorems derived and checked, cold", found["seconds"], 10)
    assert found["passed"]
    assert found["grades"] == ["exact"]
    assert found["names"][-1] == "layer-gradient-balance"
    assert found["seconds"] < 10


def test_one_theorem_derived_and_printed(capsys):
    pytest.importorskip("derive.render.text")
    seconds = min(cold(TEXT)["seconds"] for _ in range(3))
    report(capsys, "backward-variance derived and printed, cold", seconds, 1.5)
    assert seconds < 1.5


def test_importing_derive_takes_little_longer_than_importing_sympy(capsys):
    """The least of several runs of each, taken in turn."""
    least = {"sympy": float("inf"), "derive": float("inf")}
    for _ in range(7):
        for module in least:
            least[module] = min(least[module], cold(IMPORT.format(module=module))["seconds"])
    extra = least["derive"] - least["sympy"]
    report(capsys, f"import derive over import sympy ({least['sympy']:.2f} s)", extra, 0.06)
    assert extra < 0.06
