"""A sentence with its names abstracted to their roles: what the patterns of statements are written over.

The folded sentence with one sign for each name (see frames.py), without glosses in brackets and marks of bold type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tracker.extract import frames as signs
from tracker.extract.lexicon import Lexicon
from tracker.extract.mentions import Mention, whole
from tracker.extract.reading import Reading

# What a name means or is called in English, in brackets behind it.
_GLOSS: Final = re.compile(
    r"\s?\((?:[a-z][^()]{1,80}?[:,][^()]{1,160}|[a-z][a-z0-9 .,&/'-]{1,60}|\d{4,6}(?:[.-][a-z]{2,4})?)\)"
)
# Between two names of one company: 亞馬遜AWS, 谷歌 Google, 阿里巴巴旗下阿里云.
_SAME: Final = re.compile(r"[\s/·]?|的|旗下的?|[（(]|\s?[（(][^（）()]{1,20}[)）]\s?|\s?\*\*\s?")
_BOLD: Final = re.compile(r"\s?\*\*\s?")
# Between Chinese and Latin letters a space is typography: AWS 與 Cerebras 合作.
_TYPOGRAPHIC: Final = re.compile(r"(?<=[a-z0-9])[ \u00a0](?=[\u4e00-\u9fff])|(?<=[\u4e00-\u9fff])[ \u00a0](?=[a-z0-9])")
_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
_CUSTOM: Final = re.compile(r"custom|自研|定制|客制", re.IGNORECASE)
_PART_OF_WORD: Final = re.compile(r"[A-Za-z\u4e00-\u9fff]公司|[A-Za-z\u4e00-\u9fff] ?公司")


@dataclass(frozen=True, slots=True)
class Abstract:
    """A sentence with names as signs; `at[i]` is where character i stands in the sentence."""

    sentence: str
    text: str
    at: list[int]
    names: dict[int, Mention]  # by place in `text`
    products: list[Mention]  # that statements can be about
    blocks: int  # the roles and scripts in it, as bits

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Place in the sentence of a stretch of the abstract text."""
        last = end - 1
        stop = self.names[last].end if last in self.names else self.at[last] + 1
        while stop < len(self.sentence) and self.sentence[stop].isascii() and self.sentence[stop].isalnum():
            stop += 1  # a quote ends with a word
        return self.at[start], stop


def unmarked(folded: str) -> str | None:
    """A folded sentence without the glosses and marks that its abstract leaves out; None where it has none."""
    bare = _GLOSS.sub("", folded) if "(" in folded else folded
    bare = _BOLD.sub("", bare) if "**" in bare else bare
    return bare if len(bare) < len(folded) else None


def abstracted(reading: Reading, lexicon: Lexicon) -> Abstract:
    """The folded sentence with one sign for each name and without the marks of bold type."""
    text = reading.folded
    glosses = [(m.start(), m.end()) for m in _GLOSS.finditer(text)] if "(" in text else []
    marks = [
        (start, end, None)
        for start, end in (
            *glosses,
            *((m.start(), m.end()) for m in (_BOLD.finditer(text) if "**" in text else ())),
            *((m.start(), m.end()) for m in (() if text.isascii() else _TYPOGRAPHIC.finditer(text))),
        )
    ]
    products = [
        m
        for m in whole(reading.of("product"))
        if lexicon.families[m.term.value] not in lexicon.frames.not_products
        and not any(start <= m.start < end for start, end in glosses)
    ]
    spans = sorted([*_named(reading, lexicon), *marks], key=lambda s: (s[0], -s[1]))
    pieces: list[str] = []
    at: list[int] = []
    names: dict[int, Mention] = {}
    done = count = 0
    blocks = signs.CHINESE if not text.isascii() and _CHINESE.search(text) else 0
    for start, end, mention in spans:
        if start < done:
            continue
        pieces.append(text[done:start])
        at.extend(range(done, start))
        if mention is not None and count < 255:
            names[len(at)] = mention
            sign = _sign(reading, mention, lexicon)
            blocks |= signs.block(sign)
            pieces.append(chr(ord(sign) + count))
            at.append(start)
            count += 1
        done = end
    pieces.append(text[done:])
    at.extend(range(done, len(text)))
    return Abstract(reading.text, "".join(pieces).replace("  ", "\n "), at, names, products, blocks)


def _said_once(reading: Reading) -> list[Mention]:
    """Names of companies, each once where a company is called by two names in a row."""
    kept: list[Mention] = []
    for m in reading.of("entity"):
        last = kept[-1] if kept else None
        if last is not None and last.term.value == m.term.value and m.start >= last.end:
            behind = m.end + reading.folded[m.end : m.end + 1].count(")")
            if _SAME.fullmatch(reading.folded, last.end, m.start):
                kept[-1] = Mention(last.start, behind if reading.folded[m.start - 1] in "（(" else m.end, last.term)
                continue
        kept.append(m)
    return kept


def _named(reading: Reading, lexicon: Lexicon) -> list[tuple[int, int, Mention | None]]:
    """Names and words for the issuer; software is no product here, and a name that is also a product stands once."""
    return [
        (m.start, m.end, m)
        for role in ("entity", "product", "issuer", "crowd")
        for m in (_said_once(reading) if role == "entity" else reading.of(role))
        if role != "product" or lexicon.families[m.term.value] not in lexicon.frames.not_products
        if role != "issuer" or m.start == 0 or not _PART_OF_WORD.match(reading.text, m.start - 1)
    ]


def _sign(reading: Reading, mention: Mention, lexicon: Lexicon) -> str:
    role, value = mention.term.role, mention.term.value
    if role == "product":
        if value == "asic" and _CUSTOM.match(reading.text, mention.start):
            return signs.CUSTOM
        return signs.FACILITY if lexicon.families[value] == "facility" else signs.PRODUCT
    if role == "crowd":
        return signs.ISSUER
    if role == "issuer":
        return signs.OWN if reading.text[mention.start : mention.end].lower() in signs.OURS else signs.ISSUER
    also = any(m.start == mention.start and m.end == mention.end for m in reading.of("product"))
    if lexicon.layers.get(value) == "consortium":
        return signs.STANDARD if also else signs.CONSORTIUM
    if _is_makers_name(reading, mention, lexicon):
        return signs.MAKER
    if value in lexicon.observers or lexicon.layers.get(value) == "government":
        return signs.OBSERVER
    return signs.BOTH if also else signs.ENTITY


def _is_makers_name(reading: Reading, mention: Mention, lexicon: Lexicon) -> bool:
    """Whether a name inside a sentence belongs to the product behind it: "... Supermicro's NVIDIA Blackwell line"."""
    if mention.start == 0 or reading.text[mention.start - 1] in ".。:：;；!！\n":
        return False
    behind = [m for m in reading.of("product") if 0 <= m.start - mention.end <= 1]
    if not any(lexicon.vendors.get(m.term.value) == mention.term.value for m in behind):
        return False
    before = [m for m in reading.of("entity") if m.end <= mention.start and mention.start - m.end <= 40]
    return bool(before) and before[-1].term.value != mention.term.value
