"""The stage of each pillar, by stated evidence: orders and shipments with volumes, not announcements, make it scale.

`stages` of thesis.yaml says what each stage needs of a pillar's signals within a time; the highest stage whose needs are
met holds. A change of stage is itself a signal.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl

from tracker.thesis.schema import Thesis
from tracker.vocabulary import SIGNALS_SCHEMA, STAGES, conform, empty

_ZH: Final = {"concept": "概念", "cultivation": "培育", "scaling": "放量", "maturity": "成熟", "clearing": "出清"}


def stages(evidence: pl.DataFrame, thesis: Thesis, as_of: datetime) -> dict[str, str]:
    """Pillar -> stage. evidence: (pillar, direction, entity, story_id, kind, has_value, basis, effective_at) of signals."""
    result = {}
    for pillar in thesis.pillars:
        own = evidence.filter((pl.col("pillar") == pillar) & (pl.col("effective_at") <= as_of))
        reached = STAGES[0]
        for stage, needs in thesis.stages.items():
            if _met(own, needs, as_of):
                reached = stage
        result[pillar] = reached
    return result


def _met(own: pl.DataFrame, needs: dict[str, Any], as_of: datetime) -> bool:
    recent = own.filter(pl.col("effective_at") > as_of - timedelta(days=float(needs["days"])))
    chosen = recent
    if "kinds" in needs:
        chosen = chosen.filter(pl.col("kind").is_in(needs["kinds"]))
    if needs.get("with_value"):
        chosen = chosen.filter(pl.col("has_value"))
    if "basis" in needs:
        chosen = chosen.filter(pl.col("basis").is_in(needs["basis"]))
    if "direction" in needs:
        chosen = chosen.filter(pl.col("direction") == (1 if needs["direction"] == "for" else -1))
    if chosen["story_id"].n_unique() < needs.get("stories", 1) or chosen["entity"].n_unique() < needs.get(
        "entities", 0
    ):
        return False
    share = chosen.height / recent.height if recent.height else 0.0
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
