"""Dates the way publishers write them, as aware UTC times. A date without a zone is taken as UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import dateparser

_ISO: Final = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d+)?\s*(Z|[+-]\d{2}:?\d{2})?)?"
)
_COMPACT: Final = re.compile(r"(?<!\d)(20\d{2})(\d{2})(\d{2})(?!\d)")
_CHINESE: Final = re.compile(r"(?:(民國|民国|中華民國)\s*)?(\d{2,4})\s*年\s*(\d{1,2})\s*月(?:\s*(\d{1,2})\s*[日号號])?")
_ROC: Final = re.compile(r"(?<!\d)(1\d{2})[/.-](\d{1,2})(?:[/.-](\d{1,2}))?(?!\d)")
_ROC_COMPACT: Final = re.compile(r"^\s*(1\d{2})(\d{2})(\d{2})?\s*$")
ROC_OFFSET: Final = 1911


def parse_date(text: str | None) -> datetime | None:
    """The moment a text names, or None. Relative wording ("yesterday") is refused: it depends on when it is read."""
    if not text or not text.strip():
        return None
    text = text.strip()[:200]
    for read in (_iso, _chinese, _roc, _mail, _compact):
        if (found := read(text)) is not None:
            return found
    if not re.search(r"\d", text):
        return None
    loose = dateparser.parse(
        text, settings={"TIMEZONE": "UTC", "RETURN_AS_TIMEZONE_AWARE": True, "PARSERS": ["absolute-time"]}
    )
    return loose.astimezone(UTC) if loose else None


def _build(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime | None:
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _iso(text: str) -> datetime | None:
    found = _ISO.search(text)
    if not found:
        return None
    year, month, day, hour, minute, second, zone = found.groups()
    moment = _build(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    if moment is None or zone in (None, "Z"):
        return moment
    offset = datetime.strptime(zone.replace(":", ""), "%z").utcoffset()
    return moment - offset if offset is not None else moment


def _chinese(text: str) -> datetime | None:
    found = _CHINESE.search(text)
    if not found:
        return None
    era, year, month, day = found.groups()
    number = int(year)
    if era or 100 <= number < 200:
        number += ROC_OFFSET
    elif number < 100:
        number += 2000
    return _build(number, int(month), int(day or 1))


def _roc(text: str) -> datetime | None:
    found = _ROC.search(text) or _ROC_COMPACT.match(text)
    if not found:
        return None
    year, month, day = found.groups()
    return _build(int(year) + ROC_OFFSET, int(month), int(day or 1))


def _mail(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _compact(text: str) -> datetime | None:
    found = _COMPACT.search(text)
    return _build(*(int(part) for part in found.groups())) if found else None
