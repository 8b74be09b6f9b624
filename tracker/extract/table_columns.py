"""What the columns of a table are about, from the lines above its rows: period, growth, outlook.

A header is read as a stream of tokens: spans ("Three Months Ended"), days, years, quarters, and columns of change. How
a publisher breaks it over lines and cells does not matter, only the order.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from tracker.extract.calendar import (
    month_end,
    period_bounds,
    quarter_ended,
    quarter_label,
    year_ended,
    year_label,
)
from tracker.extract.periods import year_before
from tracker.extract.table_units import UNITS, may_state_unit

_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sep|Sept|Oct|Nov|Dec)[a-z]*\.?"
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_COUNT: Final = {
    "three": 3, "six": 6, "nine": 9, "twelve": 12, "三": 3, "六": 6, "九": 9, "十二": 12,
    "13": 3, "14": 3, "thirteen": 3, "fourteen": 3, "26": 6, "27": 6, "39": 9, "40": 9, "52": 12, "53": 12,
    "3": 3, "6": 6, "9": 9, "12": 12, "twenty-six": 6, "twenty-seven": 6, "thirty-nine": 9, "forty": 9,
    "fifty-two": 12, "fifty-three": 12,
}  # fmt: skip
_ORDINAL: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "一": 1, "二": 2, "三": 3, "四": 4}
TOKEN: Final = re.compile(
    rf"""
    (?P<trailing>trailing\s+(?:4|four|12|twelve)[\s-]+(?:quarters?|months?)(?:\s+ended)?|TTM\b|LTM\b)
    |(?P<months>three|six|nine|twelve|3|6|9|12)[\s-]+months?(?:\s+periods?)?\s+ended
    |(?P<weeks>13|14|26|27|39|40|52|53|thirteen|fourteen|twenty-(?:six|seven)|thirty-nine|forty|fifty-(?:two|three))[\s-]+weeks?\s+ended
    |(?P<other>[\w-]{{1,20}}\s+(?:weeks?|months?|days)\s+ended)
    |(?P<quarterly>quarters?\s+ended|quarterly\s+periods?\s+ended)
    |(?P<yearly>(?:fiscal\s+)?years?\s+ended)
    |(?P<cjk_months>[三六九]|十二)[个個]月
    |(?P<change>(?:(?:[%$]|percent(?:age)?|amount\ of)\s*)?(?:change|variance|inc(?:rease)?[./\s(]*dec(?:rease)?\)?)(?:\s*[%$])?
       |(?:[yq][/o][/o]?[yq]\b|year[\s-](?:over|on)[\s-]year|quarter[\s-](?:over|on)[\s-]quarter)(?:\s*(?:%\s*)?(?:change|growth))?
       |同比(?:增减|变动|增長|增长)?|环比(?:增减|变动|增长)?|年增率?|季增率?|[增变變][减減动動](?:幅度|比例|率|%)?|本[报報]告?期比上年同期[^|]{{0,8}})
    |(?P<now>本[报報]告?期(?!末)|本期(?:金[额額]|数|發生額|发生额)?|[当當]期(?:金[额額])?)
    |(?P<then>上年同期|去年同期|上期(?:金[额額]|数|發生額|发生额)?)
    |Q(?P<q>[1-4])[\s,’']{{0,2}}(?:of\s+)?(?P<q_fy>FY|fiscal(?:\s+year)?|CY)?[\s’']{{0,2}}(?P<q_year>20\d\d|\d\d)(?!\d)
    |(?P<sq>[1-4])Q[\s’']{{0,2}}(?:FY|CY)?(?P<sq_year>20\d\d|\d\d)(?!\d)
    |FY[\s’']{{0,2}}(?P<fq_year>20\d\d|\d\d)[\s-]{{0,2}}Q(?P<fq>[1-4])
    |(?P<wq>first|second|third|fourth)\s+quarter(?:\s+of)?(?:\s+fiscal)?(?:\s+year)?\s+(?P<wq_year>20\d\d)
    |(?P<cq_year>20\d\d)\s?年?\s?第?(?:(?P<cq>[一二三四1-4])季度?|Q(?P<cq2>[1-4]))
    |(?P<half_year>20\d\d)\s?年\s?(?:上半年|半年度|1\s?[-至]\s?6\s?月)
    |(?P<ytd>20\d\d)\s?年\s?(?:前三季度|1\s?[-至]\s?9\s?月)
    |(?P<cyear>20\d\d)\s?年\s?(?P<cmonth>\d{{1,2}})\s?月\s?(?P<cday>\d{{1,2}})\s?日
    |(?P<fy>FY|fiscal(?:\s+year)?)[\s’']{{0,2}}(?P<fy_year>20\d\d|\d\d)(?!\d)
    |(?P<cfy>20\d\d)\s?(?:年度|年|財年|财年)
    |(?P<month>{_MONTH})\s+(?P<day>\d{{1,2}})(?!\d)
    |(?P<year>20\d\d)(?!\d)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_OUTLOOK: Final = re.compile(
    r"\b(?:outlook|guidance|forecast|guides?|expected|projected)\b|指引|展望|预测|預測|预计|預計", re.IGNORECASE
)
_NO_SPAN: Final = -1  # four quarters that are no fiscal year, a month of a quarter: they have no label
_FEW: Final = 13  # letters
_FIGURES: Final = re.compile(r"\d{1,3},\d{3}|\d\.\d|\d{5}")
_BRACKETS: Final = re.compile(r"[(（][^()（）]{0,120}[)）]")
_WORDS_OF_HEADERS: Final = re.compile(
    r"\b(?:unaudited|restated|as adjusted|ended|and|of|as|at|for|the|gaap|non-gaap|fiscal|condensed)\b", re.IGNORECASE
)
_LATIN: Final = re.compile(r"[a-z]+")
_LONGEST_OTHER: Final = 20  # letters of the word before "days ended"
# Letters every word of `TOKEN` and `_WORDS_OF_HEADERS` has some of, those with three letters or more.
_PARTS_OF_HEADERS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "inc", "trail", "quarter",
    "month", "period", "week", "days", "ended", "year", "chang", "varianc", "percent", "amount", "over", "growth",
    "fiscal", "first", "second", "third", "four", "thirt", "twent", "fort", "fift", "six", "seven", "nine", "two",
    "three", "twelve", "ttm", "ltm", "yoy", "qoq", "yooy", "qooq", "yoq", "qoy", "unaudited", "restated", "adjusted", "and",
    "for", "the", "gaap", "non", "condensed",
)  # fmt: skip
# Letters of which every token has some.
_PARTS_OF_TOKENS: Final = (
    "20", "ended", "q", "fy", "cy", "fiscal", "chang", "varianc", "dec", "trailing", "ttm", "ltm", "year", "yoy", "yooy",
    "y/y", "y//y", "y/oy", "yo/y", "月", "年", "同比", "环比", "增", "变", "變", "本报", "本報", "报告期", "報告期", "本期", "当期", "當期", "同期", "上期",
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov",
)  # fmt: skip
MAX_HEADER: Final = 14  # lines a header is made of


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the period it is about, or the growth it shows."""

    period: str | None = None
    end: date | None = None  # last day of the period, for the order of columns
    months: int = 0  # 0: at a day
    growth: str | None = None  # pct_yoy | pct_qoq | change: against the columns before it
    outlook: bool = False


def is_header(text: str) -> bool:
    """Whether a line says what columns are about: tokens, and hardly anything else (behind its first cell)."""
    if len(text) > 400 or not _may_hold_token(text) or _is_prose(text) or not TOKEN.search(text):
        return False
    cells = [cell.strip() for cell in text.split("|") if cell.strip()]
    if len(cells) > 2 and all(TOKEN.search(cell) and _letters(cell) <= _FEW for cell in cells[1:]):
        return not _FIGURES.search(TOKEN.sub(" ", "|".join(cells[1:])))
    return _letters(text) <= 2 * _FEW and not _FIGURES.search(_rest(text))


def _may_hold_token(text: str) -> bool:
    """Whether a line has letters that some token has: cheap, where looking for tokens is not."""
    low = text.lower()
    return any(part in low for part in _PARTS_OF_TOKENS)


def _is_prose(text: str) -> bool:
    """Whether a line surely has too many letters for a header; cheap, where taking its tokens out is not.

    Every word that may be part of what is taken out counts as taken out, of any other word the last two letters.
    """
    if "|" in text or may_state_unit(text) or not text.isascii():
        return False
    words = _LATIN.findall(_BRACKETS.sub(" ", text).lower())
    most = 2 * _FEW + _LONGEST_OTHER * words.count("ended")
    return sum(len(word) - 2 for word in words if len(word) > 2 and not _of_headers(word)) > most


@functools.lru_cache(4096)
def _of_headers(word: str) -> bool:
    return any(part in word for part in _PARTS_OF_HEADERS)


def _rest(text: str) -> str:
    """What is left of a line without what headers are made of."""
    return _WORDS_OF_HEADERS.sub(" ", UNITS.sub(" ", TOKEN.sub(" ", _BRACKETS.sub(" ", text))))


def _letters(text: str) -> int:
    return len(re.findall(r"[A-Za-z\u4e00-\u9fff]", _rest(text)))


def columns(
    header: Sequence[str], count: int, fiscal_year_end_month: int, reference: str | None = None
) -> list[Column] | None:
    """Columns of a table whose rows have `count` figures, read from its header lines; None where they do not fit.

    A row may leave out the columns of change; then `count` is the number of the others. reference: the period the
    document is about, for columns that only say "this period" and "the same period last year".
    """
    for changes in (True, False):
        if (fitting := _fitting(header, count, changes=changes)) is not None:
            return _read(fitting, header, changes, fiscal_year_end_month, reference)
    return None


def _fitting(header: Sequence[str], count: int, *, changes: bool) -> str | None:
    """The lowest lines of a header that name just so many columns, and those above that add none.

    Captions and page feet above a header name periods, too: they would be columns too many.
    """
    lowest = list(header[-MAX_HEADER:])
    fits: str | None = None
    for size in range(1, len(lowest) + 1):
        text = "\n".join(lowest[-size:])
        named = len(_columns_of(list(TOKEN.finditer(text)), changes=changes))
        if named == count:
            fits = text
        elif fits is not None or named > count:
            break
    return fits


def _columns_of(found: list[re.Match[str]], *, changes: bool) -> list[re.Match[str]]:
    """Tokens that stand for a column each."""
    if any(m["now"] for m in found):  # then what else is named is the caption
        return [m for m in found if m["now"] or m["then"] or (changes and m["change"])]
    return [m for m in found if not (_is_span(m) or m["month"]) and (changes or not m["change"])]


def _is_span(token: re.Match[str]) -> bool:
    return any(token[name] for name in ("trailing", "other", "months", "weeks", "quarterly", "yearly", "cjk_months"))


def _read(
    text: str, header: Sequence[str], changes: bool, fiscal_year_end_month: int, reference: str | None
) -> list[Column] | None:
    outlook = _OUTLOOK.search("\n".join(header[-MAX_HEADER:])) is not None
    found = list(TOKEN.finditer(text))
    if any(m["now"] for m in found):  # the period of the caption is what "this period" means
        above = TOKEN.finditer("\n".join(header[-MAX_HEADER:]))
        caption = [c for m in above if (c := _named_or_none(m, outlook, fiscal_year_end_month)) is not None]
        reference = caption[0].period if caption else reference
    spans = [m for m in found if _is_span(m)]
    leaves = _ordered(_columns_of(found, changes=changes), [m for m in found if m["month"]], spans)
    plain = [leaf for leaf in leaves if not leaf["change"]]
    days = _days(found, sum(bool(leaf["year"]) for leaf in leaves))
    made: list[Column] = []
    years = index = 0
    for leaf in leaves:
        if leaf["change"]:
            span = None
        elif spans and len(plain) % len(spans):
            return None
        else:
            span = spans[index * len(spans) // len(plain)] if spans else None
            index += 1
        column = _column(leaf, _months(span), days, years, outlook, fiscal_year_end_month, reference)
        if column is None:
            return None
        years += bool(leaf["year"])
        made.append(column)
    return made


def _ordered(leaves: list[re.Match[str]], days: list[re.Match[str]], spans: list[re.Match[str]]) -> list[re.Match[str]]:
    """Tokens of columns in the order of the columns.

    A column of change may be named in the line of the spans, above the days and years: it stands behind its span's.
    """
    others = [m for m in leaves if not m["change"]]
    changes = [m for m in leaves if m["change"]]
    if not changes or not others:
        return leaves
    first = min(m.start() for m in [*others, *days])
    if changes[0].start() < first:
        groups = max(1, len(spans))
        keyed = [((index * groups // len(others), 0, index), m) for index, m in enumerate(others)]
        keyed += [((max(0, sum(s.start() < m.start() for s in spans) - 1), 1, m.start()), m) for m in changes]
        return [m for _, m in sorted(keyed, key=lambda pair: pair[0])]
    years = [m for m in others if m["year"]]
    if len(days) == len(years) == len(others) and changes[0].start() < years[0].start():
        # "June 28, | June 29, | Change" above "2025 | 2024": the line of the days has the order
        at = dict(zip(years, (d.start() for d in days), strict=True))
        return sorted(leaves, key=lambda m: at.get(m, m.start()))
    return leaves


def _days(found: list[re.Match[str]], years: int) -> list[tuple[int, int] | None]:
    """(month, day) of each column of a bare year."""
    days = [(_month(m["month"]), int(m["day"])) for m in found if m["month"]]
    if not days:
        return [None] * years
    if len(days) == years:
        return list(days)
    if years % len(days) == 0:
        each = years // len(days)
        return [day for day in days for _ in range(each)]
    return [None] * years


def _column(
    leaf: re.Match[str],
    months: int,
    days: list[tuple[int, int] | None],
    years: int,
    outlook: bool,
    fye: int,
    reference: str | None,
) -> Column | None:
    if leaf["change"]:
        word = leaf["change"].lower()
        yearly = re.match(r"y|year|同比|年增", word)
        return Column(growth="pct_yoy" if yearly else "pct_qoq" if re.match(r"q|环比|季增", word) else "change")
    if leaf["year"]:
        year, day = int(leaf["year"]), days[years] if years < len(days) else None
        if day is None:
            return (
                Column(year_label(year, fye), month_end(year, fye), 12, outlook=outlook) if months in (0, 12) else None
            )
        try:
            return _ended(date(year, *day), months, outlook, fye)
        except ValueError:
            return None
    if leaf["cyear"]:
        try:
            return _ended(date(int(leaf["cyear"]), int(leaf["cmonth"]), int(leaf["cday"])), months, outlook, fye)
        except ValueError:
            return None
    if leaf["now"] or leaf["then"]:
        if reference is None:
            return None
        label = reference if leaf["now"] else year_before(reference)
        return Column(label, period_bounds(label, fye)[1], 3 if "Q" in label else 12, outlook=outlook)
    return _named(leaf, outlook, fye)


def _named_or_none(token: re.Match[str], outlook: bool, fye: int) -> Column | None:
    other = any(token[name] for name in ("month", "cyear", "year", "now", "then", "change"))
    return None if other or _is_span(token) else _named(token, outlook, fye)


def _named(leaf: re.Match[str], outlook: bool, fye: int) -> Column | None:
    """A column that names its period itself."""
    for quarter, year in (("q", "q_year"), ("sq", "sq_year"), ("fq", "fq_year"), ("wq", "wq_year"), ("cq", "cq_year")):
        if leaf[year]:
            number = leaf[quarter] or leaf["cq2"]
            label = quarter_label(_year(leaf[year]), _ORDINAL.get(number.lower()) or int(number), fye)
            return Column(label, period_bounds(label, fye)[1], 3, outlook=outlook)
    if leaf["half_year"]:
        half = int(leaf["half_year"])
        return Column(f"CY{half}H1", date(half, 6, 30), 6, outlook=outlook) if fye == 12 else None
    if leaf["ytd"]:
        return Column(None, date(int(leaf["ytd"]), 9, 30), 9)
    number = _year(leaf["fy_year"] or leaf["cfy"])
    return Column(year_label(number, fye), month_end(number, fye), 12, outlook=outlook)


def _ended(day: date, months: int, outlook: bool, fye: int) -> Column:
    """A column of a span that ends on a day, or (months 0) of that day."""
    if months == 12:
        label: str | None = year_ended(day, fye)
    elif months in (0, 3):
        label = quarter_ended(day, fye)
    else:
        quarter = quarter_ended(day, fye)
        label = f"{quarter[:6]}H1" if months == 6 and quarter.endswith("Q2") else None
    return Column(label, day, months, outlook=outlook)


def _months(span: re.Match[str] | None) -> int:
    if span is None:
        return 0
    if span["trailing"] or span["other"]:
        return _NO_SPAN
    if span["yearly"]:
        return 12
    if span["quarterly"]:
        return 3
    return _COUNT[(span["months"] or span["weeks"] or span["cjk_months"]).lower()]


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)
