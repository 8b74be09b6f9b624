"""The texts of a batch laid out as one, with what every character is: what the scans for sentences and terms stand on.

All of it is arithmetic over arrays, a few nanoseconds a character; positions are in characters of the laid-out text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from tracker.extract.folding import fold, pieces

Positions = npt.NDArray[np.int64]

SPACE: Final = 1
FULL_STOP: Final = 2  # ends a sentence whatever follows
STOP: Final = 4  # ends one when a space and a capital follow
CLOSER: Final = 8
OPENER: Final = 16
CAPITAL: Final = 32  # what a sentence can begin with
WORD: Final = 64  # a letter or digit of ASCII, full width included: what a Latin word is made of

_GAP: Final = "\n"  # between texts: in no term, and the end of a sentence
_NEAR: Final = 4  # zeros behind the classes, so that a look ahead needs no guard


@cache
def _classes() -> npt.NDArray[np.uint8]:
    """Class of each character of the basic plane; beyond it stand emoji and rare characters, which are nothing here."""
    table = np.zeros(0x10000, dtype=np.uint8)

    def mark(characters: str, flag: int) -> None:
        for character in characters:
            table[ord(character)] |= flag

    digits, capitals = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    mark("".join(c for c in map(chr, range(0x3100)) if c.isspace()), SPACE)
    mark("。！？；\n", FULL_STOP)
    mark(".!?", STOP)
    mark("\"'”’)]", CLOSER)
    mark("\"'“‘([$", OPENER)
    mark(digits + capitals, CAPITAL)
    table[0x4E00:0xA000] |= CAPITAL
    latin = digits + capitals + capitals.lower()
    mark(latin + "".join(chr(ord(c) + 0xFEE0) for c in latin), WORD)
    return table


def classes(text: str) -> npt.NDArray[np.uint8]:
    """Class flags of each character, with a few zeros behind the last one."""
    table = _classes()
    found = np.zeros(len(text) + _NEAR, dtype=np.uint8)
    at = 0
    for piece in pieces(text):
        found[at : at + len(piece)] = np.take(table, piece, mode="clip")
        at += len(piece)
    return found


@dataclass(frozen=True, slots=True)
class Page:
    """Texts one after the other, folded and classed."""

    text: str
    folded: str
    kinds: npt.NDArray[np.uint8]  # one a character, and a few zeros
    starts: Positions  # where each text begins; one more: where the next would

    def having(self, flag: int) -> Positions:
        """Where the characters with a class flag stand; piece by piece, so that it takes little memory."""
        piece = 1 << 20
        at = range(0, len(self.kinds), piece)
        return np.concatenate([np.flatnonzero((self.kinds[i : i + piece] & flag) != 0) + i for i in at])

    def owners(self, at: Positions) -> Positions:
        """Index of the text that holds each position."""
        return np.searchsorted(self.starts, at, side="right") - 1

    def begin_words(self, at: Positions) -> npt.NDArray[np.bool_]:
        """Whether no Latin word runs across the left side of each position."""
        inside: npt.NDArray[np.bool_] = (self.kinds[at] & self.kinds[at - 1] & WORD).astype(bool)
        return ~inside

    def end_words(self, at: Positions) -> npt.NDArray[np.bool_]:
        """Whether no Latin word runs across each position, the first behind a term."""
        return self.begin_words(at)


def lay_out(texts: Sequence[str], folded: Sequence[str] | None = None) -> Page:
    """One page of texts; folds them where that has not been done."""
    text = _GAP.join(texts)
    low = fold(text) if folded is None else _GAP.join(folded)
    lengths = np.fromiter((len(t) + 1 for t in texts), dtype=np.int64, count=len(texts))
    return Page(text, low, classes(low if folded is not None else text), np.concatenate(([0], np.cumsum(lengths))))


def places(page: Page, patterns: Sequence[str]) -> Positions:
    """Where patterns begin in the folded text, in order: one Aho-Corasick scan, overlapping hits included."""
    found: Any = pl.Series([page.folded], dtype=pl.String).str.find_many(list(patterns), overlapping=True).explode()
    return np.unique(characters(page.folded, found.drop_nulls().to_numpy().astype(np.int64)))


def characters(text: str, offsets: Positions) -> Positions:
    """Byte offsets of a text's UTF-8 as character offsets, in the order given; linear."""
    if text.isascii() or not len(offsets):
        return offsets
    starts = (np.frombuffer(text.encode("utf-8"), dtype=np.uint8) & 0xC0) != 0x80
    order, back = np.unique(np.concatenate(([0], offsets)), return_inverse=True)
    counts = np.add.reduceat(starts, order, dtype=np.int64)  # characters from each offset to the next
    before = np.concatenate(([0], np.cumsum(counts[:-1])))
    return before[back[1:]]
