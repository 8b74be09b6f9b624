"""Statements: facts without a figure, told by words that name their kind beside a product or an actor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tracker.extract.lexicon import Lexicon
from tracker.extract.reading import Mention, Reading
from tracker.extract.subjects import subject

_NEEDS_PRODUCT: Final = frozenset(
    {"product_launch", "ramp", "schedule_slip", "supply_tightness", "price", "custom_silicon", "shipment"}
)
# The product is named before the word that says what happens to it.
_PRODUCT_FIRST: Final = frozenset({"schedule_slip", "ramp", "supply_tightness"})
_NEEDS_OTHER: Final = frozenset({"design_win", "order", "acquisition"})  # or a product
_UP: Final = frozenset({"ramp", "supply_tightness"})
_BY_WORDS: Final = frozenset({"price", "capacity", "order", "capex", "shipment", "backlog"})
_NEAR: Final = 90
_GENERIC: Final = frozenset({"rack", "gpu", "ai_server", "asic"})
_CLAUSE_END: Final = re.compile(r"[,;，；。.]\s|[，；。]|$")


class Statement:
    """A cue that stands for itself, with its product, subject and direction."""

    __slots__ = ("cue", "direction", "end", "entity", "kind", "product")

    def __init__(self, cue: Mention, product: str | None, entity: str, direction: str, end: int) -> None:
        self.cue, self.kind, self.product, self.entity = cue, cue.term.value, product, entity
        self.direction, self.end = direction, end


def statements(reading: Reading, told: set[str], lexicon: Lexicon) -> Iterator[Statement | tuple[Mention, str]]:
    """Statements of a sentence, and as (cue, reason) the ones that were dropped. Kinds in `told` have figures."""
    said: set[str] = set()
    for cue in reading.of("strong"):
        kind = cue.term.value
        if kind in told or kind in said or not lexicon.kinds[kind].get("statement"):
            continue
        product = nearest_product(reading, cue)
        reason = _reason_against(reading, cue, product, lexicon)
        if reason is not None:
            yield cue, reason
            continue
        entity = subject(reading, cue.start, cue.start, kind, product, lexicon)
        if entity is None:
            yield cue, "no entity of the watchlist is its subject"
            continue
        said.add(kind)
        found = _CLAUSE_END.search(reading.text, cue.end)
        yield Statement(cue, product, entity, _direction(reading, cue), found.start() if found else cue.end)


def _reason_against(reading: Reading, cue: Mention, product: str | None, lexicon: Lexicon) -> str | None:
    kind = cue.term.value
    if kind in _NEEDS_PRODUCT and product is None:
        return "no product beside the statement"
    others = {m.term.value for m in reading.of("entity") if m.term.value not in lexicon.observers}
    if kind in _NEEDS_OTHER and product is None and len(others) < 2:
        return "neither a product nor another party beside the statement"
    if negated(reading, cue):
        return "negated"
    if any(0 <= cue.start - m.end <= 30 for m in reading.of("hypothetical")):
        return "hypothetical"
    return None


def negated(reading: Reading, cue: Mention) -> bool:
    """Whether a word of negation stands close before a cue."""
    return any(0 <= cue.start - m.end <= 25 for m in reading.of("negation"))


def nearest_product(reading: Reading, cue: Mention) -> str | None:
    """The product beside a cue: the nearest, of equally near ones the more specific; before the cue where it belongs."""
    near = [m for m in reading.of("product") if -_NEAR <= m.start - cue.start <= _NEAR]
    if cue.term.value in _PRODUCT_FIRST:
        near = [m for m in near if m.start <= cue.end] or near
    if not near:
        return None
    return specific(min(near, key=lambda m: (max(m.start - cue.end, cue.start - m.end, 0), m.start - m.end)), near)


def specific(nearest: Mention, near: list[Mention]) -> str:
    """The product a mention means: a generic word ("rack") right beside a name ("NVL72 racks") means the name."""
    if nearest.term.value in _GENERIC:
        beside = [m for m in near if 0 <= nearest.start - m.end <= 12 and m.term.value not in _GENERIC]
        if beside:
            return beside[-1].term.value
    return nearest.term.value


def _direction(reading: Reading, cue: Mention) -> str:
    kind = cue.term.value
    if kind in _UP:
        return "up"
    if kind == "demand_cut":
        return "down"
    if kind in _BY_WORDS:
        words = [m for m in reading.of("direction") if abs(m.start - cue.start) <= 45]
        if words:
            return min(words, key=lambda m: abs(m.start - cue.start)).term.value
    return "none"
