"""Planting errors: rules that are wrong in a self-consistent way, so that a replay agrees with them."""

from dataclasses import fields, replace
from functools import cache

import derive
from derive.proof.checking import Checker
from derive.proof.derivation import Proof
from derive.proof.verdict import Grade


def derive_by(rule, setting, start):
    """The derivation of one step."""
    return Proof(setting, start).by(rule).done("planted", "A planted step")


def _subclass(rule, apply):
    """A copy of a rule whose ``apply`` is another."""
    kind = type(f"Planted{type(rule).__name__}", (type(rule),), {"apply": apply})
    return kind(**{f.name: getattr(rule, f.name) for f in fields(rule)})


def spoiled(rule, spoil):
    """The rule, with its result spoiled."""

    def apply(self, expression, setting):
        made = type(rule).apply(rule, expression, setting)
        return replace(made, after=spoil(made.after))

    return _subclass(rule, apply)


def careless(rule, generous):
    """The rule with its obligations dropped: it takes the generous setting for granted and cites nothing."""

    def apply(self, expression, setting):
        return replace(type(rule).apply(rule, expression, generous), uses=frozenset(), lemmas=())

    return _subclass(rule, apply)


CHECKER = Checker()
"""One checker for all: a shared lemma is checked once, and the worlds of a setting are enumerated once."""


def check(derivation):
    """The derivation, checked."""
    return CHECKER.check(derivation)


@cache
def derived(name):
    """A theorem, derived once for all tests of a process."""
    return derive.theorem(name)


@cache
def checked_theorem(name):
    """A theorem, checked once for all tests of a process."""
    return check(derived(name))


def failure(derivation):
    """The verdict on the first step that fails, or None if the derivation passes its check."""
    checked = check(derivation)
    failed = [s.verdict for s in checked.derivation.steps if s.verdict.grade is Grade.FAILED]
    assert checked.passed == (not failed)
    return failed[0] if failed else None
