"""Money and gigawatts over several years: how long a stated total is spread, read from the words around the figure.

"$600 billion over the next three years" is not a quarter's spending. A period of several years is written as the two
periods it runs from and to, CY2026Q1-CY2028Q4; the ledger spreads the total evenly over its quarters.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import polars as pl

from tracker.extract.calendar import calendar_quarters

RANGE: Final = re.compile(r"^((?:CY|FY)\d{4}(?:Q[1-4]|H[12])?)\s*(?:-|–|to)\s*((?:CY|FY)\d{4}(?:Q[1-4]|H[12])?)$")
LONGEST_YEARS: Final = 15  # a plan for longer than this says nothing about any quarter
_WORDS: Final = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "ten": 10,
    "两": 2, "兩": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "十": 10,
}  # fmt: skip
_N: Final = r"(?P<n{0}>\d{{1,2}}|two|three|four|five|six|seven|eight|ten)"
_NZ: Final = r"(?P<n{0}>\d{{1,2}}|[两兩二三四五六七八十])"
_OVER: Final = re.compile(
    r"\b(?:over|across|during|within|in|for)\s+(?:the\s+|a\s+)?(?:(?:next|coming|following)\s+|period\s+of\s+)?"
    + _N.format(1)
    + r"(?:\s+to\s+\d{1,2})?[\s-]years?\b(?!\s+(?:ago|earlier|old))"
    + r"|\b"
    + _N.format(2)
    + r"-year\s+(?:deal|contract|agreement|period|programme|program|plan|commitment|order|lease|term)"
    + r"|(?:未来|今后|今後|未來|接下来)"
    + _NZ.format(3)
    + r"年|"
    + _NZ.format(4)
    + r"年(?:内|間|间|期|總|总)",
    re.I,
)
_UNTIL: Final = re.compile(
    r"\b(?:by|through|until|up\s+to|before)\s+(?:the\s+)?(?:end\s+of\s+|end-)?(?:calendar\s+|fiscal\s+)?(?P<y1>20\d\d)\b"
    r"|(?P<y2>20\d\d)\s*年?(?:底|末)?(?:之前|以前|前)|(?:到|至)\s*(?P<y3>20\d\d)\s*年",
    re.I,
)
_SENTENCE_END: Final = re.compile(r"[.!?](?:\s|$)|[。！？；;\n]")
# totals that come over time; a level (capacity, inventory) or a result of a quarter is what it is
SPREAD_KINDS: Final = ("capex", "order", "deployment", "supply_commitment", "backlog", "demand_cut")


def years_said(words: str) -> float | None:
    """Years a total is spread over by its own words ("over four years", "未来三年"); None when none are said."""
    found = _OVER.search(words)
    if found is None:
        return None
    said = next(g for g in found.groupdict().values() if g is not None).lower()
    years = _WORDS.get(said) or (int(said) if said.isdigit() else 0)
    return float(years) if 2 <= years <= LONGEST_YEARS else None


def year_said(words: str) -> int | None:
    """The year a total is to be reached by ("through 2027", "2028年前")."""
    found = _UNTIL.search(words)
    return int(next(g for g in found.groupdict().values() if g is not None)) if found else None


def range_of(words: str, period: str | None, published: datetime) -> str | None:
    """Period of several years a figure is about, from the sentence it stands in; None where `period` says it already.

    words: from the start of the figure to the end of its sentence. A stated year is overruled only by "by" or "through".
    """
    end = _SENTENCE_END.search(words)
    sentence = words[: end.start()] if end else words
    first = published.year * 4 + (published.month - 1) // 3
    if period is None and (years := years_said(sentence)) is not None:
        return _range(first, first + round(years * 4) - 1)
    year = year_said(sentence)
    if year is None or period not in (None, f"CY{year}", f"FY{year}") or not 0 < year - published.year <= LONGEST_YEARS:
        return None
    return _range(first, year * 4 + 3)


def with_horizons(facts: pl.DataFrame, words: pl.Series) -> pl.DataFrame:
    """Facts with (kind, basis, period, published_at): `period` becomes a range where the words spread the total.

    words: for every fact the text from its quote on. Only rows that speak of years or of a year to come are read.
    """
    wanted = pl.col("kind").is_in(SPREAD_KINDS) & pl.col("published_at").is_not_null()
    near = words.str.contains(r"(?i)years?\b|年|\b(by|through|until|before|to)\b.{0,20}\b20\d\d").fill_null(False)
    at = facts.select((wanted & near).fill_null(False)).to_series().arg_true()
    periods = facts["period"].to_list()
    when = facts["published_at"]
    for i in at:  # a few hundred of many thousand
        periods[i] = range_of(words[i], periods[i], when[i]) or periods[i]
    return facts.with_columns(pl.Series("period", periods, dtype=pl.String))


def quarters_of(period: str, fiscal_year_end_month: int = 12) -> list[str]:
    """Calendar quarters of a period or of a range of two periods. ValueError for what is neither."""
    found = RANGE.match(period)
    if found is None:
        return calendar_quarters(period, fiscal_year_end_month)
    start, end = (calendar_quarters(p, fiscal_year_end_month) for p in found.groups())
    first, last = _index(start[0]), _index(end[-1])
    if last < first:
        raise ValueError(f"'{period}' ends before it starts")
    return [f"CY{i // 4}Q{i % 4 + 1}" for i in range(first, last + 1)]


def _index(quarter: str) -> int:
    return int(quarter[2:6]) * 4 + int(quarter[7]) - 1


def _range(first: int, last: int) -> str | None:
    if last <= first:
        return None
    return f"CY{first // 4}Q{first % 4 + 1}-CY{last // 4}Q{last % 4 + 1}"
