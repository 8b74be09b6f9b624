"""Frames: how a kind of statement is worded, as patterns over a sentence whose names are abstracted to their roles.

`rules/statements.yaml` holds the table. A pattern is a regular expression over folded text in which every name stands
as one sign of its role:

    {E} a company or lab      {C} a consortium      {W} "we", "the company", 公司      {A} whoever can act: {E} or {W}
    {P} a product    {D} a data centre    {H} a product that is none    {K} "custom silicon", 自研芯片
    {who} {other} {what} {body}  {A}, {E}, {H}, {C} with the part they play; {whose} "X's", "our"
    ~20  up to twenty characters of the same clause    _20  the same without another actor between
    @20  the same without a comma, an actor or a product between
    {name}  a place where a proper name begins         $word  a group of `words`, alternatives of wordings
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tracker.errors import RuleError
from tracker.extract.literals import Words, required
from tracker.vocabulary import KINDS
from tracker.yaml_files import YamlFile

# Private-use characters, 256 to a role: a sentence of 600 characters holds fewer names.
ENTITY, CONSORTIUM, BOTH, PRODUCT, ISSUER, STANDARD, OBSERVER, FACILITY, OWN, CUSTOM, MAKER = (
    chr(0xE000 + 256 * i) for i in range(11)
)

OURS: Final = ("our", "us")  # words for the issuer that stand as OWN


def _range(*firsts: str) -> str:
    return "".join(f"{first}-{chr(ord(first) + 255)}" for first in firsts)


_ACTING: Final = _range(ENTITY, BOTH, ISSUER)
_THINGS: Final = _range(PRODUCT, STANDARD, CUSTOM)
_ROLES: Final = {
    "E": f"[{_range(ENTITY, BOTH)}]",
    "C": f"[{_range(CONSORTIUM, STANDARD)}]",
    "P": f"[{_range(PRODUCT, BOTH, STANDARD, FACILITY, CUSTOM)}]",
    "H": f"[{_range(PRODUCT, BOTH, STANDARD, CUSTOM)}]",
    "K": f"[{_range(CUSTOM)}]",
    "D": f"[{_range(FACILITY)}]",
    "W": f"[{_range(ISSUER)}]",
    "A": f"[{_ACTING}]",
}
GOODS: Final = _ROLES["H"]
# Two who act together: the first one is the subject.
_STRANGER: Final = (
    r"(?:, (?!the |an? |which|who|its |said|says|as |and |or |but )[\w&.'-]{2,16}(?: [\w&.'-]{2,16}){0,2}?(?=,| and ))?"
)
_TOGETHER: Final = rf"(?:{_STRANGER}(?:\s?(?:, and\b|,|&|\+|、|\band\b|和|与|及|携手|联手|携|联合)\s?)(?:its )?{_ROLES['E']}(?: ?{_ROLES['E']})?(?: cloud| group| technologies| inc\.?| corp\.?)?){{0,7}}"
_SLOTS: Final = {
    "who": rf"(?P<who>{_ROLES['A']})(?: inc\.?| corp\.?)?(?P<with>{_TOGETHER})(?:'re|'ve|'ll)?",
    "whose": f"(?P<who>[{_range(ENTITY, BOTH, OWN)}])(?:'s|'|的)?",
    "other": f"(?P<other>[{_range(ENTITY, BOTH, MAKER)}])",
    "what": f"(?P<what>{_ROLES['H']})",
    "body": f"(?P<who>{_ROLES['C']})",
    "name": r"(?P<name>\S)",
}
_MACRO: Final = re.compile(r"\{(\w*[a-zA-Z]\w*)\}|~(\d+)|_(\d+)|@(\d+)|\$(\w+)")
_WITHOUT: Final = r"\n;。!?"


@dataclass(frozen=True, slots=True)
class Wording:
    """A pattern, and what a sentence must hold for it to fit: one of each set of blocks (see `needs`) and of words."""

    pattern: re.Pattern[str]
    needs: frozenset[int]
    words: tuple[Words, ...]

    @classmethod
    def of(cls, pattern: re.Pattern[str]) -> Wording:
        """A pattern with what it needs."""
        return cls(pattern, needs(pattern.pattern), required(pattern.pattern))

    def may_fit(self, blocks: int) -> bool:
        """Whether a sentence that holds these blocks is worth trying: nine of ten are not, at a twentieth of the cost."""
        return all(blocks & need for need in self.needs)


@dataclass(frozen=True, slots=True)
class Frame:
    """One way to word a kind of statement."""

    kind: str
    patterns: tuple[Wording, ...]
    direction: str = "none"  # up | down | none | words: by the words of change beside it
    unless: re.Pattern[str] | None = None  # not where this stands in the match or close around it
    topic: bool = False  # only where the sentence or the title is about what the thesis is about
    product: str = "optional"  # needed | optional | none | market: needed of a statement about the whole market
    carried: bool = False  # the product the sentences before spoke of will do
    reach: int = 90  # how far beside the match a product may stand
    software: bool = False  # software counts as a product
    # found: by the sentence's subject when the pattern names nobody; named: only by the pattern; maker: of the product
    subject: str = "found"
    layers: frozenset[str] = frozenset()  # who may be the subject, by place in the supply chain; empty: all
    not_layers: frozenset[str] = frozenset()
    basis: str | None = None
    own: bool = False  # negations and doubts are part of the wording


@dataclass(frozen=True, slots=True)
class Frames:
    """The table: frames by kind, the wordings that call for them, and what holds for all."""

    kinds: Mapping[str, tuple[Frame, ...]]
    cues: Mapping[str, tuple[str, ...]]
    topic: re.Pattern[str]
    unless: re.Pattern[str]
    unless_beside: re.Pattern[str]  # not where this stands in the clause of the match
    others: re.Pattern[str]  # what follows a name that stands for somebody else
    default_products: Mapping[str, str]  # layer -> what its statements are about when they name no product
    not_products: frozenset[str]  # families statements are not about
    nicknames: Mapping[str, re.Pattern[str]]  # product -> words that mean it right beside a match
    makes: Mapping[str, frozenset[str]]  # layer -> families of what its companies make


def compile_pattern(text: str, words: Mapping[str, str]) -> re.Pattern[str]:
    """The regular expression of a pattern of the table."""

    def expand(match: re.Match[str]) -> str:
        role, far, near, bare, word = match.groups()
        if far:
            return f"[^{_WITHOUT}]{{0,{far}}}?"
        if near:
            return f"[^{_WITHOUT}{_ACTING}]{{0,{near}}}?"
        if bare:
            return f"[^{_WITHOUT},，{_ACTING}{_THINGS}]{{0,{bare}}}?"
        if word:
            return f"(?:{_MACRO.sub(expand, words[word])})"
        return _SLOTS.get(role) or _ROLES[role]

    return re.compile(_MACRO.sub(expand, text))


# Blocks of characters a sentence can hold, as bits: the signs of each role, and Chinese.
CHINESE: Final = 1 << 30
_OPENING: Final = re.compile(r"\((?:\?(?:P<\w+>|:|(?P<look><?[=!])))?")
_OPTIONAL: Final = re.compile(r"[?*]|\{0?,\d*\}|\{0\}")
_QUANTIFIER: Final = re.compile(r"(?:[?*+]|\{\d*,?\d*\})[?+]?")
_CLASS: Final = re.compile(r"\[(\^?)((?:[^\]\\]|\\.)*)\]")


def block(character: str) -> int:
    """The bit of the role a sign stands for, or of Chinese; 0 for any other character."""
    if "\u4e00" <= character <= "\u9fff":
        return CHINESE
    return 1 << ((ord(character) - ord(ENTITY)) >> 8) if ENTITY <= character <= "\uf8ff" else 0


def needs(pattern: str) -> frozenset[int]:
    """What any match of a regular expression holds: sets of blocks, of each at least one. Errs on the side of none."""
    return _alternatives(pattern, 0)[0]


def _alternatives(pattern: str, at: int) -> tuple[frozenset[int], int]:
    """What all alternatives from a place to the end of its group need, and where the group ends."""
    branches: list[set[int]] = [set()]
    while at < len(pattern) and pattern[at] != ")":
        if pattern[at] == "|":
            branches.append(set())
            at += 1
            continue
        needed, at = _item(pattern, at)
        if not _OPTIONAL.match(pattern, at):
            branches[-1] |= needed
        if quantifier := _QUANTIFIER.match(pattern, at):
            at = quantifier.end()
    return frozenset(set.intersection(*branches)), at


def _item(pattern: str, at: int) -> tuple[frozenset[int], int]:
    """What the item at a place needs, and where it ends."""
    if opening := _OPENING.match(pattern, at):
        inside, end = _alternatives(pattern, opening.end())
        return (frozenset() if opening["look"] else inside), end + 1
    if found := _CLASS.match(pattern, at):
        blocks = [block(c) for c in found[2] if c != "-"]
        known = not found[1] and all(blocks)
        return frozenset([functools.reduce(operator.or_, blocks)] if known and blocks else []), found.end()
    if pattern[at] == "\\":
        return frozenset(), at + 2
    return frozenset(filter(None, [block(pattern[at])])), at + 1


def load_frames(file: YamlFile) -> Frames:
    """The table of a rules folder. Raises RuleError with file:line for what is not as it should be."""
    data = file.data
    words = {name: "|".join(str(w) for w in group) for name, group in data.get("words", {}).items()}

    def compiled(value: Any, *where: str | int) -> re.Pattern[str]:
        text = "|".join(f"(?:{v})" for v in value) if isinstance(value, list) else str(value)
        try:
            return compile_pattern(text, words)
        except (re.error, KeyError) as error:
            raise RuleError(f"cannot be read as a pattern: {error}", where=file.where(*where)) from error

    kinds, cues = {}, {}
    for kind, rule in data["kinds"].items():
        if kind not in KINDS:
            raise RuleError(f"'{kind}' is not a kind of fact", where=file.where("kinds", kind))
        cues[kind] = tuple(str(c) for c in rule["cues"])
        frames = []
        for i, row in enumerate(rule["frames"]):
            at = ("kinds", kind, "frames", i)
            settings = {k: v for k, v in row.items() if k not in ("say", "unless", "layers", "not_layers")}
            for name in settings:
                if name not in Frame.__dataclass_fields__:
                    raise RuleError(f"'{name}' is no setting of a frame", where=file.where(*at, name))
            frames.append(
                Frame(
                    kind,
                    tuple(Wording.of(compiled(p, *at, "say", j)) for j, p in enumerate(row["say"])),
                    unless=compiled(row["unless"], *at, "unless") if "unless" in row else None,
                    layers=frozenset(row.get("layers", ())),
                    not_layers=frozenset(row.get("not_layers", ())),
                    **settings,
                )
            )
        kinds[kind] = tuple(frames)
    return Frames(
        kinds,
        cues,
        compiled(data["topic"], "topic"),
        compiled(data["unless"], "unless"),
        compiled(data["unless_beside"], "unless_beside"),
        compiled(data["others"], "others"),
        dict(data.get("default_products", {})),
        frozenset(data.get("not_products", ())),
        {product: compiled(words, "nicknames", product) for product, words in data.get("nicknames", {}).items()},
        {layer: frozenset(families) for layer, families in data.get("makes", {}).items()},
    )
