"""Where a number of the ledger comes from: each fact with its sentence, each figure with value, date and source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import polars as pl

from tracker.hardware.catalogue import Catalogue
from tracker.hardware.figures import Interval, span
from tracker.hardware.ledger_rules import LedgerRules
from tracker.hardware.mix import Mix
from tracker.hardware.observations import known_since

PROVENANCE_SCHEMA: Final[dict[str, pl.DataType]] = {
    "input": pl.String(),  # fact id, or supply:SERIES[:ENTITY]:PERIOD, param:ID, ledger:ID, system:ID.FIELD
    "says": pl.String(),  # the sentence of a fact, the name of a figure
    "low": pl.Float64(),
    "base": pl.Float64(),
    "high": pl.Float64(),
    "unit": pl.String(),
    "published": pl.String(),  # the day it could be known; null for factors
    "source": pl.String(),
}
_FACT_COLUMNS: Final = ("fact_id", "quote", "value_low", "value_high", "unit", "currency", "published_at", "url")


def explain(
    inputs: Iterable[str], catalogue: Catalogue, rules: LedgerRules, facts: pl.DataFrame, as_of: datetime
) -> pl.DataFrame:
    """PROVENANCE_SCHEMA of the inputs of ledger rows, in their order; each once, as known at a moment.

    facts: (fact_id, quote, value_low, value_high, unit, currency, published_at, url) of what is stored; may be empty.
    """
    known = {row["fact_id"]: row for row in facts.select(_FACT_COLUMNS).iter_rows(named=True)}
    told = replace(catalogue, supply=catalogue.supply.filter(pl.col("published") < f"{as_of:%Y-%m-%d}"))
    mixes = {m.id: m for m in sorted(rules.mixes, key=lambda m: m.published) if known_since(m.published) <= as_of}
    rows = [_one(name, told, rules, mixes, known) for name in dict.fromkeys(inputs)]
    return pl.DataFrame(rows, schema=PROVENANCE_SCHEMA)


def _one(
    name: str,
    catalogue: Catalogue,
    rules: LedgerRules,
    mixes: Mapping[str, Mix],
    facts: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    kind, _, key = name.partition(":")
    if name in facts:
        return _fact(name, facts[name])
    if kind == "supply":
        return _series(name, key, catalogue)
    if kind == "param" and key in catalogue.figures:
        figure = catalogue.figures[key]
        return _figure(name, key, figure.interval, figure.unit, figure.source)
    if kind == "ledger" and key in rules.figures:
        return _figure(name, key, rules.figures[key], "ratio", rules.sources.get(key, ""))
    if name in mixes:
        mix = mixes[name]
        return _row(name, f"generations of {mix.year}: {mix}", None, "share", mix.published, mix.source)
    if kind == "system":
        system, _, field = key.partition(".")
        sources = " ".join(catalogue.raw[system]["sources"])
        return _row(name, f"{system} {field}", catalogue.field(system, field), None, None, sources)
    return _row(name, "not found: the fact was replaced since", None, None, None, "")


def _fact(name: str, fact: Mapping[str, Any]) -> dict[str, Any]:
    low, high = fact["value_low"], fact["value_high"]
    ends = [v for v in (low, high) if v is not None]
    value = Interval(ends[0], sum(ends) / len(ends), ends[-1]) if ends else None
    unit = fact["currency"] if fact["unit"] == "money" else fact["unit"]
    return _row(name, fact["quote"], value, unit, f"{fact['published_at']:%Y-%m-%d}", fact["url"])


def _series(name: str, key: str, catalogue: Catalogue) -> dict[str, Any]:
    series, _, rest = key.partition(":")
    entity, _, period = rest.rpartition(":")
    rows = catalogue.supply.filter((pl.col("series") == series) & (pl.col("period") == period))
    rows = rows.filter(pl.col("entity") == entity) if entity else rows
    if rows.is_empty():
        return _row(name, "not found: the series was changed since", None, None, None, "")
    whole = rows.filter(pl.col("base").is_not_null() | (pl.col("low").is_not_null() & pl.col("high").is_not_null()))
    row = (rows if whole.is_empty() else whole).sort("published", descending=True).row(0, named=True)
    value = span({end: row[end] for end in ("low", "base", "high")})
    says = " ".join(part for part in (series.replace("_", " "), entity, period) if part)
    return _row(name, says, value, row["unit"], row["published"], row["source"])


def _figure(name: str, key: str, value: Interval, unit: str, source: str) -> dict[str, Any]:
    return _row(name, key.replace("_", " "), value, unit, None, source)


def _row(
    name: str, says: str | None, value: Interval | None, unit: str | None, published: str | None, source: str | None
) -> dict[str, Any]:
    ends = (value.low, value.base, value.high) if value is not None else (None, None, None)
    return {
        "input": name, "says": says, "low": ends[0], "base": ends[1], "high": ends[2], "unit": unit,
        "published": published, "source": source,
    }  # fmt: skip
