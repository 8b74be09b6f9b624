"""Rates: growth and against what, shares of revenue, steps that are no level."""

from __future__ import annotations

import re
from typing import Final

from tracker.extract.guards import Guarded
from tracker.extract.quantity_words import Quantity
from tracker.extract.reading import Reading

RESULTS: Final = frozenset(
    {"revenue", "segment_revenue", "gross_margin", "operating_income", "capex", "order", "backlog"}
)
_YOY: Final = re.compile(
    r"year[- ]over[- ]year|year[- ]on[- ]year|\by/y\b|\byoy\b|from a year (?:ago|earlier)|a year (?:ago|earlier)|compared (?:to|with) (?:the )?(?:same|prior|previous|last) (?:year|quarter last|period)|同比|年增|年减|年減|較去年|较去年|比去年|去年同期|年成长|年成長|from the (?:same|prior|previous)[- ]year|compared (?:to|with) (?:the )?(?:\w+ quarter of )?(?:fiscal )?(?:19|20)?\d\d|over the (?:past|prior|last) year|to the prior year|(?:from|in|than|over|to|with) the (?:prior|previous|same) year|versus (?:the )?prior year|from last year|(?:than|over|from|versus|on|above|below) (?:in |that of |the |a )*(?:same|corresponding|comparable|year-ago|year-earlier) (?:period|quarter|month)|(?:than|from|over|versus|compared (?:to|with)|above|below) (?:in )?(?:the )?(?:\w+ )?quarter (?:of|in) (?:fiscal |calendar )?(?:year )?(?:20)?\d\d|than (?:in )?(?:19|20)\d\d|annually|(?:above|below|over|than|on|from) (?:the |a )?(?:year|same period)(?: before| earlier| ago| prior)|on the year|上年|前一年|一年前",
    re.IGNORECASE,
)
_QOQ: Final = re.compile(
    r"quarter[- ]over[- ]quarter|quarter[- ]on[- ]quarter|(?:from|over|versus|than|compared (?:to|with)|above|below) (?:(?:the )?(?:march|june|september|december|first|second|third|fourth) quarter|q[1-4])(?! (?:of |in )?(?:the |last |a |fiscal |calendar |prior |previous |20|19|'?\d\d|fy|year))|\bq/q\b|\bqoq\b|sequential(?:ly)?|(?:from|above|below|over|than|versus) (?:the )?(?:previous|prior|preceding|last) quarter|(?:on|in) the (?:previous|prior|preceding|last) quarter|(?:above|below|over|than|on|from) (?:the |a )?quarter(?: before| earlier| ago)|three months (?:before|earlier)|on the quarter|环比|環比|季增|季减|季減|季成长|季成長|較上季|比上季|较上季"
    r"|[较較](?:前一|上一?个?|上個|前)季(?:度)?|[较較]第[一二三四]季",
    re.IGNORECASE,
)
_OVER_YEAR: Final = Guarded(
    _YOY, ("year", "y/y", "yoy", "compared ", "than ", "annually", "period", "quarter", "month", "同比", "年")
)
_OVER_QUARTER: Final = Guarded(
    _QOQ, ("quarter", "q/q", "qoq", "sequential", "three months", "q1", "q2", "q3", "q4", "环比", "環比", "季")
)
_GROWS: Final = re.compile(
    r"\b(?:up|down|rose|rise|rises|rising|grew|grow|growing|growth|increas\w+|decreas\w+|declin\w+|fell|jump\w*|surg\w+|climb\w*|soar\w*|expand\w*|accelerat\w+)\b|增|长|長|減|减|升|降|爆|飙|飆|涨|漲|扬|揚|翻|doubl|tripl",
    re.IGNORECASE,
)
# The next figure of a list begins here: what stands behind it belongs to that figure.
_NEXT_FIGURE: Final = re.compile(r"[,;，；。、]|\b(?:and|or)\b(?= (?:up|down|over|more|by)\b| \d| \$)|\.\s")
SHARE: Final = re.compile(
    r"来自|来源于|來自|出自|made up|makes? up|account\w* for|represent\w*|% of (?:\w+ ){0,3}(?:revenues?|sales)|percent of (?:\w+ ){0,3}(?:revenues?|sales)|compris\w+|half of|占",
    re.IGNORECASE,
)
_OF_SALES: Final = re.compile(r"\b(?:of|in) (?:[\w'’-]+ ){0,4}(?:revenues?|sales)\b|营收|收入|销售额", re.IGNORECASE)
OF_RIGHT_BEHIND: Final = re.compile(r"^\)? of (?:[\w'’-]+ ){0,5}(?:revenues?|sales)\b", re.IGNORECASE)
_STOP: Final = re.compile(r"[,;，；。]|\.\s|\b(?:and|while|up|down)\b")
_OUTGOINGS: Final = re.compile(
    r"\b(?:expens\w+|income|profits?|loss(?:es)?|margins?|EBITDA|cash flow|R&D|costs?|capex|capital|taxe?s?|inventor\w+|depreciation)\b",
    re.IGNORECASE,
)
_MOVED_BY: Final = re.compile(
    r"\b(?:up|down|increas\w+|decreas\w+|declin\w+|growing|grew|rose|fell|risen|fallen|come down|gone up|dropped|improved|higher|lower)(?: \w+ly)?(?: by)?"
    r"(?: an?| almost| about| approximately| nearly| roughly| over| more than| another| some)*\s?$|(?:高出|多出|相差)了?(?:约|約|近)?$",
    re.IGNORECASE,
)
_MIDPOINT: Final = re.compile(r"\bmid-?point\b[^,;.]{0,24}$", re.IGNORECASE)
_MORE_THAN_BEFORE: Final = re.compile(
    r"^\s(?:more|less|higher|lower|increase|decrease|decline|improvement|step[- ]up|step[- ]down|above|below|short|shortfall|headwind|tailwind|impact)\b",
    re.IGNORECASE,
)
_CAGR: Final = re.compile(r"\bCAGR\b|compound annual|年复合|年均复合|複合", re.IGNORECASE)
_GROWTH_NEXT: Final = re.compile(
    r"^ (?:[\w&'-]+ ){0,3}?(?:growth|increase|decline|decrease|gain|jump|rise|drop)\b", re.IGNORECASE
)
# Growth over several years is no growth against the year before.
_LONG: Final = re.compile(
    r"^[^,;.]{0,60}?\b(?:(?:in|over|within|during|across) (?:the (?:next|last|past|coming) )?(?:two|three|four|five|six|seven|eight|ten|\d+) years|by the end of the decade|over the (?:next |past |last )?decade|by 20(?:2[7-9]|3\d)|(?:between|from) 20\d\d (?:and|to|through) 20\d\d)"
    r"|^[^;.]{0,60}\bfrom year-end (?:20)?\d\d",
    re.IGNORECASE,
)
_FROM_BEFORE: Final = re.compile(
    r"\b(?:from|versus|vs\.?|compared (?:to|with)|level of) (?:about |approximately )?$", re.IGNORECASE
)


