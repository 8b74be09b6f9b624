"""What a route, a silence or an inhibition covers: conditions on a signal's labels as one polars expression. Pure.

Labels of a signal (LABELS): claim, pillar, rule, entity, layer, story as texts, where `*` and `?` stand for anything;
direction `for` or `against`; severity by name or `{at_least: high}`; tier by number or `{at_most: 2}`. All conditions
of one match hold together; a list is any of its members; a label that is null matches no condition.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from tracker.vocabulary import SEVERITIES, UTC_TIME

LABELS: Final[dict[str, pl.DataType]] = {
    "signal_id": pl.String(),
    "rule": pl.String(),
    "claim": pl.String(),
    "pillar": pl.String(),
    "direction": pl.String(),  # for | against
    "severity": pl.String(),
    "entity": pl.String(),
    "layer": pl.String(),  # of the entity, by the watchlist
    "tier": pl.Int8(),  # best tier among the signal's documents; null for what the hardware model says
    "story": pl.String(),
    "review": pl.String(),  # confirm | reject | null
    "effective_at": UTC_TIME,
}
TEXTS: Final = ("claim", "pillar", "rule", "entity", "layer", "story")


def compile_match(match: Mapping[str, Any]) -> pl.Expr:
    """The expression (never null) that says whether a row of LABELS is meant; an empty match means every row."""
    result = pl.lit(True)
    for label, wanted in match.items():
        result = result & _condition(label, wanted)
    return result


def _condition(label: str, wanted: Any) -> pl.Expr:
    column = pl.col(label) if label != "not" else pl.lit(None)
    if label == "not":
        return ~compile_match(wanted)
    if label == "severity" and isinstance(wanted, Mapping):
        return column.is_in(list(SEVERITIES[SEVERITIES.index(wanted["at_least"]) :])).fill_null(False)
    if label == "tier" and isinstance(wanted, Mapping):
        return (column <= int(wanted["at_most"])).fill_null(False)
    names = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
    if label in TEXTS:
        return column.str.contains(f"^(?:{'|'.join(_pattern(str(n)) for n in names)})$").fill_null(False)
    return column.is_in(names).fill_null(False)


def _pattern(text: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in text)


def is_pattern(text: str) -> bool:
    """Whether a text stands for more than itself."""
    return "*" in text or "?" in text
