"""Who vouches for a figure, whose estimate it is measured against, and what goes on from the sentence before."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from tracker.extract.facts import extract_facts
from tracker.extract.lexicon import load_lexicon
from tracker.resources import data_dir

LEXICON = load_lexicon([data_dir("rules")])


def facts(text: str) -> list[dict[str, Any]]:
    frame = pl.DataFrame(
        {"doc_id": ["d"], "text": [text], "title": [""], "lang": ["en"], "published_at": [date(2026, 3, 11)]}
    )
    return extract_facts(frame, LEXICON).to_dicts()


def values(text: str) -> list[tuple[str, str, float, str, str]]:
    return [(f["kind"], f["entity"], round(f["value_low"], 3), f["unit"], f["basis"]) for f in facts(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Arista's finance chief told analysts that revenue was $2.3 billion in the quarter.",
        "On a call with analysts, Arista said revenue was $2.3 billion in the quarter.",
        "Arista surprised Wall Street as revenue reached $2.3 billion in the quarter.",
    ],
)
def test_who_is_told_a_figure_does_not_vouch_for_it(text: str) -> None:
    assert values(text) == [("revenue", "ANET", 2.3e9, "money", "actual")]


def test_an_analyst_who_reckons_vouches() -> None:
    assert values("Analysts at Jefferies estimate that Arista's revenue will reach $2.6 billion in 2027.")[0][-1] == (
        "estimate"
    )


@pytest.mark.parametrize(
    "yardstick",
    [
        "above the $2.2 billion consensus",
        "beating the average analyst estimate of $2.2 billion, according to data compiled by LSEG",
        "topping Wall Street expectations of $2.2 billion",
        "compared with estimates of $2.2 billion",
        "vs. $2.2 billion expected by analysts",
        "short of the $2.2 billion analysts had forecast",
    ],
)
def test_what_a_result_is_measured_against_is_an_estimate(yardstick: str) -> None:
    assert values(f"Arista reported revenue of $2.3 billion, {yardstick}.") == [
        ("revenue", "ANET", 2.3e9, "money", "actual"),
        ("revenue", "ANET", 2.2e9, "money", "estimate"),
    ]


def test_the_companys_own_outlook_is_not_told_again() -> None:
    assert values("Arista reported revenue of $2.3 billion, above its own outlook of $2.2 billion.") == [
        ("revenue", "ANET", 2.3e9, "money", "actual")
    ]


def test_analysts_in_the_sentence_behind_the_result() -> None:
    assert values("Arista reported revenue of $2.3 billion. Analysts had expected $2.2 billion.") == [
        ("revenue", "ANET", 2.3e9, "money", "actual"),
        ("revenue", "ANET", 2.2e9, "money", "estimate"),
    ]


@pytest.mark.parametrize("move", ["That is up 28%", "This marks a 28% increase", "That represents growth of 28%"])
def test_a_rate_goes_on_from_the_sentence_before(move: str) -> None:
    assert values(f"Arista reported revenue of $2.3 billion. {move} from a year earlier.")[1:] == [
        ("revenue", "ANET", 28.0, "pct_yoy", "actual")
    ]


def test_a_metric_and_its_figure_with_an_explanation_between() -> None:
    text = "CoreWeave's backlog, the sum of contracts that are signed and orders not yet served, reached $70 billion."
    assert values(text) == [("backlog", "CRWV", 7e10, "money", "actual")]


def _told(text: str, title: str, entity: str | None = None) -> list[dict[str, Any]]:
    frame = pl.DataFrame(
        {
            "doc_id": ["d"], "text": [text], "title": [title], "entity": [entity], "lang": ["en"],
            "published_at": [date(2026, 4, 10)],
        },
        schema_overrides={"entity": pl.String},
    )  # fmt: skip
    return extract_facts(frame, LEXICON).to_dicts()


def test_a_title_about_a_move_in_revenue_reports_on_the_quarter_before() -> None:
    (fact,) = _told("UMC reported revenue of NT$60 billion.", "UMC sees a surprise fall in quarterly sales", "2303.TW")
    assert (fact["kind"], fact["period"]) == ("revenue", "CY2026Q1")


def test_stocks_and_shipments_of_a_call_are_of_its_quarter_and_outlooks_of_the_next() -> None:
    title = "Dell Technologies Inc. (DELL) earnings call, fiscal 2026 Q2"
    (stock,) = _told("Inventory was $7 billion.", title, "DELL")
    assert (stock["kind"], stock["period"]) == ("inventory", "FY2026Q2")
    outlook = _told("We expect AI server shipments to increase.", title, "DELL")
    assert [(f["kind"], f["basis"], f["period"]) for f in outlook] == [("shipment", "guidance", "FY2026Q3")]
