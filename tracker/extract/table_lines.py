"""A document's lines as a table's: what stands in their cells, and which numbers those are.

Tables reach the text as rows of cells between " | " (HTML, Markdown) or as a name followed by numbers (plain text).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# A cell that is nothing but a figure: 46,743  $(171)  (9)%  72.4%  NT$1,046.1  +3.2 pts
_NUMBER: Final = re.compile(
    r"(?:(?P<word>up|down|上升|下降|增加|减少|增长)\s?)?(?P<minus>[-−–](?=[A-Z$€£¥₩]))?(?:US|NT|HK|RMB|AU|C|S)?\s?[$€£¥₩￥~≈]{0,2}\s?(?P<open>[(（])?\s?(?:US|NT|HK|RMB)?[$€£¥₩￥]?\s?(?P<sign>[-+−–])?\s?[$€£¥₩￥]?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,15}(?:\.\d+)?|\.\d+)"
    r"\s?(?P<inner>[%％])?\s?(?P<close>[)）])?\s?(?P<outer>%|％|pts?\.?|bps|个百分点|個百分點)?"
    r"(?:\s?\(\d\)|\s?\*)?",
    re.IGNORECASE,
)
_NIL: Final = re.compile(r"(?:[$€£¥₩]\s?)?(?:[-—–−]{1,2}|n/?[am]\.?|nm|\*|不适用|不適用|无)", re.IGNORECASE)
# Cells that belong to the number after or before them, as publishers split them for alignment.
_BEFORE: Final = re.compile(r"(?:US|NT|HK|RMB|C|S)?\s?[$€£¥₩￥][(（]?|[(（]")
_AFTER: Final = re.compile(r"[)）]?\s?[%％]?\s?[)）]?|pts?\.?")
_OPENING, _CLOSING = frozenset("$€£¥₩￥(（"), frozenset(")）%％Pp")  # what they end and begin with
# The figures a plain-text row ends in; each at least one space from the next.
_TAIL: Final = re.compile(
    r"(?:(?<=\s)(?:(?:US|NT|HK|RMB)?[$€£¥₩]\s?)?[(（]?[-+−]?[$]?(?:\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.\d{1,6})?[%％]?[)）]?[%％]?|(?<=\s)[—–-])$"
)
_TAIL_ENDS: Final = frozenset("0123456789%％)）—–-")
# Columns of preformatted text stand at least two blanks apart.
_COLUMN: Final = re.compile(r"\S+(?: \S+)*")
_RANGE: Final = re.compile(
    r"(?:between\s)?([$€£¥₩]?\d[\d,]*(?:\.\d+)?%?)\s?(?:-|–|—|~|to|and|至)\s?([$€£¥₩]?\d[\d,]*(?:\.\d+)?%?)",
    re.IGNORECASE,
)
_MAX_TAIL: Final = 14
_LETTER: Final = re.compile(r"[A-Za-z\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its text, where it stands in the document, and the number it is (None for words; nil for a dash).

    value: the figure, or the lower end of a range.
    """

    text: str
    start: int
    end: int
    value: float | None = None
    high: float | None = None  # the upper end, where the cell is a range
    percent: bool = False
    points: bool = False
    nil: bool = False

    @property
    def is_value(self) -> bool:
        """Whether it fills a column."""
        return self.value is not None or self.nil


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a document with its cells."""

    text: str
    start: int
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        """What a row is called: its first cell when that is words."""
        return self.cells[0].text if self.cells and not self.cells[0].is_value else ""

    @property
    def values(self) -> tuple[Cell, ...]:
        """The cells behind the name."""
        return self.cells[1:] if self.name else self.cells

    @property
    def is_row(self) -> bool:
        """Whether a name is followed by figures and nothing else."""
        return bool(self.name) and len(self.cells) > 1 and all(c.is_value for c in self.cells[1:])


def lines(text: str) -> Iterator[Line]:
    """Lines of a text in order, cells where there are several (a line of prose has none); linear in its length."""
    at = 0
    for line in text.split("\n"):
        yield Line(line, at, tuple(_cells(line, at)))
        at += len(line) + 1


def parse_cell(text: str) -> tuple[float, bool, bool] | None:
    """(number, is per cent, is percentage points) of a cell that is nothing but a figure; brackets are a minus."""
    found = _NUMBER.fullmatch(text)
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    outer = found["outer"] or found["inner"] or ""
    value = float(found["digits"].replace(",", ""))
    falling = (found["word"] or "").lower() in ("down", "下降", "减少")
    if found["open"] or found["sign"] in ("-", "−", "–") or found["minus"] or falling:
        value = -value
    return value / (100 if outer == "bps" else 1), outer in ("%", "％"), outer.startswith(("pt", "bps", "个", "個"))


def _cells(line: str, offset: int) -> list[Cell]:
    if len(line) > 2_000 or not _may_have_cells(line):  # a paragraph
        return []
    if "|" in line:
        pieces = _split(line, "|")
    elif "\t" in line:
        pieces = _split(line, "\t")
    elif "  " in line.strip():
        pieces = [m.span() for m in _COLUMN.finditer(line)]
        if not all(parse_cell(line[a:b]) for a, b in pieces[1:]) and not _RANGE.search(line):
            pieces = _plain(line)
    else:
        pieces = _plain(line)
    spans = _merged(line, pieces)
    return [_cell(line[a:b], offset + a, offset + b) for a, b in spans] if len(spans) > 1 else []


def _may_have_cells(line: str) -> bool:
    """Whether a line may be more than one cell: by its separators, or because it ends in a figure."""
    bare = line.strip()
    return "|" in line or "\t" in line or bare[-1:] in _TAIL_ENDS or "  " in bare


def _split(line: str, by: str) -> list[tuple[int, int]]:
    """Spans of the cells between separators, without the blanks around them and without empty ones."""
    spans, at = [], 0
    for piece in line.split(by):
        stripped = piece.strip()
        if stripped:
            start = at + len(piece) - len(piece.lstrip())
            spans.append((start, start + len(stripped)))
        at += len(piece) + 1
    return spans


def _plain(line: str) -> list[tuple[int, int]]:
    """Name and figures of a plain-text row ("Revenue 46,743 30,040"); one span for any other line."""
    end = len(line.rstrip())
    start = len(line) - len(line.lstrip())
    if end - start > 160 or (end > start and line[end - 1] not in _TAIL_ENDS):
        return [(start, end)]
    tail: list[tuple[int, int]] = []
    cut = end
    while len(tail) < _MAX_TAIL and (found := _TAIL.search(line, start, cut)) is not None:
        tail.append((found.start(), cut))
        cut = found.start() - (len(line[: found.start()]) - len(line[: found.start()].rstrip()))
    name = line[start:cut]
    if len(tail) < 2 or not _LETTER.search(name) or name.rstrip().endswith((",", "of", "and", "in", "ended")):
        return [(start, end)] if end > start else []
    return [(start, cut), *reversed(tail)]


def _merged(line: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Currency signs and brackets put back to their number."""
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        text = line[start:end]
        if merged:
            before = line[merged[-1][0] : merged[-1][1]]
            opens = before[-1:] in _OPENING and _BEFORE.fullmatch(before)
            if opens or (text[:1] in _CLOSING and before[-1:].isdigit() and _AFTER.fullmatch(text)):
                merged[-1] = (merged[-1][0], end)
                continue
        merged.append((start, end))
    return merged


def _cell(text: str, start: int, end: int) -> Cell:
    bare = re.sub(r"\s*[|\t]\s*", "", text)  # a cell put together from several
    if (found := parse_cell(bare)) is not None:
        value, percent, points = found
        return Cell(text, start, end, value, None, percent, points)
    if (ends := _RANGE.fullmatch(bare)) is not None:
        low, high = parse_cell(ends[1]), parse_cell(ends[2])
        if low is not None and high is not None and abs(low[0]) <= abs(high[0]):
            return Cell(text, start, end, low[0], high[0], low[1] or high[1])
    return Cell(text, start, end, nil=_NIL.fullmatch(bare) is not None)
