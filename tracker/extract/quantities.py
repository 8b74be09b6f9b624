"""Quantities in English and Chinese text: values in base units, with unit and currency.

One compiled expression finds a number with what stands around it; decoding is ordinary arithmetic. The expression has
no nested repetition, so its time is linear in the text. It is matched in lower case, which is half the work of matching
in either case, and only where a number begins; what is rare is looked for when a plain substring says that it may be there.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tracker.extract.folding import lower
from tracker.extract.guards import holds_any

# --- numbers -------------------------------------------------------------------------------------------------------

# A currency before an amount in 元: 人民幣140萬元
_SAID_BEFORE: Final = {
    "新台": "TWD", "台币": "TWD", "台幣": "TWD", "臺幣": "TWD", "人民币": "CNY", "人民幣": "CNY", "rmb": "CNY",
    "美金": "USD", "美元": "USD", "港币": "HKD", "港幣": "HKD",
}  # fmt: skip
_MAGNITUDES: Final[dict[str, float]] = {
    "k": 1e3, "thousand": 1e3, "thousands": 1e3,
    "m": 1e6, "mn": 1e6, "mln": 1e6, "million": 1e6, "millions": 1e6,
    "b": 1e9, "bn": 1e9, "bln": 1e9, "billion": 1e9, "billions": 1e9,
    "t": 1e12, "tn": 1e12, "trn": 1e12, "trillion": 1e12, "trillions": 1e12,
    "万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8, "兆": 1e12, "万亿": 1e12, "萬億": 1e12, "조": 1e12, "억": 1e8,
    "百万": 1e6, "百萬": 1e6, "千万": 1e7, "千萬": 1e7, "十亿": 1e9, "百亿": 1e10, "百億": 1e10, "千亿": 1e11, "千億": 1e11,
    "百": 1e2, "千": 1e3,
}  # fmt: skip
_WORDS: Final[dict[str, float]] = {
    "half": 0.5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
    "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100,
}  # fmt: skip
_CJK_DIGITS: Final = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "兩": 2, "〇": 0, "○": 0}
_CJK_TENS: Final = {"十": 10, "百": 100, "千": 1000}

_CURRENCIES: Final[dict[str, str]] = {
    "us$": "USD", "usd": "USD", "$": "USD", "美元": "USD", "美金": "USD", "美圆": "USD", "美圓": "USD", "镁": "USD", "鎂": "USD", "dollars": "USD", "dollar": "USD",
    "nt$": "TWD", "ntd": "TWD", "twd": "TWD", "新台币": "TWD", "new taiwan dollars": "TWD", "新台幣": "TWD", "新臺幣": "TWD", "臺幣": "TWD", "台币": "TWD", "台幣": "TWD",
    "rmb": "CNY", "cny": "CNY", "cn¥": "CNY", "人民币": "CNY", "人民幣": "CNY", "yuan": "CNY", "元": "CNY",
    "元人民币": "CNY", "元新台币": "TWD", "元新台幣": "TWD", "元新臺幣": "TWD",
    "₩": "KRW", "krw": "KRW", "won": "KRW", "원": "KRW", "韩元": "KRW", "韓元": "KRW", "韩圜": "KRW", "韓圜": "KRW", "韩圆": "KRW", "韓圓": "KRW",
    "c$": "CAD", "ca$": "CAD", "cad": "CAD", "a$": "AUD", "au$": "AUD", "aud": "AUD", "s$": "SGD", "sgd": "SGD", "₹": "INR", "inr": "INR",
    "¥": "JPY", "jpy": "JPY", "yen": "JPY", "日币": "JPY", "日幣": "JPY", "日元": "JPY", "日圆": "JPY", "日圓": "JPY",
    "€": "EUR", "eur": "EUR", "euros": "EUR", "euro": "EUR", "欧元": "EUR", "歐元": "EUR",
    "£": "GBP", "gbp": "GBP", "pounds": "GBP", "英镑": "GBP", "hk$": "HKD", "港元": "HKD", "港币": "HKD",
}  # fmt: skip

_UNITS: Final[dict[str, tuple[str, float]]] = {
    "%": ("pct", 1), "％": ("pct", 1), "percent": ("pct", 1), "per cent": ("pct", 1), "pct": ("pct", 1),
    "成": ("pct", 10),
    "percentage points": ("pct_pt", 1), "percentage point": ("pct_pt", 1), "points": ("pct_pt", 1), "point": ("pct_pt", 1),
    "个百分点": ("pct_pt", 1), "個百分點": ("pct_pt", 1), "百分点": ("pct_pt", 1), "百分點": ("pct_pt", 1),
    "basis points": ("pct_pt", 0.01), "bps": ("pct_pt", 0.01), "bp": ("pct_pt", 0.01), "个基点": ("pct_pt", 0.01),
    "racks": ("racks", 1), "rack": ("racks", 1), "cabinets": ("racks", 1), "机柜": ("racks", 1), "機櫃": ("racks", 1),
    "柜": ("racks", 1), "櫃": ("racks", 1), "个机柜": ("racks", 1), "台机柜": ("racks", 1), "台機櫃": ("racks", 1), "机架": ("racks", 1), "機架": ("racks", 1),
    "个机架": ("racks", 1), "台机架": ("racks", 1), "座机柜": ("racks", 1), "座機櫃": ("racks", 1), "組機櫃": ("racks", 1), "個機櫃": ("racks", 1),
    "gpus": ("gpus", 1), "gpu": ("gpus", 1), "accelerators": ("gpus", 1), "ai chips": ("gpus", 1),
    "chips": ("gpus", 1), "xpus": ("gpus", 1), "tpus": ("gpus", 1), "gpu cards": ("gpus", 1),
    "颗gpu": ("gpus", 1), "颗": ("gpus", 1), "顆": ("gpus", 1), "张": ("gpus", 1), "張": ("gpus", 1), "张卡": ("gpus", 1), "卡": ("gpus", 1), "颗芯片": ("gpus", 1),
    "units": ("units", 1), "unit": ("units", 1), "servers": ("units", 1), "套": ("units", 1), "台": ("units", 1),
    "modules": ("units", 1), "optical modules": ("units", 1), "transceivers": ("units", 1), "switches": ("units", 1),
    "cables": ("units", 1), "stacks": ("units", 1), "turbines": ("units", 1), "个gpu": ("gpus", 1), "块gpu": ("gpus", 1),
    "个tpu": ("gpus", 1), "颗tpu": ("gpus", 1), "块tpu": ("gpus", 1), "张gpu": ("gpus", 1), "个芯片": ("gpus", 1), "枚芯片": ("gpus", 1),
    "wafers per month": ("wafers_per_month", 1), "wafers a month": ("wafers_per_month", 1),
    "wafers/month": ("wafers_per_month", 1), "wpm": ("wafers_per_month", 1), "wspm": ("wafers_per_month", 1),
    "片/月": ("wafers_per_month", 1), "片": ("wafers_per_month", 1), "cowos wafers per month": ("wafers_per_month", 1),
    "gb/s": ("GBps", 1), "gbps": ("GBps", 0.125), "tb/s": ("TBps", 1), "gb": ("GB", 1), "tb": ("TB", 1),
    "pb": ("TB", 1000), "gigabytes": ("GB", 1), "terabytes": ("TB", 1),
    "gw": ("GW", 1), "gigawatts": ("GW", 1), "gigawatt": ("GW", 1), "吉瓦": ("GW", 1),
    "mw": ("MW", 1), "megawatts": ("MW", 1), "megawatt": ("MW", 1), "兆瓦": ("MW", 1),
    "kw": ("kW", 1), "kilowatts": ("kW", 1), "千瓦": ("kW", 1), "w": ("W", 1), "watts": ("W", 1),
    "nm": ("nm", 1), "纳米": ("nm", 1), "奈米": ("nm", 1), "nanometer": ("nm", 1),
    "months": ("months", 1), "month": ("months", 1), "个月": ("months", 1), "個月": ("months", 1),
    "quarters": ("months", 3), "years": ("months", 12),
}  # fmt: skip


def _alternatives(words: object) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))  # type: ignore[call-overload]


_ASCII_UNITS: Final = _alternatives([u for u in _UNITS if u.isascii()])
_CJK_UNITS: Final = _alternatives([u for u in _UNITS if not u.isascii()])
_WORD_MAGNITUDES: Final = _alternatives([m for m in _MAGNITUDES if m.isascii()])
_CJK_MAGNITUDES: Final = _alternatives([m for m in _MAGNITUDES if not m.isascii()])
# what may be counted with product names in between: "72,000 GB200 GPUs", "500 Helios racks"
_COUNTED: Final = _alternatives(
    [
        "racks",
        "gpus",
        "accelerators",
        "chips",
        "xpus",
        "tpus",
        "units",
        "servers",
        "wafers per month",
        "wafers a month",
        "modules",
        "transceivers",
        "switches",
        "cables",
        "stacks",
    ]
)
_ADJECTIVES: Final = _alternatives(
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
_PREFIX: Final = _alternatives(
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
_GAPS: Final = r" \t\n\u2007\u2009\u202f-"  # what may stand between a number and its unit
_PREFIX_WORDS: Final = "usd|rmb|cny|twd|ntd|krw|jpy|eur"
_SUFFIX: Final = _alternatives(
    [
        c
        for c in _CURRENCIES
        if c not in ("c$", "ca$", "a$", "au$", "s$", "₹", "$", "us$", "nt$", "hk$", "€", "£", "¥", "₩", "cn¥")
    ]
)
# What is counted behind a classifier: 10万块英伟达H100 GPU, 500座 NVL72 机柜
_CARDS: Final = "gpu|tpu|芯片|晶片|加速卡|加速器|显卡|顯卡|处理器|處理器|h100|h200|h20|b200|b300"
_RACKS: Final = "机柜|機櫃|机架|機架|整柜|整櫃|rack"
_DIGITS: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,15}(?:\.\d{1,6})?"
_WORD: Final = _alternatives(_WORDS)

# number, perhaps with currency before, magnitude, currency or unit after
_QUANTITY: Final = re.compile(
    rf"""
    (?P<neg>(?<![\w\d])[-−(](?=[$€£¥₩\d]))?
    (?P<prefix>(?<![a-z])(?:{_PREFIX})\s?)?(?P<bracket>(?<=[$€£¥₩])\()?
    (?:(?<![\w.,/-])|(?<=[-–—~至到约約近达達超过過逾为為增减幅升降超和与从由\u3400-\u9fff$€£¥₩])|(?<=rmb)|(?<=usd))
    (?P<number>{_DIGITS}|(?<![a-z])(?:{_WORD})(?=[\s-](?:hundred|thousand|million|billion|trillion|percent|points?\b|gigawatt|years?\b|months?\b|quarters?\b)))(?(bracket)\))
    (?:
      (?P<odd>[多余餘])?(?P<mag>\s?(?:{_CJK_MAGNITUDES})(?!瓦)|[\s-]?(?:{_WORD_MAGNITUDES})(?![a-z\d]))
    )?
    (?P<plus>\+)?
    (?:
      \s?(?P<suffix>{_SUFFIX})(?![a-z])
    | [\s-]?(?P<unit>{_ASCII_UNITS})(?![a-z\d]|[\s-]?hours?)
    | \s(?P<names>(?:(?:[a-z][a-z.+-]{{0,8}}\d[\w.+-]{{0,8}}|\d{{1,3}}(?:\.\d)?[gt]|{_ADJECTIVES})\s){{1,4}})(?P<counted>{_COUNTED})(?![a-z])
    | \s?(?P<cjkunit>{_CJK_UNITS}|[块塊枚个個组組座支])(?![时時])
    )?
    """,
    re.VERBOSE,
)
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
_DECADE: Final = re.compile(
    r"\b(low|mid|high|upper)[- ]?(?:to[- ](mid|high)[- ]?)?(?:(\d{1,2})s|(teens))(?:\s?(?:percent|%))?", re.IGNORECASE
)
_WITHIN_TEN: Final = {"low": (0.0, 3.0), "mid": (5.0, 5.0), "high": (7.0, 9.0), "upper": (7.0, 9.0)}
_WITHIN: Final = re.compile(r"\b(low|mid|high|upper)[- ]$")
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
# A rate whose sign speech recognition lost: "increased by 7.6 quarter over quarter", "growth of 17 and 21% respectively".
_UNSIGNED: Final = re.compile(r"^ (?:year|quarter)[- ](?:over|on)[- ](?:year|quarter)\b")
_RESPECTIVELY: Final = re.compile(r"^ and \d+(?:\.\d+)?\s?(?:%|percent),? respectively\b")
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
_FOLD_TRIGGERS: Final = ("doubl", "tripl", "quadrupl", "翻", "倍")
_DIGIT_RUN: Final = re.compile(r"\d[\d,.]*")
_ASCII_DIGIT_RUN: Final = re.compile(r"[0-9][0-9,.]*")  # the same where there are no other digits: a set is quicker
# A number in words counts before one of these only.
_COUNTED_IN_WORDS: Final = ("illion", "hundred", "thousand", "percent", "point", "gigawatt", "year", "month", "quarter")
_SPELLED: Final = re.compile(
    rf"(?:{_WORD})(?=[\s-](?:hundred|thousand|million|billion|trillion|percent|point|gigawatt|year|month|quarter))"
)
# What a text must hold to hold a quantity, for polars to tell over a column (its expressions know no look-around and are
# slow on Unicode classes): a sign or name of a currency, a magnitude or unit behind a number, a number in words before
# what it counts, or one of the rare forms below. Years, dates and product numbers alone do not match.
MEASURED: Final = (
    rf"[$€£¥₩%％百千万亿萬億兆成翻倍]|(?:{_PREFIX_WORDS})[({_GAPS}]?[0-9]|[0-9],[0-9][0-9][0-9],[0-9]|[0-9]{{7}}|0s|[0-9] ?x|{_COUNTED}"
    rf"|[0-9][,.)]?(?:[{_GAPS}]?(?:{_WORD_MAGNITUDES}))?[+]?[{_GAPS}]?(?:{_SUFFIX}|{_ASCII_UNITS}|{_CJK_UNITS}|{_CJK_MAGNITUDES}"
    rf"|{_WORD_MAGNITUDES})|(?:{_WORD})[{_GAPS}](?:hundred|thousand|percent|point|gigawatt|year|month|quarter)|illion|watt|[0-9] (?:year|quarter)[ -]o"
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


# A number without unit is kept from here on: "revenue of 35.6 billion" is money, whoever says it
_BARE_AT_LEAST: Final = 1e6


class Quantity(NamedTuple):
    """A quantity and where it stands: `text[start:end]`. Ends in base units; None is an open end ("more than")."""

    start: int
    end: int
    low: float | None
    high: float | None
    unit: str | None  # of vocabulary.UNITS; None for a bare number
    currency: str | None = None

    @property
    def value(self) -> float:
        """A single number that stands for it: the middle, or the stated end."""
        ends = [end for end in (self.low, self.high) if end is not None]
        return sum(ends) / len(ends)


def find_quantities(text: str, *, currency: str | None = None) -> list[Quantity]:
    """All quantities of a text in order, ranges and bands joined.

    currency: what "元", "$" without a country means when the text does not say (by default CNY and USD).
    """
    low = lower(text)
    singles = [q for match in _matches(low) if (q := _decode(match, low, currency)) is not None]
    if not low.isascii():
        singles += _cjk_fractions(low, currency)
    singles.sort(key=_by_place)
    found = _joined(_without_overlaps(singles), low)
    taken = [(q.start, q.end) for q in found if q.unit is not None]
    folds = _folds(low) if holds_any(low, _FOLD_TRIGGERS) else []
    for extra in (*(_decades(low) if "0s" in low or "teens" in low else ()), *folds, *_rare(low)):
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
    value = _WORDS.get(number)
    if value is None:
        value = float(number)
    magnitude = (match["mag"] or "").strip(" -")
    value *= _MAGNITUDES.get(magnitude, 1.0)
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
        unit_of = _MAGNITUDES.get(magnitude, 1.0)  # "in the mid-$90 billion range"
        low, high = (value + by * unit_of for by in _WITHIN_TEN[within[1]])
        return Quantity(within.start(), match.end(), low, high, "money", money)
    return _with_bound(
        Quantity(start, match.end(), value, value, "money" if money else unit, money),
        text,
        bool(match["plus"] or match["odd"]),
    )


def _money(match: re.Match[str], text: str, currency: str | None, magnitude: str) -> str | None:
    prefix = (match["prefix"] or "").strip()
    suffix = match["suffix"] or ""
    code = _CURRENCIES.get(suffix) or _CURRENCIES.get(prefix)
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
    unit, factor = _UNITS[name]
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
    known = _UNITS.get(name)
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


def _with_bound(q: Quantity, text: str, plus: bool) -> Quantity:
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


def _without_overlaps(found: list[Quantity]) -> list[Quantity]:
    kept: list[Quantity] = []
    for q in found:
        if not kept or q.start >= kept[-1].end:
            kept.append(q)
    return kept


def _joined(found: list[Quantity], text: str) -> list[Quantity]:
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
    return a is not None and b is not None and _MAGNITUDES[a[1]] > _MAGNITUDES[b[1]]


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
        value = _cjk_number(match[1]) * _MAGNITUDES[match[3]]
        code = _CURRENCIES.get(match[4] or "")
        if match[4] == "元" and currency is not None:
            code = currency
        if value:
            q = Quantity(match.start(), match.end(), value, value, "money" if code else None, code)
            found.append(_with_bound(q, text, bool(match[2])))
    return found


def _cjk_fractions(text: str, currency: str | None) -> list[Quantity]:
    found = _cjk_amounts(text, currency) if any(magnitude in text for magnitude in "亿億万萬兆") else []
    if "百分之" in text:
        for match in _CJK_PERCENT.finditer(text):
            value = float(match[1]) if match[1][0].isascii() else _cjk_number(match[1])
            found.append(_with_bound(Quantity(match.start(), match.end(), value, value, "pct"), text, False))
    if "成" in text:
        for match in _CJK_TENTHS.finditer(text):
            value = _CJK_DIGITS[match[1]] * 10.0 + (5 if match[2] == "半" else _CJK_DIGITS.get(match[2] or "零", 0))
            found.append(_with_bound(Quantity(match.start(), match.end(), value, value, "pct"), text, False))
    return found


def _rare(text: str) -> list[Quantity]:
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
            value = (0.5 if match[1].lower() == "half a" else 1.0) * _MAGNITUDES[match[2].lower()]
            code = _CURRENCIES[match[3].lower()]
            found.append(_with_bound(Quantity(match.start(), match.end(), value, value, "money", code), text, False))
    for match in _UNSAID_COUNT.finditer(text) if not text.isascii() and holds_any(text, _UNSAID) else ():
        value = _UNSAID[match[1]]
        found.append(Quantity(match.start(), match.end() + 1, value, value, "gpus"))
    return found


def _decades(text: str) -> list[Quantity]:
    """ "mid-70s percent" is 75, "low 70s" 70 to 73, "high 60s" 67 to 69."""
    found = []
    for match in _DECADE.finditer(text):
        tens = 10.0 if match[4] else float(match[3])
        if tens % 10:
            continue
        low = _WITHIN_TEN[match[1].lower()][0]
        high = _WITHIN_TEN[(match[2] or match[1]).lower()][1]
        found.append(Quantity(match.start(), match.end(), tens + low, tens + high, "pct"))
    return found


def _folds(text: str) -> list[Quantity]:
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
