"""Rules ask for no more history than a fact calls for, and a new fact touches what is weighed against it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tracker.kit import Kit
from tracker.resources import data_dir
from tracker.thesis.reach import reach_of, touched_by
from tracker.vocabulary import SCORED_FACTS_SCHEMA, conform


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit.load([Path(data_dir("rules"))])


def fact(**fields: Any) -> pl.DataFrame:
    """One fact; what is not given is null."""
    told = {"fact_id": "f", "published_at": datetime(2026, 5, 1, tzinfo=UTC), "tier": 1} | fields
    return conform(pl.DataFrame([told]), SCORED_FACTS_SCHEMA)


MARGIN = {
    "kind": "gross_margin",
    "basis": "actual",
    "unit": "pct",
    "direction": "down",
    "value_low": 70.0,
    "value_high": 70.0,
}
GROWTH = {"kind": "revenue", "basis": "actual", "unit": "pct_yoy", "value_low": 20.0, "value_high": 20.0}


def test_the_leaders_margin_asks_for_the_leaders_revenue_only(kit: Kit) -> None:
    reach = reach_of(kit.thesis.rules, fact(entity="NVDA", **MARGIN), kit.lexicon)
    assert ("revenue", "NVDA") in reach.own
    assert {entity for _, entity in reach.own} == {"NVDA"}
    assert not reach.wide


def test_a_fact_no_rule_with_a_past_looks_at_asks_for_nothing(kit: Kit) -> None:
    reach = reach_of(kit.thesis.rules, fact(entity="SAMBANOVA", **MARGIN), kit.lexicon)
    assert not reach.own
    assert not reach.wide


def test_a_challengers_revenue_touches_the_leaders_and_a_suppliers_only_its_own(kit: Kit) -> None:
    challenger = touched_by(kit.thesis.rules, fact(entity="AMD", **GROWTH), kit.lexicon)
    assert ("revenue", "NVDA") in challenger.of
    supplier = touched_by(kit.thesis.rules, fact(entity="000660.KS", **MARGIN), kit.lexicon)
    assert ("revenue", "000660.KS") in supplier.of
    assert ("revenue", "NVDA") not in supplier.of


def test_a_doubt_touches_the_doubts_told_with_it(kit: Kit) -> None:
    doubt = fact(entity="OPENAI", kind="scaling_doubt", basis="estimate", direction="down")
    assert "scaling_doubt" in touched_by(kit.thesis.rules, doubt, kit.lexicon).kinds
