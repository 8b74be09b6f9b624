"""Quantities in English and Chinese text: values in base units, with unit and currency.

One compiled expression finds a number with what stands around it; decoding is ordinary arithmetic. The expression has
no nested repetition, so its time is linear in the text. It is matched in lower case, which is half the work of matching
in either case, and only where a number begins; what is rare is looked for when a plain substring says that it may be there.
"""

from __future__ import annotations

import re
from typing import Final

from tracker.extract.folding import lower
from tracker.extract.guards import holds_any
from tracker.extract.quantity_ranges import joined, with_bound, without_overlaps
from tracker.extract.quantity_wordings import cjk_fractions, decades, folds, rare
from tracker.extract.quantity_words import (
    ASCII_UNITS,
    CJK_MAGNITUDES,
    CJK_UNITS,
    COUNTED,
    CURRENCIES,
    GAPS,
    MAGNITUDES,
    PREFIX_WORDS,
    SUFFIX,
    UNITS,
    WITHIN_TEN,
    WORD,
    WORD_MAGNITUDES,
    WORDS,
    Quantity,
    alternatives,
)

# A currency before an amount in 元: 人民幣140萬元
_SAID_BEFORE: Final = {
    "新台": "TWD", "台币": "TWD", "台幣": "TWD", "臺幣": "TWD", "人民币": "CNY", "人民幣": "CNY", "rmb": "CNY",
    "美金": "USD", "美元": "USD", "港币": "HKD", "港幣": "HKD",
}  # fmt: skip
_ADJECTIVES: Final = alternatives(
    [
        "ai",
        "new",
        "additional",
        "nvidia",
        "amd",
        "blackwell",
        "rubin",
        "hopper",
        "helios",
        "server",
        "more",
        "advanced",
        "cowos",
        "google",
        "custom",
        "vera",
        "ultra",
        "optical",
        "nvlink",
        "hbm",
        "tpu",
    ]
)
_PREFIX: Final = alternatives(
    [
        "c$",
        "ca$",
        "a$",
        "au$",
        "s$",
        "₹",
        "us$",
        "nt$",
        "hk$",
        "cn¥",
        "$",
        "€",
        "£",
        "¥",
        "₩",
        "usd",
        "rmb",
        "cny",
        "twd",
        "ntd",
        "krw",
        "jpy",
        "eur",
    ]
)
# What is counted behind a classifier: 10万块英伟达H100 GPU, 500座 NVL72 机柜
_CARDS: Final = "gpu|tpu|芯片|晶片|加速卡|加速器|显卡|顯卡|处理器|處理器|h100|h200|h20|b200|b300"
_RACKS: Final = "机柜|機櫃|机架|機架|整柜|整櫃|rack"
_DIGITS: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,15}(?:\.\d{1,6})?"
# number, perhaps with currency before, magnitude, currency or unit after
_QUANTITY: Final = re.compile(
    rf"""
    (?P<neg>(?<![\w\d])[-−(](?=[$€£¥₩\d]))?
    (?P<prefix>(?<![a-z])(?:{_PREFIX})\s?)?(?P<bracket>(?<=[$€£¥₩])\()?
    (?:(?<![\w.,/-])|(?<=[-–—~至到约約近达達超过過逾为為增减幅升降超和与从由\u3400-\u9fff$€£¥₩])|(?<=rmb)|(?<=usd))
    (?P<number>{_DIGITS}|(?<![a-z])(?:{WORD})(?=[\s-](?:hundred|thousand|million|billion|trillion|percent|points?\b|gigawatt|years?\b|months?\b|quarters?\b)))(?(bracket)\))
    (?:
      (?P<odd>[多余餘])?(?P<mag>\s?(?:{CJK_MAGNITUDES})(?!瓦)|[\s-]?(?:{WORD_MAGNITUDES})(?![a-z\d]))
    )?
    (?P<plus>\+)?
    (?:
      \s?(?P<suffix>{SUFFIX})(?![a-z])
    | [\s-]?(?P<unit>{ASCII_UNITS})(?![a-z\d]|[\s-]?hours?)
    | \s(?P<names>(?:(?:[a-z][a-z.+-]{{0,8}}\d[\w.+-]{{0,8}}|\d{{1,3}}(?:\.\d)?[gt]|{_ADJECTIVES})\s){{1,4}})(?P<counted>{COUNTED})(?![a-z])
    | \s?(?P<cjkunit>{CJK_UNITS}|[块塊枚个個组組座支])(?![时時])
    )?
    """,
    re.VERBOSE,
)
_CLASSIFIERS: Final = frozenset("块塊枚个個组組座支片台套颗顆张張")
_CARD_COUNT: Final = re.compile(_CARDS)
_TINY: Final = re.compile(r"\**\s?(?:晶体管|晶體管|电晶体|電晶體|卫星|衛星|参数|參數|螺丝)")
_BOARD_COUNT: Final = re.compile(r"gpu|tpu|加速卡|显卡|顯卡|h100|h200|h20")
_CARDS_BEFORE: Final = re.compile(
    r"(?:gpu|芯片|晶片|加速卡|显卡|顯卡|算力卡)的?(?:总|總)?(?:数量|數量|数|數|规模|規模)[^，。；\n]{0,10}$"
)
_RACK_COUNT: Final = re.compile(_RACKS)
_CLAUSE_END: Final = re.compile(r"[，。；、,;\n]")
_FEW: Final = 50  # below it 个 counts kinds and makers of a thing, not pieces
_TENTHS_NOT: Final = re.compile(r"[长長为為立功本员員交果熟型份就]")
_WITHIN: Final = re.compile(r"\b(low|mid|high|upper)[- ]$")
# A rate whose sign speech recognition lost: "increased by 7.6 quarter over quarter", "growth of 17 and 21% respectively".
_UNSIGNED: Final = re.compile(r"^ (?:year|quarter)[- ](?:over|on)[- ](?:year|quarter)\b")
_RESPECTIVELY: Final = re.compile(r"^ and \d+(?:\.\d+)?\s?(?:%|percent),? respectively\b")
_FOLD_TRIGGERS: Final = ("doubl", "tripl", "quadrupl", "翻", "倍")
_DIGIT_RUN: Final = re.compile(r"\d[\d,.]*")
_ASCII_DIGIT_RUN: Final = re.compile(r"[0-9][0-9,.]*")  # the same where there are no other digits: a set is quicker
# A number in words counts before one of these only.
_COUNTED_IN_WORDS: Final = ("illion", "hundred", "thousand", "percent", "point", "gigawatt", "year", "month", "quarter")
_SPELLED: Final = re.compile(
    rf"(?:{WORD})(?=[\s-](?:hundred|thousand|million|billion|trillion|percent|point|gigawatt|year|month|quarter))"
)
# What a text must hold to hold a quantity, for polars to tell over a column (its expressions know no look-around and are
# slow on Unicode classes): a sign or name of a currency, a magnitude or unit behind a number, a number in words before
# what it counts, or one of the rare forms below. Years, dates and product numbers alone do not match.
MEASURED: Final = (
    rf"[$€£¥₩%％百千万亿萬億兆成翻倍]|(?:{PREFIX_WORDS})[({GAPS}]?[0-9]|[0-9],[0-9][0-9][0-9],[0-9]|[0-9]{{7}}|0s|[0-9] ?x|{COUNTED}"
    rf"|[0-9][,.)]?(?:[{GAPS}]?(?:{WORD_MAGNITUDES}))?[+]?[{GAPS}]?(?:{SUFFIX}|{ASCII_UNITS}|{CJK_UNITS}|{CJK_MAGNITUDES}"
    rf"|{WORD_MAGNITUDES})|(?:{WORD})[{GAPS}](?:hundred|thousand|percent|point|gigawatt|year|month|quarter)|illion|watt|[0-9] (?:year|quarter)[ -]o"
    r"|doubl|tripl|quadrupl|teens|half of|third|quarters? of|fifth of|一半|分之"
)
# What the sign or currency before a number can end in; perhaps a space or a bracket stands between.
_SIGNS: Final = frozenset("$€£¥₩-−(dbywr")
_BETWEEN_SIGN: Final = frozenset(" (\t\n\xa0\u3000")
_BEFORE: Final = re.compile(rf"[-−(]?(?P<prefix>(?<![a-z])(?:{_PREFIX})[\s(]?)?$")
_LOOK_BACK: Final = 8  # sign, currency and a space before a number
_CELL: Final = re.compile(r"(?:^|[|\t\n]|  )\s*$")
_SERIES: Final = re.compile(
    r"\b(?:RTX|GTX|RX|Radeon|GeForce|Ryzen|Core|Ultra|Xeon|EPYC|MI|Pixel|Galaxy|iPhone|Model|Series|DGX|HGX|Arc|Pro|Instinct)\s$",
    re.IGNORECASE,
)
_NAME_BEFORE: Final = re.compile(r"[A-Za-z][A-Za-z]*[-/]?$")


