"""The terms of many texts at once: one Aho-Corasick scan, word boundaries and order by arrays, meanings by a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.extract.lexicon import Lexicon, following_word, preceding_word
from tracker.extract.page import lay_out
from tracker.extract.terms import Term


class Mention(NamedTuple):
    """A term where it stands in a text."""

    start: int
    end: int
    term: Term


Roles = dict[str, list[Mention]]


@dataclass(frozen=True, slots=True)
class Hits:
    """Wordings that stand as whole words in texts, by text and place, the longer of equal beginnings first."""

    bounds: list[int]  # the hits of text i are bounds[i] to bounds[i + 1]
    starts: list[int]  # characters within the text
    ends: list[int]
    wordings: list[int]  # index into `lexicon.patterns`
    calling: npt.NDArray[np.bool_]  # of each text: whether it holds a term that calls for reading
    boilerplate: npt.NDArray[np.bool_]
    measuring: npt.NDArray[np.bool_]  # of each text: whether it holds a term that a figure can belong to
    signs: npt.NDArray[np.int64]  # of each text: the kinds its terms are signs of, as bits (see `TermTable.signs`)
    blocks: npt.NDArray[np.int64]  # of each text: what its terms may stand as, as bits (see `TermTable.blocks`)


def find_terms(folded: Sequence[str], lexicon: Lexicon, *, names: bool = False) -> Hits:
    """Every term of folded texts, overlapping ones included; names: only those that may name a company."""
    page = lay_out(folded, folded)
    table = lexicon.table
    starts, wordings = (table.names if names else table.wordings).find(page)
    wordings = table.numbers_of_names[wordings] if names else wordings
    ends = starts + table.lengths[wordings]
    whole = page.end_words(ends)
    starts, ends, wordings = starts[whole], ends[whole], wordings[whole]
    order = np.lexsort((-ends, starts))
    starts, ends, wordings = starts[order], ends[order], wordings[order]
    owner = page.owners(starts)
    base = page.starts[owner]

    def holds(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        found = np.zeros(len(folded), dtype=np.bool_)
        found[owner[flags[wordings]]] = True
        return found

    def bits(flags: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        found = np.zeros(len(folded), dtype=np.int64)
        np.bitwise_or.at(found, owner, flags[wordings])
        return found

    return Hits(
        np.searchsorted(owner, np.arange(len(folded) + 1)).tolist(),
        (starts - base).tolist(),
        (ends - base).tolist(),
        wordings.tolist(),
        holds(table.calling),
        holds(table.boilerplate),
        holds(table.measuring),
        bits(table.signs),
        bits(table.blocks),
    )


def mentions_of(text: str, folded: str, hits: Hits, i: int, lexicon: Lexicon) -> Roles:
    """The terms of text i by role, in order; of one role the longest wording wins ("GB200 NVL72" hides "GB200")."""
    found: Roles = {}
    starts, ends, wordings, meanings = hits.starts, hits.ends, hits.wordings, lexicon.table.meanings
    for k in range(hits.bounds[i], hits.bounds[i + 1]):
        start, end = starts[k], ends[k]
        for term in meanings[wordings[k]]:
            if term.conditional and not holds(term, text, folded, start, end):
                continue
            same = found.get(term.role)
            if same is None:
                found[term.role] = [Mention(start, end, term)]
                continue
            # starts are in order, and of equal ones the longest comes first: the one that reaches furthest is the last
            # or hides this one, too
            reach = same[-1]
            if end <= reach.end and end - start < reach.end - reach.start:
                continue
            same.append(Mention(start, end, term))
    return found


def whole(mentions: list[Mention]) -> list[Mention]:
    """Mentions in order without those that begin inside another one: "high-bandwidth memory chips" is HBM."""
    kept: list[Mention] = []
    for mention in mentions:
        if not kept or mention.start >= kept[-1].end:
            kept.append(mention)
    return kept


def holds(term: Term, text: str, folded: str, start: int, end: int) -> bool:
    """Whether a term that has conditions holds there: its exact form, what may not follow it."""
    said = text[start:end]
    if term.exact is not None and term.exact != said and said != term.exact.upper():
        return False
    if not said.isascii():  # Chinese has no word boundaries: what goes on, goes on right there
        return not (
            (term.not_before and folded.startswith(term.not_before, end))
            or (term.not_after and folded.endswith(term.not_after, 0, start))
        )
    if term.not_after and preceding_word(folded, start) in term.not_after:
        return False
    return not (term.not_before and following_word(folded, end) in term.not_before)
