"""Inline XBRL: the figures a filing marks in its own text -> facts with exact periods, tied to that text.

The place of a figure is found by marking it in the markup with characters no filing uses, reading the page like any
other, and taking the marks out again: so text and offsets are exactly those of the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from tracker.extract.calendar import quarter_ended, year_ended
from tracker.extract.identity import with_fact_ids
from tracker.ingest.formats.article import whole_page
from tracker.ingest.formats.types import Issuers
from tracker.ingest.formats.xbrl import FACT_METRICS, INSTANT, TAGS
from tracker.text.normalise import normalise_text
from tracker.vocabulary import FACTS_SCHEMA, MAX_QUOTE_CHARS, conform, empty

IXBRL_VERSION: Final = "ixbrl-1"
_OPEN, _CLOSE, _ZERO = "\ue000", "\ue001", 0xE010  # private-use characters: mark, its number in digits, end of mark
_MARK: Final = re.compile("\ue000([\ue010-\ue019]{1,7})\ue001")
_PRIVATE: Final = re.compile("[\ue000-\ue019]")
_CONTEXT: Final = re.compile(r"<(?:\w+:)?context\b[^>]*\bid\s*=\s*[\"']([^\"']+)[\"'][^>]*>", re.IGNORECASE)
_CIK: Final = re.compile(r"<(?:\w+:)?identifier\b[^>]*>\s*0*(\d{1,10})\s*<", re.IGNORECASE)
_DATES: Final = {
    name: re.compile(rf"<(?:\w+:)?{name}\b[^>]*>\s*(\d{{4}}-\d\d-\d\d)", re.IGNORECASE)
    for name in ("startDate", "endDate", "instant")
}
_SEGMENT: Final = re.compile(r"<(?:\w+:)?(?:segment|scenario)\b", re.IGNORECASE)
_UNIT: Final = re.compile(
    r"<(?:\w+:)?unit\b[^>]*\bid\s*=\s*[\"']([^\"']+)[\"'][^>]*>\s*<(?:\w+:)?measure\b[^>]*>\s*iso4217:([A-Z]{3})\s*</(?:\w+:)?measure>\s*</",
    re.IGNORECASE,
)
_FIGURE: Final = re.compile(r"<ix:nonfraction\b([^>]{0,2000})>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"([\w:]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_DIGITS: Final = re.compile(r"\d[\d,.\u00a0 ]{0,30}")
_MAX_ELEMENT: Final = 2_000  # characters of the markup of one figure
_MAX_CONTEXT: Final = 6_000
_WHERE: Final = {tag: (metric, rank) for metric, tags in TAGS.items() for rank, tag in enumerate(tags)}
_NO_SUPPLY: Final = re.compile(r"\blease|licens", re.IGNORECASE)
_COMPARISON: Final = timedelta(days=400)  # older ones are history: the filings of their time told them


@dataclass(frozen=True, slots=True)
class _Context:
    cik: int
    start: date | None
    end: date


@dataclass(frozen=True, slots=True)
class _Figure:
    metric: str
    rank: int
    context: _Context
    value: float
    currency: str


def has_inline_figures(markup: str) -> bool:
    """Whether a page carries inline XBRL."""
    return re.search(r"<ix:nonfraction\b", markup, re.IGNORECASE) is not None


def read_inline(markup: str, issuers: Issuers) -> tuple[str, pl.DataFrame]:
    """Text of a filing, and its figures as facts (FACTS schema with an empty doc_id: the caller knows the address).

    Figures of a filer that is not on the watchlist, of segments, and of spans that are neither quarter, half-year nor
    year are left out. Linear in the length of the markup; never raises on any markup.
    """
    figures: list[_Figure] = []
    marked = "" if _PRIVATE.search(markup) else "".join(_marked(markup, figures))
    if not figures:
        return whole_page(markup), empty(FACTS_SCHEMA)
    text, places = _placed(whole_page(marked))
    if text != normalise_text(text):  # cannot be: a mark has white space on one side at most
        return whole_page(markup), empty(FACTS_SCHEMA)
    return text, _facts(text, [(at, figures[number]) for number, at in places], issuers)


def with_doc_id(facts: pl.DataFrame, doc_id: str) -> pl.DataFrame:
    """The facts of one document with its id and their own."""
    return with_fact_ids(facts.with_columns(doc_id=pl.lit(doc_id))) if facts.height else facts


def _marked(markup: str, figures: list[_Figure]) -> Iterator[str]:
    """Pieces of the markup with a mark before every figure that is kept in `figures`."""
    contexts, currencies = dict(_contexts(markup)), {m[1]: m[2].upper() for m in _UNIT.finditer(markup)}
    at = 0
    for found in _FIGURE.finditer(markup):
        close = markup.find("</ix:", found.end(), found.end() + _MAX_ELEMENT)
        digit = _first_digit(markup, found.end(), found.end() + _MAX_ELEMENT) if close >= 0 else None
        if digit is None or digit < at:
            continue
        about = {m[1].lower().rpartition(":")[2]: m[2] or m[3] or "" for m in _ATTRIBUTE.finditer(found[1])}
        figure = _figure(about, markup[digit : digit + 40], contexts, currencies)
        if figure is not None:
            yield markup[at:digit]
            yield _OPEN + "".join(chr(_ZERO + int(d)) for d in str(len(figures))) + _CLOSE
            figures.append(figure)
            at = digit
    yield markup[at:]


def _contexts(markup: str) -> Iterator[tuple[str, _Context]]:
    """Contexts of the whole filer: those of a segment or scenario are left out."""
    for found in _CONTEXT.finditer(markup):
        end = markup.find("context>", found.end(), found.end() + _MAX_CONTEXT)
        body = markup[found.end() : end if end > 0 else found.end() + _MAX_CONTEXT]
        cik, instant = _CIK.search(body), _DATES["instant"].search(body)
        start, last = _DATES["startDate"].search(body), _DATES["endDate"].search(body)
        day = instant or last
        if cik is None or day is None or _SEGMENT.search(body) or (instant is None) == (start is None):
            continue
        try:
            first = date.fromisoformat(start[1]) if start else None
            yield found[1], _Context(int(cik[1]), first, date.fromisoformat(day[1]))
        except ValueError:
            continue


def _first_digit(markup: str, start: int, end: int) -> int | None:
    """Where the digits of an element begin, tags inside it left out; None for one without."""
    inside = False
    for at in range(start, min(end, len(markup))):
        char = markup[at]
        if char == "<":
            if markup.startswith("</ix:", at):
                return None
            inside = True
        elif char == ">":
            inside = False
        elif not inside and char.isdigit():
            return at
    return None


def _figure(
    about: dict[str, str], text: str, contexts: dict[str, _Context], currencies: dict[str, str]
) -> _Figure | None:
    metric = _WHERE.get(about.get("name", "").rpartition(":")[2])
    context, currency = contexts.get(about.get("contextref", "")), currencies.get(about.get("unitref", ""))
    digits = _DIGITS.match(text)
    if metric is None or context is None or currency is None or digits is None:
        return None
    number = digits[0].replace("\u00a0", "").replace(" ", "")
    comma = about.get("format", "").endswith(("num-comma-decimal", "numcommadot-comma", "numcommadecimal"))
    number = number.replace(".", "").replace(",", ".") if comma else number.replace(",", "")
    try:
        value = float(number.rstrip(".")) * 10.0 ** int(about.get("scale") or 0)
    except (ValueError, OverflowError):
        return None
    return _Figure(*metric, context, -value if about.get("sign") == "-" else value, currency)


def _placed(marked: str) -> tuple[str, list[tuple[int, int]]]:
    """The text without marks, and (number of the figure, offset) of each."""
    pieces, places, at, length = [], [], 0, 0
    for found in _MARK.finditer(marked):
        pieces.append(marked[at : found.start()])
        length += found.start() - at
        places.append((int("".join(str(ord(c) - _ZERO) for c in found[1])), length))
        at = found.end()
    return "".join([*pieces, marked[at:]]), places


def _facts(text: str, placed: list[tuple[int, _Figure]], issuers: Issuers) -> pl.DataFrame:
    """One fact a metric, period and value: where it stands first, by the concept that is preferred."""
    best: dict[tuple[str, str, str, date], tuple[int, int, _Figure]] = {}
    for at, figure in placed:
        known = issuers.get(figure.context.cik)
        period = _period(figure, known[1]) if known is not None else None
        if known is None or period is None or figure.metric not in FACT_METRICS:
            continue
        key = (figure.metric, known[0], period, figure.context.end)
        if key not in best or (figure.rank, at) < best[key][:2]:
            best[key] = (figure.rank, at, figure)
    newest: dict[bool, date] = {}
    for _, _, figure in best.values():
        instant = figure.context.start is None
        newest[instant] = max(newest.get(instant, date.min), figure.context.end)
    values = {(metric, _days(f), f.context.end): f.value for (metric, *_), (_, _, f) in best.items()}
    rows = [
        _row(text, at, entity, metric, period, figure, values)
        for (metric, entity, period, _), (_, at, figure) in best.items()
        if newest[figure.context.start is None] - figure.context.end <= _COMPARISON
    ]
    # the concept of purchase obligations is used for leases and licences, too: no supply is committed by them
    rows = [r for r in rows if r["kind"] != "supply_commitment" or not _NO_SUPPLY.search(r["quote"])]
    if not rows:
        return empty(FACTS_SCHEMA)
    return conform(pl.DataFrame(rows, infer_schema_length=None), FACTS_SCHEMA).sort("start", "period")


def _days(figure: _Figure) -> int:
    """Length of a span, to the month; 0 for a day."""
    return round((figure.context.end - figure.context.start).days / 30.4) if figure.context.start else 0


def _period(figure: _Figure, year_end: int) -> str | None:
    months, end = _days(figure), figure.context.end
    if (months == 0) != (figure.metric in INSTANT):
        return None
    if months in (0, 3):
        return quarter_ended(end, year_end)
    if months == 12:
        return year_ended(end, year_end)
    quarter = quarter_ended(end, year_end)
    return f"{quarter[:6]}H1" if months == 6 and quarter.endswith("Q2") else None


def _row(
    text: str, at: int, entity: str, metric: str, period: str, figure: _Figure, values: dict[Any, float]
) -> dict[str, Any]:
    start, quote = _quote(text, at)
    return {
        "doc_id": "", "kind": metric, "entity": entity, "value_low": figure.value, "value_high": figure.value,
        "unit": "money", "currency": figure.currency, "period": period, "basis": "actual",
        "direction": _direction(metric, figure, values), "quote": quote, "start": start, "end": start + len(quote),
        "extractor": "xbrl", "extractor_version": IXBRL_VERSION,
    }  # fmt: skip


def _direction(metric: str, figure: _Figure, values: dict[Any, float]) -> str:
    """Against the same span that ended a year earlier, or (for a day) the day shown beside it."""
    span, end = _days(figure), figure.context.end
    others = [(d, v) for (m, s, d), v in values.items() if m == metric and s == span and d < end]
    year_ago = [v for d, v in others if 350 <= (end - d).days <= 380]
    before = year_ago or ([max(others)[1]] if span == 0 and others else [])
    if not before:
        return "none"
    change = figure.value - before[0]
    return "flat" if abs(change) < 0.005 * abs(before[0]) else "up" if change > 0 else "down"


def _quote(text: str, at: int) -> tuple[int, str]:
    """(offset, text) of the line a figure stands in, or of the part of it that fits."""
    start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    end = len(text) if end < 0 else end
    if end - start <= MAX_QUOTE_CHARS:
        return start, text[start:end]
    digits = _DIGITS.match(text, at)
    last = min(end, max(at + 60, digits.end() if digits else at + 1))
    first = max(start, last - MAX_QUOTE_CHARS)
    first = text.find(" ", first, at) + 1 or first if first > start else first
    return first, text[first:last]
