"""Wordings and where they stand in a text.

A long text is scanned once with Aho and Corasick's automaton, by polars. Its automaton takes as long to build as fifty
kilobytes to read, so in a short text words are looked up one by one: a single document holds a few kilobytes worth reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from tracker.extract.page import Page, Positions, characters, places

SHORT: Final = 20_000  # characters up to which looking up is quicker
_KEY: Final = 2  # characters a wording is found by


@dataclass(frozen=True, eq=False)
class Wordings:
    """Folded wordings, numbered in order."""

    every: tuple[str, ...]
    known: pl.Enum
    numbers: dict[str, int]
    lengths: dict[str, tuple[int, ...]]  # of the wordings that begin so

    @classmethod
    def of(cls, every: Sequence[str]) -> Wordings:
        """Wordings, each once."""
        lengths: dict[str, set[int]] = {}
        for word in every:
            lengths.setdefault(word[:_KEY], set()).add(len(word))
        return cls(
            tuple(every),
            pl.Enum(every),
            {word: i for i, word in enumerate(every)},
            {key: tuple(sorted(of)) for key, of in lengths.items()},
        )

    def places(self, page: Page) -> Positions:
        """Where wordings begin, in order, overlapping ones included, where no Latin word runs across their left side."""
        if len(page.folded) <= SHORT:
            return np.unique(self._looked_up(page)[0])
        found = places(page, self.every)
        return found[page.begin_words(found)]

    def find(self, page: Page) -> tuple[Positions, Positions]:
        """(place, number) of each wording in a page, overlapping ones included, in no order; Latin words as in `places`."""
        if len(page.folded) <= SHORT:
            return self._looked_up(page)
        text = pl.Series([page.folded], dtype=pl.String)
        patterns: Any = list(self.every)
        begins = text.str.find_many(patterns, overlapping=True).explode().drop_nulls()
        words = text.str.extract_many(patterns, overlapping=True).explode().drop_nulls()
        at = characters(page.folded, begins.to_numpy().astype(np.int64))
        numbers = words.cast(self.known).to_physical().to_numpy().astype(np.int64)
        whole = page.begin_words(at)
        return at[whole], numbers[whole]

    def _looked_up(self, page: Page) -> tuple[Positions, Positions]:
        text, lengths, numbers = page.folded, self.lengths, self.numbers
        every = np.arange(len(text), dtype=np.int64)
        found = [
            (at, number)
            for at in every[page.begin_words(every)].tolist()
            for key in {text[at : at + _KEY], text[at]}
            for length in lengths.get(key, ())
            if at + length <= len(text) and (number := numbers.get(text[at : at + length])) is not None
        ]
        pairs = np.array(found, dtype=np.int64).reshape(len(found), 2)
        return pairs[:, 0], pairs[:, 1]
