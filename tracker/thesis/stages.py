"""The stage of each pillar, by stated evidence: orders and shipments with volumes, not announcements, make it scale.

`stages` of thesis.yaml says what each stage needs of a pillar's signals within a time; the highest stage whose needs are
met holds. A change of stage is itself a signal.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl

from tracker.thesis.rulebook import Thesis
from tracker.vocabulary import SIGNALS_SCHEMA, STAGES, conform, empty

_COUNTED: Final = ("recent", "chosen", "stories", "entities")
_ZH: Final = {"concept": "概念", "cultivation": "培育", "scaling": "放量", "maturity": "成熟", "clearing": "出清"}


def stages(evidence: pl.DataFrame, thesis: Thesis, as_of: datetime) -> dict[str, str]:
    """Pillar -> stage. evidence: (pillar, direction, entity, story_id, kind, has_value, basis, effective_at) of signals."""
    told = evidence.filter(pl.col("effective_at") <= as_of)
    asked = [expr for stage, needs in thesis.stages.items() for expr in _counts(stage, needs, as_of)]
    counted = {row["pillar"]: row for row in told.group_by("pillar").agg(asked).iter_rows(named=True)}
    nothing = dict.fromkeys((f"{stage}.{name}" for stage in thesis.stages for name in _COUNTED), 0)
    result = {}
    for pillar in thesis.pillars:
        own = counted.get(pillar, nothing)
        met = [stage for stage, needs in thesis.stages.items() if _met(own, stage, needs)]
        result[pillar] = met[-1] if met else STAGES[0]
    return result


def _counts(stage: str, needs: dict[str, Any], as_of: datetime) -> list[pl.Expr]:
    """What a stage asks of a pillar's signals: how many are recent, how many of these count, their stories, entities."""
    recent = pl.col("effective_at") > as_of - timedelta(days=float(needs["days"]))
    chosen = recent
    if "kinds" in needs:
        chosen &= pl.col("kind").is_in(needs["kinds"])
    if needs.get("with_value"):
        chosen &= pl.col("has_value")
    if "basis" in needs:
        chosen &= pl.col("basis").is_in(needs["basis"])
    if "direction" in needs:
        chosen &= pl.col("direction") == (1 if needs["direction"] == "for" else -1)
    chosen = chosen.fill_null(value=False)
    made = (recent.sum(), chosen.sum(), *(pl.col(c).filter(chosen).n_unique() for c in ("story_id", "entity")))
    return [expr.alias(f"{stage}.{name}") for name, expr in zip(_COUNTED, made, strict=True)]


def _met(own: dict[str, Any], stage: str, needs: dict[str, Any]) -> bool:
    recent, chosen, stories, entities = (own[f"{stage}.{name}"] for name in _COUNTED)
    if stories < needs.get("stories", 1) or entities < needs.get("entities", 0):
        return False
    share = chosen / recent if recent else 0.0
    return bool(share >= needs.get("share", 0.0))


def stage_signals(before: dict[str, str], after: dict[str, str], thesis: Thesis, now: datetime) -> pl.DataFrame:
    """SIGNALS schema: one signal a pillar whose stage changed; it informs and hardly moves a claim."""
    rows = []
    for pillar, stage in after.items():
        was = before.get(pillar)
        claim = next((c.id for c in thesis.claims.values() if c.pillar == pillar), None)
        if was is None or was == stage or claim is None:
            continue
        forward = STAGES.index(stage) > STAGES.index(was) and stage != "clearing"
        key = f"stage.{pillar}\x1f{was}\x1f{stage}\x1f{now:%Y-%m-%d}"
        rows.append(
            {
                "signal_id": hashlib.sha256(key.encode()).hexdigest()[:16], "rule_id": f"stage.{pillar}",
                "rule_version": "stages", "claim": claim, "pillar": pillar, "direction": 1 if forward else -1,
                "severity": "info", "strength": 0.3, "confidence": 0.8, "effective_at": now, "created_at": now,
                "explanation": f"{thesis.pillars[pillar]}: from {was} to {stage}",
                "explanation_zh": f"{pillar}：由{_ZH[was]}进入{_ZH[stage]}", "fact_ids": [f"stage:{pillar}"],
                "doc_ids": [], "story_id": f"stage:{pillar}:{stage}:{now:%Y-%m-%d}",
            }
        )  # fmt: skip
    return conform(pl.DataFrame(rows, infer_schema_length=None), SIGNALS_SCHEMA) if rows else empty(SIGNALS_SCHEMA)
