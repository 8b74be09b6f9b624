"""Figures that belong together: ranges, steps, plus and minus, bounds before and behind, overlaps."""

from __future__ import annotations

import re
from typing import Final

from tracker.extract.quantity_words import MAGNITUDES, Quantity

_JOIN: Final = re.compile(r"^\s?(?:-|–|—|~|～|to|and|至|到|或|or)\s?$", re.IGNORECASE)
_SAME_AGAIN: Final = re.compile(
    r"^[^\s(（]{0,3}\s?[(（]\s?(?:about|around|approximately|roughly|or|约|約|合|折合)?\s?$", re.IGNORECASE
)
_PLUS_MINUS: Final = re.compile(
    r"^[,.]?\s*(?:respectively[,.]?\s*)?(?:plus or minus|plus/minus|give or take|±|\+/-|上下|正负|正負)\s*$",
    re.IGNORECASE,
)
# Right before a number, perhaps with a space and "the" between.
_MORE: Final = (
    "more than", "over", "above", "at least", "north of", "upward of", "upwards of", "exceed", "exceeds", "exceeded",
    "exceeding", "surpass", "surpasses", "surpassed", "surpassing", "greater than", "in excess of", "crossed", "topped",
    "past", "超过", "超過", "逾", "超", "至少", "不低于", "不少于", "突破", "高于", "大于",
)  # fmt: skip
_MORE_AFTER: Final = re.compile(r"\s?(?:or more|and above|and up(?! )|以上|多(?!年))")
_LESS: Final = (
    "up to", "upto", "as much as", "as many as", "as long as", "at most", "no more than", "under", "below", "less than",
    "fewer than", "最多", "至多", "上看", "上探", "不超过", "低于", "不到",
)  # fmt: skip
_CHANGE: Final = re.compile(r"\b(?:from|increased?|rose|grew|raised?|cut|down|up)\b[^.]{0,20}$", re.IGNORECASE)
_BY: Final = re.compile(r"\bby (?:about |approximately |roughly |nearly |almost |some |over )?$", re.IGNORECASE)
_STEP: Final = 2.5  # of what a figure has grown to, the step it grew by is a small part
_BETWEEN: Final = re.compile(r"(?:between|from|in the range of|range of|介于|介於|在)\s?$", re.IGNORECASE)
# A number without unit is kept from here on: "revenue of 35.6 billion" is money, whoever says it
_BARE_AT_LEAST: Final = 1e6


def with_bound(q: Quantity, text: str, plus: bool) -> Quantity:
    before = text[max(0, q.start - 24) : q.start].removesuffix("每月")
    before = (
        before.removesuffix("达到").removesuffix("達到")
        if before.endswith(("至少达到", "至少達到", "最多达到"))
        else before
    )
    if plus or _ends_with(before.removesuffix("the "), _MORE) or _MORE_AFTER.match(text, q.end):
        return q._replace(high=None)
    if _ends_with(before, _LESS):
        return q._replace(low=None)
    return q


def _ends_with(text: str, words: tuple[str, ...]) -> bool:
    return (text[:-1] if text[-1:].isspace() else text).endswith(words)


def without_overlaps(found: list[Quantity]) -> list[Quantity]:
    kept: list[Quantity] = []
    for q in found:
        if not kept or q.start >= kept[-1].end:
            kept.append(q)
    return kept


def joined(found: list[Quantity], text: str) -> list[Quantity]:
    """Ranges ("80-85 billion", "between X and Y") and bands ("plus or minus 2%") become one quantity."""
    result: list[Quantity] = []
    for q in found:
        last = result[-1] if result else None
        if last is not None and last.low is not None and (q.high is not None or _reaches(last, q)):
            gap = text[last.end : q.start]
            if len(gap) <= 34 and _PLUS_MINUS.match(gap) and last.low == last.high:
                if "respectively" in gap.lower() and len(result) > 1 and result[-2].unit == last.unit:
                    result[-2] = _band(result[-2], q)._replace(end=result[-2].end)  # "A and B, respectively, ± C"
                result[-1] = _band(last, q)
                continue
            if last.unit == q.unit == "money" and last.currency != q.currency and _SAME_AGAIN.match(gap):
                continue  # the same amount in another currency
            if _is_range(last, q, gap, text):
                result[-1] = _range(last, q, text)
                continue
        result.append(q)
    return [q for q in _compound(result, text) if q.unit is not None or q.value >= _BARE_AT_LEAST]