def find_quantities(text: str, *, currency: str | None = None) -> list[Quantity]:
    """All quantities of a text in order, ranges and bands joined.

    currency: what "元", "$" without a country means when the text does not say (by default CNY and USD).
    """
    low = lower(text)
    singles = [q for match in _matches(low) if (q := _decode(match, low, currency)) is not None]
    if not low.isascii():
        singles += cjk_fractions(low, currency)
    singles.sort(key=_by_place)
    found = joined(without_overlaps(singles), low)
    taken = [(q.start, q.end) for q in found if q.unit is not None]
    multiples = folds(low) if holds_any(low, _FOLD_TRIGGERS) else []
    for extra in (*(decades(low) if "0s" in low or "teens" in low else ()), *multiples, *rare(low)):
        if not any(a < extra.end and extra.start < b for a, b in taken):
            found = [q for q in found if not (q.start < extra.end and extra.start < q.end)]
            found.append(extra)
    return sorted(found, key=_by_place)


def _by_place(quantity: Quantity) -> tuple[int, int]:
    return quantity.start, -quantity.end


def _matches(low: str) -> list[re.Match[str]]:
    """Matches of the full expression, tried only where a number begins: most characters begin none."""
    runs = _ASCII_DIGIT_RUN if low.isascii() else _DIGIT_RUN
    begins = [run.start() for run in runs.finditer(low)]
    if holds_any(low, _COUNTED_IN_WORDS):
        begins += [word.start() for word in _SPELLED.finditer(low)]
        begins.sort()
    found: list[re.Match[str]] = []
    end = 0
    for at in begins:
        if at < end:
            continue
        match = _full_match(low, at, end)
        if match is not None:
            found.append(match)
            end = match.end()
    return found


