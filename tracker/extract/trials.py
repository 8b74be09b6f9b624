"""Which patterns of statements are worth trying on which sentences: two of a thousand pairs, told for a whole batch.

A pattern needs a sign of its kind, words (literals.py) and roles (frames.py). One Aho-Corasick scan finds the words; what
follows are joins of numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from tracker.extract import frames as signs
from tracker.extract.frames import Frame, Frames, Wording
from tracker.extract.terms import Term

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
    words: pl.Enum
    bounds: Numbers  # word i is one of the sets of words owners[bounds[i]:bounds[i + 1]]
    owners: Numbers
    patterns: Numbers  # of each set of words: whose it is
    sets: Numbers  # of each pattern: how many it needs a word of each of

    @classmethod
    def of(cls, frames: Frames) -> Trials:
        """The patterns of a table."""
        every = [Trial(frame, w) for kind in frames.kinds.values() for frame in kind for w in frame.patterns]
        place = {kind: i for i, kind in enumerate(frames.kinds)}
        needs = [sorted(t.wording.needs) for t in every]
        width = max(map(len, needs), default=0)
        sets = [(i, words) for i, trial in enumerate(every) for words in trial.wording.words]
        by_word: dict[str, list[int]] = {}
        for number, (_, words) in enumerate(sets):
            for word in words:
                by_word.setdefault(word, []).append(number)
        known = sorted(by_word)
        return cls(
            tuple(every),
            np.array([place[t.frame.kind] for t in every], dtype=np.int64),
            np.array([row + [_ALL] * (width - len(row)) for row in needs], dtype=np.int64).reshape(len(every), width),
            pl.Enum(known),
            np.cumsum([0, *(len(by_word[word]) for word in known)], dtype=np.int64),
            np.array([number for word in known for number in by_word[word]], dtype=np.int64),
            np.array([i for i, _ in sets], dtype=np.int64),
            np.array([len(t.wording.words) for t in every], dtype=np.int64),
        )

    def worth(
        self, sentences: pl.Series, others: dict[int, str], signs: Numbers, blocks: Numbers
    ) -> tuple[list[int], list[int]]:
        """(bounds, patterns): sentence i is worth patterns[bounds[i]:bounds[i + 1]], in the order of `every`.

        sentences: folded. others: by sentence a second form of it that patterns are tried on. signs: of each sentence
        the kinds it has signs of, blocks: the blocks its abstract may hold, a bit each.
        """
        rows, words = self._words_in(sentences)
        second, in_second = self._words_in(pl.Series(list(others.values()), dtype=pl.String))
        rows = np.concatenate((rows, np.array(list(others), dtype=np.int64)[second]))
        words = np.concatenate((words, in_second))
        row, owner = _expanded(np.unique(rows * max(1, len(self.bounds)) + words), self.bounds, self.owners)
        called = (signs[row] >> self.kinds[self.patterns[owner]]) & 1 == 1
        held = np.unique(row[called] * max(1, len(self.patterns)) + owner[called])
        row, owner = np.divmod(held, max(1, len(self.patterns)))
        pairs, counts = np.unique(row * len(self.every) + self.patterns[owner], return_counts=True)
        row, pattern = np.divmod(pairs, max(1, len(self.every)))
        fitting = counts == self.sets[pattern]
        for i in range(self.blocks.shape[1]):
            fitting &= (blocks[row] & self.blocks[pattern, i]) != 0
        row, pattern = self._with_wordless(row[fitting], pattern[fitting], signs, blocks)
        return np.searchsorted(row, np.arange(len(sentences) + 1)).tolist(), pattern.tolist()

    def _with_wordless(
        self, row: Numbers, pattern: Numbers, signs: Numbers, blocks: Numbers
    ) -> tuple[Numbers, Numbers]:
        """Pairs, and those of the patterns that need no word, in order."""
        pairs = [row * len(self.every) + pattern]
        for wordless in np.flatnonzero(self.sets == 0).tolist():
            fitting = (signs >> self.kinds[wordless]) & 1 == 1
            for need in self.blocks[wordless]:
                fitting &= (blocks & need) != 0
            pairs.append(np.flatnonzero(fitting) * len(self.every) + wordless)
        row, pattern = np.divmod(np.sort(np.concatenate(pairs)), max(1, len(self.every)))
        return row, pattern

    def _words_in(self, texts: pl.Series) -> tuple[Numbers, Numbers]:
        """(place of the text, number of the word) of every word that stands in texts, overlapping ones included."""
        patterns: Any = self.words.categories.to_list()
        found = texts.str.extract_many(patterns, overlapping=True)
        rows = np.repeat(np.arange(len(texts)), found.list.len().to_numpy())
        return rows, found.explode().drop_nulls().cast(self.words).to_physical().to_numpy().astype(np.int64)


def _expanded(pairs: Numbers, bounds: Numbers, values: Numbers) -> tuple[Numbers, Numbers]:
    """(row, value) for pairs of a row and a key, as row * len(bounds) + key: all values of the key."""
    rows, keys = np.divmod(pairs, max(1, len(bounds)))
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
