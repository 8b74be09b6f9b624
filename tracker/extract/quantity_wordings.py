"""Rarer ways to write a figure: Chinese numerals, fractions, decades, "doubled"; each tried only where its letters stand."""

from __future__ import annotations

import re
from typing import Final

from tracker.extract.guards import holds_any
from tracker.extract.quantity_ranges import with_bound
from tracker.extract.quantity_words import CURRENCIES, MAGNITUDES, WITHIN_TEN, Quantity

_CJK_DIGITS: Final = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "兩": 2, "〇": 0, "○": 0}
_CJK_TENS: Final = {"十": 10, "百": 100, "千": 1000}
_CJK_PERCENT: Final = re.compile(
    r"百分之(\d{1,3}(?:\.\d{1,2})?|[零一二三四五六七八九十百两兩]{1,5}(?:[点點][零一二三四五六七八九]{1,3})?)"
)
_CJK_TENTHS: Final = re.compile(
    r"([一二两兩三四五六七八九])成(?!员|立|本|为|為|功|长|長|熟|果)([一二三四五六七八九半])?"
)
_CJK_AMOUNT: Final = re.compile(
    r"(?<![\d一二三四五六七八九十百千数數几幾])([零〇一二三四五六七八九十百千两兩]{1,9}(?:[点點][零一二三四五六七八九]{1,3})?)([多余餘])?(万亿|萬億|亿|億|兆|万|萬)"
    r"(美元|美金|新台币|新台幣|人民币|人民幣|欧元|歐元|韩元|韓元|日元|日圓|元)?"
)
_DECADE: Final = re.compile(
    r"\b(low|mid|high|upper)[- ]?(?:to[- ](mid|high)[- ]?)?(?:(\d{1,2})s|(teens))(?:\s?(?:percent|%))?", re.IGNORECASE
)
_FOLD: Final = re.compile(
    r"\b(more than |nearly |almost |roughly |over |at least )?(doubl|tripl|quadrupl)(?:ed|ing|e|es)\b(?![- ]digit)|"
    r"(翻了?(?:近|約|约)?一?倍|翻一?番|倍增)|"
    r"(?:增长|增長|增加|成长|成長|扩大|擴大|提高|提升|[年月季大暴激劲勁狂]增|同比增|[飙飆]升|[飙飆]增|上升|[上大暴]涨|[上大暴]漲|[环環]比增)"
    r"(?:幅度?)?了?(?:达到?|達到?|逾|超过|超過|约|約|近|高达|高達|超|将近)?\s?([一二兩两三四五六七八九十\d.]+)\s?倍(?![数數])|"
    r"(?:增至|升至|成长至|成長至|增长到|增長到|增加到|扩大到|擴大到|是(?:去年|上季|前一年|前年)(?:同期)?的)(?:近|约|約|逾)?\s?([一二兩两三四五六七八九十\d.]+)\s?倍|"
    r"翻([一二兩两三])番",
    re.IGNORECASE,
)
_PART: Final = re.compile(
    r"\b(more than |over |nearly |almost |about |roughly |less than )?(half|(?:one|a)[- ]third|two[- ]thirds|(?:one|a)[- ]quarter|"
    r"three[- ]quarters|(?:one|a)[- ]fifth)(?= of (?:[\w'’-]+ ){0,4}(?:revenues?|sales)\b)|"
    r"(超过|超過|近|约|約)?(一半|三分之一|三分之二|四分之一|四分之三)(?=的?(?:营收|營收|收入|销售额|銷售額))",
    re.IGNORECASE,
)
_PART_TRIGGERS: Final = ("half of", "third", "quarter of", "quarters of", "fifth of", "一半", "分之")
_PARTS: Final = {
    "half": 50.0, "third": 100 / 3, "thirds": 200 / 3, "quarter": 25.0, "quarters": 75.0, "fifth": 20.0,
    "一半": 50.0, "三分之一": 100 / 3, "三分之二": 200 / 3, "四分之一": 25.0, "四分之三": 75.0,
}  # fmt: skip
# How many digits a rate has: "double-digit growth" is ten per cent or more; "low double digits" is no figure.
_RATE_DIGITS: Final = re.compile(
    r"(?<!low )(?<!low-)(?<!mid )(?<!mid-)(?<!to )(?<!to-)(?<!high )(?<!high-)(?<!single )(?<!or )\b(double|triple)[- ]digits?\b(?![- ](?:millions?|billions?|dollars?|(?:\w+ ){0,2}margins?|position|number|gigawatt|megawatt|mid-))"
)
_TIMES: Final = re.compile(
    r"(\bover |more than )?(?<![\w.])(\d{1,2}(?:\.\d)?)\s?x(?=[ ,]+(?:year|sequential|quarter|from a year|yoy|y/y|q/q|growth|increase))",
    re.IGNORECASE,
)
_UNSAID_COUNT: Final = re.compile(
    r"(?<![\d一二两三四五六七八九十百千数數几幾上万萬])(百万|百萬|十万|十萬|[百千万萬])(?=[张張卡颗顆块塊]|\s?gpu)"
)
_UNSAID_ONE: Final = re.compile(
    r"\b(half a|a|one)\s(million|billion|trillion)\s(dollars|euros|yuan|won)\b|\b(?:the first|an initial|another|the next|an additional)\s(gigawatt|megawatt)\b",
    re.IGNORECASE,
)
_UNSAID: Final = {"百": 1e2, "千": 1e3, "万": 1e4, "萬": 1e4, "十万": 1e5, "十萬": 1e5, "百万": 1e6, "百萬": 1e6}
_OVER: Final = re.compile(r"[逾超](?!级|級)")
_TIMES_TRIGGER: Final = re.compile(r"\d\s?x")


