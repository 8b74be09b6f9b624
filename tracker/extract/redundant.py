"""Statements that add nothing to what a document tells elsewhere."""

from __future__ import annotations

from typing import Any, Final

_TOLD_BY_FIGURES: Final = frozenset({"capex", "backlog", "price"})
_FROM_WHOM: Final = frozenset({"design_win", "order"})
_GENERIC: Final = frozenset({"asic", "gpu", "rack", "ai_server"})


def distinct(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Facts of a batch without statements that add nothing: a figure of the same, or a statement that says of what."""
    valued, named, dealt = set(), set(), set()
    for row in rows:
        key = (row["doc_id"], row["kind"], row["entity"])
        if row["value_low"] is not None or row["value_high"] is not None:
            valued |= {(*key, row["product"]), (*key, None)}
            dealt |= {(*key, row["counterparty"]), (*key, None)}
        elif not _is_generic(row):
            named.add((*key, _from(row)))
        if row["kind"] == "order":
            dealt.add((row["doc_id"], "design_win", row["entity"], row["counterparty"]))

    def adds(row: dict[str, Any]) -> bool:
        key = (row["doc_id"], row["kind"], row["entity"])
        if row["kind"] in _TOLD_BY_FIGURES and (*key, row["product"]) in valued:
            return False
        if row["kind"] == "acquisition" and (*key, row["counterparty"]) in dealt:
            return False
        if row["kind"] == "design_win" and row["counterparty"] is not None and (*key, row["counterparty"]) in dealt:
            return False  # who orders has chosen
        return not (_is_generic(row) and (*key, _from(row)) in named)

    return [r for r in rows if r["value_low"] is not None or r["value_high"] is not None or adds(r)]


def _from(row: dict[str, Any]) -> str | None:
    """The other side of a deal: who adopts or orders from one may do so from another, too."""
    other: str | None = row["counterparty"] if row["kind"] in _FROM_WHOM else None
    return other


def _is_generic(row: dict[str, Any]) -> bool:
    return row["product"] is None or (row["kind"] == "custom_silicon" and row["product"] in _GENERIC)
