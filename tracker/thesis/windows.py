"""Windows over history: counts, sums, breadth, trend, acceleration, z-score, growth on the year; and comparisons.

Both look at what was published up to a fact's own moment and at nothing later. A window is one rolling pass over the
history a rule asks for, however many facts ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

AGGREGATES: Final = (
    "count", "sum", "mean", "distinct_entities", "distinct_stories", "trend", "acceleration", "zscore", "yoy",
)  # fmt: skip
MEASURES: Final = ("value", "growth", "change")
_FEWEST: Final = {"trend": 3, "acceleration": 4, "zscore": 4, "yoy": 2}
_QUARTER_DAYS: Final = 91.3
_YEAR_DAYS: Final = 300.0  # two figures at least this far apart make a growth on the year


@dataclass(frozen=True)
class Window:
    """An aggregate over the facts a rule looks at, published within `span` up to the fact's own moment."""

    span: timedelta
    agg: str
    by: tuple[str, ...]  # columns that must be equal: () the whole market, ("entity",) own history
    above: float | None
    below: float | None


@dataclass(frozen=True)
class Comparison:
    """Another series to lay beside a fact: the last figure of it published within `days` before."""

    among: pl.Expr  # which facts the series consists of
    of_series: pl.Expr  # the part of it that all figures of a series answer alike
    kinds: tuple[str, ...]
    same_entity: bool
    measure: str
    days: float
    reference: tuple[float | None, float | None]  # (above, below) of the series itself
    difference: tuple[float | None, float | None]  # (above, below) of own figure less the series
    same_product: bool = False  # of the same product, or of none like the fact
    earlier: bool = False  # the series contains the fact itself: only what was told before it counts


def in_window(matched: pl.DataFrame, looked_at: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Rows of `matched` whose window passes its bound, with `window_value`; looked_at: described history of the rule."""
    values = window_values(_around(matched, looked_at, window), window)
    own = matched.drop("window_value", strict=False).join(values, on="fact_id", how="left", maintain_order="left")
    passes = [pl.col("window_value").is_not_null()]
    if window.above is not None:
        passes.append(pl.col("window_value") > window.above)
    if window.below is not None:
        passes.append(pl.col("window_value") < window.below)
    return own.filter(*passes)


def _around(matched: pl.DataFrame, looked_at: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The part of a history that lies in some window of `matched`."""
    at = pl.col("published_at")
    first, last = matched.select(first=at.min() - window.span, last=at.max()).row(0)
    near = looked_at.filter((at > first) & (at <= last))
    series = list(window.by)
    return near.join(matched.select(series).unique(), on=series, how="semi", nulls_equal=True) if series else near


def window_values(looked_at: pl.DataFrame, window: Window) -> pl.DataFrame:
    """(fact_id, window_value) of every fact of a history."""
    empty = pl.DataFrame(schema={"fact_id": pl.String, "window_value": pl.Float64})
    if looked_at.is_empty():
        return empty
    at = (pl.col("published_at").dt.epoch("s") / 86_400.0).alias("_day")
    rows = looked_at.select("fact_id", "published_at", "value_mid", "story_id", *{"entity", *window.by}, at)
    rows = rows.sort("published_at", "fact_id")
    rolled = rows.rolling("published_at", period=window.span, group_by=list(window.by) or None).agg(
        _aggregate(window.agg).cast(pl.Float64).alias("window_value"), pl.col("fact_id").last()
    )
    # rolling gives one row for each row of its input, in the order of the groups: all rows of one moment share a window
    keys = [*window.by, "published_at"]
    by_moment = rolled.select(*keys, "window_value").unique(keys, keep="last", maintain_order=True)
    joined = rows.join(by_moment, on=keys, how="left", nulls_equal=True)
    return joined.select("fact_id", "window_value").unique("fact_id", keep="first", maintain_order=True)


def _aggregate(name: str) -> pl.Expr:
    value, day = pl.col("value_mid"), pl.col("_day")
    known = value.is_not_null()
    v, t = value.filter(known), day.filter(known)
    slope = pl.cov(t, v) / t.var() * _QUARTER_DAYS
    half = v.len() // 2
    expression = {
        "count": pl.len(),
        "sum": v.sum(),
        "mean": v.mean(),
        "distinct_entities": pl.col("entity").n_unique(),
        "distinct_stories": pl.col("story_id").n_unique(),
        "trend": 100.0 * slope / v.mean().abs(),
        "acceleration": 100.0 * (v.tail(half).diff().mean() - v.head(half + 1).diff().mean()) / v.mean().abs(),
        "zscore": (v.last() - v.head(v.len() - 1).mean()) / v.head(v.len() - 1).std(),
        "yoy": pl.when(t.last() - t.first() >= _YEAR_DAYS).then(100.0 * (v.last() / v.first() - 1.0)),
    }[name]
    enough = v.len() >= _FEWEST.get(name, 0)
    return pl.when(enough).then(expression) if name in _FEWEST else expression


def compared(matched: pl.DataFrame, history: pl.DataFrame, comparison: Comparison) -> pl.DataFrame:
    """Rows of `matched` whose comparison holds, with `compare_value`; without the other series a row does not match.

    history: described facts with value_mid and growth. `change` is a figure less the one before it of the same series.
    """
    column = {"value": "value_mid", "growth": "growth", "change": "_change"}[comparison.measure]
    series = history.filter(comparison.among).sort("published_at", "fact_id")
    own = ["entity", "kind", "unit", "_product", "_span"]
    series = series.with_columns(_change=(pl.col("value_mid") - pl.col("value_mid").shift(1)).over(own))
    series = series.filter(pl.col(column).is_not_null())
    keys = ["entity"] if comparison.same_entity else []
    keys += ["_product"] if comparison.same_product else []
    other = series.select(*keys, "published_at", pl.col(column).alias("compare_value"), _told="published_at")
    joined = (
        matched.sort("published_at")
        .join_asof(
            other,
            on="published_at",
            by=keys or None,
            strategy="backward",
            check_sortedness=False,
            allow_exact_matches=not comparison.earlier,
        )
        .filter((pl.col("published_at") - pl.col("_told")).dt.total_days() <= comparison.days)
    )
    mine = {"value": pl.col("value_mid"), "growth": pl.col("growth"), "change": pl.col("value_mid")}[comparison.measure]
    difference = mine - pl.col("compare_value")
    tests = [
        *_between(pl.col("compare_value"), comparison.reference), *_between(difference, comparison.difference)
    ]  # fmt: skip
    return joined.filter(*tests).drop("_told") if tests else joined.drop("_told")


def _between(value: pl.Expr, bounds: tuple[float | None, float | None]) -> list[pl.Expr]:
    above, below = bounds
    tests = [value > above] if above is not None else []
    return [*tests, value < below] if below is not None else tests