def _cjk_number(text: str) -> float:
    text, _, decimals = text.replace("點", "点").partition("点")
    total, digit = 0.0, 0.0
    for char in text:
        if char in _CJK_DIGITS:
            digit = _CJK_DIGITS[char]
        elif char in _CJK_TENS:
            total += (digit or 1) * _CJK_TENS[char]
            digit = 0
    part = sum(_CJK_DIGITS[c] * 10.0 ** -(i + 1) for i, c in enumerate(decimals))
    return total + digit + part


def _cjk_amounts(text: str, currency: str | None) -> list[Quantity]:
    """Amounts written in characters throughout: 一千八百亿美元."""
    found = []
    for match in _CJK_AMOUNT.finditer(text):
        value = _cjk_number(match[1]) * MAGNITUDES[match[3]]
        code = CURRENCIES.get(match[4] or "")
        if match[4] == "元" and currency is not None:
            code = currency
        if value:
            q = Quantity(match.start(), match.end(), value, value, "money" if code else None, code)
            found.append(with_bound(q, text, bool(match[2])))
    return found


def cjk_fractions(text: str, currency: str | None) -> list[Quantity]:
    found = _cjk_amounts(text, currency) if any(magnitude in text for magnitude in "亿億万萬兆") else []
    if "百分之" in text:
        for match in _CJK_PERCENT.finditer(text):
            value = float(match[1]) if match[1][0].isascii() else _cjk_number(match[1])
            found.append(with_bound(Quantity(match.start(), match.end(), value, value, "pct"), text, False))
    if "成" in text:
        for match in _CJK_TENTHS.finditer(text):
            value = _CJK_DIGITS[match[1]] * 10.0 + (5 if match[2] == "半" else _CJK_DIGITS.get(match[2] or "零", 0))
            found.append(with_bound(Quantity(match.start(), match.end(), value, value, "pct"), text, False))
    return found


def rare(text: str) -> list[Quantity]:
    """ "More than half of its revenue" is 50 per cent or more, "over 2x year on year" 100 more, 万卡 ten thousand cards."""
    found = []
    for match in _PART.finditer(text) if holds_any(text, _PART_TRIGGERS) else ():
        value = _PARTS[re.split(r"[ -]", match[2].lower())[-1]] if match[2] else _PARTS[match[4]]
        word = (match[1] or match[3] or "").strip().lower()
        low = None if word == "less than" else value
        high = None if word in ("more than", "over", "超过", "超過") else value
        found.append(Quantity(match.start(2) if match[2] else match.start(4), match.end(), low, high, "pct"))
    for match in _TIMES.finditer(text) if "x" in text and _TIMES_TRIGGER.search(text) else ():
        value = (float(match[2]) - 1) * 100
        if value > 0:
            found.append(Quantity(match.start(2), match.end(), value, None if match[1] else value, "pct"))
    for match in _RATE_DIGITS.finditer(text) if "digit" in text else ():
        found.append(Quantity(match.start(), match.end(), 10.0 if match[1] == "double" else 100.0, None, "pct"))
    for match in _UNSAID_ONE.finditer(text) if "illion" in text or "watt" in text else ():
        if match[4]:
            found.append(Quantity(match.start(), match.end(), 1.0, 1.0, "GW" if match[4].lower()[0] == "g" else "MW"))
        else:
            value = (0.5 if match[1].lower() == "half a" else 1.0) * MAGNITUDES[match[2].lower()]
            code = CURRENCIES[match[3].lower()]
            found.append(with_bound(Quantity(match.start(), match.end(), value, value, "money", code), text, False))
    for match in _UNSAID_COUNT.finditer(text) if not text.isascii() and holds_any(text, _UNSAID) else ():
        value = _UNSAID[match[1]]
        found.append(Quantity(match.start(), match.end() + 1, value, value, "gpus"))
    return found


def decades(text: str) -> list[Quantity]:
    """ "mid-70s percent" is 75, "low 70s" 70 to 73, "high 60s" 67 to 69."""
    found = []
    for match in _DECADE.finditer(text):
        tens = 10.0 if match[4] else float(match[3])
        if tens % 10:
            continue
        low = WITHIN_TEN[match[1].lower()][0]
        high = WITHIN_TEN[(match[2] or match[1]).lower()][1]
        found.append(Quantity(match.start(), match.end(), tens + low, tens + high, "pct"))
    return found


def folds(text: str) -> list[Quantity]:
    """ "doubled" is 100 percent more, "more than tripled" at least 200 percent more, 增长两倍 200 percent more."""
    found = []
    for match in _FOLD.finditer(text):
        if match[2]:
            value = {"doubl": 100.0, "tripl": 200.0, "quadrupl": 300.0}[match[2].lower()]
        elif match[3]:
            value = 100.0
        elif match[6]:
            value = (2.0 ** _cjk_number(match[6]) - 1) * 100
        else:
            count = match[4] or match[5]
            times = float(count) if re.fullmatch(r"\d+(?:\.\d+)?", count) else _cjk_number(count)
            value = (times - (1 if match[5] else 0)) * 100
        more = (match[1] or "").strip().lower() in ("more than", "over", "at least") or _OVER.search(
            match[0]
        ) is not None
        found.append(Quantity(match.start(), match.end(), value, None if more else value, "pct"))
    return found
