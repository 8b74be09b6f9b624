"""Calendar arithmetic of the vocabulary's periods: FY2026Q1, FY2026, CY2025, CY2025Q3, CY2025H2, CY2025-03.

An issuer whose fiscal year ends in December uses CY throughout. A fiscal year is named after the calendar year in which
it ends.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

PERIOD: Final = re.compile(r"^(FY|CY)(\d{4})(?:Q([1-4])|H([12])|-(0[1-9]|1[0-2]))?$")
# 52/53-week years end up to ten days off the end of the month they are named after
WEEK_YEAR_SLACK: Final = timedelta(days=10)


def add_months(year: int, month: int, months: int) -> tuple[int, int]:
    """(year, month) moved by months."""
    index = year * 12 + month - 1 + months
    return index // 12, index % 12 + 1


def month_end(year: int, month: int) -> date:
    """Last day of a month."""
    following_year, following = add_months(year, month, 1)
    return date(following_year, following, 1) - timedelta(days=1)


def fiscal_quarter(day: date, fiscal_year_end_month: int) -> tuple[int, int]:
    """(fiscal year, quarter) a day lies in."""
    quarter = (day.month - fiscal_year_end_month - 1) % 12 // 3 + 1
    return day.year + (1 if day.month > fiscal_year_end_month else 0), quarter


def quarter_label(year: int, quarter: int, fiscal_year_end_month: int) -> str:
    """FY2026Q1, or CY2025Q3 for an issuer with a calendar year."""
    return f"{'CY' if fiscal_year_end_month == 12 else 'FY'}{year}Q{quarter}"


def year_label(year: int, fiscal_year_end_month: int) -> str:
    """FY2026, or CY2025 for an issuer with a calendar year."""
    return f"{'CY' if fiscal_year_end_month == 12 else 'FY'}{year}"


def quarter_ended(end: date, fiscal_year_end_month: int) -> str:
    """Label of the quarter that ends on a day, 52/53-week years included."""
    return quarter_label(*fiscal_quarter(end - WEEK_YEAR_SLACK, fiscal_year_end_month), fiscal_year_end_month)


def year_ended(end: date, fiscal_year_end_month: int) -> str:
    """Label of the fiscal year that ends on a day."""
    return year_label(fiscal_quarter(end - WEEK_YEAR_SLACK, fiscal_year_end_month)[0], fiscal_year_end_month)


def last_quarter_before(day: date, fiscal_year_end_month: int) -> tuple[int, int]:
    """(fiscal year, quarter) of the last quarter that had ended before a day: what a report of that day is about."""
    return shift_quarter(*fiscal_quarter(day + timedelta(days=3), fiscal_year_end_month), -1)


def shift_quarter(year: int, quarter: int, by: int) -> tuple[int, int]:
    """(year, quarter) moved by quarters."""
    index = year * 4 + quarter - 1 + by
    return index // 4, index % 4 + 1


def period_bounds(period: str, fiscal_year_end_month: int = 12) -> tuple[date, date]:
    """First and last day of a period. Raises ValueError for what is not a period."""
    found = PERIOD.match(period)
    if not found:
        raise ValueError(f"'{period}' is not a period")
    era, year_text, quarter, half, month = found.groups()
    year = int(year_text)
    last = 12 if era == "CY" else fiscal_year_end_month
    if month:
        return date(year, int(month), 1), month_end(year, int(month))
    span, position = (3, int(quarter)) if quarter else (6, int(half)) if half else (12, 1)
    end_year, end_month = add_months(year, last, span * position - 12)
    start_year, start_month = add_months(end_year, end_month, 1 - span)
    return date(start_year, start_month, 1), month_end(end_year, end_month)


def days_left(period: str, day: date, fiscal_year_end_month: int = 12) -> int:
    """Days from a day to the end of a period; negative when the period is over."""
    return (period_bounds(period, fiscal_year_end_month)[1] - day).days


def day_after(period: str, fiscal_year_end_month: int = 12) -> date | None:
    """A day three weeks after a period, when its report is read; None for what is not a period."""
    if not PERIOD.match(period):
        return None
    return period_bounds(period, fiscal_year_end_month)[1] + timedelta(days=25)


def calendar_quarters(period: str, fiscal_year_end_month: int = 12) -> list[str]:
    """Calendar quarters of a period, in order: every three months belong to the quarter that holds most of them.

    A fiscal quarter of August to October is the third: so no two quarters of an issuer fall into one.
    """
    start, end = period_bounds(period, fiscal_year_end_month)
    middles = range(min(1, (end - start).days // 31), 12, 3)  # the middle month of each three
    months = [add_months(start.year, start.month, by) for by in middles]
    return [f"CY{y}Q{(m - 1) // 3 + 1}" for y, m in months if date(y, m, 1) <= end]


def sort_key(period: str | None) -> tuple[int, int]:
    """Order of periods by their last month; unknown ones first."""
    if not period or not PERIOD.match(period):
        return (0, 0)
    end = period_bounds(period)[1]
    return (end.year, end.month)
