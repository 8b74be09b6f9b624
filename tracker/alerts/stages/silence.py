"""Silences: what nobody wants to hear about at once, until when, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

SILENCED_BY: Final = ("claim", "entity", "rule_id", "pillar", "layer", "recipient")
_LABEL_OF: Final = {"rule_id": "rule"}


@dataclass(frozen=True)
class Hush:
    """Why a signal is not told: for everybody, or for one recipient."""

    text: str
    recipient: str | None = None


def silenced(labels: pl.DataFrame, silences: pl.DataFrame, now: datetime) -> dict[str, list[Hush]]:
    """Signals (LABELS) covered by a running silence -> who is spared and why.

    silences: rows of the table (claim, entity, rule_id, pillar, layer, recipient, until, reason, author); a null condition
    means any. A silence ends at `until`; the moment itself is heard again.
    """
    found: dict[str, list[Hush]] = {}
    for row in silences.filter(pl.col("until") > now).iter_rows(named=True):
        covered = pl.lit(True)
        for condition in SILENCED_BY[:-1]:
            if (value := row.get(condition)) is not None:
                covered = covered & (pl.col(_LABEL_OF.get(condition, condition)) == value).fill_null(False)
        text = f"silenced by {row['author']} until {row['until']:%Y-%m-%d %H:%M} UTC: {row['reason']}"
        for signal_id in labels.filter(covered)["signal_id"]:
            found.setdefault(signal_id, []).append(Hush(text, row.get("recipient")))
    return found
