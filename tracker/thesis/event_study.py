"""Prices after signals: abnormal return against a benchmark at several horizons, with bands; and the historical analogy.

An event is the first trading day after a signal could be known. The abnormal return is the security's return less the
benchmark's over the same days. Events of one security closer together than the horizon count once, so that no day's
return is counted twice for the same security. Every table says how many trials were looked at.
"""

from __future__ import annotations

import math
from datetime import date
from typing import Any, Final

import polars as pl
from scipy import stats

HORIZONS: Final = (1, 5, 20, 60)  # trading days
CONFIDENCE: Final = 0.90
_FEWEST: Final = 8  # events; fewer give no band worth printing
STUDY_SCHEMA: Final = {
    "group": pl.String(), "horizon": pl.Int64(), "events": pl.Int64(), "mean": pl.Float64(), "low": pl.Float64(),
    "high": pl.Float64(), "positive": pl.Float64(), "p_value": pl.Float64(), "significant": pl.Boolean(),
}  # fmt: skip
RETURNS_SCHEMA: Final = {
    "symbol": pl.String(), "start": pl.Date(), "end": pl.Date(), "years": pl.Float64(), "total_return": pl.Float64(),
    "a_year": pl.Float64(),
}  # fmt: skip


def total_return_index(prices: pl.DataFrame, dividends: pl.DataFrame | None = None) -> pl.DataFrame:
    """(symbol, date, index): growth of one unit with dividends put back on their day.

    prices: (symbol, date, close), split-adjusted; of several sources of one symbol the longest counts. dividends: (symbol,
    date, dividend) on the same footing as the prices.
    """
    if "source" in prices.columns:
        lengths = prices.group_by("symbol", "source").agg(pl.len().alias("_n"), pl.col("date").max().alias("_to"))
        chosen = lengths.sort(["_to", "_n", "source"], descending=[True, True, False]).unique("symbol", keep="first")
        prices = prices.join(chosen.select("symbol", "source"), on=["symbol", "source"], how="semi")
    frame = prices.select("symbol", "date", "close").drop_nulls().filter(pl.col("close") > 0).sort("symbol", "date")
    if dividends is not None:
        paid = dividends.group_by("symbol", "date").agg(pl.col("dividend").sum())
        frame = frame.join(paid, on=["symbol", "date"], how="left", maintain_order="left")
    else:
        frame = frame.with_columns(dividend=pl.lit(None, dtype=pl.Float64))
    growth = (pl.col("close") + pl.col("dividend").fill_null(0.0)) / pl.col("close").shift(1)
    return frame.with_columns(index=growth.fill_null(1.0).cum_prod().over("symbol")).select("symbol", "date", "index")


def abnormal_returns(events: pl.DataFrame, index: pl.DataFrame, benchmark: str) -> pl.DataFrame:
    """(group, symbol, day, horizon, abnormal) of events (group, symbol, at: Date, direction).

    The return is signed: positive when the price went the way the signal pointed.
    """
    base = index.filter(pl.col("symbol") == benchmark).select("date", base="index").sort("date")
    days = base.with_row_index("_day").with_columns(pl.col("_day").cast(pl.Int64))
    traded = index.filter(pl.col("symbol") != benchmark).join(days, on="date").sort("symbol", "_day")
    start = (
        events.with_columns(pl.col("at").cast(pl.Date))
        .sort("at")
        .join_asof(
            days.select("date", "_day").sort("date"), left_on="at", right_on="date", strategy="forward",
            allow_exact_matches=False, check_sortedness=False,
        )
        .drop_nulls("_day")
    )  # fmt: skip
    # the day before the event's own day is where the return starts
    start = start.with_columns(_from=pl.col("_day") - 1)
    parts = []
    for horizon in HORIZONS:
        spaced = _spaced(start, horizon)
        ends = spaced.with_columns(_to=pl.col("_from") + horizon)
        value = traded.select("symbol", "_day", "index", "base")
        both = ends.join(value.rename({"_day": "_from"}), on=["symbol", "_from"]).join(
            value.rename({"_day": "_to", "index": "_i1", "base": "_b1"}), on=["symbol", "_to"]
        )
        own, bench = pl.col("_i1") / pl.col("index") - 1, pl.col("_b1") / pl.col("base") - 1
        parts.append(
            both.select(
                "group", "symbol", "at", horizon=pl.lit(horizon, dtype=pl.Int64),
                abnormal=(own - bench) * pl.col("direction").cast(pl.Float64),
            )
        )  # fmt: skip
    return pl.concat(parts)


def _spaced(events: pl.DataFrame, horizon: int) -> pl.DataFrame:
    """Events of one group and security at least a horizon apart; the first of a crowd counts."""
    kept: list[dict[str, Any]] = []
    last: dict[tuple[str, str], int] = {}
    for row in events.sort("group", "symbol", "_day").iter_rows(named=True):
        key = (row["group"], row["symbol"])
        if key not in last or row["_day"] - last[key] >= horizon:
            kept.append(row)
            last[key] = row["_day"]
    return pl.DataFrame(kept, schema=events.schema)


def study(abnormal: pl.DataFrame) -> pl.DataFrame:
    """STUDY_SCHEMA: mean signed abnormal return by group and horizon; `significant` after Bonferroni over all trials.

    Groups with fewer than eight events have no band. Events on one day share the market's news: their mean is one draw.
    """
    rows = []
    by_day = abnormal.group_by("group", "horizon", "at").agg(pl.col("abnormal").mean(), pl.len().alias("_n"))
    trials = 0
    for (group, horizon), part in by_day.sort("group", "horizon").group_by(["group", "horizon"], maintain_order=True):
        values = part["abnormal"].to_list()
        mean = sum(values) / len(values)
        row = {"group": group, "horizon": horizon, "events": int(part["_n"].sum()), "mean": mean}
        row["positive"] = sum(v > 0 for v in values) / len(values)
        if len(values) >= _FEWEST:
            trials += 1
            spread = stats.tstd(values) / math.sqrt(len(values))
            half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1)) * spread
            p = float(2 * stats.t.sf(abs(mean) / spread, len(values) - 1)) if spread > 0 else 1.0
            row |= {"low": mean - half, "high": mean + half, "p_value": p}
        rows.append(row)
    frame = pl.DataFrame(rows, schema={k: v for k, v in STUDY_SCHEMA.items() if k != "significant"})
    sure = pl.col("p_value") < (1 - CONFIDENCE) / max(1, trials)
    return frame.with_columns(significant=sure).select(pl.col(c).cast(t) for c, t in STUDY_SCHEMA.items())


def returns_between(index: pl.DataFrame, symbols: tuple[str, ...], first: date, last: date) -> pl.DataFrame:
    """RETURNS_SCHEMA: growth of each symbol between two days (the nearest trading days inside), best first."""
    rows = []
    for symbol in symbols:
        own = index.filter((pl.col("symbol") == symbol) & pl.col("date").is_between(first, last)).sort("date")
        if own.height < 2:
            continue
        start, end = own.row(0, named=True), own.row(-1, named=True)
        years = (end["date"] - start["date"]).days / 365.25
        total = end["index"] / start["index"]
        rows.append(
            {
                "symbol": symbol, "start": start["date"], "end": end["date"], "years": years, "total_return": total - 1,
                "a_year": total ** (1 / years) - 1,
            }
        )  # fmt: skip
    return pl.DataFrame(rows, schema=RETURNS_SCHEMA).sort("total_return", descending=True)
