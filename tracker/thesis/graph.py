"""The supplier graph: who gains and who is squeezed by what moves at one place of the chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

MAX_STEPS: Final = 2
MAX_NAMES: Final = 10
# Kinds that move volume through the chain; the others say nothing about suppliers.
_VOLUME: Final = frozenset(
    {"capex", "order", "deployment", "shipment", "backlog", "revenue", "segment_revenue", "capacity", "ramp"}
)
_CUTS: Final = frozenset({"demand_cut", "schedule_slip", "scaling_doubt"})
_TIGHT: Final = frozenset({"supply_tightness", "price"})


def beneficiaries(
    graph: Sequence[dict[str, Any]], entity: str | None, product: str | None, kind: str, sign: int
) -> tuple[list[str], list[str]]:
    """(who gains, who is squeezed) as "ID: path", nearest first.

    Volume at a buyer or system maker flows up to its suppliers; a cut squeezes them; a tight or dearer part is good for
    those who make it and squeezes those who buy it.
    """
    suppliers = _walk(graph, entity, upstream=True)
    buyers = _walk(graph, entity, upstream=False)
    if kind in _TIGHT:
        own = [f"{entity}: {product or kind}"] if entity and entity != "MARKET" else []
        return own, buyers
    if kind in _CUTS or (kind in _VOLUME and sign < 0):
        return [], suppliers
    if kind in _VOLUME:
        return suppliers, []
    return [], []


def case_of(kind: str, product: str | None, sign: int) -> tuple[str, str | None]:
    """What of a signal decides the answer of `beneficiaries` beside its entity: for callers that keep answers."""
    if kind in _TIGHT:
        return "tight", product or kind
    if kind in _CUTS or (kind in _VOLUME and sign < 0):
        return "cut", None
    return ("volume" if kind in _VOLUME else "none"), None


def _doubt(edge: dict[str, Any]) -> str:
    """What a reader has to know of an edge before believing a path over it."""
    if edge["source"] == "assumption":
        return " (assumed)"
    return " (reported)" if edge.get("basis") == "reported" else ""


def _walk(graph: Sequence[dict[str, Any]], entity: str | None, *, upstream: bool) -> list[str]:
    here, there = ("to", "from") if upstream else ("from", "to")
    found: dict[str, str] = {}
    edge_of: list[tuple[str, str]] = [(entity, entity)] if entity else []
    for _ in range(MAX_STEPS):
        following: list[tuple[str, str]] = []
        for name, path in edge_of:
            for edge in graph:
                other = str(edge[there])
                if edge[here] == name and other != entity and other not in found:
                    what = f"{edge['product']}{_doubt(edge)}"
                    found[other] = f"{path} ← {what} ← {other}" if upstream else f"{path} → {what} → {other}"
                    following.append((other, found[other]))
        edge_of = following
    return [f"{name}: {path}" for name, path in list(found.items())[:MAX_NAMES]]
