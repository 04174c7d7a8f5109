"""The JSON of a derivation keeps to the schema that docs/json.md documents."""

import json
from pathlib import Path

import pytest

import derive

NAMES = derive.theorems()
GRADES = {"exact", "enumerated", "sampled", "assumed", "undecided", "failed"}
STATEMENT = {"name", "title", "source", "statement", "holds", "intro", "steps", "remarks", "grade", "oracle"}
STEP = {"id", "relation", "before", "after", "rule", "why", "uses", "verdict", "evidence"}


def is_formula(value):
    return set(value) == {"latex", "text"} and all(isinstance(v, str) and v for v in value.values())


def check_chain(section, known):
    assert is_formula(section["statement"])
    assert section["grade"] in GRADES
    assert [step["id"] for step in section["steps"]] == list(range(1, len(section["steps"]) + 1))
    for step, following in zip(section["steps"], [*section["steps"][1:], None], strict=True):
        assert set(step) - {"counterexample"} == STEP
        assert is_formula(step["before"])
        assert is_formula(step["after"])
        assert following is None or following["before"] == step["after"]
        assert step["relation"] in {"=", "<=", "=>", "<=>", "~", "->"}
        assert step["verdict"] in GRADES
        assert set(step["uses"]) <= known
        assert isinstance(step["why"], str)
        assert step["why"]


@pytest.mark.parametrize("name", NAMES)
def test_the_data_keeps_to_the_schema(rendered, name):
    data = rendered(name, "to_dict")
    assert json.loads(json.dumps(data)) == data
    assert set(data) == STATEMENT | {"over", "symbols", "assumptions", "parts", "lemmas"}
    assert data["name"] == name
    ids = [a["id"] for a in data["assumptions"]]
    assert ids == [f"A{n + 1}" for n in range(len(ids))]
    for a in data["assumptions"]:
        assert set(a) == {"id", "key", "text", "exact", "source", "scope"}
    inner = [*data["parts"], *data["lemmas"]]
    names = [s["name"] for s in inner]
    assert len(set(names)) == len(names)
    known = {*ids, *names, name}
    check_chain(data, known)
    for section in inner:
        assert set(section) == STATEMENT | {"label", "assumes", "averages"}
        assert set(section["assumes"]) <= set(ids)
        check_chain(section, known)


def test_every_key_is_documented(rendered):
    page = (Path(__file__).parents[3] / "docs" / "json.md").read_text(encoding="utf-8")
    data = rendered("backward-variance", "to_dict")
    found = {
        *data,
        *data["steps"][0],
        *data["assumptions"][0],
        *data["lemmas"][0],
        *data["over"][0],
        *data["symbols"][0],
    }
    assert {key for key in found if f"`{key}`" not in page} == set()


def test_uses_lists_assumptions_in_order_then_lemmas(rendered):
    uses = rendered("weight-gradient-variance", "to_dict")["steps"][1]["uses"]
    assert uses == ["A1", "A2", "A3", "A9", "product-variance"]
