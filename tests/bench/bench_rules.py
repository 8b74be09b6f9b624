"""Speed of the rule engine: all rules over a million facts, in facts and in rules, beside Python row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from tests.bench.bench_hardware import best_cpu
from tracker.kit import Kit
from tracker.resources import data_dir
from tracker.thesis.score import score_facts
from tracker.vocabulary import BASES, KINDS, SCORED_FACTS_SCHEMA, UNITS, conform

FACTS = 1_000_000
ROWS = 20_000
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def random_facts(count: int, kit: Kit, seed: int = 11) -> pl.DataFrame:
    """Facts of all kinds over five years, as many stories as documents, figures around each series' own level."""
    rng = np.random.default_rng(seed)

    def pick(values: list[object], share: list[float] | None = None) -> pl.Series:
        return pl.Series(values).gather(rng.choice(len(values), count, p=share))

    names = kit.lexicon.entities["id"].to_list()
    ids = pl.Series(np.arange(count)).cast(pl.String)
    day = rng.integers(0, 5 * 365 * 24 * 3600, count)
    value = rng.lognormal(4, 1.5, count)
    start = NOW - timedelta(days=5 * 365)
    frame = pl.DataFrame(
        {
            "fact_id": ids, "doc_id": ids, "story_id": pl.Series(np.arange(count) // 3).cast(pl.String),
            "kind": pick(list(KINDS)), "entity": pick(names), "counterparty": pick([None, None, None, *names[:20]]),
            "product": pick([None] * 20 + list(kit.lexicon.families)),
            "value_low": value, "value_high": value, "unit": pick(list(UNITS)), "currency": pick(["USD", "TWD", None]),
            "period": pick([None, *(f"CY{y}Q{q}" for y in range(2021, 2027) for q in range(1, 5))]),
            "basis": pick(list(BASES)), "direction": pick(["up", "down", "none", "none", "none"]),
            "quote": pick(["the sentence of a fact"]), "published_at": pl.Series(day).cast(pl.Duration("us")),
            "source_id": pick(["a", "b", "c"]), "tier": pick([1, 2, 3, 4]), "lang": pick(["en", "zh"]),
            "extractor": pick(["rules"]), "racks_base": value,
        }
    )  # fmt: skip
    at = pl.lit(start) + pl.duration(seconds=pl.Series(day))
    return conform(frame.with_columns(published_at=at, ingested_at=at), SCORED_FACTS_SCHEMA)


def row_by_row(facts: pl.DataFrame, kit: Kit) -> int:
    """The plain conditions of every rule on one fact after another: no windows, no history, no words."""
    layers = dict(kit.lexicon.entities.select("id", "layer").iter_rows())
    roles = {k: set(v or ()) for k, v in kit.lexicon.entities.select("id", "roles").iter_rows()}
    fired = 0

    def words(value: object) -> set[object]:
        return {value} if isinstance(value, str) else set(value)  # type: ignore[call-overload]

    for row in facts.iter_rows(named=True):
        for rule in kit.thesis.rules:
            when = rule.when
            if row["kind"] not in words(when["kind"]):
                continue
            if any(k in when and row[k] not in words(when[k]) for k in ("unit", "basis", "direction", "currency")):
                continue
            if "not_direction" in when and row["direction"] in words(when["not_direction"]):
                continue
            who = when.get("entity", {})
            if "layer" in who and layers.get(row["entity"]) not in words(who["layer"]):
                continue
            if "role" in who and not roles.get(row["entity"], set()) & words(who["role"]):
                continue
            product = when.get("product", {})
            if "id" in product and row["product"] not in words(product["id"]):
                continue
            if "family" in product and kit.lexicon.families.get(row["product"]) not in words(product["family"]):
                continue
            fired += 1
    return fired


def main() -> None:
    """Print one line a measurement: `bench NAME VALUE UNIT ...`."""
    kit = Kit.load([Path(data_dir("rules"))])
    rules = kit.thesis.rules
    hundred = replace(kit, thesis=replace(kit.thesis, rules=rules[:100]))
    facts = random_facts(FACTS, kit)

    def run(frame: pl.DataFrame, chosen: Kit) -> pl.DataFrame:
        return score_facts(frame, frame, chosen.thesis, chosen.lexicon, model={}, now=NOW)

    whole = best_cpu(lambda: run(facts, hundred), 1)
    half = best_cpu(lambda: run(facts.head(FACTS // 2), hundred), 1)
    fifty = best_cpu(lambda: run(facts, replace(kit, thesis=replace(kit.thesis, rules=rules[:50]))), 1)
    print(
        f"bench rules_100_x_{FACTS}_facts {whole:.2f} cpu_s signals {run(facts.head(1000), hundred).height} in the first 1000"
    )
    print(f"bench rules_twice_the_facts {whole / half:.2f} x the time")
    print(f"bench rules_twice_the_rules {whole / fifty:.2f} x the time")
    sample = facts.sample(ROWS, seed=1)
    scalar = best_cpu(lambda: row_by_row(sample, hundred), 1) * FACTS / ROWS
    print(f"bench rules_row_by_row {scalar:.1f} cpu_s for the conditions alone ratio {scalar / whole:.1f}")


if __name__ == "__main__":
    main()