def _reaches(a: Quantity, b: Quantity) -> bool:
    """Whether an open end ends a range: 百分之四十到百分之六十以上."""
    alike = a.unit == b.unit or (a.unit is None and b.unit == "money")
    return alike and b.unit in ("pct", "money") and a.high == a.low and b.low is not None and (a.low or 0.0) < b.low


def _step_down(text: str, last: Quantity, q: Quantity) -> bool:
    """Whether 1617亿 right behind 2兆 goes on with the same number."""
    a = re.search(r"(兆|万亿|萬億|亿|億)$", text[last.start : last.end])
    b = re.match(r"[\d,.]+\s?(亿|億|万|萬)", text[q.start : q.end])
    return a is not None and b is not None and MAGNITUDES[a[1]] > MAGNITUDES[b[1]]


def _compound(found: list[Quantity], text: str) -> list[Quantity]:
    """ "$4 billion and $39 million" is one amount, and so is 2兆1617亿."""
    result: list[Quantity] = []
    for q in found:
        last = result[-1] if result else None
        if last is not None and last.end == q.start and last.low == last.high and _step_down(text, last, q):
            low, high = (None if end is None else (last.low or 0.0) + end for end in (q.low, q.high))
            result[-1] = q._replace(
                start=last.start, low=low, high=high, unit=q.unit or last.unit, currency=last.currency or q.currency
            )
            continue
        if (
            last is not None
            and last.unit == q.unit == "money"
            and last.currency == q.currency
            and last.low == last.high is not None
            and q.low == q.high is not None
            and text[last.end : q.start].strip().lower() == "and"
            and not text.startswith((" respectively", ", respectively"), q.end)
            and text[last.start : last.end].lower().endswith("billion")
            and text[q.start : q.end].lower().endswith("million")
        ):
            total = (last.low or 0.0) + (q.low or 0.0)
            result[-1] = last._replace(end=q.end, low=total, high=total)
        else:
            result.append(q)
    return result


def _band(base: Quantity, width: Quantity) -> Quantity:
    value, by = base.value, width.value
    spread = value * by / 100 if width.unit == "pct" and base.unit != "pct" else by
    if width.unit == "pct_pt" or base.unit == width.unit:
        spread = by
    return base._replace(end=width.end, low=value - abs(spread), high=value + abs(spread))


def _is_range(a: Quantity, b: Quantity, gap: str, text: str) -> bool:
    if (
        not _JOIN.match(gap)
        or a.low is None
        or (b.high is None and not _reaches(a, b))
        or (a.unit is not None and a.unit != b.unit and not (a.unit == "money" and b.unit is None))
    ):
        return False
    if a.unit is None and b.unit == "money" and 1900 <= a.low <= 2100 and a.low == a.high:
        return False  # "from $290 million in 2024 to $510 million"
    word = gap.strip().lower()
    if word in ("and", "or", "或"):
        return bool(_BETWEEN.search(text[max(0, a.start - 16) : a.start])) and word == "and"
    # "from 65 to 85" is a change, and both ends are figures of their own
    before = text[max(0, a.start - 24) : a.start]
    stepped = (
        a.unit == "money" and (b.high or b.low or 0.0) > _STEP * a.low and _BY.search(before)
    )  # "rose by $339 million to $5 billion"
    return not (word == "to" and (_CHANGE.search(before) or stepped))


def _range(a: Quantity, b: Quantity, text: str) -> Quantity:
    low, high = a.low or 0.0, b.high or b.low or 0.0
    if a.unit is None or a.unit == "money":
        # "$80-85 billion", "80 to 85 percent": the first number takes the second's magnitude
        factors = (1e3, 1e6, 1e9, 1e12) if text[b.start : b.end].isascii() else (1e4, 1e6, 1e7, 1e8, 1e12)
        scaled = [low * factor for factor in factors if low * factor <= high]
        if low and high / low > 500 and scaled:
            low = max(scaled)
    return b._replace(
        start=a.start,
        low=min(low, high),
        high=max(low, high),
        unit=b.unit or a.unit,
        currency=b.currency or a.currency,
    )
