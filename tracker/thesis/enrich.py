"""What rules may ask of a fact beyond its own fields: who its entity is, what was said before, how much it is worth.

Every column is made once for a whole batch, by joins against everything known before; a fact never sees a later one.
"""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from tracker.extract.lexicon import Lexicon

DEFAULT_TIER_WEIGHTS: Final = {"1": 1.0, "2": 0.8, "3": 0.6, "4": 0.3}
DEFAULT_BASIS_WEIGHTS: Final = {"actual": 1.0, "guidance": 0.85, "plan": 0.6, "estimate": 0.5, "rumor": 0.25}
_KEY: Final = ["entity", "kind", "unit", "_period", "_product"]
_REPEAT_TOLERANCE: Final = 0.01  # the same figure told again, rounding included


def enrich(facts: pl.DataFrame, history: pl.DataFrame, lexicon: Lexicon, weights: dict[str, Any]) -> pl.DataFrame:
    """Add the columns of the rule language to facts (SCORED_FACTS schema).

    history: everything known, the facts themselves included (SCORED_FACTS schema). Nulls stay null: a condition on a
    reference that does not exist is false.
    """
    known = _with_mid(history)
    out = _with_mid(facts).with_row_index("_row")
    for name, older in (
        ("previous_guidance", known.filter(pl.col("basis").is_in(["guidance", "plan"]))),
        ("previous_actual", known.filter(pl.col("basis") == "actual")),
        ("previous", known),
    ):
        out = _before(out, older, name)
    out = _year_before(out, known)
    out = _corroborated(out, known)
    return _described(out, lexicon, weights)


def _with_mid(facts: pl.DataFrame) -> pl.DataFrame:
    return facts.with_columns(
        value_mid=pl.when(pl.col("value_low").is_not_null() & pl.col("value_high").is_not_null())
        .then((pl.col("value_low") + pl.col("value_high")) / 2)
        .otherwise(pl.coalesce("value_low", "value_high")),
        _period=pl.col("period").fill_null("?"),
        _product=pl.col("product").fill_null("?"),
    )


def _before(facts: pl.DataFrame, older: pl.DataFrame, name: str) -> pl.DataFrame:
    """The last figure about the same thing that was published strictly earlier."""
    reference = (
        older.filter(pl.col("value_mid").is_not_null() & (pl.col("_period") != "?"))
        .select(*_KEY, "published_at", pl.col("value_mid").alias(f"{name}_mid"), pl.col("currency").alias("_currency"))
        .sort("published_at")
    )
    joined = facts.sort("published_at").join_asof(
        reference,
        on="published_at",
        by=_KEY,
        strategy="backward",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    same = pl.col("currency").eq_missing(pl.col("_currency"))
    return joined.with_columns(pl.when(same).then(pl.col(f"{name}_mid")).alias(f"{name}_mid")).drop("_currency")


def _year_before(facts: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The actual figure of the same period a year earlier, if it was known by then."""
    period = pl.col("_period")
    shifted = (
        period.str.slice(0, 2)
        + (period.str.slice(2, 4).cast(pl.Int32, strict=False) - 1).cast(pl.String)
        + period.str.slice(6)
    )
    reference = (
        known.filter((pl.col("basis") == "actual") & pl.col("value_mid").is_not_null() & (period != "?"))
        .sort("published_at")
        .unique(_KEY, keep="last", maintain_order=True)
        .select(
            "entity", "kind", "unit", "_product", _ago="_period", previous_year_mid="value_mid", _when="published_at"
        )
    )
    joined = facts.with_columns(_ago=shifted).join(
        reference, on=["entity", "kind", "unit", "_product", "_ago"], how="left", maintain_order="left"
    )
    in_time = pl.col("_when") < pl.col("published_at")
    return joined.with_columns(previous_year_mid=pl.when(in_time).then(pl.col("previous_year_mid"))).drop(
        "_ago", "_when"
    )


def _corroborated(facts: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """`corroboration`: 0.6 for one source, towards 1 with independent ones; `novelty`: 0 when the figure is not new.

    Independent means another story: ten reprints of one wire text are one source.
    """
    same = ["entity", "kind", "_period", "_product", "direction"]
    told = known.select(*same, "published_at", "story_id", other_mid="value_mid", other_source="source_id")
    pairs = facts.select("_row", *same, "published_at", "story_id", "value_mid").join(
        told, on=same, how="inner", suffix="_other", nulls_equal=True
    )
    close = (pl.col("value_mid") - pl.col("other_mid")).abs() <= _REPEAT_TOLERANCE * pl.col("value_mid").abs()
    agreeing = pairs.filter(
        (pl.col("published_at_other") <= pl.col("published_at"))
        & (close | (pl.col("value_mid").is_null() & pl.col("other_mid").is_null()))
    )
    earlier = pl.col("published_at_other") < pl.col("published_at")
    summed = agreeing.group_by("_row").agg(
        stories=pl.col("story_id_other").n_unique(),
        repeats=(earlier & (pl.col("story_id") != pl.col("story_id_other"))).sum(),
    )
    return (
        facts.join(summed, on="_row", how="left")
        .with_columns(
            corroboration=(1.0 - 0.4 * 0.5 ** (pl.col("stories").fill_null(1).cast(pl.Float64) - 1)),
            novelty=pl.when(pl.col("repeats").fill_null(0) > 0).then(0.2).otherwise(1.0),
        )
        .drop("stories", "repeats")
    )


def _described(facts: pl.DataFrame, lexicon: Lexicon, weights: dict[str, Any]) -> pl.DataFrame:
    who = lexicon.entities.select("id", "layer", "roles", "name")
    for side in ("entity", "counterparty"):
        facts = facts.join(
            who.rename({"id": side, "layer": f"{side}_layer", "roles": f"{side}_roles", "name": f"{side}_name"}),
            on=side,
            how="left",
            maintain_order="left",
        )
    families = pl.DataFrame(
        {"product": list(lexicon.families), "family": list(lexicon.families.values())},
        schema={"product": pl.String, "family": pl.String},
    )
    tiers = {int(k): float(v) for k, v in (weights.get("tier") or DEFAULT_TIER_WEIGHTS).items()}
    bases = {str(k): float(v) for k, v in (weights.get("basis") or DEFAULT_BASIS_WEIGHTS).items()}
    return (
        facts.join(families, on="product", how="left", maintain_order="left")
        .with_columns(
            tier_weight=pl.col("tier").cast(pl.Int64).replace_strict(tiers, default=0.5, return_dtype=pl.Float64),
            basis_weight=pl.col("basis").replace_strict(bases, default=0.5, return_dtype=pl.Float64),
            window_value=pl.lit(None, dtype=pl.Float64),
        )
        .sort("_row")
        .drop("_row")
    )
