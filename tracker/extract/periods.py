"""Periods in English and Chinese text, resolved to the vocabulary's labels through the issuer's fiscal calendar."""

from __future__ import annotations

import re
from datetime import date
from typing import Final, NamedTuple

from tracker.extract.calendar import (
    add_months,
    day_after,
    fiscal_quarter,
    last_quarter_before,
    quarter_label,
    shift_quarter,
    year_label,
)
from tracker.extract.folding import lower

_ORDINALS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
_CJK: Final = {"一": 1, "二": 2, "三": 3, "四": 4, "1": 1, "2": 2, "3": 3, "4": 4}
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH_NAMES: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR: Final = r"(?:19|20)\d{2}"

_PATTERNS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "quarter_year",
            rf"\b(first|second|third|fourth|1st|2nd|3rd|4th)[- ](?:fiscal )?quarter(?:\s+of)?(?:\s+the)?\s*,?\s*(fiscal|fy|calendar)?\s*(?:year)?\s*'?({_YEAR}|\d{{2}}\b)",
        ),
        (
            "month_year_quarter",
            rf"\b({_MONTH_NAMES})\.? ({_YEAR}) quarter\b|\bquarter (?:that )?(?:ended|ending|to|through)(?: on| in)? ({_MONTH_NAMES})\.?(?: \d{{1,2}})?,? ({_YEAR})\b",
        ),
        ("quarter_year", rf"\bq([1-4])\s*(?:of\s+)?(fiscal|fy|cy)?\s*(?:year\s*)?['’]?({_YEAR}|\d{{2}}\b)"),
        (
            "year_quarter",
            rf"\b(fiscal|fy|cy)?\s*(?:year\s*)?({_YEAR})['’]?\s*,?\s*(?:q([1-4])\b|(first|second|third|fourth) quarter)",
        ),
        ("short_quarter", r"\b([1-4])q\s?'?(\d{2}|20\d{2})\b"),
        (
            "half",
            rf"\b(first|second|1st|2nd|latter)[- ]half(?:\s+of)?(?:\s+the)?\s*,?\s*(fiscal|fy|calendar)?\s*(?:year)?\s*({_YEAR}|this year|next year)",
        ),
        ("short_half", r"\b([12])h\s?'?(\d{2}|20\d{2})\b|\bh([12])\s?'?(20\d{2}|[23]\d)\b"),
        ("fiscal_year", rf"\b(?:fiscal|fy)(?:\s*year)?\s*['’]?({_YEAR}|\d{{2}}\b)"),
        (
            "cjk_quarter",
            rf"(?:({_YEAR}|\d{{2}}|1\d{{2}})\s*(财年|財年|财政年度|會計年度|年度|年)?|(今年|去年|明年|本年))?\s*第?([一二三四1234])\s*(?:财|財|季|财季|財季)(?:度|季)?",
        ),
        ("cjk_spelled", r"(二[零〇○])([零〇○一二三四五六七八九]{2})\s*(财年|財年)?年(?:第?([一二三四])季)?"),
        ("cjk_half", rf"(?:({_YEAR})\s*年?|(今年|去年|明年))?\s*(上|下)半年"),
        ("cjk_roc", r"民[國国]\s*(\d{2,3})\s*年(?:\s*(\d{1,2})\s*月|第?([一二三四1234])季度?)?"),
        (
            "cjk_month",
            rf"(?:({_YEAR})\s*年|(今年|去年|明年)?)(?<!\d)(1[0-2]|[1-9])\s*月(?:份)?(?!\d|\s?\d{{1,2}}\s?日)",
        ),
        ("cjk_year", rf"({_YEAR})\s*(财年|財年|会计年度)?年?|(今年|去年|明年|前年|后年|後年)(?!初)"),
        (
            "cjk_short_year",  # "在 27 年的基础上": nobody counts 27 years, but 20 or 25 of them
            r"(?<![\d.])(?<!过去)(?<!過去)(?<!未来)(?<!未來)(?<![近达達约約超逾每第长長])\s?(2[6-9]|3[0-2])\s?年(?!期|前|后|後|内|內|间|間|来|來|以|老|国债|國債|历|歷|经|經|租|合|长|長)",
        ),
        ("month_year", rf"\b({_MONTH_NAMES})\.?\s+(?:of\s+)?({_YEAR})\b"),
        ("month_only", rf"\b(?:month of ({_MONTH_NAMES})|({_MONTH_NAMES}) (?:monthly )?(?:revenues?|sales))\b"),
        ("month_quarter", rf"\b({_MONTH_NAMES}) quarter\b"),
        (
            "last_month",
            rf"\b(last|this past|this|next) (month|{_MONTH_NAMES})\b(?! quarter)|(上个月|上個月|上月)",
        ),
        (
            "year_end",
            r"\b(?:end of (?:the |this )?(?:calendar )?year|year[- ]?end)\b|(今年底|年底前|全年)",
        ),
        (
            "relative_quarter",
            r"\b(this|the current|the next|next|the following|the coming|last|the prior|the previous|the preceding|the) quarter\b|(本季度?|当季|當季|单季|單季|该季|該季)",
        ),
        ("quarter_only", r"\b(first|second|third|fourth|1st|2nd|3rd|4th)[- ](?:fiscal )?quarter\b|\bq([1-4])\b"),
        (
            "relative_year",
            r"\b(this|next|last|the current|the coming|the prior|the previous|full) (?:fiscal |calendar )?year\b|\bfor the (year)\b",
        ),
        ("year", rf"\b(?:cy\s?|calendar(?: year)? )?({_YEAR})\b(?!\s?[亿億万萬兆多余餘])"),
        ("year", r"\bcy\s?'?(\d{2})\b"),
    )
)