def is_cagr(reading: Reading, quantity: Quantity) -> bool:
    text = reading.text
    return bool(
        _CAGR.search(text[quantity.end : quantity.end + 24]) or _CAGR.search(text[quantity.start - 24 : quantity.start])
    )


# 57%的营收来自…; 营收中85%来自…; 营收占比达七成 (folded)
_SHARE_BEHIND_CJK: Final = re.compile(
    r"^\**(?:以上)?的?(?:总?营收|收入|营业收入|营业额|销售额|业绩)?(?:都|均|则|是|主要|其实)?(?:来自|来源于|出自|源自|由[^，。；]{1,14}贡献)"
)
_SHARE_BEFORE_CJK: Final = re.compile(
    r"(?:营收|收入|营业额|销售额|业绩)[^，。；]{0,14}(?:占比|比重|占)[^，。；增减升降]{0,10}$|占(?:总?营收|收入|营业额|销售额|整体营收)[^，。；增减升降]{0,12}$"
)
_SALES_CJK: Final = re.compile(r"营收|收入|营业额|销售额|业绩")


def is_share(reading: Reading, quantity: Quantity) -> bool:
    """Whether a percentage is a part of revenue ("made up the majority of sales at 55%"), not its growth."""
    text = reading.text
    if not text.isascii():
        head, tail = reading.folded[: quantity.start], reading.folded[quantity.end : quantity.end + 40]
        if _SHARE_BEHIND_CJK.match(tail) and _SALES_CJK.search(head[-120:] + tail):
            return True
        if _SHARE_BEFORE_CJK.search(head[-60:]):
            return True
    start, stop = reading.clause_start(quantity.start), _STOP.search(text, quantity.end)
    before, behind = text[start : quantity.start], text[quantity.end : stop.start() if stop else len(text)]
    if OF_RIGHT_BEHIND.match(behind):
        return True
    verb = list(SHARE.finditer(before))
    if not verb or _GROWS.search(before, verb[-1].end()):
        return False
    return _OF_SALES.search(before[verb[-1].start() :] + behind) is not None


