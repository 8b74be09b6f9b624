"""How much of a sentence a quote needs: enough that its figure can be read from it again, bounds and bands included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tracker.extract.quantities import find_quantities
from tracker.extract.quantity_words import Quantity
from tracker.vocabulary import MAX_QUOTE_CHARS

# "more than", "up to the" before a figure; ", plus or minus 50 basis points", "year over year", 以上 behind it
_BEFORE: Final = 26
_BEHIND: Final = 64


def widened(text: str, start: int, end: int, quantity: Quantity, currency: str | None) -> tuple[int, int]:
    """The stretch `start:end`, widened word by word until `quantity` parses out of it; unchanged where nothing helps.

    text: the sentence the quantity was read from. currency: what was taken for the one of amounts without a country.
    """
    if bears(text[start:end], quantity, currency):
        return start, end
    for first, last in sorted(
        ((a, b) for a in _left(text, start) for b in _right(text, end)), key=lambda s: (s[1] - s[0], s[0])
    ):
        if last - first <= MAX_QUOTE_CHARS and bears(text[first:last], quantity, currency):
            return first, last
    return start, end


def bears(quote: str, quantity: Quantity, currency: str | None) -> bool:
    """Whether a figure parses out of a quote."""
    wanted = (quantity.low, quantity.high, quantity.unit)
    return any((q.low, q.high, q.unit) == wanted for q in find_quantities(quote, currency=currency))


def _left(text: str, start: int) -> Iterator[int]:
    """Beginnings of words at most `_BEFORE` characters before, the nearest first."""
    yield start
    for at in range(start - 1, max(0, start - _BEFORE) - 1, -1):
        if not text[at].isspace() and (at == 0 or text[at - 1].isspace() or not text[at].isascii()):
            yield at


def _right(text: str, end: int) -> Iterator[int]:
    """Ends of words at most `_BEHIND` characters behind, the nearest first."""
    yield end
    for at in range(end + 1, min(len(text), end + _BEHIND) + 1):
        if not text[at - 1].isspace() and (at == len(text) or text[at].isspace() or not text[at - 1].isascii()):
            yield at
