"""What rules may ask of a fact beyond its own fields: who its entity is, what was said before, how much it is worth.

Every column is made once for a whole batch, by joins against everything known before; a fact never sees a later one.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any, Final

import polars as pl

from tracker.extract.calendar import period_bounds
from tracker.extract.lexicon import Lexicon

DEFAULT_TIER_WEIGHTS: Final = {"1": 1.0, "2": 0.8, "3": 0.6, "4": 0.3}
DEFAULT_BASIS_WEIGHTS: Final = {"actual": 1.0, "guidance": 0.85, "plan": 0.6, "estimate": 0.5, "rumor": 0.25}
DEFAULT_CORROBORATION: Final = {"alone": 0.6, "further": 0.5}
DEFAULT_NOVELTY: Final = {"repeat": 0.12}
_KEY: Final = ["entity", "kind", "unit", "_period", "_product"]
_REPEAT_TOLERANCE: Final = 0.01  # the same figure told again, rounding included


def enrich(
    facts: pl.DataFrame,
    history: pl.DataFrame,
    lexicon: Lexicon,
    weights: dict[str, Any],
    fx: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Add the columns of the rule language to facts (SCORED_FACTS schema).

    history: everything known, the facts themselves included (SCORED_FACTS schema). fx: (currency, per_usd). Nulls stay
    null: a condition on a reference that does not exist is false.
    """
    known = _with_mid(history)
    out = _with_mid(facts).with_row_index("_row")
    actual = known.filter(pl.col("basis") == "actual")
    for name, older in (
        ("previous_guidance", known.filter(pl.col("basis").is_in(["guidance", "plan"]))),
        ("previous_actual", actual),
        ("previous", known),
    ):
        out = _before(out, older, name)
    out = _trend_before(out, actual.filter(pl.col("tier") <= 1))  # as growth: from issuers themselves
    out = _with_growth(_year_before(out, known))
    out = _corroborated(out, known, weights)
    return described(_measured(out, fx, lexicon), lexicon, weights).sort("_row").drop("_row")


def described_history(history: pl.DataFrame, lexicon: Lexicon, weights: dict[str, Any]) -> pl.DataFrame:
    """History with what windows and comparisons ask for: value, growth, who an entity is, a product's family."""
    known = _with_mid(history)
    grown = _with_growth(_year_before(known, known))
    return described(_measured(grown, None, lexicon), lexicon, weights)


