"""Totals over several years: how long they run, and what a quarter of them is."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from tracker.extract.calendar import calendar_quarters
from tracker.hardware.catalogue import Catalogue
from tracker.hardware.convert import convert
from tracker.hardware.demand import price_ratios
from tracker.hardware.horizons import quarters_of, range_of, with_horizons, years_said
from tracker.hardware.ledger import build_ledger
from tracker.hardware.ledger_rules import load_ledger_rules
from tracker.vocabulary import SCORED_FACTS_SCHEMA, conform

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "years"),
    [
        ("$600 billion on sites over the next three years", 3), ("$300 billion, a five-year contract", 5),
        ("$500B over four years", 4), ("within 2 years", 2), ("未来三年投入3800亿元", 3), ("5年内", 5),
        ("over the past three years", None), ("three years ago", None), ("over 40 years", None),
        ("one year", None), ("in 2026", None), ("a 20 year old site", None),
    ],
)  # fmt: skip
def test_years_of_a_total(words: str, years: float | None) -> None:
    assert years_said(words) == years


@pytest.mark.parametrize(
    ("words", "period", "spread"),
    [
        ("$600 billion over the next three years.", None, "CY2026Q1-CY2028Q4"),
        ("5 GW of racks by the end of 2028", "CY2028", "CY2026Q1-CY2028Q4"),
        ("$200 billion through 2027", None, "CY2026Q1-CY2027Q4"),
        ("2028年前部署5GW", "CY2028", "CY2026Q1-CY2028Q4"),
        ("$80 billion this quarter. Over four years it wants more", None, None),
        ("$80 billion in 2026", "CY2026", None),
        ("$80 billion by 2026", "CY2026", None),  # the year it is published in: nothing to spread
        ("5 GW by 2028", "CY2026", None),  # the figure says another year
    ],
)  # fmt: skip
def test_the_sentence_says_how_long(words: str, period: str | None, spread: str | None) -> None:
    assert range_of(words, period, MARCH) == spread


def test_only_totals_that_come_over_time_are_spread() -> None:
    rows = [
        {"fact_id": k, "kind": k, "published_at": MARCH, "period": None}
        for k in ("capex", "revenue", "capacity", "order")
    ]
    facts = conform(pl.DataFrame(rows, schema_overrides={"period": pl.String}), SCORED_FACTS_SCHEMA)
    words = pl.Series(["$90bn over three years"] * 4)
    got = dict(with_horizons(facts, words).select("fact_id", "period").iter_rows())
    span = "CY2026Q1-CY2028Q4"
    assert got == {"capex": span, "revenue": None, "capacity": None, "order": span}


def test_a_range_of_periods_is_every_quarter_between_its_ends() -> None:
    assert quarters_of("CY2026Q3-CY2027Q1") == ["CY2026Q3", "CY2026Q4", "CY2027Q1"]
    assert len(quarters_of("CY2025-CY2028")) == 16
    with pytest.raises(ValueError, match="before it starts"):
        quarters_of("CY2028-CY2025")
    with pytest.raises(ValueError, match="not a period"):
        quarters_of("to end 2027")


def test_a_fiscal_quarter_is_the_calendar_quarter_that_holds_most_of_it() -> None:
    assert calendar_quarters("FY2026Q3", 1) == ["CY2025Q3"]  # August to October
    assert calendar_quarters("FY2026Q4", 1) == ["CY2025Q4"]
    assert calendar_quarters("FY2026", 6) == ["CY2025Q3", "CY2025Q4", "CY2026Q1", "CY2026Q2"]
    assert calendar_quarters("CY2025-03") == ["CY2025Q1"]
    assert calendar_quarters("CY2025H2") == ["CY2025Q3", "CY2025Q4"]


def test_money_over_years_is_an_even_flow(catalogue: Catalogue) -> None:
    whole, flow = convert("$500B", catalogue), convert("$500B over four years", catalogue)
    assert flow.racks_base == whole.racks_base
    assert flow.years == 4
    assert flow.racks_per_quarter_base == pytest.approx(whole.racks_base / 16)
    assert "over 4 years" in flow.method
    assert whole.years is None


def test_a_plan_for_years_reaches_the_ledger_a_quarter_at_a_time(catalogue: Catalogue) -> None:
    fact = {
        "fact_id": "f", "kind": "capex", "entity": "XAI", "period": "CY2026Q1-CY2028Q4", "basis": "plan",
        "published_at": MARCH, "racks_low": 6_000.0, "racks_base": 12_000.0, "racks_high": 24_000.0,
    }  # fmt: skip
    facts = conform(pl.DataFrame([fact]), SCORED_FACTS_SCHEMA)
    made = build_ledger(facts, catalogue.supply, catalogue, NOW)
    own = made.attribution.filter(pl.col("input") == "f").sort("quarter")
    assert own.height > 1
    price = price_ratios(catalogue, load_ledger_rules(), NOW, own["quarter"].to_list())
    wanted = [1_000 * 0.7 * price[q] for q in own["quarter"]]
    assert own["racks_base"].to_list() == pytest.approx(wanted)
