"""The record of rules: did later actual figures say the same, how soon, and was confidence worth its number.

A signal is judged by what the rules made of later *actual* evidence on the same claim and entity, from other stories,
within a time. It is a hit when that evidence points the same way on balance. A signal without later evidence is not
judged; the number of those judged stands beside every rate, and no rate stands without its interval.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Final

import polars as pl

CONFIDENCE: Final = 0.90
_Z: Final = 1.645
RECORD_SCHEMA: Final = {
    "rule": pl.String(), "claim": pl.String(), "direction": pl.Int8(), "signals": pl.Int64(), "judged": pl.Int64(),
    "hits": pl.Int64(), "hit_rate": pl.Float64(), "hit_low": pl.Float64(), "hit_high": pl.Float64(),
    "lead_days": pl.Float64(),
}  # fmt: skip
RELIABILITY_SCHEMA: Final = {
    "confidence": pl.String(), "judged": pl.Int64(), "said": pl.Float64(), "came_true": pl.Float64(),
    "low": pl.Float64(), "high": pl.Float64(),
}  # fmt: skip


def judged(signals: pl.DataFrame, *, quarters: int = 4) -> pl.DataFrame:
    """Signals with `hit` (null: nothing came after) and `lead_days` to the first evidence that agrees.

    signals: SIGNALS with `basis` and `kind` of their evidence. Linear in pairs of one claim and entity.
    """
    weight = pl.col("strength") * pl.col("confidence") * pl.col("direction").cast(pl.Float64)
    later = signals.filter(pl.col("basis") == "actual").select(
        "claim", "entity", then="effective_at", other_story="story_id", weight=weight, sign="direction"
    )
    span = timedelta(days=91 * quarters)
    pairs = (
        signals.select("signal_id", "claim", "entity", "effective_at", "story_id", "direction")
        .join(later, on=["claim", "entity"], how="inner", nulls_equal=True)
        .filter(
            (pl.col("then") > pl.col("effective_at"))
            & (pl.col("then") <= pl.col("effective_at") + span)
            & pl.col("story_id").ne_missing(pl.col("other_story"))
        )
    )
    agrees = pl.col("sign") == pl.col("direction")
    outcome = pairs.group_by("signal_id").agg(
        hit=(pl.col("weight").sum() * pl.col("direction").first().cast(pl.Float64)) > 0,
        lead_days=((pl.col("then") - pl.col("effective_at")).filter(agrees).min().dt.total_seconds() / 86_400),
    )
    joined = signals.join(outcome, on="signal_id", how="left", maintain_order="left")
    # evidence that can only point one way agrees with itself: such a claim is not judged
    both_ways = pl.col("direction").n_unique().over("claim") > 1
    return joined.with_columns(pl.when(both_ways).then(pl.col(c)).alias(c) for c in ("hit", "lead_days"))


def record(judged_signals: pl.DataFrame, by: tuple[str, ...] = ("rule_id", "claim", "direction")) -> pl.DataFrame:
    """RECORD_SCHEMA by rule (or by claim: `rule` is then empty), most signals first."""
    told = pl.col("hit").is_not_null()
    rows = judged_signals.group_by(list(by)).agg(
        signals=pl.len(), judged=told.sum(), hits=pl.col("hit").sum(),
        lead_days=pl.col("lead_days").filter(pl.col("hit").fill_null(False)).median(),
    )  # fmt: skip
    named = rows.with_columns(
        rule=pl.col("rule_id") if "rule_id" in by else pl.lit(""),
        direction=pl.col("direction") if "direction" in by else pl.lit(None, dtype=pl.Int8),
    )
    ends = [wilson(h, n) for h, n in named.select("hits", "judged").iter_rows()]
    return (
        named.with_columns(
            pl.Series(
                "hit_rate",
                [h / n if n else None for h, n in named.select("hits", "judged").iter_rows()],
                dtype=pl.Float64,
            ),
            pl.Series("hit_low", [e[0] for e in ends], dtype=pl.Float64),
            pl.Series("hit_high", [e[1] for e in ends], dtype=pl.Float64),
        )
        .select(pl.col(c).cast(t) for c, t in RECORD_SCHEMA.items())
        .sort(["signals", "rule", "claim"], descending=[True, False, False])
    )


def wilson(hits: int, n: int) -> tuple[float | None, float | None]:
    """The Wilson score interval of a share at CONFIDENCE; none without cases."""
    if not n:
        return None, None
    share = hits / n
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def reliability(judged_signals: pl.DataFrame, bins: int = 5) -> pl.DataFrame:
    """RELIABILITY_SCHEMA: of the signals said with about this confidence, how many came true."""
    told = judged_signals.filter(pl.col("hit").is_not_null())
    step = (pl.col("confidence") * bins).floor().clip(0, bins - 1).cast(pl.Int64).alias("_bin")
    rows = []
    for (number,), group in told.with_columns(step).sort("_bin").group_by(["_bin"], maintain_order=True):
        hits = int(group["hit"].sum())
        low, high = wilson(hits, group.height)
        label = f"{int(str(number)) / bins:.1f}-{(int(str(number)) + 1) / bins:.1f}"
        said = group.select(pl.col("confidence").mean()).item()
        rows.append(
            {"confidence": label, "judged": group.height, "said": said, "came_true": hits / group.height, "low": low, "high": high}
        )  # fmt: skip
    return pl.DataFrame(rows, schema=RELIABILITY_SCHEMA)


def brier(judged_signals: pl.DataFrame) -> float | None:
    """Mean squared distance of confidence from what came: 0 is perfect, 0.25 is what always saying a half scores."""
    told = judged_signals.filter(pl.col("hit").is_not_null())
    if told.is_empty():
        return None
    distance = pl.col("confidence") - pl.col("hit").cast(pl.Float64)
    return float(told.select((distance**2).mean()).item())