def _with_mid(facts: pl.DataFrame) -> pl.DataFrame:
    return facts.with_columns(
        value_mid=pl.when(pl.col("value_low").is_not_null() & pl.col("value_high").is_not_null())
        .then((pl.col("value_low") + pl.col("value_high")) / 2)
        .otherwise(pl.coalesce("value_low", "value_high")),
        _period=pl.col("period").fill_null("?"),
        _product=pl.col("product").fill_null("?"),
        # a year, a half, a quarter and a month are figures of different series
        _span=pl.col("period").str.extract(r"([QHM])\d", 1).fill_null("Y"),
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


def _with_growth(facts: pl.DataFrame) -> pl.DataFrame:
    """`growth`: per cent on the year, as stated or against the same period a year before.

    Reckoned from issuers' own words and filings (tier 1) only: two figures that others tell, laid beside each other, are
    too often of two different things.
    """
    before = pl.col("previous_year_mid")
    computed = pl.when((before > 0) & (pl.col("tier") <= 1)).then(100.0 * (pl.col("value_mid") / before - 1.0))
    stated = pl.when(pl.col("unit") == "pct_yoy").then(pl.col("value_mid"))
    return facts.with_columns(growth=pl.coalesce(stated, computed))


def _trend_before(facts: pl.DataFrame, actual: pl.DataFrame) -> pl.DataFrame:
    """`trend`: what the last actual figures would have led to: the last one plus the mean of the two steps before it."""
    series = ["entity", "kind", "unit", "_product", "_span"]
    first_told = (
        actual.filter(pl.col("value_mid").is_not_null() & (pl.col("_period") != "?"))
        .sort("published_at", "fact_id")
        .unique([*series, "_period"], keep="first", maintain_order=True)
    )
    value = pl.col("value_mid")
    ahead = first_told.with_columns(trend_mid=(value + (value - value.shift(2)) / 2).over(series)).select(
        *series, "published_at", "trend_mid", pl.col("currency").alias("_currency")
    )
    joined = facts.sort("published_at").join_asof(
        ahead.filter(pl.col("trend_mid").is_not_null()), on="published_at", by=series, strategy="backward",
        allow_exact_matches=False, check_sortedness=False,
    )  # fmt: skip
    same = pl.col("currency").eq_missing(pl.col("_currency"))
    return joined.with_columns(trend_mid=pl.when(same).then(pl.col("trend_mid"))).drop("_currency")


def _measured(facts: pl.DataFrame, fx: pl.DataFrame | None, lexicon: Lexicon) -> pl.DataFrame:
    """`usd`: the amount in dollars; `period_months`: months from publication to the end of the period.

    A fiscal period ends by the calendar of its entity.
    """
    rates = fx if fx is not None else pl.DataFrame({"currency": ["USD"], "per_usd": [1.0]})
    money = pl.col("unit") == "money"
    told = facts.select("entity", "period").unique(maintain_order=True).drop_nulls("period")
    year_ends = lexicon.fiscal_year_ends
    ends = told.with_columns(
        pl.Series("_end", [_end_of(p, year_ends.get(e, 12)) for e, p in told.iter_rows()], dtype=pl.Date)
    )
    return (
        facts.join(rates, on="currency", how="left", maintain_order="left")
        .join(ends, on=["entity", "period"], how="left", maintain_order="left", nulls_equal=True)
        .with_columns(
            usd=pl.when(money).then(pl.col("value_mid") / pl.col("per_usd")),
            period_months=(pl.col("_end") - pl.col("published_at").dt.date()).dt.total_days() / 30.44,
        )
        .drop("per_usd", "_end")
    )


@lru_cache(maxsize=65_536)
def _end_of(period: str, fiscal_year_end_month: int) -> date | None:
    """Last day of a period label; None for words."""
    try:
        return period_bounds(period, fiscal_year_end_month)[1]
    except ValueError:
        return None


def _corroborated(facts: pl.DataFrame, known: pl.DataFrame, weights: dict[str, Any]) -> pl.DataFrame:
    """`corroboration`: towards 1 with independent stories; `novelty`: 1, less when the figure is not new (`weights`).

    Independent means another story: ten reprints of one wire text are one source. Figures within a hundredth of each
    other are the same figure. Sorting and counting only: linear in the history but for the sort.
    """
    told_once = DEFAULT_CORROBORATION | weights.get("corroboration", {})
    doubt, further = 1.0 - float(told_once["alone"]), float(told_once["further"])
    repeat = float((DEFAULT_NOVELTY | weights.get("novelty", {}))["repeat"])
    # one number for what must be equal: sorting and joining on it is several times faster than on five texts
    key_of = pl.struct("entity", "kind", "_period", "_product", "direction").hash().alias("_same")
    told = known.select("fact_id", "value_mid", "published_at", key_of, _story=pl.col("story_id").hash())
    if facts.height < known.height:
        told = told.join(facts.select(key_of).unique(), on="_same", how="semi")
    step = pl.col("value_mid") - pl.col("value_mid").shift(1) > _REPEAT_TOLERANCE * pl.col("value_mid").abs()
    other_thing = pl.col("_same") != pl.col("_same").shift(1)
    without = pl.col("value_mid").is_not_null() & pl.col("value_mid").shift(1).is_null()
    # a running number of figures: a new one where the thing, the figure, or having a figure at all changes
    number = (other_thing | step | without).fill_null(False).cum_sum()
    alike = told.sort("_same", "value_mid", nulls_last=False).with_columns(_figure=number)
    figure = pl.col("_figure")
    # most figures are told once: only the others need counting
    shared = alike.filter((figure == figure.shift(1)).fill_null(False) | (figure == figure.shift(-1)).fill_null(False))
    summed = _stories_of(shared)
    return (
        facts.join(summed, on="fact_id", how="left", maintain_order="left")
        .with_columns(
            corroboration=(1.0 - doubt * further ** (pl.col("stories").fill_null(1).cast(pl.Float64) - 1)),
            novelty=pl.when(pl.col("repeated").fill_null(False)).then(repeat).otherwise(1.0),
        )
        .drop("stories", "repeated")
    )


def _stories_of(told: pl.DataFrame) -> pl.DataFrame:
    """(fact_id, stories, repeated): how many stories had told a figure by a fact's moment, and whether another was first.

    told: (fact_id, published_at, _story, _figure), sorted by `_figure`.
    """
    figure = pl.col("_figure")
    begins = (figure != figure.shift(1)).fill_null(True)
    firsts = (
        told.group_by("_figure", "_story").agg(_first=pl.col("published_at").min())
        .sort("_figure", "_first", "_story").with_row_index("_at")
        .with_columns(_nth=pl.col("_at") - pl.when(begins).then(pl.col("_at")).forward_fill() + 1)
    )  # fmt: skip
    same_next = (figure == figure.shift(-1)).fill_null(False)
    heads = firsts.with_columns(_next=pl.when(same_next).then(pl.col("_first").shift(-1))).filter(begins)
    heads = heads.select("_figure", "_next", _earliest="_first", _speaker="_story")
    last_of_moment = ~(same_next & (pl.col("_first") == pl.col("_first").shift(-1))).fill_null(False)
    moments = firsts.filter(last_of_moment).select("_figure", "_first", _stories="_nth").sort("_first")
    counted = (
        told.sort("published_at")
        .join_asof(
            moments, left_on="published_at", right_on="_first", by="_figure", strategy="backward",
            check_sortedness=False,
        )
        .join(heads, on="_figure", how="left")
    )  # fmt: skip
    other = pl.when(pl.col("_story") == pl.col("_speaker")).then(pl.col("_next")).otherwise(pl.col("_earliest"))
    return counted.select(
        "fact_id",
        stories=pl.col("_stories").fill_null(1),
        repeated=(other < pl.col("published_at")).fill_null(False),
    ).unique("fact_id", keep="first")


def described(facts: pl.DataFrame, lexicon: Lexicon, weights: dict[str, Any]) -> pl.DataFrame:
    """Add who and what facts speak of, and what their source and basis are worth: nothing that asks the past."""
    who = lexicon.entities.select("id", "layer", "roles", "name")
    for side in ("entity", "counterparty"):
        facts = facts.join(
            who.rename({"id": side, "layer": f"{side}_layer", "roles": f"{side}_roles", "name": f"{side}_name"}),
            on=side,
            how="left",
            maintain_order="left",
        )
    families = pl.DataFrame(
        {
            "product": list(lexicon.families), "family": list(lexicon.families.values()),
            "sold_as": [lexicon.sold_as.get(product) for product in lexicon.families],
        },
        schema={"product": pl.String, "family": pl.String, "sold_as": pl.String},
    )  # fmt: skip
    tiers = {int(k): float(v) for k, v in (weights.get("tier") or DEFAULT_TIER_WEIGHTS).items()}
    bases = {str(k): float(v) for k, v in (weights.get("basis") or DEFAULT_BASIS_WEIGHTS).items()}
    return facts.join(families, on="product", how="left", maintain_order="left").with_columns(
        tier_weight=pl.col("tier").cast(pl.Int64).replace_strict(tiers, default=0.5, return_dtype=pl.Float64),
        basis_weight=pl.col("basis").replace_strict(bases, default=0.5, return_dtype=pl.Float64),
        window_value=pl.lit(None, dtype=pl.Float64),
        compare_value=pl.lit(None, dtype=pl.Float64),
    )
