"""Conviction: how probable a claim is, from a stated prior and every signal for and against it.

Log-odds: prior + bounded sum of signed weights. A signal weighs strength x confidence x the weight of its severity,
halves every half-life of its claim, and stories about the same thing count with diminishing weight. The sum over a set
is used, never an order of arrival, so the same signals give the same conviction however they came in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import polars as pl

from tracker.thesis.rulebook import Thesis
from tracker.vocabulary import CONVICTION_SCHEMA, conform

DEFAULT_SEVERITY_WEIGHTS: Final = {"info": 0.05, "low": 0.15, "medium": 0.3, "high": 0.6, "critical": 1.0}
DEFAULT_BOUND: Final = 3.0  # log-odds: whatever the evidence, a claim stays between 5 and 95 percent around its prior
TOP_DRIVERS: Final = 5


def weighted(signals: pl.DataFrame, thesis: Thesis, reviews: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Signals known at `as_of` with their signed `weight` in log-odds.

    reviews: target_id, verdict; a rejected signal weighs nothing, a confirmed one counts with full confidence,
    a corrected one so in the direction a person gave it.
    """
    table = thesis.weights.get("severity") or DEFAULT_SEVERITY_WEIGHTS
    half_lives = {c.id: c.half_life_days for c in thesis.claims.values()}
    known = signals.filter((pl.col("created_at") <= as_of) & pl.col("claim").is_in(list(half_lives)))
    verdicts = (
        reviews.select(
            signal_id="target_id",
            verdict="verdict",
            correction="correction" if "correction" in reviews.columns else pl.lit(None, dtype=pl.String),
        )
        if reviews.height
        else pl.DataFrame(schema={"signal_id": pl.String, "verdict": pl.String, "correction": pl.String})
    )
    age_days = (pl.lit(as_of) - pl.col("effective_at")).dt.total_seconds().clip(lower_bound=0) / 86_400
    confidence = (
        pl.when(pl.col("verdict") == "reject")
        .then(0.0)
        .when(pl.col("verdict").is_in(["confirm", "correct"]))
        .then(1.0)
        .otherwise(pl.col("confidence"))
    )
    severity = pl.col("severity").replace_strict(
        {k: float(v) for k, v in table.items()}, default=0.1, return_dtype=pl.Float64
    )
    half_life = pl.col("claim").replace_strict(half_lives, return_dtype=pl.Float64)
    weight = severity * pl.col("strength") * confidence * (-math.log(2) * age_days / half_life).exp()
    right = pl.when(pl.col("correction") == "for").then(1).when(pl.col("correction") == "against").then(-1)
    scored = known.join(verdicts, on="signal_id", how="left").with_columns(
        weight=weight, direction=right.otherwise(pl.col("direction")).cast(pl.Int8)
    )
    # the second, third … signal of one rule about one entity adds a half, a third … of its weight (at fatigue 1)
    fatigue = float(thesis.weights.get("fatigue", 1.0))
    rank = pl.col("weight").rank("ordinal", descending=True).over("claim", "rule_id", "entity")
    return scored.sort("signal_id").with_columns(
        weight=pl.col("weight") / rank**fatigue * pl.col("direction").cast(pl.Float64)
    )


def conviction(
    signals: pl.DataFrame,
    thesis: Thesis,
    reviews: pl.DataFrame,
    as_of: datetime,
    stages: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """Conviction (CONVICTION schema) of every claim, pillar (`pillar:ID`) and the thesis (`THESIS`) at a moment.

    stages: pillar -> stage, where known.
    """
    known = stages or {}
    bound = float(thesis.weights.get("bound", DEFAULT_BOUND))
    summed = _summed(weighted(signals, thesis, reviews, as_of))
    rows = []
    for claim in thesis.claims.values():
        gain, loss, drivers_for, drivers_against = summed.get(claim.id, (0.0, 0.0, [], []))
        log_odds = claim.prior + bound * math.tanh((gain + loss) / bound)
        rows.append(
            {
                "claim": claim.id,
                "as_of": as_of,
                "log_odds": log_odds,
                "probability": _probability(log_odds),
                "evidence_for": gain,
                "evidence_against": -loss,
                "stage": known.get(claim.pillar),
                "drivers_for": drivers_for,
                "drivers_against": drivers_against,
            }
        )
    return conform(
        pl.DataFrame(rows + _rolled_up(rows, thesis, as_of, known), infer_schema_length=None), CONVICTION_SCHEMA
    )


def _summed(scored: pl.DataFrame) -> dict[str, tuple[float, float, list[str], list[str]]]:
    """Claim -> (sum of positive weights, of negative ones, heaviest signals for, heaviest against)."""
    weight, signal = pl.col("weight"), pl.col("signal_id")
    summed = (
        scored.sort(["weight", "signal_id"], descending=[True, False])
        .group_by("claim", maintain_order=True)
        .agg(
            gain=weight.filter(weight > 0).sum(),
            loss=weight.filter(weight < 0).sum(),
            drivers_for=signal.filter(weight > 0).head(TOP_DRIVERS),
            drivers_against=signal.filter(weight < 0).reverse().head(TOP_DRIVERS),
        )
    )
    return {claim: (gain, loss, pro, con) for claim, gain, loss, pro, con in summed.iter_rows()}


def _rolled_up(
    rows: list[dict[str, Any]], thesis: Thesis, as_of: datetime, stages: Mapping[str, str]
) -> list[dict[str, Any]]:
    """A pillar is the mean log-odds of its claims, the thesis the mean of its pillars."""
    by_pillar: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        claim = thesis.claims[row["claim"]]
        if claim.backtest is None:
            by_pillar.setdefault(claim.pillar, []).append(row)
    pillars = [
        _mean(f"pillar:{name}", members, as_of) | {"stage": stages.get(name)} for name, members in by_pillar.items()
    ]
    return [*pillars, _mean("THESIS", pillars, as_of)] if pillars else []


def _mean(name: str, members: list[dict[str, Any]], as_of: datetime) -> dict[str, Any]:
    log_odds = sum(m["log_odds"] for m in members) / len(members)
    return {
        "claim": name,
        "as_of": as_of,
        "log_odds": log_odds,
        "probability": _probability(log_odds),
        "evidence_for": sum(m["evidence_for"] for m in members),
        "evidence_against": sum(m["evidence_against"] for m in members),
        "stage": None,
        "drivers_for": [s for m in members for s in m["drivers_for"][:1]],
        "drivers_against": [s for m in members for s in m["drivers_against"][:1]],
    }


def _probability(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))
