"""Whether a revenue figure is told of the whole company or of a part of it, and of which."""

from __future__ import annotations

import re
from typing import Final

from tracker.extract.folding import fold
from tracker.extract.lexicon import Lexicon
from tracker.extract.quantities import Quantity
from tracker.extract.reading import Mention, Reading

_WHOLE: Final = re.compile(
    r"\b(?:total|company|companywide|company-wide|consolidated|group|overall|net|quarterly|firmwide)\s*(?:quarterly |company |reported )?$",
    re.IGNORECASE,
)
_INSIDE: Final = re.compile(
    r"^\s*(?:from|of|for|in|across|within)\s+(?:our |the |its |their )?(?:\w+ ){0,2}$", re.IGNORECASE
)
_JOINS: Final = re.compile(
    r"[,;:.，。；]|\b(?:and|was|were|is|are|with|to|of|for|drove|driving|grew|from)\b", re.IGNORECASE
)
# Words that stand before "revenue" without making it the revenue of a part.
_AUXILIARY: Final = re.compile(
    r"(?:is|are|was|were|be|been|we're|i'm|they're|it's|of|by|and|to|from|while)$", re.IGNORECASE
)
_TOKEN: Final = re.compile(r"[A-Za-z][\w.&'’+/-]*|\d[\w.,%]*|[^\sA-Za-z\d]")
_LEAD: Final = re.compile(
    r"^(?:and |so |now |then |ok(?:ay)?,? |well,? )*(?:(?:(?:moving|turning|shifting|looking|switching|going|over|now|next) (?:on |over |now |back |first |next )?(?:to|at)|"
    r"starting with|beginning with|within|inside|in|for|as for|on|across) (?:the |our |its |that )?)(?P<name>[A-Za-z][\w&' /+-]{1,44}?)(?: (?:segment|business|division|unit|side|market))?,\s",
    re.IGNORECASE,
)
# Leads that name a time, a manner or nothing at all.
_NO_PART: Final = re.compile(
    r"\b(?:quarter|year|month|half|q[1-4]|fy|fiscal|period|total|all|summary|addition|fact|particular|general|short|contrast|comparison|turn|terms|"
    r"dollars?|currenc\w+|basis|guidance|outlook|results?|p&l|balance sheet|cash flow|example|instance|perspective|financials?|numbers?|details?|"
    r"company|group|consolidated|sum|aggregate|us|you|me|january|february|march|april|may|june|july|august|september|october|november|december|"
    r"call|conference|interview|statement|presentation|report|release|letter|e-?mail|filing|note|announcement|earnings|meeting|way|case|part|today|now|recent\w*|last|next|first|second|third|fourth|reference|context|modeling|clarity|highlights?|overall|time|times|line|response|part)\b",
    re.IGNORECASE,
)
_SECTION_REACH: Final = 260  # characters between the words that open a part and a bare "revenue was"
_OPENS: Final = re.compile(
    r"(?:(?:moving|turning|shifting|looking|switching|turn|move|shift) (?:on |over |now |back |first |next )?to|(?:next|now|first|finally|lastly),?) (?:the |our )?(?P<name>[A-Za-z][\w&' /+-]{1,40}?)(?: (?:segment|business|division|unit))?[.,]\s",
    re.IGNORECASE,
)
_SHORT_NAME: Final = re.compile(
    r"(?:^|[.;,] )(?!We|It|Q\d)([A-Z][A-Z&]{1,5}) (?:delivered|posted|generated|reported|had|recorded|achieved|contributed)(?: (?:record|quarterly|strong|total))*\s$"
)
_WE: Final = re.compile(r"we grew", re.IGNORECASE)
_FROM: Final = re.compile(
    r"\s(?:from|within|across|outside|related to|attributable to|generated (?:by|from)|in) (?:our |the |its |their )?(?P<name>[A-Za-z][\w&'/-]*(?: [A-Za-z][\w&'/-]*){0,2})"
)
_NOT_FROM: Final = re.compile(
    r"(?:\d|operations|continuing|higher|lower|increas|decreas|improv|stronger|weaker|excess|line|part|constant|prior|previous|last|existing|local|both|these|those|this|that|any|all|"
    r"each|more|less|other income|customers|whom|which|what|where|how|it|them|us|our|your)",
    re.IGNORECASE,
)
_ITS: Final = re.compile(r"^ (?:of|in|worth of)? ?(?:[\w'’.-]+ ){0,4}$")
_GIVES: Final = re.compile(
    r"^ (?:business |segment |unit |chips? )?(?:contributed|accounted for|brought in|made|gave|generated|represented|supplied|delivered|achieved|posted|saw|recorded|drove)\b[^,;.]{0,20}$",
    re.IGNORECASE,
)
_UNIT: Final = re.compile(r"\b(?:unit|segment|division|business|arm|group)\b", re.IGNORECASE)


