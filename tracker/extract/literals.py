"""What a regular expression cannot match without: words of which any match holds at least one.

With them one Aho-Corasick scan over a whole batch tells which of some hundred expressions are worth trying where. The
answer errs on the side of none: an expression that needs no word is tried everywhere.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Set
from dataclasses import dataclass
from typing import Final

_MOST: Final = 96  # words of one set; more of them say little
_FEWEST: Final = 2  # letters of a word of ASCII that is worth looking for
_RARE: Final = 0.02  # as often a letter or two stand somewhere: see `_weight`
_OPENING: Final = re.compile(r"\((?:\?(?:P<\w+>|:|(?P<look><?[=!])))?")
_QUANTIFIER: Final = re.compile(r"(?:(?P<sign>[?*+])|\{(?P<least>\d*)(?:,(?P<most>\d*))?\})[?+]?")
_CLASS: Final = re.compile(r"\[(?P<not>\^?)(?P<of>(?:[^\]\\]|\\.)*)\]")
_WIDTHLESS: Final = frozenset("bBAZ")
_SETS: Final = frozenset("wWsSdD")
_NOTHING: Final = frozenset({""})
_SIGNS: Final = re.compile(r"[\ue000-\uf8ff]")  # stand for names, which no text holds

Words = frozenset[str]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an expression: all that it matches, where that is a few words, and sets it needs a word of each of."""

    exact: Words | None
    needs: tuple[Words, ...] = ()

    def sets(self) -> tuple[Words, ...]:
        """What it needs, its own words included where they are worth looking for."""
        whole = (self.exact,) if self.exact is not None and _is_telling(self.exact) else ()
        return (*self.needs, *whole)


_ANYTHING: Final = _Part(None)


def required(pattern: str) -> tuple[Words, ...]:
    """Sets of words, in lower case: any match of an expression holds one of each. The rarest, and others that are rare.

    The expression is one of those rules are written in: no flags, no back references.
    """
    part, _ = _alternatives(pattern, 0)
    sets = sorted(set(part.sets()), key=lambda words: (_weight(words), sorted(words)))
    return tuple(words for i, words in enumerate(sets) if i == 0 or _weight(words) <= _RARE)


def alternatives(pattern: str) -> list[tuple[Words, ...]]:
    """For each alternative of an expression all sets of words found of which a match of it holds one of each."""
    found: list[tuple[Words, ...]] = []
    at = -1
    while at < len(pattern):
        part, at = _sequence(pattern, at + 1)
        found.append(part.sets())
    return found


def _is_telling(words: Words) -> bool:
    return all(len(word) >= (_FEWEST if word.isascii() else 1) for word in words) and len(words) <= _MOST


def _weight(words: Set[str]) -> float:
    """How often one of the words may be expected, roughly: short ones stand everywhere."""
    return sum(14.0 ** -len(word.strip()) if word.isascii() else 120.0 ** -len(word) for word in words)


def _alternatives(pattern: str, at: int) -> tuple[_Part, int]:
    """What all alternatives from a place to the end of its group need, and where the group ends."""
    branches: list[_Part] = []
    while True:
        part, at = _sequence(pattern, at)
        branches.append(part)
        if at >= len(pattern) or pattern[at] == ")":
            break
        at += 1
    if len(branches) == 1:
        return branches[0], at
    exact: set[str] = set()
    for branch in branches:
        if branch.exact is None or branch.needs:
            break
        exact |= branch.exact
    else:
        if len(exact) <= _MOST:
            return _Part(frozenset(exact)), at
    either: set[str] = set()
    for branch in branches:
        sets = branch.sets()
        if not sets:
            return _ANYTHING, at
        either |= min(sets, key=_weight)
    return _Part(None, (frozenset(either),) if len(either) <= _MOST else ()), at


def _sequence(pattern: str, at: int) -> tuple[_Part, int]:
    """What stands side by side up to the next alternative: the words its parts make together."""
    needs: list[Words] = []
    words: Words = _NOTHING  # what the parts since the last gap can be, in full
    whole = True
    while at < len(pattern) and pattern[at] not in "|)":
        part, at = _item(pattern, at)
        if quantifier := _QUANTIFIER.match(pattern, at):
            part, at = _repeated(part, quantifier), quantifier.end()
        needs += part.needs
        if part.exact is not None and len(words) * len(part.exact) <= _MOST:
            words = frozenset(a + b for a, b in itertools.product(words, part.exact))
            continue
        whole = False
        if _is_telling(words):
            needs.append(words)
        words = part.exact if part.exact is not None else _NOTHING
    if whole:
        return _Part(words, tuple(needs)), at
    return _Part(None, (*needs, *((words,) if _is_telling(words) else ()))), at


def _repeated(part: _Part, quantifier: re.Match[str]) -> _Part:
    sign, least, most = quantifier["sign"], quantifier["least"], quantifier["most"]
    if sign == "?" or (not sign and (least or "0") == "0" and most == "1"):
        return _Part(part.exact | _NOTHING) if part.exact is not None and not part.needs else _ANYTHING
    if sign == "*" or (not sign and (least or "0") == "0"):
        return _ANYTHING
    return _Part(None, part.sets())  # at least once


def _item(pattern: str, at: int) -> tuple[_Part, int]:
    """What the item at a place needs, and where it ends."""
    if opening := _OPENING.match(pattern, at):
        inside, end = _alternatives(pattern, opening.end())
        return (_Part(_NOTHING) if opening["look"] else inside), end + 1
    if found := _CLASS.match(pattern, at):
        return _of_class(found), found.end()
    character = pattern[at]
    if character == "\\":
        escaped = pattern[at + 1]
        if escaped in _WIDTHLESS:
            return _Part(_NOTHING), at + 2
        # letters and digits behind a backslash stand for more than themselves
        return (_ANYTHING if escaped.isalnum() else _Part(frozenset({escaped}))), at + 2
    if character in "^$":
        return _Part(_NOTHING), at + 1
    return (_ANYTHING if character == "." or _SIGNS.match(character) else _Part(frozenset({character.lower()}))), at + 1


def _of_class(found: re.Match[str]) -> _Part:
    inside = found["of"]
    if found["not"] or "\\" in inside or _SIGNS.search(inside):
        return _ANYTHING
    spelled = _SPAN.sub(
        lambda m: "".join(chr(c) for c in range(ord(m[1]), min(ord(m[2]), ord(m[1]) + _FEW) + 1)), inside
    )
    return _Part(frozenset(spelled.lower())) if len(spelled) <= _FEW else _ANYTHING


_SPAN: Final = re.compile(r"(.)-(.)")
_FEW: Final = 6  # characters of a class that are worth spelling out
