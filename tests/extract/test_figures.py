"""Figures of reports and news: whose, of what part, on what footing. Own sentences; a row is a text and its figures."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from tracker.extract.facts import extract_facts, read_facts
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.resources import data_dir

CALL = {"title": "Broadcom Inc. (AVGO) earnings call, fiscal 2025 Q2", "published_at": datetime(2025, 6, 5, tzinfo=UTC)}
NEWS = {"published_at": datetime(2026, 4, 10, tzinfo=UTC)}


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon([data_dir("rules")])


def _document(text: str, about: dict[str, Any]) -> pl.DataFrame:
    row = {"doc_id": "f" * 16, "title": "", "entity": None, "lang": "en"} | about | {"text": text}
    return pl.DataFrame([row], schema_overrides={"entity": pl.String})


def _told(lexicon: Lexicon, text: str, about: dict[str, Any]) -> list[tuple[Any, ...]]:
    facts = extract_facts(_document(text, about), lexicon).to_dicts()
    assert all(text[f["start"] : f["end"]] == f["quote"] for f in facts)
    return [(f["kind"], f["entity"], f["value_low"], f["value_high"], f["unit"]) for f in facts if f["unit"]]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Handset revenue was $6.9 billion.", ("segment_revenue", "AVGO", 6.9e9, 6.9e9, "money")),
        ("Total revenue was $15.0 billion.", ("revenue", "AVGO", 1.5e10, 1.5e10, "money")),
        ("Second-quarter revenue came to $15.0 billion.", ("revenue", "AVGO", 1.5e10, 1.5e10, "money")),
        ("We delivered $4.4 billion in AI accelerator revenue.", ("segment_revenue", "AVGO", 4.4e9, 4.4e9, "money")),
        ("Moving to broadband, sales were $0.5 billion.", ("segment_revenue", "AVGO", 5e8, 5e8, "money")),
        ("In the second quarter, revenue was $15.0 billion.", ("revenue", "AVGO", 1.5e10, 1.5e10, "money")),
        ("Revenue from Asian customers rose to $3.1 billion.", ("segment_revenue", "AVGO", 3.1e9, 3.1e9, "money")),
        ("Our storage business grew 12% from a year ago.", ("segment_revenue", "AVGO", 12.0, 12.0, "pct_yoy")),
        ("In industrial, we grew 4% year over year.", ("segment_revenue", "AVGO", 4.0, 4.0, "pct_yoy")),
        ("Software made up 44% of our sales.", ("segment_revenue", "AVGO", 44.0, 44.0, "pct")),
        ("More than half of our revenue came from software.", ("segment_revenue", "AVGO", 50.0, None, "pct")),
        ("Operating loss was $120 million.", ("operating_income", "AVGO", -1.2e8, -1.2e8, "money")),
        ("Loss from operations of $(45.5) million.", ("operating_income", "AVGO", -4.55e7, -4.55e7, "money")),
        ("Gross profit was $9.6 billion or 64% of revenue.", ("gross_margin", "AVGO", 64.0, 64.0, "pct")),
        ("We expect gross margin in the mid-70s.", ("gross_margin", "AVGO", 75.0, 75.0, "pct")),
        ("We expect revenue to grow in the mid to high teens.", ("revenue", "AVGO", 15.0, 19.0, "pct_yoy")),
        ("Orders were up over 2x year over year.", ("order", "AVGO", 100.0, None, "pct_yoy")),
        ("We spent $132 million on capital expenditures.", ("capex", "AVGO", 1.32e8, 1.32e8, "money")),
    ],
)
def test_a_call_tells_of_the_company_or_of_a_part(lexicon: Lexicon, text: str, wanted: tuple[Any, ...]) -> None:
    assert wanted in _told(lexicon, text, CALL)


@pytest.mark.parametrize(
    "text",
    [
        "Marketing and sales decreased 14% on lower headcount.",
        "R&D expenses were $1.5 billion, or 10% of revenue.",
        "Operating income was $89 million, or 6% of revenue.",
        "We saw continued low double-digit revenue growth in storage.",
        "Our revenue capacity will be above $25 billion.",
        "Deferred revenue was $14 billion.",
        "If customers doubled their capex, nobody could build the fabs.",
        "Revenue was up $400 million on the year.",
        "EBT margin was 31%.",
    ],
)
def test_what_only_looks_like_a_figure_of_the_kind_is_none(lexicon: Lexicon, text: str) -> None:
    kinds = {kind for kind, *_ in _told(lexicon, text, CALL)}
    assert not kinds & {"revenue", "segment_revenue", "gross_margin", "capex"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "Amazon's $8 billion investment in Anthropic was paid in steps.",
            ("acquisition", "AMZN", 8e9, 8e9, "money"),
        ),
        ("Marvell was acquired by Broadcom for $9 billion.", ("acquisition", "AVGO", 9e9, 9e9, "money")),
        (
            "Microsoft, Meta, Amazon and Alphabet will spend $650 billion on data centers in 2026.",
            ("capex", "MARKET", 6.5e11, 6.5e11, "money"),
        ),
        (
            "The ChatGPT maker agreed to purchase 2 gigawatts of computing capacity.",
            ("order", "OPENAI", 2.0, 2.0, "GW"),
        ),
        ("Meta is building a 1-gigawatt AI data center in Ohio.", ("deployment", "META", 1.0, 1.0, "GW")),
        ("DRAM contract prices rose 30% in the quarter, TrendForce said.", ("price", "MARKET", 30.0, 30.0, "pct")),
        ("The liquid cooling market will reach $7 billion by 2029.", ("segment_revenue", "MARKET", 7e9, 7e9, "money")),
        (
            "TSMC will have capacity of 120,000 CoWoS wafers per month by the end of 2026.",
            ("capacity", "2330.TW", 120000.0, 120000.0, "wafers_per_month"),
        ),
    ],
)
def test_news_names_who_spends_buys_and_builds(lexicon: Lexicon, text: str, wanted: tuple[Any, ...]) -> None:
    assert wanted in _told(lexicon, text, NEWS)


@pytest.mark.parametrize(
    "text",
    [
        "Caterpillar Inc. had sales and revenues of $64.8 billion.",
        "NVIDIA sells to many. Caterpillar Inc. had revenues of $64.8 billion.",
        "Google bought 2 gigawatts of wind power.",
        "Every 1 gigawatt of data center capacity costs about $50 billion to build.",
        "Global games content sales grew by 5% in 2025.",
        "The card's starting price is $599.",
    ],
)
def test_what_is_none_of_the_thesis_stays_out(lexicon: Lexicon, text: str) -> None:
    assert not {k for k, *_ in _told(lexicon, text, NEWS)} & {"revenue", "segment_revenue", "deployment", "price"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("台積電2025年營收為3兆8090億元。", ("revenue", "2330.TW", 3.809e12, 3.809e12, "money")),
        ("英伟达数据中心收入占总营收的百分之九十点五。", ("segment_revenue", "NVDA", 90.5, 90.5, "pct")),
        ("微软2026财年资本开支预计为一千四百亿美元。", ("capex", "MSFT", 1.4e11, 1.4e11, "money")),
        ("阿里云收入同比增长34%。", ("segment_revenue", "9988.HK", 34.0, 34.0, "pct_yoy")),
        ("Groq以200亿美元被英伟达收购。", ("acquisition", "NVDA", 2e10, 2e10, "money")),
        ("xAI启用了万卡集群。", ("deployment", "XAI", 1e4, 1e4, "gpus")),
    ],
)
def test_chinese_figures(lexicon: Lexicon, text: str, wanted: tuple[Any, ...]) -> None:
    lang = {"lang": "zh", "published_at": datetime(2026, 4, 10, tzinfo=UTC)}
    assert wanted in _told(lexicon, text, lang)


def test_bare_amounts_of_taiwan_are_taiwanese(lexicon: Lexicon) -> None:
    about = {"lang": "zh", "title": "緯創擴產！新竹廠砸 89.5 億元", "published_at": datetime(2026, 1, 22, tzinfo=UTC)}
    facts = extract_facts(_document("緯創擴產！新竹廠砸 89.5 億元", about), lexicon)
    assert facts.filter(pl.col("unit") == "money")["currency"].to_list() == ["TWD"]


def test_a_part_is_told_by_its_size_beside_the_whole(lexicon: Lexicon) -> None:
    text = "Total revenue was $15.0 billion. Revenue was $449 million, up 30% sequentially."
    told = _told(lexicon, text, CALL)
    assert ("revenue", "AVGO", 1.5e10, 1.5e10, "money") in told
    assert ("segment_revenue", "AVGO", 4.49e8, 4.49e8, "money") in told
    assert ("segment_revenue", "AVGO", 30.0, 30.0, "pct_qoq") in told


def test_a_period_that_is_not_over_cannot_have_been_counted(lexicon: Lexicon) -> None:
    facts = extract_facts(_document("Meta set capital expenditures of $130 billion for 2026.", NEWS), lexicon)
    assert facts.select("basis", "period").rows() == [("guidance", "CY2026")]


def test_a_deal_goes_on_in_the_next_sentence(lexicon: Lexicon) -> None:
    text = (
        "OpenAI signed a contract for 750 megawatts with Cerebras. The deal is worth more than $10 billion to Cerebras."
    )
    facts = extract_facts(_document(text, NEWS), lexicon).filter(pl.col("unit") == "money")
    assert facts.select("entity", "counterparty", "value_low").rows() == [("OPENAI", "CBRS", 1e10)]


def test_a_repeated_figure_is_a_near_miss(lexicon: Lexicon) -> None:
    text = "Total revenue was $15.0 billion. As I said, total revenue was $15.0 billion."
    facts, misses = read_facts(_document(text, CALL), lexicon)
    assert facts.height == 1
    assert [m.reason for m in misses] == ["told before in the document"]


def test_a_title_that_names_the_quarter_ahead_is_not_its_report(lexicon: Lexicon) -> None:
    about = {
        "title": "NVIDIA guides the second quarter of fiscal 2027",
        "published_at": datetime(2026, 5, 20, tzinfo=UTC),
    }
    text = "NVIDIA expects revenue of $91.0 billion for the second quarter of fiscal 2027."
    facts = extract_facts(_document(text, about), lexicon)
    assert facts.select("period", "basis").rows() == [("FY2027Q2", "guidance")]


def test_a_raised_bound_stays_beside_the_range_it_comes_from(lexicon: Lexicon) -> None:
    text = "Alphabet raised its 2026 capital expenditure guidance to as much as $200 billion, from a range that ended at $185 billion."
    facts = extract_facts(_document(text, NEWS), lexicon)
    assert facts.select("value_low", "value_high").rows() == [(None, 2e11)]
