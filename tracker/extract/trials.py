"""Which patterns of statements are worth trying on which sentences: two of a thousand pairs, told for a whole batch.

A pattern needs a sign of its kind, words (literals.py) and roles (frames.py). One Aho-Corasick scan finds the words; what
follows are joins of numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from tracker.extract import frames as signs
from tracker.extract.frames import Frame, Frames, Wording
from tracker.extract.terms import Term
from tracker.extract.wordings import SHORT

Numbers = npt.NDArray[np.int64]

_ALL: Final = (1 << 40) - 1  # every block, and one that every sentence has
ANY: Final = 1 << 39
_WATCHING: Final = frozenset({"tracker", "government"})  # layers that stand for observers


@dataclass(frozen=True, slots=True)
class Trial:
    """A pattern of a frame."""

    frame: Frame
    wording: Wording


@dataclass(frozen=True, eq=False)
class Trials:
    """All patterns of a table of frames by number, and what each needs."""

    every: tuple[Trial, ...]  # kind by kind, frame by frame
    kinds: Numbers  # of each pattern: its kind's place in `Frames.kinds`
    blocks: Numbers  # a row each: sets of blocks it needs one of each of, as bits; all bits set where there are fewer
    words: pl.Enum  # of the rarest set of each pattern
    bounds: Numbers  # the patterns whose rarest set word i is in are patterns[bounds[i]:bounds[i + 1]]
    patterns: Numbers
    wordless: tuple[int, ...]  # patterns that need no word

    @classmethod
    def of(cls, frames: Frames) -> Trials:
        """The patterns of a table."""
        every = [Trial(frame, w) for kind in frames.kinds.values() for frame in kind for w in frame.patterns]
        place = {kind: i for i, kind in enumerate(frames.kinds)}
        needs = [sorted(t.wording.needs) for t in every]
        width = max(map(len, needs), default=0)
        by_word: dict[str, list[int]] = {}
        for i, trial in enumerate(every):
            for word in trial.wording.words[0] if trial.wording.words else ():
                by_word.setdefault(word, []).append(i)
        known = sorted(by_word)
        return cls(
            tuple(every),
            np.array([place[t.frame.kind] for t in every], dtype=np.int64),
            np.array([row + [_ALL] * (width - len(row)) for row in needs], dtype=np.int64).reshape(len(every), width),
            pl.Enum(known),
            np.cumsum([0, *(len(by_word[word]) for word in known)], dtype=np.int64),
            np.array([i for word in known for i in by_word[word]], dtype=np.int64),
            tuple(i for i, t in enumerate(every) if not t.wording.words),
        )

    def worth(
        self, sentences: Sequence[str], others: dict[int, str], signs: Numbers, blocks: Numbers
    ) -> tuple[list[int], list[int]]:
        """(bounds, patterns): sentence i is worth patterns[bounds[i]:bounds[i + 1]], in the order of `every`.

        sentences: folded. others: by sentence a second form of it that patterns are tried on. signs: of each sentence
        the kinds it has signs of, blocks: the blocks its abstract may hold, a bit each.
        """
        called = np.flatnonzero(signs)
        second = [i for i in called.tolist() if i in others]
        texts = [*(sentences[i] for i in called.tolist()), *(others[i] for i in second)]
        rows = np.concatenate((called, np.array(second, dtype=np.int64)))
        if sum(map(len, texts)) <= SHORT:  # then looking into each is quicker than making ready for a scan
            row, pattern = np.repeat(called, len(self.every)), np.tile(np.arange(len(self.every)), len(called))
        else:
            place, words = self._words_in(pl.Series(texts, dtype=pl.String))
            row, pattern = _expanded(rows[place], words, self.bounds, self.patterns)
            row = np.concatenate((row, *(called for _ in self.wordless)))
            pattern = np.concatenate((pattern, *(np.full(len(called), i) for i in self.wordless)))
        fitting = (signs[row] >> self.kinds[pattern]) & 1 == 1
        for i in range(self.blocks.shape[1]):
            fitting &= (blocks[row] & self.blocks[pattern, i]) != 0
        pairs = np.unique(row[fitting] * len(self.every) + pattern[fitting])
        kept = [
            pair
            for pair in pairs.tolist()
            if self._holds(
                pair % len(self.every), sentences[pair // len(self.every)], others.get(pair // len(self.every))
            )
        ]
        row, pattern = np.divmod(np.array(kept, dtype=np.int64), max(1, len(self.every)))
        return np.searchsorted(row, np.arange(len(sentences) + 1)).tolist(), pattern.tolist()

    def _holds(self, pattern: int, text: str, other: str | None) -> bool:
        """Whether one form of a sentence or the other holds a word of each set that a pattern needs."""
        return all(
            any(word in text for word in words) or (other is not None and any(word in other for word in words))
            for words in self.every[pattern].wording.words
        )

    def _words_in(self, texts: pl.Series) -> tuple[Numbers, Numbers]:
        """(place of the text, number of the word) of every word that stands in texts, overlapping ones included."""
        patterns: Any = self.words.categories.to_list()
        found = texts.str.extract_many(patterns, overlapping=True)
        rows = np.repeat(np.arange(len(texts)), found.list.len().to_numpy())
        return rows, found.explode().drop_nulls().cast(self.words).to_physical().to_numpy().astype(np.int64)


def _expanded(rows: Numbers, keys: Numbers, bounds: Numbers, values: Numbers) -> tuple[Numbers, Numbers]:
    """(row, value): all values of the key of each row, which are values[bounds[key]:bounds[key + 1]]."""
    counts = bounds[keys + 1] - bounds[keys]
    ends = np.cumsum(counts)
    places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(bounds[keys] - (ends - counts), counts)
    return np.repeat(rows, counts), values[places]


def blocks_of(
    known: Iterable[Term], wording: str, frames: Frames, families: Mapping[str, str], layers: Mapping[str, str]
) -> int:
    """The blocks of the signs a wording with these meanings may stand as in the abstract of a sentence, as bits.

    families: of products. layers: of entities.
    """
    found = 0
    also = any(term.role == "product" for term in known)
    for term in known:
        if term.role == "product" and families[term.value] not in frames.not_products:
            found |= signs.block(signs.FACILITY if families[term.value] == "facility" else signs.PRODUCT)
            found |= signs.block(signs.CUSTOM) if term.value == "asic" else 0
        elif term.role == "issuer":
            found |= signs.block(signs.OWN if wording in signs.OURS else signs.ISSUER)
        elif term.role == "crowd":
            found |= signs.block(signs.ISSUER)
        elif term.role == "entity":
            found |= signs.block(signs.MAKER)
            if layers.get(term.value) == "consortium":
                found |= signs.block(signs.STANDARD if also else signs.CONSORTIUM)
            elif layers.get(term.value) in _WATCHING:
                found |= signs.block(signs.OBSERVER)
            else:
                found |= signs.block(signs.BOTH if also else signs.ENTITY)
    return found
