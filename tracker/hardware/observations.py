"""Facts and published series in one shape, and their way into calendar quarters.

An observation is one figure in rack-equivalents with what it is about. Of several for the same thing the best basis, then
the newest, counts; a year gives its quarters only what no shorter period has said already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, Final

import polars as pl

from tracker.hardware.catalogue import Catalogue
from tracker.hardware.equivalents import add_racks
from tracker.hardware.horizons import quarters_of
from tracker.resources import data_dir
from tracker.vocabulary import BASES, FACTS_SCHEMA, UTC_TIME, conform
from tracker.yaml_files import load

# series of supply.yaml that are statements about money -> kind of fact
_MONEY_SERIES: Final = {"capex": "capex", "nvda_data_center_revenue": "segment_revenue"}
_PERIOD: Final = re.compile(r"(?:FY)?\d{4}(?:[QH]\d)?$")
SALES: Final = ("revenue", "segment_revenue")  # reported by the quarter; what is called a year's is often a segment's
_FAR: Final = 2.5  # times the median of what was said of the same thing
RACKS: Final = ("racks_low", "racks_base", "racks_high")

OBSERVATION_SCHEMA: Final[dict[str, pl.DataType]] = {
    "id": pl.String(),
    "kind": pl.String(),
    "entity": pl.String(),
    "period": pl.String(),
    "basis": pl.String(),
    "published_at": UTC_TIME,
    "racks_low": pl.Float64(),
    "racks_base": pl.Float64(),
    "racks_high": pl.Float64(),
}
SPREAD_SCHEMA: Final[dict[str, pl.DataType]] = {
    "quarter": pl.String(),
    "kind": pl.String(),
    "entity": pl.String(),
    "input": pl.String(),
    "racks_low": pl.Float64(),
    "racks_base": pl.Float64(),
    "racks_high": pl.Float64(),
}


@cache
def built_in_entities() -> pl.DataFrame:
    """(id, layer, fiscal_year_end_month) of the built-in watchlist."""
    rows = load(data_dir("rules") / "watchlist.yaml").data["entities"]
    columns = ("id", "layer", "fiscal_year_end_month")
    schema = {"id": pl.String, "layer": pl.String, "fiscal_year_end_month": pl.Int64}
    return pl.DataFrame([{c: row.get(c) for c in columns} for row in rows], schema=schema)


def fiscal_ends(entities: pl.DataFrame) -> dict[str, int]:
    """Entity -> last month of its fiscal year; December where it is not known."""
    months = entities["fiscal_year_end_month"].fill_null(12)
    return dict(zip(entities["id"], months, strict=True))


def period_of(text: str) -> str | None:
    """A period of supply.yaml as facts write it ("2025Q3" -> CY2025Q3); None for what is no period ("end-2025")."""
    if not _PERIOD.match(text):
        return None
    return text if text.startswith("FY") else f"CY{text}"


def known_since(published: str) -> datetime:
    """The moment a published series value could be known: the start of the day after `published`."""
    return datetime.combine(date.fromisoformat(published) + timedelta(days=1), time(), UTC)


def supply_observations(supply: pl.DataFrame, catalogue: Catalogue, entities: pl.DataFrame) -> pl.DataFrame:
    """supply (series, period, entity, low, base, high, unit, basis, published) -> OBSERVATION_SCHEMA, through `add_racks`."""
    rows: list[dict[str, Any]] = []
    money = supply.filter(pl.col("series").is_in(list(_MONEY_SERIES)) & (pl.col("unit") == "billion USD"))
    for row in money.iter_rows(named=True):
        period = period_of(row["period"])
        low = row["base"] if row["low"] is None else row["low"]
        high = row["base"] if row["high"] is None else row["high"]
        if period is None or low is None or high is None:
            continue
        figure = f"supply:{row['series']}:{row['entity']}:{row['period']}"
        rows.append(
            {
                "fact_id": figure,
                "kind": _MONEY_SERIES[row["series"]],
                "entity": row["entity"],
                "value_low": low * 1e9,
                "value_high": high * 1e9,
                "unit": "money",
                "currency": "USD",
                "period": period,
                "basis": row["basis"],
                "published_at": known_since(row["published"]),
            }
        )
    schema = FACTS_SCHEMA | {"published_at": UTC_TIME}
    facts = pl.DataFrame(rows, schema=schema) if rows else pl.DataFrame(schema=schema)
    return observations(add_racks(facts, catalogue, entities))


def observations(facts: pl.DataFrame) -> pl.DataFrame:
    """SCORED_FACTS (or facts with racks and published_at) -> OBSERVATION_SCHEMA; facts without racks are left out."""
    known = facts.filter(pl.col("racks_base").is_not_null() & pl.col("published_at").is_not_null())
    return conform(known.rename({"fact_id": "id"}), OBSERVATION_SCHEMA)


def spread(found: pl.DataFrame, entities: pl.DataFrame, spread_quarters: Mapping[str, int]) -> pl.DataFrame:
    """OBSERVATION_SCHEMA -> SPREAD_SCHEMA: racks per calendar quarter, kind and entity. Independent of row order.

    A figure without a period is spread over the quarters its kind has in `spread_quarters`; a kind without any is left
    out: nobody knows whether a headline's amount is a quarter's, a year's or a decade's.
    """
    ends = fiscal_ends(entities)
    order = {basis: i for i, basis in enumerate(BASES)}
    ranked = _alike(found).with_columns(
        pl.col("basis").replace_strict(order, default=len(BASES)).alias("_rank"),
        # an issuer has several segments: the largest is the one that ships racks
        pl.when(pl.col("kind") == "segment_revenue").then("racks_base").otherwise(0.0).alias("_size"),
    )
    by = ["_rank", "_size", "published_at", "racks_base", "id"]
    best = ranked.sort(by, descending=[False, True, True, True, False]).unique(
        ["kind", "entity", "period"], keep="first", maintain_order=True
    )
    rows: list[dict[str, Any]] = []
    for (kind, entity), group in best.group_by(["kind", "entity"], maintain_order=True):
        months = ends.get(str(entity), 12)
        rows += _spread_one(group, str(kind), str(entity), months, spread_quarters.get(str(kind), 0))
    return pl.DataFrame(rows, schema=SPREAD_SCHEMA).sort("quarter", "kind", "entity", "input")


def _alike(found: pl.DataFrame) -> pl.DataFrame:
    """Without the figures that lie far from the others of the same issuer, kind and period.

    A part told beside the whole ("14 billion with a partner" in a year of 135) would else replace it for being newer.
    """
    middle = pl.col("racks_base").median().over("kind", "entity", "period")
    near = pl.col("racks_base").is_between(middle / _FAR, middle * _FAR)
    # without a period figures are not about the same thing, and neither are segments
    told = pl.col("period").is_not_null() & (pl.col("kind") != "segment_revenue")
    return found.filter(near | ~told | ~near.any().over("kind", "entity", "period"))


def _spread_one(group: pl.DataFrame, kind: str, entity: str, months: int, without_period: int) -> list[dict[str, Any]]:
    """One issuer's figures of one kind; the shortest period speaks first. A loop: a few dozen rows an issuer."""
    taken: dict[str, tuple[float, float, float]] = {}
    rows: list[dict[str, Any]] = []
    dated = [(_quarters(row, months, without_period), row) for row in group.iter_rows(named=True)]
    for quarters, row in sorted(dated, key=lambda pair: (len(pair[0]), pair[1]["_rank"], pair[1]["period"] or "")):
        free = [q for q in quarters if q not in taken]
        if not free or (kind not in SALES and _exceeds_its_whole(quarters, row, dated)):
            continue
        said = [taken[q] for q in quarters if q in taken]
        rest = [max(0.0, row[c] - sum(s[i] for s in said)) / len(free) for i, c in enumerate(RACKS)]
        share = (min(rest), sorted(rest)[1], max(rest))
        for quarter in free:
            taken[quarter] = share
            values = dict(zip(RACKS, share, strict=True))
            rows.append({"quarter": quarter, "kind": kind, "entity": entity, "input": row["id"], **values})
    return rows


def _exceeds_its_whole(
    quarters: list[str], row: Mapping[str, Any], dated: list[tuple[list[str], dict[str, Any]]]
) -> bool:
    """Whether a figure is far more than its share of one for a longer period around it: a year's read as a quarter's."""
    own = set(quarters)
    return any(
        own < set(whole) and row["racks_base"] > _FAR * len(own) / len(whole) * other["racks_base"]
        for whole, other in dated
    )


def _quarters(row: Mapping[str, Any], months: int, without_period: int) -> list[str]:
    try:
        if row["period"]:
            return quarters_of(row["period"], months)
    except ValueError:
        pass  # a period in words: spread from the publication like one that is not stated
    published: datetime = row["published_at"]
    first = published.year * 4 + (published.month - 1) // 3
    return [f"CY{i // 4}Q{i % 4 + 1}" for i in range(first, first + without_period)]