# A pattern is tried only where one of these stands in the lower-cased text.
_DECADES: Final = ("19", "20")
_TRIGGERS: Final[dict[str, tuple[str, ...]]] = {
    "quarter_year": ("quarter", "q1", "q2", "q3", "q4"),
    "year_quarter": ("q1", "q2", "q3", "q4", "quarter"),
    "short_quarter": ("1q", "2q", "3q", "4q"),
    "half": ("half",),
    "short_half": ("1h", "2h", "h1", "h2"),
    "fiscal_year": ("fiscal", "fy"),
    "cjk_quarter": ("季",),
    "cjk_spelled": ("二",),
    "cjk_half": ("半年",),
    "cjk_roc": ("民",),
    "cjk_month": ("月",),
    "cjk_year": ("年",),
    "cjk_short_year": ("年",),
    "month_year": _DECADES,
    "month_year_quarter": ("quarter",),
    "last_month": ("last ", "this ", "next ", "上"),
    "year_end": ("year", "年"),
    "month_only": ("month of", "revenue", "sales"),
    "month_quarter": ("quarter",),
    "relative_quarter": ("quarter", "季"),
    "quarter_only": ("quarter", "q1", "q2", "q3", "q4"),
    "relative_year": ("year",),
    "year": (*_DECADES, "cy"),
}
_ALL_TRIGGERS: Final = tuple(dict.fromkeys(trigger for triggers in _TRIGGERS.values() for trigger in triggers))


class Period(NamedTuple):
    """A period and where it stands: `text[start:end]`, resolved."""

    start: int
    end: int
    label: str


def find_periods(
    text: str, *, fiscal_year_end_month: int, published: date, reference: str | None = None
) -> list[Period]:
    """Periods of a text in order, without overlaps, the more specific wording first.

    fiscal_year_end_month: of the issuer the text is about. Relative wording ("next quarter") is resolved through
    `published`: a report is about the last quarter that had ended; or through `reference`, the quarter that the
    document says it is about.
    """
    if reference is not None:
        published = day_after(reference, fiscal_year_end_month) or published
    low = lower(text)
    present = {trigger for trigger in _ALL_TRIGGERS if trigger in low}
    if not present:
        return []
    found: list[Period] = []
    for name, pattern in _PATTERNS:
        if present.isdisjoint(_TRIGGERS[name]):
            continue  # measured: nine of ten patterns are left out this way, at a tenth of the cost
        for match in pattern.finditer(low):
            if any(p.start < match.end() and match.start() < p.end for p in found):
                continue
            label = _label(name, match, fiscal_year_end_month, published)
            if label is not None:
                found.append(Period(match.start(), match.end(), label))
    return sorted(found, key=lambda p: p.start)


def year_before(label: str) -> str:
    """The same period a year earlier."""
    return f"{label[:2]}{int(label[2:6]) - 1}{label[6:]}"


