"""What figures are made of: the Quantity, and the words for magnitudes, currencies, units and bands."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MAGNITUDES: Final[dict[str, float]] = {
    "k": 1e3, "thousand": 1e3, "thousands": 1e3,
    "m": 1e6, "mn": 1e6, "mln": 1e6, "million": 1e6, "millions": 1e6,
    "b": 1e9, "bn": 1e9, "bln": 1e9, "billion": 1e9, "billions": 1e9,
    "t": 1e12, "tn": 1e12, "trn": 1e12, "trillion": 1e12, "trillions": 1e12,
    "万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8, "兆": 1e12, "万亿": 1e12, "萬億": 1e12, "조": 1e12, "억": 1e8,
    "百万": 1e6, "百萬": 1e6, "千万": 1e7, "千萬": 1e7, "十亿": 1e9, "百亿": 1e10, "百億": 1e10, "千亿": 1e11, "千億": 1e11,
    "百": 1e2, "千": 1e3,
}  # fmt: skip
WORDS: Final[dict[str, float]] = {
    "half": 0.5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
    "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100,
}  # fmt: skip
CURRENCIES: Final[dict[str, str]] = {
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
UNITS: Final[dict[str, tuple[str, float]]] = {
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


def alternatives(words: object) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))  # type: ignore[call-overload]


ASCII_UNITS: Final = alternatives([u for u in UNITS if u.isascii()])
CJK_UNITS: Final = alternatives([u for u in UNITS if not u.isascii()])
WORD_MAGNITUDES: Final = alternatives([m for m in MAGNITUDES if m.isascii()])
CJK_MAGNITUDES: Final = alternatives([m for m in MAGNITUDES if not m.isascii()])
# what may be counted with product names in between: "72,000 GB200 GPUs", "500 Helios racks"
COUNTED: Final = alternatives(
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
GAPS: Final = r" \t\n\u2007\u2009\u202f-"  # what may stand between a number and its unit
PREFIX_WORDS: Final = "usd|rmb|cny|twd|ntd|krw|jpy|eur"
SUFFIX: Final = alternatives(
    [
        c
        for c in CURRENCIES
        if c not in ("c$", "ca$", "a$", "au$", "s$", "₹", "$", "us$", "nt$", "hk$", "€", "£", "¥", "₩", "cn¥")
    ]
)
WORD: Final = alternatives(WORDS)
WITHIN_TEN: Final = {"low": (0.0, 3.0), "mid": (5.0, 5.0), "high": (7.0, 9.0), "upper": (7.0, 9.0)}


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
