"""Who gains and who is squeezed, with the path that says why; periods end by their company's calendar."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tracker.extract.lexicon import load_lexicon
from tracker.resources import data_dir
from tracker.thesis.enrich import enrich
from tracker.thesis.graph import beneficiaries
from tracker.thesis.schema import load_thesis
from tracker.vocabulary import SCORED_FACTS_SCHEMA, conform

GRAPH = [
    {"from": "NVDA", "to": "META", "product": "gpu", "source": "https://example.org/a"},
    {"from": "MU", "to": "NVDA", "product": "hbm", "source": "https://example.org/b"},
    {"from": "3017.TW", "to": "NVDA", "product": "cold_plate", "source": "assumption"},
    {"from": "2330.TW", "to": "MU", "product": "n3", "source": "https://example.org/c"},
]


def test_volume_at_a_buyer_flows_up_to_its_suppliers_by_a_stated_path() -> None:
    gains, squeezed = beneficiaries(GRAPH, "META", None, "capex", 1)
    assert gains == [
        "NVDA: META ← gpu ← NVDA", "MU: META ← gpu ← NVDA ← hbm ← MU",
        "3017.TW: META ← gpu ← NVDA ← cold_plate (assumed) ← 3017.TW",
    ]  # fmt: skip
    assert squeezed == []  # and not further than two steps


def test_every_edge_has_a_page_and_names_the_watchlist_knows() -> None:
    """None is assumed at present; what rests on analysts says so on the path."""
    edges = load_thesis([Path(data_dir("rules"))]).graph
    lexicon = load_lexicon([Path(data_dir("rules"))])
    entities = set(lexicon.entities["id"])
    assert len(edges) >= 60
    assert len({(e["from"], e["to"], e["product"]) for e in edges}) == len(edges)
    for edge in edges:
        assert edge["source"].startswith("http"), edge
        assert {edge["from"], edge["to"]} <= entities, edge
        assert edge["product"] in lexicon.families, edge
    gains, _ = beneficiaries(edges, "AMZN", None, "capex", 1)
    assert "MRVL: AMZN ← trainium (reported) ← MRVL" in gains


def test_a_cut_squeezes_them_and_a_short_part_is_good_for_its_maker() -> None:
    assert beneficiaries(GRAPH, "META", None, "demand_cut", -1)[1][0].startswith("NVDA: ")
    gains, squeezed = beneficiaries(GRAPH, "MU", "hbm", "supply_tightness", 1)
    assert gains == ["MU: hbm"]
    assert [name.split(":")[0] for name in squeezed] == ["NVDA", "META"]
    assert beneficiaries(GRAPH, "META", None, "gross_margin", 1) == ([], [])


@pytest.mark.parametrize(("entity", "period", "months"), [("NVDA", "FY2026Q3", -1), ("AMD", "CY2025Q3", -2)])
def test_a_fiscal_period_ends_by_the_calendar_of_its_company(entity: str, period: str, months: int) -> None:
    lexicon = load_lexicon([Path(data_dir("rules"))])
    row = {"fact_id": "a", "kind": "revenue", "entity": entity, "period": period, "unit": "money", "basis": "actual"}
    at = datetime(2025, 11, 25, tzinfo=UTC)
    facts = conform(pl.DataFrame([row | {"published_at": at, "story_id": "s", "tier": 1}]), SCORED_FACTS_SCHEMA)
    found = enrich(facts, facts, lexicon, {}).item(0, "period_months")
    assert found == pytest.approx(months, abs=0.3)


def test_growth_is_reckoned_from_an_issuers_own_figures_only() -> None:
    lexicon = load_lexicon([Path(data_dir("rules"))])

    def growth(tier: int) -> float | None:
        rows = [
            {"fact_id": str(year), "kind": "revenue", "entity": "AMD", "period": f"CY{year}Q3", "unit": "money",
             "basis": "actual", "currency": "USD", "value_low": value, "value_high": value, "tier": tier,
             "story_id": str(year), "published_at": datetime(year, 11, 5, tzinfo=UTC)}
            for year, value in ((2024, 6e9), (2025, 9e9))
        ]  # fmt: skip
        facts = conform(pl.DataFrame(rows), SCORED_FACTS_SCHEMA)
        return enrich(facts.tail(1), facts, lexicon, {}).item(0, "growth")

    assert growth(1) == pytest.approx(50.0)
    assert growth(2) is None
