"""Inhibition: a signal that speaks already, or that a person rejected, keeps others of its kind quiet. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from tracker.vocabulary import SEVERITIES


@dataclass(frozen=True)
class Inhibition:
    """When a signal of `source` exists, those of `target` that agree with it in `same` are not told for a while."""

    name: str
    source: pl.Expr
    target: pl.Expr
    same: tuple[str, ...]
    lasts: timedelta
    louder: bool  # only a source of higher severity counts: a parent silences its children, not its peers


def inhibited(labels: pl.DataFrame, known: pl.DataFrame, rules: Sequence[Inhibition], now: datetime) -> dict[str, str]:
    """Signals that are kept quiet -> by which rule and signal.

    labels: LABELS of the new signals; known: LABELS of those told of before (with their reviews). A signal never
    inhibits itself, and null labels never agree.
    """
    found: dict[str, str] = {}
    everything = pl.concat([known, labels]).unique("signal_id", keep="last", maintain_order=True)
    for rule in rules:
        recent = everything.filter((pl.col("effective_at") >= now - rule.lasts) & rule.source)
        same = list(rule.same)
        pairs = (
            labels.filter(rule.target)
            .with_columns(_level("severity").alias("_level"))
            .join(
                recent.select(*same, _source="signal_id", _loud=_level("severity")), on=same, how="inner"
            )  # null keys never join
            .filter(pl.col("_source") != pl.col("signal_id"))
        )
        if rule.louder:
            pairs = pairs.filter(pl.col("_loud") > pl.col("_level"))
        for signal_id, source in pairs.select("signal_id", "_source").iter_rows():
            found.setdefault(signal_id, f"inhibited by '{rule.name}': {source}")
    return found


def _level(column: str) -> pl.Expr:
    return pl.col(column).replace_strict({s: i for i, s in enumerate(SEVERITIES)}, return_dtype=pl.Int32)