def is_prior_share(reading: Reading, before: Quantity, quantity: Quantity) -> bool:
    """Whether a percentage is what a share is compared with ("18.7 % of revenue, down from 20.1 %")."""
    between = reading.text[before.end : quantity.start]
    return _FROM_BEFORE.search(between) is not None and is_share(reading, before)


def is_rate_of_another(reading: Reading, quantity: Quantity, kind_before: str | None) -> bool:
    """Whether "6 % of revenue" is the rate of an income or expense told before it, not a part of revenue."""
    if not OF_RIGHT_BEHIND.match(reading.text[quantity.end :]):
        return False
    if kind_before is not None and kind_before not in ("revenue", "segment_revenue"):
        return True
    start = reading.clause_start(quantity.start)
    return _OUTGOINGS.search(reading.text, start, quantity.start) is not None


def is_step(reading: Reading, quantity: Quantity) -> bool:
    """Whether an amount is how much a figure moved by, or the middle of a range told before: not a level."""
    before, behind = (
        reading.text[max(0, quantity.start - 40) : quantity.start],
        reading.text[quantity.end : quantity.end + 24],
    )
    return bool(_MOVED_BY.search(before) or _MIDPOINT.search(before) or _MORE_THAN_BEFORE.match(behind))


def is_over_years(reading: Reading, quantity: Quantity) -> bool:
    """Whether growth is told over several years: "nearly doubling in two years", "by 50 % by the end of the decade"."""
    return is_cagr(reading, quantity) or _LONG.match(reading.text[quantity.end : quantity.end + 90]) is not None


def growth_unit(text: str, quantity: Quantity, kind: str) -> str:
    """Against what a percentage is measured: the wording behind the figure first, then the one before it.

    Results are compared with the year before unless something else is said; a share or a price change is not.
    """
    before, behind = text[: quantity.start], text[quantity.end : quantity.end + 110]
    stop = _NEXT_FIGURE.search(behind)
    chunk_behind = behind[: stop.start()] if stop else behind
    if _CAGR.search(chunk_behind[:24]) or _CAGR.search(before[-24:]) or _LONG.match(behind):
        return "pct"
    chunk_before = _NEXT_FIGURE.split(before[-70:])[-1]
    for part in (chunk_behind, chunk_before):
        qoq, yoy = _OVER_QUARTER.search(part), _OVER_YEAR.search(part)
        if qoq and (not yoy or qoq.start() < yoy.start()):
            return "pct_qoq"
        if yoy:
            return "pct_yoy"
    # "sequentially, sales were up 11%, 12% in local currencies": what was said last holds until something else is said
    low = before.lower()
    said = [
        (m.start(), unit)
        for guarded, unit in ((_OVER_QUARTER, "pct_qoq"), (_OVER_YEAR, "pct_yoy"))
        if guarded.may_match(low)
        for m in guarded.pattern.finditer(before)
    ]
    if said:
        return max(said)[1]
    later = _OVER_QUARTER.search(behind), _OVER_YEAR.search(behind)
    if later[1] and not later[0]:
        return "pct_yoy"
    grows = (
        kind in RESULTS
        and (_GROWS.search(text[max(0, quantity.start - 60) : quantity.end]) or _GROWTH_NEXT.match(behind))
        and not SHARE.search(before[-60:] + behind[:60])
    )
    return "pct_yoy" if grows else "pct"