def part_of(reading: Reading, cue: Mention, quantity: Quantity, lexicon: Lexicon) -> tuple[str, str | None]:
    """(kind, product) of a revenue figure: of the whole company, or of a part of it."""
    text = reading.text
    near = _named(reading, cue, quantity)
    if _WHOLE.search(text[: cue.start]) and not near:
        return "revenue", None
    if near is None:
        near = []
        if _WE.match(text, cue.start):
            return ("segment_revenue" if _in_section(reading, cue) else "revenue"), None
        if not (
            cue.term.role == "implied"
            or _from_part(reading, cue)
            or _delivers(reading, cue, lexicon)
            or _modified(reading, cue, quantity, lexicon)
            or _in_section(reading, cue)
        ):
            return "revenue", None
    values = [m.term.value for m in near if m.term.role == "segment" and m.term.value != "_"] or [
        m.term.value for m in near if m.term.role == "product"
    ]
    return "segment_revenue", values[-1] if values else None


def _from_part(reading: Reading, cue: Mention) -> bool:
    """Whether "revenue from ..." names where it comes from: a kind of customer, a place, a use."""
    found = _FROM.match(reading.text, cue.end)
    return found is not None and not _NO_PART.search(found["name"]) and not _NOT_FROM.match(found["name"])


def _delivers(reading: Reading, cue: Mention, lexicon: Lexicon) -> bool:
    """Whether a part by its short name brings the revenue: "QCT delivered revenues of ..."."""
    found = _SHORT_NAME.search(reading.text, 0, cue.start)
    return found is not None and not any(t.role == "entity" for t in lexicon.terms.get(fold(found[1]), ()))


def _named(reading: Reading, cue: Mention, quantity: Quantity) -> list[Mention] | None:
    """The part that stands before the cue, behind it, behind the figure or at the head of the sentence."""
    text = reading.text
    parts = [*reading.of("segment"), *reading.of("product")]
    if cue.term.role == "implied":
        return [m for m in reading.of("segment") if m.start == cue.start] or None
    ahead = [
        m for m in parts if m.end <= cue.start + 1 and cue.start - m.end <= 28 and _noun_phrase(text[m.end : cue.start])
    ]
    behind = [
        m for m in parts if m.start >= cue.end and m.start - cue.end <= 40 and _INSIDE.match(text[cue.end : m.start])
    ]
    right_behind = [m for m in reading.of("segment") if 0 <= m.start - quantity.end <= 1 and quantity.unit == "money"]
    lead = [
        m for m in reading.of("segment") if m.start <= 6 and m.end < cue.start and text[m.end : m.end + 1] in ",:："
    ]
    units = [m for m in reading.of("implied") if m.end < cue.start and _UNIT.match(text[m.end : m.end + 12].lstrip())]
    units = [s for m in units for s in reading.of("segment") if s.start == m.start]
    giving = [
        m
        for m in reading.of("segment")
        if m.end < quantity.start <= cue.start
        and _GIVES.match(text[m.end : quantity.start])
        and _ITS.match(text[quantity.end : cue.start])
    ]
    inside = [
        m for m in reading.of("segment") if quantity.end <= m.start and m.end <= cue.start
    ]  # "10 % growth in search revenue"
    return ahead or behind or right_behind or lead or units or giving or inside or None


def _noun_phrase(gap: str) -> bool:
    """Whether between a part's name and "revenue" stands nothing but more of its name."""
    return not _JOINS.search(gap) and len(gap.split()) <= 3


def _modified(reading: Reading, cue: Mention, quantity: Quantity, lexicon: Lexicon) -> bool:
    """Whether a noun that is not the company's name makes it the revenue of something: "handset revenues"."""
    text = reading.text
    if not text[cue.start : cue.end].isascii():
        return False
    floor = quantity.end if quantity.end <= cue.start else max(reading.clause_start(cue.start), cue.start - 40)
    names = [m for m in (*reading.of("entity"), *reading.of("observer")) if m.end <= cue.start]
    end = cue.start
    tokens = list(_TOKEN.finditer(text, floor, end))
    if not tokens or not text[tokens[-1].end() : end].isspace():
        return False
    last = tokens[-1]
    word = last[0].lower().rstrip(".")
    if (
        not word[0].isalpha()
        or any(c.isdigit() for c in word)
        or word in lexicon.plain_words
        or all(w in lexicon.plain_words for w in word.split("-"))
        or word.endswith(("'s", "’s", "s'", "s’", "ly"))
    ):
        return False
    if any(m.start <= last.start() < m.end for m in names):
        return False
    return not (word.endswith("ed") or (word.endswith("ing") and len(tokens) > 1 and _AUXILIARY.match(tokens[-2][0])))


def _in_section(reading: Reading, cue: Mention) -> bool:
    """Whether the part was named at the head of the sentence, or right before a sentence that begins with "revenue"."""
    lead = _LEAD.match(reading.text)
    if lead is not None and lead.end() <= cue.start and not _NO_PART.search(lead["name"]):
        names = [m for m in reading.of("entity") if lead.start("name") <= m.start < lead.end("name")]
        return not names
    if cue.start > 16 or _WHOLE.search(reading.text[: cue.start]):  # "Third quarter revenue was": a bare beginning
        return False
    before = reading.document.text[max(0, reading.offset - _SECTION_REACH) : reading.offset]
    opened = list(_OPENS.finditer(before))
    if not opened or _NO_PART.search(opened[-1]["name"]):
        return False
    between = before[opened[-1].end() :]
    return not re.search(r"\b(?:total|company|consolidated|we delivered)\b", between, re.IGNORECASE)
