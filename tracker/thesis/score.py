"""Facts become signals: every rule as one filter over the batch, every match with its strength, confidence and words."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import datetime
from typing import Final

import polars as pl

from tracker.extract.lexicon import Lexicon
from tracker.thesis.compile import CompiledRule, compile_rule
from tracker.thesis.enrich import described_history, enrich
from tracker.thesis.graph import beneficiaries
from tracker.thesis.schema import Rule, Thesis
from tracker.thesis.windows import compared, in_window
from tracker.thesis.words import explain_frame
from tracker.vocabulary import SEVERITIES, SIGNALS_SCHEMA, conform, empty


def score_facts(
    facts: pl.DataFrame,
    history: pl.DataFrame,
    thesis: Thesis,
    lexicon: Lexicon,
    *,
    model: dict[str, pl.DataFrame],
    now: datetime,
) -> pl.DataFrame:
    """Signals (SIGNALS schema) that new facts raise.

    facts, history: SCORED_FACTS schema; history is everything known about the facts' entities and kinds, the facts
    included. One signal per rule and story: reprints raise nothing more. The result does not depend on row order.
    """
    if facts.is_empty() or not thesis.rules:
        return empty(SIGNALS_SCHEMA)
    enriched = enrich(facts.sort("published_at", "fact_id"), history, lexicon, thesis.weights, model.get("fx"))
    by_kind = {kind: part for (kind,), part in enriched.group_by("kind", maintain_order=True)}
    past = _Past(history, lexicon, thesis)
    fired: list[pl.DataFrame] = []
    for rule in compiled(thesis.rules):
        looked_at = [by_kind[kind] for kind in rule.kinds if kind in by_kind]
        if looked_at:
            fired.append(_fire(rule, pl.concat(looked_at), past))
    signals = [frame for frame in fired if frame.height]
    if not signals:
        return empty(SIGNALS_SCHEMA)
    return _finished(_once_a_story(pl.concat(signals)), thesis, now)


def _once_a_story(fired: pl.DataFrame) -> pl.DataFrame:
    """What one story says of one entity moves a claim once: the loudest and strongest rule speaks."""
    rank = pl.col("severity").replace_strict({s: i for i, s in enumerate(SEVERITIES)}, return_dtype=pl.Int32)
    return (
        fired.with_columns(_rank=rank, _weight=pl.col("strength") * pl.col("confidence"))
        .sort(["_rank", "_weight", "rule_id", "fact_id"], descending=[True, True, False, False])
        .unique(["claim", "sign", "story_id", "entity"], keep="first", maintain_order=True)
        .drop("_rank", "_weight")
    )


_COMPILED: dict[tuple[str, str], CompiledRule] = {}


def compiled(rules: list[Rule]) -> list[CompiledRule]:
    """Rules compiled, each version once a process."""
    result = []
    for rule in rules:
        key = (rule.id, rule.version)
        if key not in _COMPILED:
            _COMPILED[key] = compile_rule(rule)
        result.append(_COMPILED[key])
    return result


def reach_of(rules: list[Rule], kinds: list[str]) -> dict[str, float]:
    """Kind -> days of history that windows and comparisons of rules looking at these kinds ask for."""
    reach: dict[str, float] = {}
    for rule in compiled(rules):
        if not set(rule.kinds) & set(kinds):
            continue
        if rule.window is not None:
            for kind in rule.kinds:
                reach[kind] = max(reach.get(kind, 0.0), rule.window.span.total_seconds() / 86_400)
        if rule.comparison is not None:
            for kind in rule.comparison.kinds:
                # a change or a growth on the year needs the figure before: a year and a quarter
                reach[kind] = max(reach.get(kind, 0.0), rule.comparison.days + 460)
    return reach


class _Past:
    """History as windows and comparisons want it, described when the first rule asks."""

    def __init__(self, history: pl.DataFrame, lexicon: Lexicon, thesis: Thesis) -> None:
        self._history, self._lexicon, self._weights = history, lexicon, thesis.weights
        self._described: dict[tuple[str, ...], pl.DataFrame] = {}

    def of(self, kinds: tuple[str, ...]) -> pl.DataFrame:
        """Described facts of some kinds."""
        if kinds not in self._described:
            chosen = self._history.filter(pl.col("kind").is_in(list(kinds)))
            self._described[kinds] = described_history(chosen, self._lexicon, self._weights)
        return self._described[kinds]


def _fire(rule: CompiledRule, facts: pl.DataFrame, past: _Past) -> pl.DataFrame:
    matched = facts.filter(rule.condition)
    if matched.height and rule.window is not None:
        matched = in_window(matched, past.of(rule.kinds).filter(rule.looked_at), rule.window)
    if matched.height and rule.comparison is not None:
        matched = compared(matched.drop("compare_value"), past.of(rule.comparison.kinds), rule.comparison)
    if matched.is_empty():
        return pl.DataFrame()
    first = matched.with_columns(strength=rule.strength, confidence=rule.confidence).filter(pl.col("strength") > 0)
    if first.is_empty():
        return pl.DataFrame()
    # one signal per story: the strongest match speaks for it
    best = first.sort(
        ["strength", "confidence", "published_at", "fact_id"], descending=[True, True, False, False]
    ).unique(["story_id", "entity"], keep="first", maintain_order=True)
    return (
        explain_frame(best, rule.rule)
        .with_columns(
            rule_id=pl.lit(rule.rule.id),
            rule_version=pl.lit(rule.rule.version),
            claim=pl.lit(rule.rule.claim),
            pillar=pl.lit(rule.rule.pillar),
            sign=pl.lit(rule.rule.direction, dtype=pl.Int8),
            severity=pl.lit(rule.rule.severity),
        )
        .select(_COLUMNS)
    )


_COLUMNS: Final = (
    *("rule_id", "rule_version", "claim", "pillar", "sign", "severity", "strength", "confidence", "racks_low"),
    *("racks_base", "racks_high", "entity", "product", "kind", "explanation", "explanation_zh"),
    *("fact_id", "doc_id", "story_id", "published_at"),
)


def _finished(fired: pl.DataFrame, thesis: Thesis, now: datetime) -> pl.DataFrame:
    ids = [
        hashlib.sha256("\x1f".join(key).encode()).hexdigest()[:16]
        for key in fired.select("rule_id", "rule_version", "fact_id").iter_rows()
    ]
    gains: dict[str, list[list[str]]] = defaultdict(list)
    for entity, product, kind, sign in fired.select("entity", "product", "kind", "sign").iter_rows():
        gain, squeeze = beneficiaries(thesis.graph, entity, product, kind, sign)
        gains["beneficiaries"].append(gain)
        gains["squeezed"].append(squeeze)
    made = fired.with_columns(
        pl.Series("signal_id", ids, dtype=pl.String),
        pl.Series("beneficiaries", gains["beneficiaries"], dtype=pl.List(pl.String)),
        pl.Series("squeezed", gains["squeezed"], dtype=pl.List(pl.String)),
        direction=pl.col("sign"),
        effective_at=pl.col("published_at"),
        created_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
        fact_ids=pl.concat_list("fact_id"),
        doc_ids=pl.concat_list("doc_id").list.drop_nulls(),  # what the model observes stands in no document
    )
    return conform(made.sort("effective_at", "signal_id"), SIGNALS_SCHEMA).unique(
        "signal_id", keep="first", maintain_order=True
    )
