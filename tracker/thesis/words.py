"""Explanations: a rule's sentence filled with the figures of its evidence, in English and Chinese."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Any, Final

import polars as pl

from tracker.thesis.rulebook import Rule

_FIELD: Final = re.compile(r"\{([a-z_]+)\}")
_BEFORE_STOP: Final = re.compile(r"\s+([,.;])")
_REFERENCES: Final = ("previous", "previous_guidance", "previous_actual", "previous_year", "trend")
_SIGNS: Final = {"USD": "$", "TWD": "NT$", "CNY": "RMB ", "EUR": "€", "KRW": "₩", "JPY": "¥", "GBP": "£", "HKD": "HK$"}
_NAMES_ZH: Final = {
    "USD": "美元",
    "TWD": "新台币",
    "CNY": "元",
    "EUR": "欧元",
    "KRW": "韩元",
    "JPY": "日元",
    "GBP": "英镑",
    "HKD": "港元",
}
_UNIT_WORDS: Final = {
    "pct": "%", "pct_yoy": "% y/y", "pct_qoq": "% q/q", "pct_pt": " points", "racks": " racks", "gpus": " GPUs",
    "units": " units", "wafers_per_month": " wafers a month", "GBps": " GB/s", "TBps": " TB/s", "months": " months",
}  # fmt: skip
_UNIT_WORDS_ZH: Final = {
    "pct": "%", "pct_yoy": "%（同比）", "pct_qoq": "%（环比）", "pct_pt": "个百分点", "racks": "个机柜", "gpus": "颗GPU",
    "units": "台", "wafers_per_month": "片/月", "GBps": " GB/s", "TBps": " TB/s", "months": "个月",
}  # fmt: skip


def explained(facts: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Add `explanation` and `explanation_zh` to facts that fired; column by column, each field's words made once."""
    return facts.with_columns(
        pl.Series("explanation", _filled(rule.say, facts, chinese=False), dtype=pl.String),
        pl.Series("explanation_zh", _filled(rule.say_zh, facts, chinese=True), dtype=pl.String),
    )


def _filled(template: str, facts: pl.DataFrame, *, chinese: bool) -> list[str]:
    pieces = _FIELD.split(template)  # text, field, text, field, ..., text
    columns = [
        itertools.repeat(piece, facts.height) if i % 2 == 0 else _words(piece, facts, chinese=chinese)
        for i, piece in enumerate(pieces)
    ]
    return [_tidy("".join(parts)) for parts in zip(*columns, strict=True)]


def _tidy(text: str) -> str:
    text = " ".join(text.split())
    return _BEFORE_STOP.sub(r"\1", text) if " ," in text or " ." in text or " ;" in text else text


def _words(name: str, facts: pl.DataFrame, *, chinese: bool) -> list[str]:
    """The words of one field for every row."""
    if name == "value" or name in _REFERENCES or name == "racks":
        low, high, unit, currency = _value_columns(name, facts)
        dash = "" if name == "value" else "—"
        return [
            value_words(*row, chinese=chinese) or dash for row in zip(low, high, unit, currency, strict=True)
        ]  # fmt: skip
    if name in ("window", "compare", "growth"):
        column = name if name == "growth" else f"{name}_value"
        return ["—" if v is None else f"{v:,.1f}".removesuffix(".0") for v in facts[column]]
    if name in ("entity", "counterparty"):
        market = "市场" if chinese else "the market"
        return [a or b or market for a, b in facts.select(f"{name}_name", name).iter_rows()]
    if name == "quote":
        return facts["quote"].fill_null("").to_list()
    column = "source_id" if name == "source" else name
    return facts[column].fill_null("").str.replace_all("_", " ").to_list()


def _value_columns(name: str, facts: pl.DataFrame) -> tuple[Iterable[Any], ...]:
    if name == "value":
        return tuple(facts[c] for c in ("value_low", "value_high", "unit", "currency"))
    if name == "racks":
        return facts["racks_base"], facts["racks_base"], itertools.repeat("racks", facts.height), itertools.repeat(
            None, facts.height
        )  # fmt: skip
    return facts[f"{name}_mid"], facts[f"{name}_mid"], facts["unit"], facts["currency"]


def value_words(low: float | None, high: float | None, unit: str | None, currency: str | None, *, chinese: bool) -> str:
    """A value for people: $72.0bn, NT$263.7bn, 74.9%, 60,000 racks, 720亿美元; '' when there is none."""
    ends = [end for end in (low, high) if end is not None]
    if not ends:
        return ""
    if len(ends) == 2 and low != high:
        first, last = (_one(end, unit, currency, chinese=chinese) for end in ends)
        return f"{first}{'至' if chinese else ' to '}{last}"
    text = _one(ends[0], unit, currency, chinese=chinese)
    if high is None:
        return f"超过{text}" if chinese else f"more than {text}"
    if low is None:
        return f"至多{text}" if chinese else f"up to {text}"
    return text


def _one(value: float, unit: str | None, currency: str | None, *, chinese: bool) -> str:
    if unit == "money":
        return _money_zh(value, currency) if chinese else _money(value, currency)
    words = _UNIT_WORDS_ZH if chinese else _UNIT_WORDS
    number = f"{value:,.1f}".removesuffix(".0") if abs(value) < 1000 else f"{value:,.0f}"
    return number + words.get(unit or "", f" {unit}" if unit else "")


def _money(value: float, currency: str | None) -> str:
    sign = _SIGNS.get(currency or "USD", f"{currency} ")
    for limit, factor, word in ((1e12, 1e12, "tn"), (1e9, 1e9, "bn"), (1e6, 1e6, "m")):
        if abs(value) >= limit:
            return f"{sign}{value / factor:,.1f}{word}"
    return f"{sign}{value:,.0f}"


def _money_zh(value: float, currency: str | None) -> str:
    name = _NAMES_ZH.get(currency or "USD", currency or "")
    for limit, word in ((1e8, "亿"), (1e4, "万")):
        if abs(value) >= limit:
            return f"{value / limit:,.1f}".removesuffix(".0") + word + name
    return f"{value:,.0f}{name}"
