"""How analysts, reporters and officers word figures in English: classes of wording with paraphrases of our own.

A row is a title, a text and the figures it must give; what only sounds like one gives none.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from tracker.extract.facts import extract_facts
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.resources import data_dir

ETN = "Eaton Corp PLC (ETN) earnings call, fiscal 2024 Q4"
QCOM = "QUALCOMM Incorporated (QCOM) earnings call, fiscal 2025 Q2"
ORCL = "Oracle reports third-quarter results"
Figure = tuple[str, str, float | None, float | None, str]  # kind, entity, low, high, unit


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon([data_dir("rules")])


def _facts(lexicon: Lexicon, title: str, text: str) -> list[dict[str, Any]]:
    row = {"doc_id": "e" * 16, "title": title, "text": text, "entity": None, "lang": "en"}
    row |= {"published_at": datetime(2026, 3, 12, tzinfo=UTC)}
    facts = extract_facts(pl.DataFrame([row], schema_overrides={"entity": pl.String}), lexicon).to_dicts()
    assert all(text[f["start"] : f["end"]] == f["quote"] for f in facts)
    return facts


def _figures(lexicon: Lexicon, title: str, text: str) -> list[Figure]:
    return [
        (f["kind"], f["entity"], f["value_low"], f["value_high"], f["unit"])
        for f in _facts(lexicon, title, text)
        if f["unit"] is not None
    ]


DIGITS = [
    ("We achieved double-digit revenue growth.", ("revenue", "ETN", 10.0, None, "pct_yoy")),
    ("Vehicle revenue declined by double digits.", ("segment_revenue", "ETN", None, -10.0, "pct_yoy")),
    ("Our orders in the third quarter were up triple digits.", ("order", "ETN", 100.0, None, "pct_yoy")),
    ("Gross margin improved two points.", ("gross_margin", "ETN", 2.0, 2.0, "pct_pt")),
    ("Gross margin rate was down roughly one point.", ("gross_margin", "ETN", -1.0, -1.0, "pct_pt")),
    ("Inventory rose by $300 million to $4.2 billion.", ("inventory", "ETN", 4.2e9, 4.2e9, "money")),
    ("Inventory grew 8.4 quarter over quarter.", ("inventory", "ETN", 8.4, 8.4, "pct_qoq")),
    ("Aerospace sales were up 3% from the September quarter.", ("segment_revenue", "ETN", 3.0, 3.0, "pct_qoq")),
    ("Sales were up 9% over the same period in 2023.", ("revenue", "ETN", 9.0, 9.0, "pct_yoy")),
    ("Our backlog will more than double over four years.", ("backlog", "ETN", 100.0, None, "pct")),
]
PARTS = [
    ("Electrical Americas posted 9% organic growth.", ("segment_revenue", "ETN", 9.0, 9.0, "pct_yoy")),
    ("Vehicle delivered 3% revenue growth.", ("segment_revenue", "ETN", 3.0, 3.0, "pct_yoy")),
    ("On a full year basis, aerospace recorded sales up 11%.", ("segment_revenue", "ETN", 11.0, 11.0, "pct_yoy")),
    ("We are pleased with 6% organic growth in our vehicle business.", ("segment_revenue", "ETN", 6.0, 6.0, "pct_yoy")),
    ("Recurring revenue was $1.2 billion.", ("segment_revenue", "ETN", 1.2e9, 1.2e9, "money")),
    ("On slide 9, we show the results of our vehicle business. Total revenue was down 4%.",
     ("segment_revenue", "ETN", -4.0, -4.0, "pct_yoy")),
    ("Moving to slide 8 and our aerospace segment. Revenue was $980 million.",
     ("segment_revenue", "ETN", 9.8e8, 9.8e8, "money")),
    ("We delivered 8% organic growth.", ("revenue", "ETN", 8.0, 8.0, "pct_yoy")),
    ("Moving to page 5, we summarize the year. Total revenue was $24.9 billion.",
     ("revenue", "ETN", 2.49e10, 2.49e10, "money")),
    ("Let me turn it over to Tom. Thank you, Ann. Revenue was $6.2 billion.", ("revenue", "ETN", 6.2e9, 6.2e9, "money")),
]  # fmt: skip
GOES_ON = [
    (ORCL, "Backlog reached $480 billion. That is up 290% from a year earlier.", ("backlog", "ORCL", 290.0, 290.0, "pct_yoy")),
    (ORCL, "Oracle's revenue was $17 billion. This marks a 21% increase.", ("revenue", "ORCL", 21.0, 21.0, "pct_yoy")),
    (ORCL, "Oracle's backlog, the value of contracts it has signed but not served, but only those, stood at $480 billion.",
     ("backlog", "ORCL", 4.8e11, 4.8e11, "money")),
    (QCOM, "In QCT, we expect revenues of $9 billion. At the midpoint, this reflects revenue growth of about 9%.",
     ("segment_revenue", "QCOM", 9.0, 9.0, "pct_yoy")),
    (ORCL, "Oracle's revenue came in at $17.2 billion, above the $16.5 billion analysts had expected.",
     ("revenue", "ORCL", 1.65e10, 1.65e10, "money")),
    (ORCL, "Oracle's revenue was $17.2 billion, beating the consensus of $16.5 billion.",
     ("revenue", "ORCL", 1.65e10, 1.65e10, "money")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), [*DIGITS, *PARTS])
def test_a_call_words_growth_and_parts_in_many_ways(lexicon: Lexicon, text: str, wanted: Figure) -> None:
    assert wanted in _figures(lexicon, ETN, text)


@pytest.mark.parametrize(("title", "text", "wanted"), GOES_ON)
def test_a_figure_goes_on_about_the_one_before_it(lexicon: Lexicon, title: str, text: str, wanted: Figure) -> None:
    assert wanted in _figures(lexicon, title, text)


@pytest.mark.parametrize(
    "text",
    [
        "We expect low double-digit revenue growth in vehicle.",
        "We delivered 13% adjusted earnings per share growth.",
        "Revenue was up with a 40% attach rate in services.",
        "Vehicle sales were helped by an FX tailwind of 1.5%.",
        "We delivered a 14% increase in new customers.",
        "Inventory rose by $300 million.",
    ],
)
def test_what_is_no_revenue_stays_out(lexicon: Lexicon, text: str) -> None:
    assert _figures(lexicon, ETN, text) == []


def test_two_parts_may_grow_alike(lexicon: Lexicon) -> None:
    text = "Vehicle revenue increased 4%. Aerospace revenue increased 4%."
    assert _figures(lexicon, ETN, text) == [("segment_revenue", "ETN", 4.0, 4.0, "pct_yoy")] * 2


def test_what_analysts_reckoned_with_is_an_estimate_and_the_result_is_not(lexicon: Lexicon) -> None:
    text = "Oracle's revenue came in at $17.2 billion, above the $16.5 billion analysts had expected."
    assert [f["basis"] for f in _facts(lexicon, ORCL, text)] == ["actual", "estimate"]


SITES = [
    ("Meta to build a $13 billion data center in Alberta.", ("capex", "META", 1.3e10, 1.3e10, "money")),
    ("Meta plans a C$13 billion data center in Alberta.", ("capex", "META", 1.3e10, 1.3e10, "money")),
    ("Google announced plans for a $2 billion campus in Indiana.", ("capex", "GOOGL", 2e9, 2e9, "money")),
    ("Amazon will put $20 billion into data center complexes there.", ("capex", "AMZN", 2e10, 2e10, "money")),
    ("Micron broke ground on a $100 billion megafab.", ("capex", "MU", 1e11, 1e11, "money")),
    ("We expect WFE spending in the mid-$90 billion range.", ("capex", "MARKET", 9.5e10, 9.5e10, "money")),
    ("IDC expects the market for DRAM chips to reach $300 billion.", ("segment_revenue", "MARKET", 3e11, 3e11, "money")),
    ("The data-center switching market should exceed $10 billion.", ("segment_revenue", "MARKET", 1e10, None, "money")),
    ("Oregon is to see 4 GW of data-center demand this year.", ("deployment", "MARKET", 4.0, 4.0, "GW")),
    ("Meta is growing in the U.S. Its next data center will take 2 GW.", ("deployment", "META", 2.0, 2.0, "GW")),
    ("OpenAI has committed to using 3 gigawatts of Nvidia systems.", ("order", "OPENAI", 3.0, 3.0, "GW")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), SITES)
def test_sites_markets_and_commitments_of_the_news(lexicon: Lexicon, text: str, wanted: Figure) -> None:
    assert wanted in _figures(lexicon, "", text)


@pytest.mark.parametrize(
    "text",
    [
        "The factory is powered by 10,000 NVIDIA GPUs.",
        "Nvidia shows a blueprint for AI factories from 100 megawatts upward.",
        "The agency reckons with 100 GW of new peak capacity by 2030, half of it for data centers.",
        "AEP cited commitments for 24 GW of new demand from data centers.",
        "The firm installed 40 megawatts across solar projects in the U.S.",
        "AWS, Microsoft and Google together hold 65% of cloud infrastructure revenue.",
    ],
)
def test_what_nobody_builds_and_several_share_stays_out(lexicon: Lexicon, text: str) -> None:
    assert _figures(lexicon, "", text) == []


RANKED = [
    ("Revenue growth was strongest in Europe at 21%.", ("segment_revenue", "ETN", 21.0, 21.0, "pct_yoy")),
    ("Asia Pacific was the slowest growing region at 15%.", ("segment_revenue", "ETN", 15.0, 15.0, "pct_yoy")),
    ("Against this backdrop, power delivered 7% revenue growth.", ("segment_revenue", "ETN", 7.0, 7.0, "pct_yoy")),
    ("Revenue was up 14%, driven by 94% growth in our vehicle segment.", ("segment_revenue", "ETN", 94.0, 94.0, "pct_yoy")),
    ("Our database business, which runs on other clouds, grew 53%.", ("segment_revenue", "ETN", 53.0, 53.0, "pct_yoy")),
    ("Now, let me turn to the industrial segment, which starts on slide six. At the segment level, we grew 30%.",
     ("segment_revenue", "ETN", 30.0, 30.0, "pct_yoy")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), RANKED)
def test_parts_are_ranked_explained_and_opened(lexicon: Lexicon, text: str, wanted: Figure) -> None:
    assert wanted in _figures(lexicon, ETN, text)


def test_a_report_of_a_company_that_is_not_watched_tells_of_nobody_watched(lexicon: Lexicon) -> None:
    title = "Quanta Services, Inc. (PWR) earnings call, fiscal 2024 Q4"
    assert _figures(lexicon, title, "Quanta ended the year with revenue of $6.6 billion. Gross margin was 15%.") == []
    told = _figures(lexicon, title, "Meta plans capital expenditures of $70 billion. Our revenue was $6.6 billion.")
    assert told == [("capex", "META", 7e10, 7e10, "money")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "Revenue and operating income were $5.2 billion and $1.5 billion, respectively.",
            [("revenue", "ETN", 5.2e9, 5.2e9, "money"), ("operating_income", "ETN", 1.5e9, 1.5e9, "money")],
        ),
        (
            "Operating income and capital expenditures were $1.5 billion and $300 million, respectively.",
            [("operating_income", "ETN", 1.5e9, 1.5e9, "money"), ("capex", "ETN", 3e8, 3e8, "money")],
        ),
        ("Revenue and EPS growth was 17 and 21% respectively.", [("revenue", "ETN", 17.0, 17.0, "pct_yoy")]),
    ],
)
def test_figures_told_respectively_belong_to_their_metrics(lexicon: Lexicon, text: str, wanted: list[Figure]) -> None:
    assert _figures(lexicon, ETN, text) == wanted


def test_a_quarter_that_is_named_is_no_comparison_with_its_year(lexicon: Lexicon) -> None:
    text = "Sales were up 3% sequentially in the third quarter of 2024. TrendForce sees DRAM prices up 10% in the second quarter of 2026."
    assert [f[-1] for f in _figures(lexicon, ETN, text)] == ["pct_qoq", "pct"]
