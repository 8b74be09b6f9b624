"""Terms: what the words of a lexicon may mean, and a table of them as the scan of a text wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tracker.extract.wordings import Wordings

# Roles that make a sentence worth reading.
MEASURING: Final = frozenset({"cue", "strong", "weak", "heard", "implied"})  # a figure can belong to one of these
NAMING: Final = frozenset({"entity", "outsider"})  # what a title is searched for
CALLING: Final = MEASURING | {"sign"}


@dataclass(frozen=True)
class Term:
    """What a stretch of text may mean."""

    # entity | product | cue | strong | weak | segment | basis | direction | negation | hypothetical | boilerplate |
    # issuer | other_metric | setting | market | observer | heard | implied | sign (of a statement) |
    # outsider
    role: str
    value: str  # id, kind, basis, direction
    exact: str | None = None  # the form the text must have (case included), for names that are also words
    not_before: tuple[str, ...] = ()
    not_after: tuple[str, ...] = ()
    conditional: bool = field(init=False, repr=False, default=False)  # whether it has conditions beside its wording

    def __post_init__(self) -> None:
        object.__setattr__(self, "conditional", self.exact is not None or bool(self.not_before or self.not_after))


@dataclass(frozen=True, eq=False)
class TermTable:
    """The wordings of a lexicon by their index in `patterns`, as the scan wants them."""

    wordings: Wordings
    names: Wordings  # of those the ones that may name a company
    numbers_of_names: npt.NDArray[np.int64]  # their indexes in `wordings`
    lengths: npt.NDArray[np.int64]  # characters
    meanings: tuple[tuple[Term, ...], ...]
    calling: npt.NDArray[np.bool_]  # whether a sentence with it is worth reading
    boilerplate: npt.NDArray[np.bool_]
    measuring: npt.NDArray[np.bool_]
    signs: npt.NDArray[np.int64]  # kinds of statements it is a sign of: a bit each, in the order of `kinds`
    blocks: npt.NDArray[np.int64]  # signs it may stand as in the abstract of a sentence (see frames.py): a bit each

    @classmethod
    def of(
        cls,
        terms: Mapping[str, tuple[Term, ...]],
        patterns: Sequence[str],
        kinds: Iterable[str],
        blocks: Callable[[tuple[Term, ...], str], int],
    ) -> TermTable:
        """The table of `patterns` with the meanings in `terms`.

        kinds: of statements, in order. blocks: what a wording with its meanings may stand as.
        """
        meanings = tuple(terms[word] for word in patterns)
        bits = {kind: 1 << i for i, kind in enumerate(kinds)}

        def with_role(roles: frozenset[str]) -> npt.NDArray[np.bool_]:
            return np.array([any(t.role in roles for t in known) for known in meanings], dtype=np.bool_)

        named = with_role(NAMING)
        return cls(
            Wordings.of(patterns),
            Wordings.of([word for word, is_name in zip(patterns, named, strict=True) if is_name]),
            np.flatnonzero(named),
            np.array([len(word) for word in patterns], dtype=np.int64),
            meanings,
            with_role(CALLING),
            with_role(frozenset({"boilerplate"})),
            with_role(MEASURING),
            np.array([sum({bits[t.value] for t in known if t.role == "sign"}) for known in meanings], dtype=np.int64),
            np.array(
                [blocks(known, word) for word, known in zip(patterns, meanings, strict=True)],
                dtype=np.int64,
            ),
        )