def _full_match(low: str, at: int, floor: int) -> re.Match[str] | None:
    """The number that begins at a place, with its sign and currency when they stand before it (not before `floor`)."""
    if at > floor and (low[at - 1] in _SIGNS or (low[at - 1] in _BETWEEN_SIGN and low[max(at - 2, 0)] in _SIGNS)):
        before = _BEFORE.search(low, max(floor, at - _LOOK_BACK), at)
        for start in (before.start(), before.start("prefix")) if before else ():
            if start >= 0 and (match := _QUANTITY.match(low, start)):
                return match
    return _QUANTITY.match(low, at)


def parse_quantity(text: str) -> Quantity | None:
    """The first quantity of a text that is about one: "$3.5B of racks", "30万片", "1,000,000 GB of HBM3E"."""
    found = find_quantities(text)
    with_unit = [q for q in found if q.unit is not None]
    return with_unit[0] if with_unit else found[0] if found else None


def _decode(match: re.Match[str], text: str, currency: str | None) -> Quantity | None:
    number = match["number"].replace(",", "")
    value = WORDS.get(number)
    if value is None:
        value = float(number)
    magnitude = (match["mag"] or "").strip(" -")
    value *= MAGNITUDES.get(magnitude, 1.0)
    money = _money(match, text, currency, magnitude)
    unit, factor = _unit(match)
    if unit in ("gpus", "units", "GB") and _SERIES.search(
        text[max(0, match.start("number") - 12) : match.start("number")]
    ):
        return None
    if money is None and unit is None and not magnitude and _lost_its_sign(text, match.end()):
        unit = "pct"
    if money is None and unit is None:
        if _looks_like_a_name(match, text, magnitude):
            return None
        if magnitude in ("k", "m", "b", "t"):  # "8B parameters", "10k filings": too short to mean a magnitude
            return None
    if unit in ("W", "GB", "TB") and _NAME_BEFORE.search(
        text[max(0, match.start("number") - 6) : match.start("number")]
    ):
        return None
    value *= factor
    closed = match["neg"] == "(" and text[match.end() : match.end() + 1] == ")"
    in_cell = closed and _CELL.search(text[: match.start()][-4:])
    if match["bracket"] or (match["neg"] and (match["neg"] != "(" or in_cell)):
        value = -value  # accountants' brackets, in a table or as $(1.5); in a sentence brackets are an aside
    start = match.start("prefix") if match["prefix"] else match.start("number")
    if money and magnitude and (within := _WITHIN.search(text, max(0, start - 6), start)) and float(number) % 10 == 0:
        unit_of = MAGNITUDES.get(magnitude, 1.0)  # "in the mid-$90 billion range"
        low, high = (value + by * unit_of for by in WITHIN_TEN[within[1]])
        return Quantity(within.start(), match.end(), low, high, "money", money)
    return with_bound(
        Quantity(start, match.end(), value, value, "money" if money else unit, money),
        text,
        bool(match["plus"] or match["odd"]),
    )


