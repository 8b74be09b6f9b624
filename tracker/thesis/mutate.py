"""Mutants of rules: would an inline test notice if a comparison or a direction were written the wrong way round?"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

import polars as pl

from tracker.extract.lexicon import Lexicon
from tracker.thesis.check import run_tests
from tracker.thesis.rulebook import Rule, Thesis

_OPPOSITE: Final = {"above": "below", "below": "above", "at_least": "at_most", "at_most": "at_least"}
_TURNED: Final = {"up": "down", "down": "up", "flat": "down", "none": "down"}
MUTANT_SCHEMA: Final = {
    "rule": pl.String, "mutant": pl.String, "noticed": pl.Boolean, "where": pl.String,
}  # fmt: skip


def mutants(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """(what was turned round, the rule with it): every comparison, every direction, else what it looks at."""
    found = 0
    for path, key, value in _places(rule.when, ()):
        changed = deepcopy(rule.when)
        holder: Any = changed
        for step in path:
            holder = holder[step]
        name = ".".join(map(str, (*path, key)))
        if key in _OPPOSITE and _OPPOSITE[key] not in holder:
            holder[_OPPOSITE[key]] = holder.pop(key)
        elif key in ("direction", "not_direction"):
            words = [value] if isinstance(value, str) else value
            holder[key] = sorted({_TURNED[w] for w in words})
        else:
            continue
        found += 1
        yield f"{name} turned round", _with(rule, changed, name)
    if not found:  # nothing to turn round: the rule lives by what it looks at
        for key in ("product", "entity", "counterparty"):
            if key in rule.when:
                changed = {k: v for k, v in rule.when.items() if k != key} | {"not": {key: rule.when[key]}}
                yield f"{key} negated", _with(rule, changed, key)
                return
        yield "kind negated", _with(rule, {"kind": rule.when["kind"], "not": {"kind": rule.when["kind"]}}, "kind")


def _places(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield path, key, inner
            yield from _places(inner, (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _places(inner, (*path, i))


def _with(rule: Rule, when: dict[str, Any], name: str) -> Rule:
    return replace(rule, when=when, version=f"{rule.version}~{name}")


def check_mutants(thesis: Thesis, lexicon: Lexicon) -> pl.DataFrame:
    """MUTANT_SCHEMA: one row a mutant; `noticed` when at least one inline test of the rule fails with it."""
    rows = []
    for rule in thesis.rules:
        for name, mutant in mutants(rule):
            alone = replace(thesis, rules=[mutant], problems=[])
            noticed = bool((~run_tests(alone, lexicon)["ok"]).any())
            rows.append({"rule": rule.id, "mutant": name, "noticed": noticed, "where": rule.where})
    return pl.DataFrame(rows, schema=MUTANT_SCHEMA)