def quarter_before(label: str) -> str | None:
    """The quarter before a quarter; None for other periods."""
    if "Q" not in label:
        return None
    year, quarter = shift_quarter(int(label[2:6]), int(label[7]), -1)
    return f"{label[:2]}{year}Q{quarter}"


def _full(text: str) -> int:
    year = int(text)
    return year + 2000 if year < 100 else year


def _label(name: str, m: re.Match[str], fye: int, published: date) -> str | None:
    handler = _HANDLERS[name]
    return handler(m, fye, published)


def _fiscal(word: str | None, fye: int) -> int:
    """Whose calendar: a "calendar" quarter is everybody's, any other the issuer's."""
    return 12 if (word or "").lower() in ("calendar", "cy") else fye


def _quarter_year(m: re.Match[str], fye: int, published: date) -> str | None:
    quarter = _ORDINALS.get(m[1].lower()) or int(m[1])
    return quarter_label(_full(m[3]), quarter, _fiscal(m[2], fye))


def _year_quarter(m: re.Match[str], fye: int, published: date) -> str | None:
    quarter = int(m[3]) if m[3] else _ORDINALS[m[4].lower()]
    return quarter_label(int(m[2]), quarter, _fiscal(m[1], fye))


def _short_quarter(m: re.Match[str], fye: int, published: date) -> str | None:
    return quarter_label(_full(m[2]), int(m[1]), 12)


def _half(m: re.Match[str], fye: int, published: date) -> str | None:
    half = 1 if m[1].lower() in ("first", "1st") else 2
    said = m[3].lower()
    year = published.year + (said == "next year") if said.endswith("year") else int(said)
    return f"{'FY' if _fiscal(m[2] or 'calendar', fye) != 12 else 'CY'}{year}H{half}"


def _short_half(m: re.Match[str], fye: int, published: date) -> str | None:
    half, year = (m[1], m[2]) if m[1] else (m[3], m[4])
    return f"CY{_full(year)}H{half}"


def _fiscal_year(m: re.Match[str], fye: int, published: date) -> str | None:
    return year_label(_full(m[1]), fye)


_CJK_RELATIVE: Final = {"今年": 0, "本年": 0, "去年": -1, "明年": 1, "前年": -2, "后年": 2, "後年": 2}


def _cjk_quarter(m: re.Match[str], fye: int, published: date) -> str | None:
    quarter = _CJK[m[4]]
    if m[1]:
        year = int(m[1])
        year = year + 1911 if 100 <= year < 200 else year + 2000 if year < 100 else year
        return quarter_label(year, quarter, fye if m[2] in ("财年", "財年", "财政年度", "會計年度") else 12)
    if m[3]:
        return quarter_label(published.year + _CJK_RELATIVE[m[3]], quarter, 12)
    return _nearest_quarter(quarter, fye if "财" in m[0] or "財" in m[0] else 12, published)


def _nearest_quarter(quarter: int, fye: int, published: date) -> str:
    """A quarter without a year: the one that has that number nearest to the last one that ended."""
    year, last = last_quarter_before(published, fye)
    candidates = [(year - 1, quarter), (year, quarter), (year + 1, quarter)]
    best = min(candidates, key=lambda yq: abs((yq[0] * 4 + yq[1]) - (year * 4 + last) - 0.25))
    return quarter_label(*best, fye)


_SPELLED: Final = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0}


def _cjk_spelled(m: re.Match[str], fye: int, published: date) -> str | None:
    year = 2000 + _SPELLED[m[2][0]] * 10 + _SPELLED[m[2][1]]
    return f"CY{year}Q{_CJK[m[4]]}" if m[4] else year_label(year, fye if m[3] else 12)


def _cjk_half(m: re.Match[str], fye: int, published: date) -> str | None:
    year = int(m[1]) if m[1] else published.year + _CJK_RELATIVE.get(m[2] or "今年", 0)
    return f"CY{year}H{1 if m[3] == '上' else 2}"


def _cjk_roc(m: re.Match[str], fye: int, published: date) -> str | None:
    year = int(m[1]) + 1911
    if m[2] and 1 <= int(m[2]) <= 12:
        return f"CY{year}-{int(m[2]):02d}"
    return f"CY{year}Q{_CJK[m[3]]}" if m[3] else f"CY{year}"