def _money(match: re.Match[str], text: str, currency: str | None, magnitude: str) -> str | None:
    prefix = (match["prefix"] or "").strip()
    suffix = match["suffix"] or ""
    code = CURRENCIES.get(suffix) or CURRENCIES.get(prefix)
    if suffix == "元":
        before = text[max(0, match.start() - 6) : match.start()]
        said = (code for word, code in _SAID_BEFORE.items() if word in before)
        code = next(said, currency or "CNY")
    if prefix == "¥" and currency == "CNY":
        code = "CNY"
    return code


def _unit(match: re.Match[str]) -> tuple[str | None, float]:
    name = match["unit"] or match["cjkunit"] or match["counted"]
    if not name:
        return None, 1.0
    if name in _CLASSIFIERS:
        return _classified(name, match), 1.0
    if name == "成" and (float(match["number"].replace(",", "")) > 10 or _TENTHS_NOT.match(match.string, match.end())):
        return None, 1.0  # 2026成長
    unit, factor = UNITS[name]
    return unit, factor


def _classified(name: str, match: re.Match[str]) -> str | None:
    """The unit of a Chinese classifier, by the noun behind it: 11万台GB200 GPU, 500台机柜, 3万片."""
    text, end = match.string, match.end()
    stop = _CLAUSE_END.search(text, end, end + 24)
    behind = text[end : stop.start() if stop else end + 24]
    if _TINY.match(behind):
        return None
    if _RACK_COUNT.search(behind):
        return "racks"
    if name == "片":  # 晶片 are counted by the piece in wafers, too
        return "gpus" if _BOARD_COUNT.search(behind) else "wafers_per_month"
    if _CARD_COUNT.search(behind) or _CARDS_BEFORE.search(text, max(0, match.start() - 20), match.start()):
        few = name in "个個组組座支" and not match["mag"] and float(match["number"].replace(",", "")) < _FEW
        return None if few else "gpus"
    known = UNITS.get(name)
    return known[0] if known else None


def _looks_like_a_name(match: re.Match[str], text: str, magnitude: str) -> bool:
    """Years, product numbers, ordinals, codes: numbers that do not count anything."""
    if magnitude and magnitude not in ("k", "m", "b", "t"):
        return False
    before, after = text[max(0, match.start("number") - 2) : match.start("number")], text[match.end() : match.end() + 2]
    return bool(re.search(r"[A-Za-z#.]-?$", before) or re.match(r"[A-Za-z年月日号號%:/.]\w?", after))


def _lost_its_sign(text: str, end: int) -> bool:
    """Whether a bare number is a rate by what stands behind it."""
    behind = text[end : end + 44]
    return _UNSIGNED.match(behind) is not None or _RESPECTIVELY.match(behind) is not None
