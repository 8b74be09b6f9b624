"""Sentences and what they state: figures, periods, and the promise that every quote stands where it says."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.extract.calendar import calendar_quarters, period_bounds, quarter_ended, shift_quarter
from tracker.extract.facts import extract_facts
from tracker.extract.folding import fold
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.extract.periods import find_periods
from tracker.extract.quantities import find_quantities
from tracker.vocabulary import FACTS_SCHEMA

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon([ROOT / "rules"])


@pytest.mark.parametrize(
    ("text", "low", "high", "unit", "currency"),
    [
        ("$175 billion to $185 billion", 175e9, 185e9, "money", "USD"),
        ("$80-85 billion", 80e9, 85e9, "money", "USD"),
        ("between $66 and $72 billion", 66e9, 72e9, "money", "USD"),
        ("$91.0 billion, plus or minus 2%", 89.18e9, 92.82e9, "money", "USD"),
        ("more than 60,000 NVL72 racks", 60_000, None, "racks", None),
        ("up to 1,024 accelerators", None, 1024, "gpus", None),
        ("NT$263.7 billion", 263.7e9, 263.7e9, "money", "TWD"),
        ("mid-70s percent", 75, 75, "pct", None),
        ("150 basis points", 1.5, 1.5, "pct_pt", None),
        ("1.4 gigawatt", 1.4, 1.4, "GW", None),
        ("72000 B200 GPUs", 72_000, 72_000, "gpus", None),
        ("1,000,000 GB of HBM3E", 1e6, 1e6, "GB", None),
        ("520亿至560亿美元", 52e9, 56e9, "money", "USD"),
        ("每月12万片", 120_000, 120_000, "wafers_per_month", None),
        ("三成五", 35, 35, "pct", None),
        ("百分之三十", 30, 30, "pct", None),
        ("doubled", 100, 100, "pct", None),
        ("more than tripled", 200, None, "pct", None),
    ],
)
def test_quantities(text: str, low: float | None, high: float | None, unit: str, currency: str | None) -> None:
    found = find_quantities(f"it was {text} then")
    assert len(found) == 1
    q = found[0]
    assert (q.low, q.high, q.unit, q.currency) == (
        pytest.approx(low) if low is not None else None,
        pytest.approx(high) if high is not None else None,
        unit,
        currency,
    )


@pytest.mark.parametrize(
    "text", ["GB200 NVL72", "in 2026", "HBM3E 12-high", "800G modules", "Q3 FY26", "2330.TW", "H100"]
)
def test_names_and_years_are_no_quantities(text: str) -> None:
    assert find_quantities(text) == []


@settings(max_examples=400, deadline=None)
@given(
    st.integers(1, 999),
    st.integers(0, 9),
    st.sampled_from([("million", 1e6), ("billion", 1e9), ("bn", 1e9), ("trillion", 1e12)]),
)
def test_money_written_in_english_reads_back(whole: int, tenth: int, magnitude: tuple[str, float]) -> None:
    word, factor = magnitude
    found = find_quantities(f"It cost ${whole}.{tenth} {word} in all.")
    assert [(q.unit, q.low) for q in found] == [("money", pytest.approx((whole + tenth / 10) * factor))]


@settings(max_examples=400, deadline=None)
@given(
    st.integers(1, 9999),
    st.sampled_from([("万", 1e4), ("亿", 1e8), ("萬", 1e4), ("億", 1e8)]),
    st.sampled_from([("美元", "USD"), ("新台币", "TWD"), ("欧元", "EUR")]),
)
def test_money_written_in_chinese_reads_back(
    number: int, magnitude: tuple[str, float], currency: tuple[str, str]
) -> None:
    found = find_quantities(f"共{number}{magnitude[0]}{currency[0]}。")
    assert [(q.currency, q.low) for q in found] == [(currency[1], pytest.approx(number * magnitude[1]))]


@pytest.mark.parametrize(
    ("text", "fye", "label"),
    [
        ("third quarter of fiscal 2026", 1, "FY2026Q3"), ("Q3 FY26", 1, "FY2026Q3"), ("3Q25", 12, "CY2025Q3"),
        ("2H26", 12, "CY2026H2"), ("the quarter", 1, "FY2027Q1"), ("next quarter", 1, "FY2027Q2"),
        ("今年第三季", 12, "CY2026Q3"), ("民國114年8月", 12, "CY2025-08"), ("2027财年第一季度", 1, "FY2027Q1"),
        ("February 2026", 12, "CY2026-02"), ("fiscal 2027", 1, "FY2027"), ("in 2028", 12, "CY2028"),
        ("second half of 2026", 12, "CY2026H2"), ("fiscal 2026", 12, "CY2026"),
    ],
)  # fmt: skip
def test_periods(text: str, fye: int, label: str) -> None:
    found = find_periods(text, fiscal_year_end_month=fye, published=date(2026, 5, 20))
    assert [p.label for p in found] == [label]


@given(st.integers(2000, 2100), st.integers(1, 4), st.integers(1, 12))
def test_a_quarter_ends_where_its_bounds_say(year: int, quarter: int, fye: int) -> None:
    era = "CY" if fye == 12 else "FY"
    label = f"{era}{year}Q{quarter}"
    start, end = period_bounds(label, fye)
    assert quarter_ended(end, fye) == label
    assert 88 <= (end - start).days <= 92
    assert len(calendar_quarters(label, fye)) == 1
    years = [calendar_quarters(f"{era}{y}", fye) for y in (year, year + 1)]
    assert len(set(years[0] + years[1])) == 8
    assert shift_quarter(*shift_quarter(year, quarter, 7), -7) == (year, quarter)


def one(text: str, lexicon: Lexicon, **more: object) -> pl.DataFrame:
    row = {
        "doc_id": "d",
        "title": "",
        "lang": "en",
        "published_at": datetime(2026, 2, 10, tzinfo=UTC),
        "text": text,
        "entity": None,
    } | more
    return extract_facts(pl.DataFrame([row], infer_schema_length=None), lexicon)


def test_a_figure_and_the_one_it_is_compared_with_are_two_facts(lexicon: Lexicon) -> None:
    facts = one("Amazon expects capital expenditures of $200 billion in 2026, up from $131 billion in 2025.", lexicon)
    rows = facts.select("kind", "entity", "value_low", "period", "direction").rows()
    assert ("capex", "AMZN", 200e9, "CY2026", "up") in rows
    assert ("capex", "AMZN", 131e9, "CY2025", "none") in rows


def test_chinese_sentences_are_read(lexicon: Lexicon) -> None:
    facts = one("台积电预计2026年资本开支为520亿至560亿美元。", lexicon, lang="zh")
    assert facts.select("kind", "entity", "value_low", "value_high", "currency", "period", "basis").rows() == [
        ("capex", "2330.TW", 52e9, 56e9, "USD", "CY2026", "guidance")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "The bakery reported revenue of $3 million and opened two shops.",
        "This release contains forward-looking statements about revenue of $91 billion at NVIDIA.",
        "The weather was mild and 200 people came.",
    ],
)
def test_ordinary_sentences_hold_no_fact(lexicon: Lexicon, text: str) -> None:
    assert one(text, lexicon).is_empty()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_survived_and_quotes_stand_where_they_say(text: str) -> None:
    lex = load_lexicon([ROOT / "rules"])
    assert len(fold(text)) == len(text)
    padded = f"{text} NVIDIA revenue was $5 billion. {text}"
    facts = one(padded, lex)
    assert dict(facts.schema) == FACTS_SCHEMA
    assert all(padded[s:e] == q for s, e, q in facts.select("start", "end", "quote").iter_rows())
