"""What a document's figures say about each other: a part told without its name, a round figure told beside the exact one."""

from __future__ import annotations

from typing import Final

import polars as pl

# A quarter of a company does not shrink to a fifth within the quarters one document tells of: the smaller one is a part.
_PART: Final = 0.2
# "to surpass NT$1 trillion" beside "NT$1.046 trillion": the bound says nothing that the figure does not.
_ROUNDING: Final = 1.05
_LEVEL: Final = pl.coalesce("value_low", "value_high")
_SAME: Final = ("doc_id", "entity", "kind", "unit", "currency")


def reconciled(facts: pl.DataFrame, reports: set[str]) -> pl.DataFrame:
    """Facts (FACTS schema, without ids) of whole documents, read against each other; linear in their number.

    reports: the documents (doc_id) in which one company tells of one quarter.
    """
    return _without_rounded(_parts_named(facts, reports))


def _parts_named(facts: pl.DataFrame, reports: set[str]) -> pl.DataFrame:
    """A quarter's revenue far below another of the same company in the document is the revenue of a part.

    A speaker goes from part to part and says "revenue was ..." for each; the growth told in the same breath goes along.
    """
    own = pl.col("doc_id").is_in(list(reports))
    quarterly = own & (pl.col("kind") == "revenue") & pl.col("period").str.contains("Q", literal=True)
    level = quarterly & (pl.col("unit") == "money")
    most = _LEVEL.filter(level).max().over("doc_id", "entity", "currency")
    marked = facts.with_columns(_part=(level & (_PART * most > _LEVEL)).fill_null(False))
    # growth shares the cue, and with it the place where the quote begins
    belongs = pl.col("_part").any().over("doc_id", "start") & quarterly
    kind = pl.when(belongs).then(pl.lit("segment_revenue")).otherwise("kind")
    return marked.with_columns(kind=kind).drop("_part")


def _without_rounded(facts: pl.DataFrame) -> pl.DataFrame:
    low, high = pl.col("value_low"), pl.col("value_high")
    exact = facts.filter(low == high).select(*_SAME, "period", exact="value_low")
    if exact.is_empty() or facts.filter(low.is_null() != high.is_null()).is_empty():
        return facts
    bounds = facts.with_row_index("_row").filter((pl.col("unit") == "money") & (low.is_null() != high.is_null()))
    told = bounds.join(exact, on=[*_SAME, "period"], how="inner", nulls_equal=True)
    at_least = low.is_not_null() & pl.col("exact").is_between(low, low * _ROUNDING)
    at_most = high.is_not_null() & pl.col("exact").is_between(high / _ROUNDING, high)
    rounded = told.filter(at_least | at_most)["_row"].unique()
    return facts.with_row_index("_row").filter(~pl.col("_row").is_in(rounded.implode())).drop("_row")
