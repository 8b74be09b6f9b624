"""Rules under test: their inline tests, coverage of the claims, and what a rule says in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import polars as pl

from tracker.errors import RuleError
from tracker.extract.lexicon import Lexicon
from tracker.thesis.rulebook import Rule, Thesis
from tracker.thesis.score import score_facts
from tracker.vocabulary import BASES, DIRECTIONS, KINDS, MODEL_KINDS, SCORED_FACTS_SCHEMA, UNITS, conform

NOW: Final = datetime(2026, 1, 15, 12, tzinfo=UTC)
_DEFAULTS: Final = {
    "basis": "actual",
    "direction": "none",
    "tier": 1,
    "lang": "en",
    "quote": "the sentence",
    "source_id": "test",
}
# Shorthands of a test for what was known before, beside the fields of a fact.
_SHORTHANDS: Final = ("previous", "previous_actual", "year_before", "others", "days_ago", "history")
_ALLOWED: Final = {"basis": BASES, "direction": DIRECTIONS, "kind": KINDS + MODEL_KINDS, "unit": UNITS}


def run_tests(thesis: Thesis, lexicon: Lexicon) -> pl.DataFrame:
    """Every inline test: rule, test (number), ok, message, where (file:line)."""
    rows = []
    for rule in thesis.rules:
        for number, test in enumerate(rule.tests):
            message = _run(rule, test, thesis, lexicon)
            where = rule.test_lines[number] if number < len(rule.test_lines) else rule.where
            rows.append({"rule": rule.id, "test": number + 1, "ok": not message, "message": message, "where": where})
    schema = {"rule": pl.String, "test": pl.Int64, "ok": pl.Boolean, "message": pl.String, "where": pl.String}
    return pl.DataFrame(rows, schema=schema)


def _run(rule: Rule, test: dict[str, Any], thesis: Thesis, lexicon: Lexicon) -> str:
    try:
        facts, history = frames_of(test)
    except RuleError as error:
        return error.message
    alone = Thesis(thesis.claims, thesis.pillars, [rule], thesis.weights, thesis.graph)
    signals = score_facts(facts, history, alone, lexicon, model={}, now=NOW)
    fired = signals.height > 0
    if fired != (test["expect"] == "fires"):
        return f"expected {'a signal' if not fired else 'silence'}, got {'silence' if not fired else signals.item(0, 'explanation')}"
    strength = test.get("strength", {})
    if fired and strength:
        value = float(signals.item(0, "strength"))
        if not strength.get("above", -1.0) < value < strength.get("below", 2.0):
            return f"strength is {value:.3f}, expected {strength}"
    return ""


def frames_of(test: dict[str, Any]) -> tuple[pl.DataFrame, pl.DataFrame]:
    facts: list[dict[str, Any]] = []
    older: list[dict[str, Any]] = []
    for number, given in enumerate(test["given"]):
        for key, value in given.items():
            if key not in SCORED_FACTS_SCHEMA and key not in _SHORTHANDS:
                raise RuleError(f"'{key}' is not a field of a fact")
            if key in _ALLOWED and value not in _ALLOWED[key]:
                raise RuleError(f"'{value}' is not a {key}")
        fact = _fact(given, f"f{number}", NOW - timedelta(days=float(given.get("days_ago", 0))))
        facts.append(fact)
        older += _before(given, fact, number)
    frame = conform(pl.DataFrame(facts, infer_schema_length=None), SCORED_FACTS_SCHEMA)
    known = conform(pl.DataFrame(facts + older, infer_schema_length=None), SCORED_FACTS_SCHEMA)
    return frame, known


def _fact(given: dict[str, Any], fact_id: str, at: datetime) -> dict[str, Any]:
    own = {k: v for k, v in given.items() if k not in _SHORTHANDS}
    return {
        **_DEFAULTS,
        **own,
        "fact_id": fact_id,
        "doc_id": f"doc-{fact_id}",
        "story_id": f"story-{fact_id}",
        "published_at": at,
        "ingested_at": at,
        "extractor": "test",
    }


def _before(given: dict[str, Any], fact: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """Facts that were known before, from the shorthands."""
    made: list[dict[str, Any]] = []

    def add(days: int, **changes: Any) -> None:
        name = f"h{number}-{len(made)}"
        at = fact["published_at"] - timedelta(days=days)
        made.append(
            fact
            | changes
            | {
                "fact_id": name,
                "doc_id": f"doc-{name}",
                "story_id": f"story-{name}",
                "published_at": at,
                "ingested_at": at,
            }
        )

    if "previous" in given:
        low, high = _ends(given["previous"])
        add(90, value_low=low, value_high=high)
    if "previous_actual" in given:
        low, high = _ends(given["previous_actual"])
        add(90, value_low=low, value_high=high, basis="actual")
    if "year_before" in given:
        low, high = _ends(given["year_before"])
        period = str(fact.get("period"))
        add(
            365,
            value_low=low,
            value_high=high,
            basis="actual",
            period=f"{period[:2]}{int(period[2:6]) - 1}{period[6:]}",
        )
    for days, other in enumerate(given.get("others", ()), start=5):
        add(days, entity=other)
    for entry in given.get("history", ()):
        add(int(entry.get("days_ago", 30)), **{k: v for k, v in entry.items() if k != "days_ago"})
    return made


def _ends(value: Any) -> tuple[float, float]:
    return (float(value[0]), float(value[-1])) if isinstance(value, list) else (float(value), float(value))


def coverage(thesis: Thesis) -> dict[str, dict[str, Any]]:
    """Per claim the rules for and against it; for claims about history the backtest that computes them."""
    table: dict[str, dict[str, Any]] = {
        claim.id: {"for": [], "against": [], "backtest": claim.backtest} for claim in thesis.claims.values()
    }
    for rule in thesis.rules:
        table[rule.claim]["for" if rule.direction > 0 else "against"].append(rule.id)
    return table


def in_words(rule: Rule, thesis: Thesis) -> dict[str, Any]:
    """Everything a person wants to know of a rule."""
    claim = thesis.claims[rule.claim]
    return {
        "id": rule.id,
        "claim": f"{claim.id}: {claim.text}",
        "direction": "for" if rule.direction > 0 else "against",
        "severity": rule.severity,
        "fires on": rule.fires,
        "silent": rule.silent,
        "fires when": rule.when,
        "strength": rule.strength,
        "confidence": rule.confidence,
        "says": rule.say,
        "says (zh)": rule.say_zh,
        "why": rule.why,
        "version": rule.version,
        "where": rule.where,
    }
