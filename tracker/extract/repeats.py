"""The same figure read twice from one document, by two readers: one of them is kept."""

from __future__ import annotations

import math
from typing import Final

import polars as pl

_SAME: Final = ("doc_id", "kind", "entity", "unit")
_CLOSE: Final = 0.01  # a release rounds in its text what its tables give in full
_ENDS: Final = ("value_low", "value_high")


def beside(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Facts (FACTS schema) of `first`, and those of `second` that `first` does not tell already.

    A figure is told already when document, kind, entity and unit are the same, both ends are within 1 %, and the
    periods do not differ (one of them may be unknown). A statement without a value is when document, kind and entity
    are the same and the products do not differ. Figures meet by size, so time grows with the facts, not with their pairs.
    """
    if first.is_empty() or second.is_empty():
        return second if first.is_empty() else first
    numbered = second.with_row_index("_row").with_columns(_size=_size())
    told = (
        first.select(*_SAME, *_ENDS, "period", _size=_size())
        .with_columns(pl.concat_list(pl.col("_size") - 1, pl.col("_size"), pl.col("_size") + 1).alias("_size"))
        .explode("_size")
    )
    pairs = numbered.join(told, on=[*_SAME, "_size"], suffix="_told")
    near = pl.all_horizontal(
        ((pl.col(end) - pl.col(f"{end}_told")).abs() <= _CLOSE * pl.col(end).abs())
        | (pl.col(end).is_null() & pl.col(f"{end}_told").is_null())
        for end in _ENDS
    )
    periods = pl.col("period").eq_missing(pl.col("period_told")) | pl.any_horizontal(
        pl.col("period", "period_told").is_null()
    )
    repeated = pl.concat(
        [pairs.filter(near.fill_null(False) & periods).select("_row"), _stated(first, numbered)]
    ).unique()
    rest = numbered.join(repeated, on="_row", how="anti", maintain_order="left").drop("_row", "_size")
    return pl.concat([first, rest])


def _stated(first: pl.DataFrame, numbered: pl.DataFrame) -> pl.DataFrame:
    """Rows of statements that are made already: of the same product, or where one side names none."""
    about = list(_SAME[:3])
    bare = pl.col("value_low").is_null() & pl.col("value_high").is_null()
    told = first.filter(bare).select(*about, "product").unique()
    anyhow = told.group_by(about).agg(_unnamed=pl.col("product").is_null().any())
    rows = numbered.filter(bare)
    same = rows.join(told, on=[*about, "product"], how="semi", nulls_equal=True)
    either = rows.join(anyhow, on=about).filter(pl.col("_unnamed") | pl.col("product").is_null())
    return pl.concat([same.select("_row"), either.select("_row")])


def _size() -> pl.Expr:
    """Steps of one per cent: figures within 1 % of each other are at most one step apart; null without a value."""
    value = pl.coalesce("value_high", "value_low").abs()
    return pl.when(value > 0).then((value.log() / math.log1p(_CLOSE)).floor()).otherwise(value).cast(pl.Int64)
