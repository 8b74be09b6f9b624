"""The rule engine: inline tests, both directions, order independence, no way out of the expression language."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.errors import RuleError
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.thesis.check import coverage, frames_of, run_tests
from tracker.thesis.conviction import conviction
from tracker.thesis.expr import compile_expression
from tracker.thesis.rulebook import Thesis
from tracker.thesis.schema import load_thesis
from tracker.thesis.score import score_facts
from tracker.vocabulary import SIGNALS_SCHEMA, conform

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def thesis() -> Thesis:
    return load_thesis([Path(__file__).parent.parent.parent / "rules"])


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon([Path(__file__).parent.parent.parent / "rules"])


def test_the_built_in_rules_load_and_pass_their_own_tests(thesis: Thesis, lexicon: Lexicon) -> None:
    assert thesis.problems == []
    results = run_tests(thesis, lexicon)
    assert results.height >= 2 * len(thesis.rules)
    assert results.filter(~pl.col("ok")).rows() == []


@pytest.mark.parametrize("claim", ["D1", "R1", "L1", "F1", "S1", "S2", "S3"])
def test_claims_can_be_strengthened_and_weakened(thesis: Thesis, claim: str) -> None:
    sides = coverage(thesis)[claim]
    assert sides["for"]
    assert sides["against"]


HEAD = """rules:
  - id: demand.test
    claim: D1
    direction: for
    severity: low
"""
GOOD_TESTS = """
    tests:
      - given: [{kind: capex, entity: META, basis: actual, direction: up}]
        expect: fires
      - given: [{kind: order, entity: META, basis: actual}]
        expect: silent
