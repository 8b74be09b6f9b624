"""The same figure read twice from one document, by two readers: one of them is kept."""

from __future__ import annotations

from typing import Final

import polars as pl

_SAME: Final = ("doc_id", "kind", "entity", "unit")
_CLOSE: Final = 0.01  # a release rounds in its text what its tables give in full


def beside(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Facts (FACTS schema) of `first`, and those of `second` that `first` does not tell already.

    A figure is told already when document, kind, entity and unit are the same, both ends are within 1 %, and the
    periods do not differ (one of them may be unknown). Facts without a value are kept. Linear in the facts of a kind.
    """
    if first.is_empty() or second.is_empty():
        return second if first.is_empty() else first
    numbered = second.with_row_index("_row")
    told = first.select(*_SAME, "value_low", "value_high", "period")
    pairs = numbered.join(told, on=list(_SAME), suffix="_told")
    near = pl.all_horizontal(
        (pl.col(end) - pl.col(f"{end}_told")).abs() <= _CLOSE * pl.col(end).abs() for end in ("value_low", "value_high")
    )
    periods = pl.col("period").eq_missing(pl.col("period_told")) | pl.any_horizontal(
        pl.col("period", "period_told").is_null()
    )
    repeated = pairs.filter(near.fill_null(False) & periods).select("_row").unique()
    return pl.concat([first, numbered.join(repeated, on="_row", how="anti", maintain_order="left").drop("_row")])
