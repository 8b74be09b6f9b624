"""The unit a caption states for a whole table: "In millions, except per share data", 单位：百万元 币种：人民币."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

UNITS: Final = re.compile(
    r"(?:\(|^|\b|\$\s(?=in\b))(?:[a-z ,$’'.]{0,40}\s)?in\s+(?:(?:U\.?S\.?|NT|New Taiwan|RMB|HK)?\s?\$?\s?(?:dollars?\s+(?:in\s+)?)?)?(?P<en>thousands|millions|billions|NT\$\s?(?:millions|billions|thousands))\b"
    r"|(?:人民[币幣]|新台[币幣]|新臺幣|港[币幣])?\s?(?P<zh>百[万萬]|[千仟][万萬]|[亿億万萬千仟])(?:美|港|欧|歐|日)?[元圆圓]"
    r"|[单單]位\s?[:：]\s?(?:人民[币幣]|新台[币幣])?(?P<one>[元圆圓])",
    re.IGNORECASE,
)
_ZH_STATED: Final = re.compile(r"[单單]位|币种|幣別|[(（][^)）]{0,12}[千仟万萬亿億][^)）]{0,6}元[^)）]{0,12}[)）]")
_SCALES: Final = {
    "thousands": 1e3, "millions": 1e6, "billions": 1e9, "千": 1e3, "仟": 1e3, "万": 1e4, "萬": 1e4,
    "百万": 1e6, "百萬": 1e6, "千万": 1e7, "仟萬": 1e7, "亿": 1e8, "億": 1e8,
    "仟万": 1e7, "千萬": 1e7, "元": 1.0, "圆": 1.0, "圓": 1.0,
}  # fmt: skip
_CURRENCY: Final = (
    (re.compile(r"NT\$|New Taiwan|新台[币幣]|新臺幣|TWD", re.IGNORECASE), "TWD"),
    (re.compile(r"HK\$|港[币幣]|HKD"), "HKD"),
    (re.compile(r"RMB|Renminbi|人民[币幣]|CNY", re.IGNORECASE), "CNY"),
    (re.compile(r"US\$|U\.S\. dollars|USD|美元", re.IGNORECASE), "USD"),
    (re.compile(r"€|\bEUR\b|euros", re.IGNORECASE), "EUR"),
    (re.compile(r"₩|\bKRW\b|Korean won|韩元|韓元", re.IGNORECASE), "KRW"),
    (re.compile(r"\bJPY\b|Japanese yen|日元|日圓", re.IGNORECASE), "JPY"),
)
_SHARES: Final = re.compile(r"\bshares?\s+in\s+\w+$", re.IGNORECASE)
_CAPTION_CHARS: Final = 100  # in a longer line a unit is stated only in brackets
_LEGEND_CHARS: Final = 700  # a unit is stated in the caption or the paragraph before a table


@dataclass(frozen=True, slots=True)
class Unit:
    """What a figure of a table is multiplied by, and its currency where the statement names one."""

    scale: float
    currency: str | None


def may_state_unit(text: str) -> bool:
    """Whether a text holds a word every statement of a unit has: cheap, where the expression is not."""
    low = text.lower()
    return "illions" in low or "thousands" in low or any(sign in text for sign in "元圆圓")


def unit_of(text: str) -> Unit | None:
    """The unit a caption states; None for a line that states none."""
    if len(text) > _LEGEND_CHARS:
        text = text[-_LEGEND_CHARS:]
    if not may_state_unit(text):
        return None
    for found in UNITS.finditer(text):
        name = found["en"] or found["zh"] or found["one"]
        if found["zh"] and not _ZH_STATED.search(text):
            continue
        if found["en"] and (_SHARES.search(found[0]) or not _is_stated(found[0], text)):
            continue
        if found["en"] and "NT$" in name:
            name = name[3:].strip()
        stated = found[0] + (text if len(text) <= _CAPTION_CHARS else "")
        currency = next((code for pattern, code in _CURRENCY if pattern.search(stated)), None)
        return Unit(_SCALES[name.lower()], currency)
    return None


def _is_stated(found: str, text: str) -> bool:
    """Whether "in millions" states a unit: in brackets, behind a sign of money, or in a line that is hardly more."""
    return found.startswith("(") or "$ in" in found or len(text) <= _CAPTION_CHARS
