"""What a figure measures, whose it is and on what footing: own sentences, each for one way of telling it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from tracker.extract.facts import extract_facts, read_facts
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.resources import data_dir


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon([data_dir("rules")])


def _document(text: str, title: str = "", entity: str | None = None, lang: str = "en") -> pl.DataFrame:
    row = {
        "doc_id": "0" * 16, "title": title, "text": text, "lang": lang, "entity": entity,
        "published_at": datetime(2026, 2, 20, tzinfo=UTC),
    }  # fmt: skip
    return pl.DataFrame([row], infer_schema_length=None)


def _facts(lexicon: Lexicon, text: str, **about: Any) -> list[dict[str, Any]]:
    facts = extract_facts(_document(text, **about), lexicon).to_dicts()
    for fact in facts:
        assert text[fact["start"] : fact["end"]] == fact["quote"]
    return facts


def test_a_list_keeps_the_metric_and_changes_the_subject(lexicon: Lexicon) -> None:
    text = (
        "Amazon guided capital expenditures of $150 billion for 2026 (up from $120 billion in 2025), "
        "while Microsoft was next with $110 billion to $120 billion."
    )
    told = {(f["entity"], f["value_low"]): f for f in _facts(lexicon, text)}
    assert told["AMZN", 1.5e11]["period"] == "CY2026"
    prior = told["AMZN", 1.2e11]
    assert (prior["period"], prior["basis"], prior["direction"]) == ("CY2025", "actual", "none")
    assert told["MSFT", 1.1e11]["value_high"] == 1.2e11


def test_what_was_expected_is_not_told_again(lexicon: Lexicon) -> None:
    text = (
        "Revenue of $12.0 billion was up 9% sequentially and up 40% year over year, above our outlook of $11.5 billion."
    )
    document = _document(text, title="AMD earnings call, fiscal 2025 Q4", entity="AMD")
    facts, misses = read_facts(document, lexicon)
    assert facts.select("unit", "value_low", "basis").rows() == [
        ("money", 12e9, "actual"), ("pct_qoq", 9.0, "actual"), ("pct_yoy", 40.0, "actual"),
    ]  # fmt: skip
    assert [m.reason for m in misses] == ["what had been expected, told before"]


def test_one_band_belongs_to_both_margins(lexicon: Lexicon) -> None:
    text = (
        "GAAP and non-GAAP gross margins are expected to be 70% and 71%, respectively, plus or minus 50 basis points."
    )
    facts = _facts(lexicon, text, title="NVIDIA Q3 FY2026 earnings call", entity="NVDA")
    assert sorted((f["value_low"], f["value_high"], f["period"], f["basis"]) for f in facts) == [
        (69.5, 70.5, "FY2026Q4", "guidance"), (70.5, 71.5, "FY2026Q4", "guidance"),
    ]  # fmt: skip


def test_of_a_deal_the_buyer_is_the_subject_whoever_is_named_first(lexicon: Lexicon) -> None:
    (fact,) = _facts(lexicon, "Oracle signed a $30 billion contract with OpenAI for computing capacity.")
    assert (fact["kind"], fact["entity"], fact["counterparty"]) == ("order", "OPENAI", "ORCL")


def test_the_noun_behind_a_figure_says_what_it_is(lexicon: Lexicon) -> None:
    (fact,) = _facts(lexicon, "We booked $7 billion of Blackwell revenue.", title="NVIDIA Q1 FY2026", entity="NVDA")
    assert (fact["kind"], fact["product"], fact["value_low"]) == ("segment_revenue", "blackwell", 7e9)


def test_a_year_belongs_to_the_calendar_of_the_one_spoken_of(lexicon: Lexicon) -> None:
    text = "Meta plans to spend $130 billion on data centers this year."
    facts = _facts(lexicon, text, title="Nvidia's customers", entity="NVDA")
    assert [(f["entity"], f["kind"], f["period"], f["basis"]) for f in facts] == [
        ("META", "capex", "CY2026", "guidance")
    ]


def test_the_parts_of_a_chinese_report_share_subject_and_quarter(lexicon: Lexicon) -> None:
    text = "海力士第四季度营收达到30万亿韩元，环比增长20%，同比增长60%；营业利润为15万亿韩元。"
    facts = _facts(lexicon, text, lang="zh")
    assert {f["entity"] for f in facts} == {"000660.KS"}
    assert [(f["kind"], f["value_low"], f["unit"]) for f in facts] == [
        ("revenue", 3e13, "money"), ("revenue", 20.0, "pct_qoq"), ("revenue", 60.0, "pct_yoy"),
        ("operating_income", 1.5e13, "money"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "Microsoft returned $9 billion to shareholders through dividends and share repurchases.",
        "OpenAI raised $20 billion in a funding round that values it at $700 billion.",
        "The vertical farming market size is estimated at $16 billion in 2026.",
        "Orders of magnitude separate the two designs, and 15 teams work on them.",
        "Google said its latest model is 40% faster than the one before.",
    ],
)
def test_other_figures_are_no_facts(lexicon: Lexicon, text: str) -> None:
    assert _facts(lexicon, text) == []


def test_history_is_dropped_with_its_reason(lexicon: Lexicon) -> None:
    facts, misses = read_facts(_document("In 2019, Micron raised prices of DRAM."), lexicon)
    assert facts.is_empty()
    assert [m.reason for m in misses] == ["history"]