def _cjk_month(m: re.Match[str], fye: int, published: date) -> str | None:
    month = int(m[3])
    if m[1]:
        year = int(m[1])
    elif m[2]:
        year = published.year + _CJK_RELATIVE[m[2]]
    else:
        year = published.year - (month > published.month + 3)
    return f"CY{year}-{month:02d}"


def _cjk_year(m: re.Match[str], fye: int, published: date) -> str | None:
    if m[1]:
        if "年" not in m[0]:
            return None
        return year_label(int(m[1]), fye if m[2] else 12)
    return f"CY{published.year + _CJK_RELATIVE[m[3]]}"


def _cjk_short_year(m: re.Match[str], fye: int, published: date) -> str | None:
    return f"CY20{m[1]}"


def _month_year(m: re.Match[str], fye: int, published: date) -> str | None:
    return f"CY{m[2]}-{_MONTHS[m[1].lower()]:02d}"


def _month_year_quarter(m: re.Match[str], fye: int, published: date) -> str | None:
    month, year = (m[1], m[2]) if m[1] else (m[3], m[4])
    return quarter_label(*fiscal_quarter(date(int(year), _MONTHS[month.lower()], 1), fye), fye)


def _last_month(m: re.Match[str], fye: int, published: date) -> str | None:
    said, word = (m[1] or "last").lower(), (m[2] or "month").lower()
    if word == "month":
        step = {"next": 1, "this": 0}.get(said, -1)
        year, month = add_months(published.year, published.month, step)
        return f"CY{year}-{month:02d}"
    month = _MONTHS[word]
    if said == "next":
        year = published.year + (month <= published.month)
    else:
        year = published.year - (month >= published.month + (said == "this"))
    return f"CY{year}-{month:02d}"


def _year_end(m: re.Match[str], fye: int, published: date) -> str | None:
    if m[1] == "全年":  # the year of the quarter that is reported on
        return year_label(last_quarter_before(published, fye)[0], fye)
    return f"CY{published.year}"


def _month_only(m: re.Match[str], fye: int, published: date) -> str | None:
    month = _MONTHS[(m[1] or m[2]).lower()]
    return f"CY{published.year - (month > published.month)}-{month:02d}"


def _month_quarter(m: re.Match[str], fye: int, published: date) -> str | None:
    month = _MONTHS[m[1].lower()]
    year = published.year - (month > published.month + 4)
    return quarter_label(*fiscal_quarter(date(year, month, 1), fye), fye)


def _relative_quarter(m: re.Match[str], fye: int, published: date) -> str | None:
    word = (m[1] or "the").lower()
    last = last_quarter_before(published, fye)
    by = 1 if "next" in word or "current" in word or "following" in word or "coming" in word else 0
    if word in ("last", "the prior", "the previous", "the preceding"):
        by = -1
    return quarter_label(*shift_quarter(*last, by), fye)


def _quarter_only(m: re.Match[str], fye: int, published: date) -> str | None:
    return _nearest_quarter(_ORDINALS[m[1].lower()] if m[1] else int(m[2]), fye, published)


def _relative_year(m: re.Match[str], fye: int, published: date) -> str | None:
    word = (m[1] or "full").lower()
    if word == "full":  # the year of the quarter that is reported on
        return year_label(last_quarter_before(published, fye)[0], fye)
    year = fiscal_quarter(published, fye)[0]
    if word in ("next", "the coming"):
        year += 1
    elif word in ("last", "the prior", "the previous"):
        year -= 1
    return year_label(year, fye)


def _year(m: re.Match[str], fye: int, published: date) -> str | None:
    return f"CY{_full(m[1])}"


_HANDLERS: Final = {
    "quarter_year": _quarter_year, "year_quarter": _year_quarter, "short_quarter": _short_quarter, "half": _half,
    "short_half": _short_half, "fiscal_year": _fiscal_year, "cjk_quarter": _cjk_quarter, "cjk_spelled": _cjk_spelled, "cjk_half": _cjk_half,
    "cjk_roc": _cjk_roc, "cjk_month": _cjk_month, "cjk_year": _cjk_year, "cjk_short_year": _cjk_short_year, "month_year": _month_year,
    "last_month": _last_month, "year_end": _year_end, "month_year_quarter": _month_year_quarter, "month_only": _month_only, "month_quarter": _month_quarter, "relative_quarter": _relative_quarter, "quarter_only": _quarter_only,
    "relative_year": _relative_year, "year": _year,
}  # fmt: skip