"""


def rule(body: str, head: str = HEAD) -> str:
    return head + body + GOOD_TESTS


GOOD = "    when: {kind: capex}\n    strength: 0.5\n    say: x"
BROKEN = {
    "unknown field": (rule("    when: {kind: capex, entty: {role: buyer}}\n    strength: 0.5\n    say: x"), "did you mean 'entity'"),
    "unknown kind": (rule("    when: {kind: capexx}\n    strength: 0.5\n    say: x"), "is not a kind"),
    "wrong unit": (rule("    when: {kind: capex, unit: furlongs}\n    strength: 0.5\n    say: x"), "is not a unit"),
    "unknown claim": (rule(GOOD, HEAD.replace("D1", "D9")), "there is no claim"),
    "bad direction": (rule(GOOD, HEAD.replace("for", "sideways")), "is not one of"),
    "huge number": (rule("    when: {kind: capex, value: {above: 1e300}}\n    strength: 0.5\n    say: x"), "larger than any figure"),
    "unknown reference": (rule("    when: {kind: capex, value: {above: last_week}}\n    strength: 0.5\n    say: x"), "neither a number nor a reference"),
    "code": (rule("    when: {kind: capex}\n    strength: __import__('os').system('true')\n    say: x"), "cannot be understood"),
    "attribute": (rule("    when: {kind: capex}\n    strength: value.map_elements\n    say: x"), "cannot be understood"),
    "unknown function": (rule("    when: {kind: capex}\n    strength: eval(value)\n    say: x"), "unknown function"),
    "unknown name": (rule("    when: {kind: capex}\n    strength: secret\n    say: x"), "unknown name"),
    "bad template": (rule("    when: {kind: capex}\n    strength: 0.5\n    say: '{nobody}'"), "unknown field"),
    "no strength": (rule("    when: {kind: capex}\n    say: x"), "'strength' is a required property"),
    "window without bound": (rule("    when: {kind: capex, window: {days: 9, agg: count}}\n    strength: 0.5\n    say: x"), "needs 'above' or 'below'"),
    "one test only": (HEAD + GOOD + "\n    tests:\n      - given: [{kind: capex}]\n        expect: fires\n", "too short"),
    "id without pillar": (rule(GOOD, HEAD.replace("demand.test", "test")), "does not match"),
    "unknown basis": (rule("    when: {kind: capex, basis: gossip}\n    strength: 0.5\n    say: x"), "is not a basis"),
    "unknown direction": (rule("    when: {kind: capex, direction: sideways}\n    strength: 0.5\n    say: x"), "is not a direction"),
    "unknown not_direction": (rule("    when: {kind: capex, not_direction: left}\n    strength: 0.5\n    say: x"), "is not a direction"),
    "no kind": (rule("    when: {unit: money}\n    strength: 0.5\n    say: x"), "'kind' is a required property"),
    "empty kinds": (rule("    when: {kind: []}\n    strength: 0.5\n    say: x"), "when"),
    "kind is a number": (rule("    when: {kind: 3}\n    strength: 0.5\n    say: x"), "when"),
    "entity is a text": (rule("    when: {kind: capex, entity: META}\n    strength: 0.5\n    say: x"), "is not of type 'object'"),
    "entity without anything": (rule("    when: {kind: capex, entity: {}}\n    strength: 0.5\n    say: x"), "when"),
    "unknown part of entity": (rule("    when: {kind: capex, entity: {rolle: buyer}}\n    strength: 0.5\n    say: x"), "did you mean 'role'"),
    "unknown part of product": (rule("    when: {kind: capex, product: {familly: hbm}}\n    strength: 0.5\n    say: x"), "did you mean 'family'"),
    "unknown bound": (rule("    when: {kind: capex, value: {over: 5}}\n    strength: 0.5\n    say: x"), "unknown field 'over'"),
    "bound is a list": (rule("    when: {kind: capex, value: {above: [5]}}\n    strength: 0.5\n    say: x"), "when"),
    "growth of nothing": (rule("    when: {kind: capex, growth: {}}\n    strength: 0.5\n    say: x"), "when"),
    "huge dollars": (rule("    when: {kind: capex, usd: {above: 1e30}}\n    strength: 0.5\n    say: x"), "larger than any figure"),
    "any of nothing": (rule("    when: {kind: capex, any: []}\n    strength: 0.5\n    say: x"), "when"),
    "not of nothing": (rule("    when: {kind: capex, not: {}}\n    strength: 0.5\n    say: x"), "when"),
    "wrong unit inside any": (rule("    when: {kind: capex, any: [{unit: furlongs}]}\n    strength: 0.5\n    say: x"), "is not a unit"),
    "window of no days": (rule("    when: {kind: capex, window: {days: 0, agg: count, above: 1}}\n    strength: 0.5\n    say: x"), "window"),
    "window of ages": (rule("    when: {kind: capex, window: {days: 99999, agg: count, above: 1}}\n    strength: 0.5\n    say: x"), "window"),
    "unknown aggregate": (rule("    when: {kind: capex, window: {days: 9, agg: median, above: 1}}\n    strength: 0.5\n    say: x"), "is not one of"),
    "unknown window field": (rule("    when: {kind: capex, window: {days: 9, agg: count, abov: 1}}\n    strength: 0.5\n    say: x"), "did you mean 'above'"),
    "huge window bound": (rule("    when: {kind: capex, window: {days: 9, agg: sum, above: 1e40}}\n    strength: 0.5\n    say: x"), "larger than any figure"),
    "comparison with nothing": (rule("    when: {kind: capex, compare: {to: {kind: revenue}}}\n    strength: 0.5\n    say: x"), "needs 'reference' or 'difference'"),
    "comparison without a series": (rule("    when: {kind: capex, compare: {difference: {above: 0}}}\n    strength: 0.5\n    say: x"), "'to' is a required property"),
    "comparison of an unknown kind": (rule("    when: {kind: capex, compare: {to: {kind: revenu}, difference: {above: 0}}}\n    strength: 0.5\n    say: x"), "is not a kind"),
    "unknown measure": (rule("    when: {kind: capex, compare: {to: {kind: revenue}, measure: mood, difference: {above: 0}}}\n    strength: 0.5\n    say: x"), "is not one of"),
    "unknown severity": (rule(GOOD, HEAD.replace("low", "shrill")), "is not one of"),
    "capital id": (rule(GOOD, HEAD.replace("demand.test", "Demand.Test")), "does not match"),
    "id is a path": (rule(GOOD, HEAD.replace("demand.test", "../../etc/passwd")), "does not match"),
    "unknown top field": (rule(GOOD, HEAD + "    colour: red\n"), "unknown field 'colour'"),
    "division left open": (rule("    when: {kind: capex}\n    strength: 1 /\n    say: x"), "cannot be understood"),
    "bracket left open": (rule("    when: {kind: capex}\n    strength: min(1, 2\n    say: x"), "cannot be understood"),
    "too many arguments": (rule("    when: {kind: capex}\n    strength: abs(1, 2, 3)\n    say: x"), "abs()"),
    "unknown argument": (rule("    when: {kind: capex}\n    strength: clip(value, lowest=0)\n    say: x"), "clip()"),
    "surprise of a number": (rule("    when: {kind: capex}\n    strength: surprise(5)\n    say: x"), "surprise() takes"),
    "lambda": (rule("    when: {kind: capex}\n    strength: 'lambda: 1'\n    say: x"), "cannot be understood"),
    "a file": (rule("    when: {kind: capex}\n    strength: open('/etc/passwd')\n    say: x"), "cannot be understood"),
    "endless expression": (rule(f"    when: {{kind: capex}}\n    strength: {'1+' * 400}1\n    say: x"), "too long"),
    "strength is a list": (rule("    when: {kind: capex}\n    strength: [1]\n    say: x"), "strength"),
    "template left open": (rule("    when: {kind: capex}\n    strength: 0.5\n    say: 'x {value'"), "not closed"),
    "endless sentence": (rule(f"    when: {{kind: capex}}\n    strength: 0.5\n    say: {'x' * 500}"), "say"),
    "expectation misspelt": (rule(GOOD).replace("silent", "quiet"), "is not one of"),
    "id twice": (rule(GOOD, HEAD.replace("demand.test", "demand.twice")) + rule(GOOD, HEAD.replace("demand.test", "demand.twice")).removeprefix("rules:\n"), "stands twice"),
    "python object": ("rules: !!python/object/apply:os.system ['true']\n", "not plain YAML"),
    "bomb": ("a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(12)) + "rules: *m\n", ""),
    "refers to itself": ("rules: &r\n  - *r\n", ""),
    "bad yaml": ("rules:\n  - id: [", "not YAML"),
    "not a list": ("rules: 3\n", "has no list 'rules'"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_named_with_its_line_and_the_others_run(tmp_path: Path, rules_dir: Path, name: str) -> None:
    text, message = BROKEN[name]
    (tmp_path / "thesis.yaml").write_text((rules_dir / "thesis.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "a_good.yaml").write_text(rule(GOOD, HEAD.replace("demand.test", "demand.good")), encoding="utf-8")
    (tmp_path / "b_broken.yaml").write_text(text, encoding="utf-8")
    loaded = load_thesis([tmp_path])
    assert [r.id for r in loaded.rules if r.id != "demand.twice"] == ["demand.good"]
    assert len(loaded.problems) == 1
    assert "b_broken.yaml:" in str(loaded.problems[0])
    assert message in str(loaded.problems[0])


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="abcdefgv_()+-*/.,= 0123456789'\"[]{}\n", max_size=60))
def test_an_expression_is_compiled_or_refused_and_nothing_else(text: str) -> None:
    try:
        compiled = compile_expression(text)
    except RuleError:
        return
    assert isinstance(compiled, pl.Expr)


def test_strength_stays_between_nothing_and_everything() -> None:
    frame = pl.DataFrame({"value_mid": [1e12, -1e12, 0.0, None], "previous_mid": [1.0, 1.0, 0.0, None]})
    for text in ("value", "surprise(previous)", "value / 0", "-value", "log(value)"):
        strengths = frame.select(compile_expression(text).alias("s"))["s"]
        assert strengths.is_between(0, 1).all(), text


def signals(count: int, seed: int) -> pl.DataFrame:
    chance = random.Random(seed)
    rows = [
        {
            "signal_id": f"{i:016x}", "rule_id": f"demand.r{i % 5}", "rule_version": "1", "claim": chance.choice(["D1", "S1"]),
            "pillar": "demand", "direction": chance.choice([1, -1]), "severity": chance.choice(["low", "high"]),
            "strength": chance.random(), "confidence": chance.random(), "entity": chance.choice(["META", "AMZN"]),
            "effective_at": NOW - timedelta(days=chance.randrange(400)), "created_at": NOW - timedelta(days=1),
            "explanation": "x", "fact_ids": ["f"], "doc_ids": ["d"],
        }
        for i in range(count)
    ]  # fmt: skip
    return conform(pl.DataFrame(rows), SIGNALS_SCHEMA)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_conviction_does_not_depend_on_the_order_of_arrival(seed: int) -> None:
    thesis = load_thesis([Path(__file__).parent.parent.parent / "rules"])
    frame = signals(30, seed)
    nothing = pl.DataFrame(schema={"target_id": pl.String, "verdict": pl.String})
    first = conviction(frame, thesis, nothing, NOW)
    shuffled = conviction(frame.sample(fraction=1.0, shuffle=True, seed=seed), thesis, nothing, NOW)
    assert (first["log_odds"] - shuffled["log_odds"]).abs().max() < 1e-9
    assert first["probability"].is_between(0.0, 1.0).all()


def test_a_rejected_signal_weighs_nothing(thesis: Thesis) -> None:
    frame = signals(1, 3)
    claim = frame.item(0, "claim")
    reject = pl.DataFrame({"target_id": frame["signal_id"], "verdict": ["reject"]})
    row = conviction(frame, thesis, reject, NOW).filter(pl.col("claim") == claim).row(0, named=True)
    assert row["log_odds"] == pytest.approx(thesis.claims[claim].prior)


def test_every_supplier_edge_names_a_dated_page_or_says_it_is_assumed(thesis: Thesis, lexicon: Lexicon) -> None:
    known = set(lexicon.entities["id"])
    assert len(thesis.graph) >= 20
    for edge in thesis.graph:
        assert {edge["from"], edge["to"]} <= known
        assert edge["product"] in lexicon.families
        assert edge["source"] == "assumption" or (edge["source"].startswith("https://") and edge["date"])


def test_the_weight_of_corroboration_and_of_a_repeat_is_the_thesis_own(thesis: Thesis, lexicon: Lexicon) -> None:
    test = {
        "given": [{"kind": "order", "entity": "OPENAI", "unit": "GW", "value_low": 2, "value_high": 2, "racks_base": 9e3,
                   "history": [{"days_ago": 3}]}],
    }  # fmt: skip
    facts, history = frames_of(test)
    rule = next(r for r in thesis.rules if r.id == "demand.large-order")
    alone = replace(thesis, rules=[rule], weights=thesis.weights | {"least_strength": 0.0})
    usual = score_facts(facts, history, alone, lexicon, model={}, now=NOW)
    weights = alone.weights | {"novelty": {"repeat": 0.06}, "corroboration": {"alone": 0.6, "further": 1.0}}
    other = score_facts(facts, history, replace(alone, weights=weights), lexicon, model={}, now=NOW)
    assert other.item(0, "strength") == pytest.approx(usual.item(0, "strength") / 2)
    assert other.item(0, "confidence") == pytest.approx(0.6)
    assert usual.item(0, "confidence") == pytest.approx(0.8)
