"""Facts become signals: every rule as one filter over the batch, every match with its strength, confidence and words."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Final

import polars as pl

from tracker.extract.lexicon import Lexicon
from tracker.thesis.compile import CompiledRule, compiled
from tracker.thesis.enrich import described_history, enrich
from tracker.thesis.expr import REFERENCES
from tracker.thesis.graph import beneficiaries, case_of
from tracker.thesis.rulebook import Thesis
from tracker.thesis.windows import compared, in_window
from tracker.thesis.words import explained
from tracker.vocabulary import SEVERITIES, SIGNALS_SCHEMA, conform, empty

_FEW_FACTS: Final = 2_000


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
    least = float(thesis.weights.get("least_strength", 0.0))
    rules = compiled(thesis.rules)
    matched = _matched(rules, enriched)
    asked = {kind for rule in rules if rule.rule.id in matched for kind in rule.kinds_of_past}
    past = _Past(history, asked, lexicon, thesis)
    fired = [_fire(rule, pl.concat(matched[rule.rule.id]), past, least) for rule in rules if rule.rule.id in matched]
    signals = [frame for frame in fired if frame.height]
    if not signals:
        return empty(SIGNALS_SCHEMA)
    return _finished(_in_words(_once_a_story(pl.concat(signals)), thesis), thesis, now)


def _matched(rules: list[CompiledRule], facts: pl.DataFrame) -> dict[str, list[pl.DataFrame]]:
    """Facts that satisfy the conditions of each rule, by its id: one pass over each kind for all rules that look at it.

    A few facts are passed over once, all kinds together: there each expression costs more than the rows it saves.
    """
    apart = facts.height > _FEW_FACTS
    parts = facts.group_by("kind", maintain_order=True) if apart else [((None,), facts)]
    found: dict[str, list[pl.DataFrame]] = {}
    for (kind,), part in parts:
        asking = [rule for rule in rules if kind is None or kind in rule.kinds]
        if not asking:
            continue
        answers = part.select(rule.condition.alias(rule.rule.id) for rule in asking)
        for rule, any_true in zip(asking, answers.select(pl.all().any()).row(0), strict=True):
            if any_true:
                found.setdefault(rule.rule.id, []).append(part.filter(answers[rule.rule.id]))
    return found


def _in_words(fired: pl.DataFrame, thesis: Thesis) -> pl.DataFrame:
    """Explanations of the signals that remain."""
    rules = {rule.id: rule for rule in thesis.rules}
    parts = fired.partition_by("rule_id", as_dict=True, maintain_order=True)
    return pl.concat([explained(part, rules[str(key)]) for (key,), part in parts.items()])


def _once_a_story(fired: pl.DataFrame) -> pl.DataFrame:
    """What one story says of one entity moves a claim once: the loudest and strongest rule speaks."""
    rank = pl.col("severity").replace_strict({s: i for i, s in enumerate(SEVERITIES)}, return_dtype=pl.Int32)
    return (
        fired.with_columns(_rank=rank, _weight=pl.col("strength") * pl.col("confidence"))
        .sort(["_rank", "_weight", "rule_id", "fact_id"], descending=[True, True, False, False])
        .unique(["claim", "sign", "story_id", "entity"], keep="first", maintain_order=True)
        .drop("_rank", "_weight")
    )


class _Past:
    """History as windows and comparisons want it, described when the first rule asks; kinds: all that will be asked."""

    def __init__(self, history: pl.DataFrame, kinds: set[str], lexicon: Lexicon, thesis: Thesis) -> None:
        self._history = history.filter(pl.col("kind").is_in(sorted(kinds)))
        self._lexicon, self._weights = lexicon, thesis.weights
        self._by_kind: dict[str, pl.DataFrame] | None = None

    def of(self, kinds: tuple[str, ...]) -> pl.DataFrame:
        """Described facts of some kinds."""
        if self._by_kind is None:
            told = described_history(self._history, self._lexicon, self._weights)
            self._by_kind = {"": told.clear()}
            self._by_kind |= {str(kind): part for (kind,), part in told.group_by("kind", maintain_order=True)}
        return pl.concat([self._by_kind.get(kind, self._by_kind[""]) for kind in kinds])


def _fire(rule: CompiledRule, matched: pl.DataFrame, past: _Past, least: float) -> pl.DataFrame:
    if matched.height and rule.window is not None:
        matched = in_window(matched, past.of(rule.kinds).filter(rule.looked_at), rule.window)
    if matched.height and rule.comparison is not None:
        matched = compared(matched.drop("compare_value"), past.of(rule.comparison.kinds), rule.comparison)
    if matched.is_empty():
        return pl.DataFrame()
    weighed = matched.with_columns(strength=rule.strength, confidence=rule.confidence)
    first = weighed.filter((pl.col("strength") > 0) & (pl.col("strength") >= least))
    if first.is_empty():
        return pl.DataFrame()
    # one signal per story: the strongest match speaks for it
    best = first.sort(
        ["strength", "confidence", "published_at", "fact_id"], descending=[True, True, False, False]
    ).unique(["story_id", "entity"], keep="first", maintain_order=True)
    return best.with_columns(
        rule_id=pl.lit(rule.rule.id),
        rule_version=pl.lit(rule.rule.version),
        claim=pl.lit(rule.rule.claim),
        pillar=pl.lit(rule.rule.pillar),
        sign=pl.lit(rule.rule.direction, dtype=pl.Int8),
        severity=pl.lit(rule.rule.severity),
    ).select(_COLUMNS)


_COLUMNS: Final = (
    *("rule_id", "rule_version", "claim", "pillar", "sign", "severity", "strength", "confidence", "racks_low"),
    *("racks_base", "racks_high", "entity", "product", "kind", "fact_id", "doc_id", "story_id", "published_at"),
    # what an explanation may name
    *("entity_name", "counterparty", "counterparty_name", "value_low", "value_high", "unit", "currency", "period"),
    *("basis", "direction", "quote", "source_id", "window_value", "compare_value", "growth"),
    *(f"{name}_mid" for name in REFERENCES),
)


def _finished(fired: pl.DataFrame, thesis: Thesis, now: datetime) -> pl.DataFrame:
    ids = [
        hashlib.sha256("\x1f".join(key).encode()).hexdigest()[:16]
        for key in fired.select("rule_id", "rule_version", "fact_id").iter_rows()
    ]
    made = _with_gains(fired, thesis).with_columns(
        pl.Series("signal_id", ids, dtype=pl.String),
        direction=pl.col("sign"),
        effective_at=pl.col("published_at"),
        created_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
        fact_ids=pl.concat_list("fact_id"),
        doc_ids=pl.concat_list("doc_id").list.drop_nulls(),  # what the model observes stands in no document
    )
    return conform(made.sort("effective_at", "signal_id"), SIGNALS_SCHEMA).unique(
        "signal_id", keep="first", maintain_order=True
    )


def _with_gains(fired: pl.DataFrame, thesis: Thesis) -> pl.DataFrame:
    """`beneficiaries` and `squeezed`; the graph is walked once for each case that occurs."""
    cases = ["entity", "product", "kind", "sign"]
    asked = fired.select(cases).unique(maintain_order=True)
    numbers: dict[Any, int] = {}
    answers: list[tuple[list[str], list[str]]] = []
    case: list[int] = []
    for entity, product, kind, sign in asked.iter_rows():
        key = (entity, *case_of(kind, product, sign))
        if key not in numbers:
            numbers[key] = len(answers)
            answers.append(beneficiaries(thesis.graph, entity, product, kind, sign))
        case.append(numbers[key])
    numbered = fired.join(
        asked.with_columns(pl.Series("_case", case, dtype=pl.Int64)), on=cases, how="left", nulls_equal=True,
        maintain_order="left",
    )  # fmt: skip
    return numbered.with_columns(
        pl.Series("beneficiaries", [g for g, _ in answers], dtype=pl.List(pl.String)).gather(numbered["_case"]),
        pl.Series("squeezed", [s for _, s in answers], dtype=pl.List(pl.String)).gather(numbered["_case"]),
    ).drop("_case")
