"""Yearly gross margins for claim H2: from filings in the store, and from figures entered by hand for years without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import polars as pl

from tracker import yaml_files
from tracker.errors import RuleError
from tracker.yaml_files import YamlFile

FILED: Final = "filing"
BY_HAND: Final = "by hand"
MARGINS_SCHEMA: Final = {
    "entity": pl.String(), "year": pl.Int32(), "margin": pl.Float64(), "origin": pl.String(), "source": pl.String(),
}  # fmt: skip
# per cent, ends included: what the claim says the margins of the pair were
BANDS: Final[dict[str, tuple[float, float]]] = {"INTC": (50.0, 60.0), "MSFT": (80.0, 100.0)}
_FIELDS: Final = ("company", "year", "revenue", "cost", "source", "checked")


def load_by_hand(path: Path) -> pl.DataFrame:
    """Margins (MARGINS schema) of a file of yearly results. Raises RuleError with file:line for a row that cannot be."""
    file = yaml_files.load(path)
    entries = file.data.get("results", []) if isinstance(file.data, dict) else []
    return pl.DataFrame([_row(file, i, entry) for i, entry in enumerate(entries)], schema=MARGINS_SCHEMA, orient="row")


def _row(file: YamlFile, i: int, entry: Any) -> tuple[str, int, float, str, str]:
    where = file.where("results", i)
    missing = [name for name in _FIELDS if not isinstance(entry, dict) or entry.get(name) is None]
    if missing:
        raise RuleError(f"a year's results need {', '.join(missing)}", where=where)
    revenue, cost = float(entry["revenue"]), float(entry["cost"])
    if not 0 < cost < revenue:
        raise RuleError(f"cost {cost:g} does not lie between nothing and revenue {revenue:g}", where=where)
    return str(entry["company"]), int(entry["year"]), 100 * (1 - cost / revenue), BY_HAND, str(entry["source"])


def yearly_margins(filed: pl.DataFrame, by_hand: pl.DataFrame) -> pl.DataFrame:
    """MARGINS schema, by company and year. filed: (entity, period, margin, source); what was filed supersedes."""
    read = filed.select(
        "entity",
        pl.col("period").str.slice(2, 4).cast(pl.Int32).alias("year"),
        "margin",
        pl.lit(FILED).alias("origin"),
        "source",
    )
    both = pl.concat([read, by_hand.select(read.columns)])
    return both.unique(["entity", "year"], keep="first", maintain_order=True).sort("entity", "year")


def told(margins: pl.DataFrame, companies: tuple[str, ...]) -> list[str]:
    """The yearly margins against the bands the claim names, a line a company."""
    lines = []
    for company in companies:
        own = margins.filter(pl.col("entity") == company)
        values = [float(margin) for margin in own["margin"]]
        if not values:
            lines.append(f"H2: no yearly margin of {company} in the store; ingest its XBRL company facts")
            continue
        line = f"H2: {company} {min(values):.1f} to {max(values):.1f} % in {len(values)} years"
        if company in BANDS:
            line += f" ({values[0]:.1f} in {own['year'][0]}, {values[-1]:.1f} in {own['year'][-1]})"
            line += f", {_against(values, *BANDS[company])}"
        by_hand = (own["origin"] == BY_HAND).sum()
        lines.append(line + (f"; {by_hand} of them entered by hand from annual reports" if by_hand else ""))
    return lines


def _against(values: list[float], low: float, high: float) -> str:
    inside = sum(low <= value <= high for value in values)
    above, below = sum(value > high for value in values), sum(value < low for value in values)
    ends = f"{low:g} % and more" if high >= 100 else f"{low:g}-{high:g} %"
    outside = [f"{count} {side}" for count, side in ((above, "above"), (below, "below")) if count]
    return ", ".join([f"{inside} of them at {ends}", *outside])
