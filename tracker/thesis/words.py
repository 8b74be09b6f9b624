"""Explanations: a rule's sentence filled with the figures of its evidence, in English and Chinese."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from tracker.thesis.schema import Rule

_FIELD: Final = re.compile(r"\{([a-z_]+)\}")
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


def explain_frame(facts: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Add `explanation` and `explanation_zh` to matched facts; only the few rows that fire are formatted."""
    rows = facts.to_dicts()
    return facts.with_columns(
        pl.Series("explanation", [_fill(rule.say, row, chinese=False) for row in rows], dtype=pl.String),
        pl.Series("explanation_zh", [_fill(rule.say_zh, row, chinese=True) for row in rows], dtype=pl.String),
    )


def _fill(template: str, row: dict[str, Any], *, chinese: bool) -> str:
    text = _FIELD.sub(lambda found: _word(found[1], row, chinese=chinese), template)
    return re.sub(r"\s+([,.;])", r"\1", " ".join(text.split()))


def _word(name: str, row: dict[str, Any], *, chinese: bool) -> str:
    if name == "value":
        return value_words(row["value_low"], row["value_high"], row["unit"], row["currency"], chinese=chinese)
    if name.startswith("previous") or name == "trend":
        mid = row.get(f"{name}_mid")
        return value_words(mid, mid, row["unit"], row["currency"], chinese=chinese) or ("—" if mid is None else "")
    if name == "racks":
        return value_words(row["racks_base"], row["racks_base"], "racks", None, chinese=chinese) or "—"
    if name in ("window", "compare", "growth"):
        value = row.get(name if name == "growth" else f"{name}_value")
        return "—" if value is None else f"{value:,.1f}".removesuffix(".0")
    if name in ("entity", "counterparty"):
        return str(row.get(f"{name}_name") or row.get(name) or ("市场" if chinese else "the market"))
    if name == "source":
        return str(row.get("source_id") or "")
    return str(row.get(name) or "").replace("_", " ") if name != "quote" else str(row.get("quote") or "")


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
