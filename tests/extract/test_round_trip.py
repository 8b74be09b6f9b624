"""Numbers and periods, written in the ways people write them, read back: 10,000 of each in each language.

Values, wordings and surroundings are drawn at random with a fixed seed; what is expected follows from the draw alone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import date

import pytest

from tracker.extract.calendar import quarter_label, year_label
from tracker.extract.periods import find_periods
from tracker.extract.quantities import find_quantities

CASES = 10_000
Figure = tuple[str, float | None, float | None, str | None, str | None]  # words, low, high, unit, currency

EN_FRAMES = (
    "It was {} then.",
    "The figure, {}, stood out.",
    "They told us of {} today",
    "{} is what we heard.",
    "Demand ({}) held up.",
)
ZH_FRAMES = ("结果为{}。", "公司称，{}，符合预期", "約為{}；", "其中{}来自海外", "「{}」")
EN_MONEY = (("$", "USD"), ("US$", "USD"), ("NT$", "TWD"), ("€", "EUR"), ("¥", "JPY"), ("₩", "KRW"), ("HK$", "HKD"))
EN_SCALES = (("million", 1e6), ("billion", 1e9), ("trillion", 1e12), ("bn", 1e9))
ZH_MONEY = (
    ("美元", "USD"),
    ("新台币", "TWD"),
    ("新臺幣", "TWD"),
    ("欧元", "EUR"),
    ("韩元", "KRW"),
    ("日元", "JPY"),
    ("港元", "HKD"),
)
ZH_SCALES = (("万", 1e4), ("萬", 1e4), ("亿", 1e8), ("億", 1e8))
EN_UNITS = (
    ("{} gigawatts", "GW"), ("{} GW", "GW"), ("{} megawatts", "MW"), ("{} MW", "MW"), ("{} kW", "kW"),
    ("{} racks", "racks"), ("{} GPUs", "gpus"), ("{} wafers per month", "wafers_per_month"), ("{} months", "months"),
)  # fmt: skip
ZH_UNITS = (
    ("{}吉瓦", "GW"),
    ("{}兆瓦", "MW"),
    ("{}千瓦", "kW"),
    ("{}个月", "months"),
    ("每月{}片", "wafers_per_month"),
)


def number(chance: random.Random, *, whole: bool = False) -> tuple[str, float]:
    """Digits of a positive number and its value; with separators of thousands where people put them."""
    value = (
        chance.randint(1, 999)
        if whole or chance.random() < 0.5
        else round(chance.uniform(1, 999), chance.choice([1, 2]))
    )
    return (f"{value:,}", float(value))


def english(chance: random.Random) -> Figure:
    draw = chance.random()
    if draw < 0.45:
        (sign, currency), (word, scale) = chance.choice(EN_MONEY), chance.choice(EN_SCALES)
        digits, value = number(chance)
        return f"{sign}{digits} {word}", value * scale, value * scale, "money", currency
    if draw < 0.6:
        (sign, currency), (word, scale) = chance.choice(EN_MONEY[:2]), chance.choice(EN_SCALES[:3])
        low = chance.randint(2, 400)
        high = low + chance.randint(1, 90)
        form = chance.choice(
            ["{s}{a} {w} to {s}{b} {w}", "between {s}{a} {w} and {s}{b} {w}", "{s}{a}-{b} {w}", "{s}{a} to {s}{b} {w}"]
        )
        return form.format(s=sign, a=low, b=high, w=word), low * scale, high * scale, "money", currency
    if draw < 0.75:
        digits, value = number(chance)
        form, factor, unit = chance.choice(
            [
                ("{}%", 1.0, "pct"),
                ("{} percent", 1.0, "pct"),
                ("{} per cent", 1.0, "pct"),
                ("{} basis points", 0.01, "pct_pt"),
            ]
        )
        return form.format(digits), value * factor, value * factor, unit, None
    form, unit = chance.choice(EN_UNITS)
    digits, value = number(chance, whole=unit in ("racks", "gpus", "months", "wafers_per_month"))
    if value == 1 or (value < 2 and unit in ("racks", "gpus")):
        digits, value = "2", 2.0
    words, low, high = form.format(digits), value, value
    bound = chance.choice(["", "", "more than ", "over ", "up to ", "at least ", "as much as "])
    if bound in ("more than ", "over ", "at least "):
        return bound + words, low, None, unit, None
    if bound in ("up to ", "as much as "):
        return bound + words, None, high, unit, None
    return words, low, high, unit, None


def chinese(chance: random.Random) -> Figure:
    draw = chance.random()
    if draw < 0.45:
        (money, currency), (word, scale) = chance.choice(ZH_MONEY), chance.choice(ZH_SCALES)
        value = chance.choice([float(chance.randint(1, 9999)), round(chance.uniform(1, 999), chance.choice([1, 2]))])
        digits = f"{value:g}"
        return f"{digits}{word}{money}", float(digits) * scale, float(digits) * scale, "money", currency
    if draw < 0.6:
        (money, currency), (word, scale) = chance.choice(ZH_MONEY), chance.choice(ZH_SCALES)
        low = chance.randint(2, 900)
        high = low + chance.randint(1, 90)
        form = chance.choice(["{a}{w}至{b}{w}{m}", "{a}至{b}{w}{m}", "{a}{w}到{b}{w}{m}"])
        return form.format(a=low, b=high, w=word, m=money), low * scale, high * scale, "money", currency
    if draw < 0.75:
        digits, value = number(chance)
        digits = digits.replace(",", "")
        form = chance.choice(["{}%", "百分之{}", "{}％"])
        if form.startswith("百"):
            digits, value = str(chance.randint(1, 99)), 0.0
            value = float(digits)
        return form.format(digits), value, value, "pct", None
    form, unit = chance.choice(ZH_UNITS)
    value = float(chance.randint(2, 999))
    digits = f"{value:g}"
    bound, low, high = chance.choice(
        [
            ("", value, value),
            ("", value, value),
            ("超过", value, None),
            ("逾", value, None),
            ("最多", None, value),
            ("高达", value, value),  # as much as it is: no bound
            ("至多", None, value),
        ]
    )
    if unit == "wafers_per_month":
        digits = f"{digits}万"
        low, high = (None if end is None else end * 1e4 for end in (low, high))
    return bound + form.format(digits), low, high, unit, None


def close(a: float | None, b: float | None) -> bool:
    return a is None and b is None if a is None or b is None else math.isclose(a, b, rel_tol=1e-9)


@pytest.mark.parametrize(("draw", "frames"), [(english, EN_FRAMES), (chinese, ZH_FRAMES)], ids=["en", "zh"])
def test_figures_read_back(draw: Callable[[random.Random], Figure], frames: tuple[str, ...]) -> None:
    chance = random.Random(7)
    wrong = []
    for _ in range(CASES):
        words, low, high, unit, currency = draw(chance)
        text = chance.choice(frames).format(words)
        found = find_quantities(text)
        told = [(q.low, q.high, q.unit, q.currency) for q in found]
        if len(told) != 1 or not (
            close(told[0][0], low) and close(told[0][1], high) and told[0][2:] == (unit, currency)
        ):
            wrong.append((text, (low, high, unit, currency), told))
    assert not wrong, f"{len(wrong)} of {CASES}: {wrong[:5]}"


@pytest.mark.parametrize(("draw", "frames"), [(english, EN_FRAMES), (chinese, ZH_FRAMES)], ids=["en", "zh"])
def test_a_figure_stands_where_it_says(draw: Callable[[random.Random], Figure], frames: tuple[str, ...]) -> None:
    chance = random.Random(11)
    for _ in range(CASES // 10):
        words, *_ = draw(chance)
        frame = chance.choice(frames)
        for found in find_quantities(frame.format(words)):
            before = frame.index("{}")
            assert before <= found.start < found.end <= before + len(words)


# --- periods -----------------------------------------------------------------------------------------------------------

Named = tuple[str, str]  # words, label
ORDINALS = ("first", "second", "third", "fourth")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
HAN = "一二三四"
EN_PERIOD_FRAMES = ("Revenue rose in {}.", "The outlook for {} is unchanged", "In {}, demand held up.", "({})")
ZH_PERIOD_FRAMES = ("{}营收增长。", "公司预计{}需求不变", "截至{}，", "（{}）")


def english_period(chance: random.Random, fye: int, published: date) -> Named:
    year, quarter = chance.randint(2019, 2031), chance.randint(1, 4)
    short = f"{year % 100:02d}"
    forms: list[Named] = [
        (f"the {ORDINALS[quarter - 1]} quarter of fiscal {year}", quarter_label(year, quarter, fye)),
        (f"the {ORDINALS[quarter - 1]} quarter of fiscal year {year}", quarter_label(year, quarter, fye)),
        (f"Q{quarter} FY{short}", quarter_label(year, quarter, fye)),
        (f"Q{quarter} fiscal {year}", quarter_label(year, quarter, fye)),
        (f"fiscal {year}", year_label(year, fye)),
        (f"fiscal year {year}", year_label(year, fye)),
        (f"FY{short}", year_label(year, fye)),
        (f"CY{short}", f"CY{year}"),
        (f"{chance.choice([1, 2])}H{short}", ""),
        (f"the {chance.choice(['first', 'second'])} half of {year}", ""),
        (f"{MONTHS[quarter]} {year}", f"CY{year}-{quarter + 1:02d}"),
    ]
    if fye == 12:
        forms += [
            (f"{quarter}Q{short}", f"CY{year}Q{quarter}"),
            (f"the {ORDINALS[quarter - 1]} quarter of {year}", f"CY{year}Q{quarter}"),
            (f"Q{quarter} {year}", f"CY{year}Q{quarter}"),
        ]
    if fye == 12:
        forms.append(("next year", f"CY{published.year + 1}"))
    words, label = chance.choice(forms)
    if not label:
        half = "1" if words.startswith(("1H", "the first")) else "2"
        label = f"CY{year}H{half}"
    return words, label


def chinese_period(chance: random.Random, fye: int, published: date) -> Named:
    year, quarter = chance.randint(2019, 2031), chance.randint(1, 4)
    roc = year - 1911
    return chance.choice(
        [
            (f"{year}财年第{HAN[quarter - 1]}季度", quarter_label(year, quarter, fye)),
            (f"{year}財年第{HAN[quarter - 1]}季", quarter_label(year, quarter, fye)),
            (f"{year}财年", year_label(year, fye)),
            (f"{year}年上半年", f"CY{year}H1"), (f"{year}年下半年", f"CY{year}H2"),
            (f"{year}年{quarter + 2}月", f"CY{year}-{quarter + 2:02d}"),
            (f"民國{roc}年{quarter}月", f"CY{year}-{quarter:02d}"),
            ("明年", f"CY{published.year + 1}"), ("今年", f"CY{published.year}"), ("去年", f"CY{published.year - 1}"),
            *([(f"{year}年第{HAN[quarter - 1]}季度", f"CY{year}Q{quarter}"), (f"{year}年第{quarter}季", f"CY{year}Q{quarter}"),
               (f"{year}年", f"CY{year}"), (f"今年第{HAN[quarter - 1]}季", f"CY{published.year}Q{quarter}")] if fye == 12 else []),
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("draw", "frames"),
    [(english_period, EN_PERIOD_FRAMES), (chinese_period, ZH_PERIOD_FRAMES)],
    ids=["en", "zh"],
)
def test_periods_read_back(draw: Callable[[random.Random, int, date], Named], frames: tuple[str, ...]) -> None:
    chance = random.Random(13)
    wrong = []
    for _ in range(CASES):
        fye = chance.choice([12, 12, 1, 3, 5, 6, 8, 9, 10])
        published = date(chance.randint(2020, 2030), chance.randint(1, 12), chance.randint(1, 28))
        words, label = draw(chance, fye, published)
        text = chance.choice(frames).format(words)
        found = [p.label for p in find_periods(text, fiscal_year_end_month=fye, published=published)]
        if found != [label]:
            wrong.append((text, fye, published.isoformat(), label, found))
    assert not wrong, f"{len(wrong)} of {CASES}: {wrong[:6]}"
