"""Every number of the ledger leads to a sentence or to a figure with its source."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from tests.test_cli import tracker
from tracker.hardware.catalogue import Catalogue
from tracker.hardware.ledger import build_ledger
from tracker.hardware.ledger_rules import load_ledger_rules
from tracker.hardware.provenance import explain
from tracker.vocabulary import SCORED_FACTS_SCHEMA, conform, empty

NOW = datetime(2026, 11, 24, tzinfo=UTC)
NO_FACTS = empty(SCORED_FACTS_SCHEMA).with_columns(url=pl.lit(None, dtype=pl.String))


def test_every_input_of_the_ledger_has_a_source(catalogue: Catalogue) -> None:
    made = build_ledger(empty(SCORED_FACTS_SCHEMA), catalogue.supply, catalogue, NOW)
    told = explain(made.ledger["inputs"].explode(), catalogue, load_ledger_rules(), NO_FACTS, NOW)
    assert told.height > 40
    assert told.filter(pl.col("source").str.len_chars() < 10).is_empty()
    assert told.filter(pl.col("says").str.starts_with("not found")).is_empty()
    dated = told.filter(pl.col("input").str.starts_with("supply:"))
    assert dated["published"].null_count() == 0
    assert told.filter((pl.col("low") > pl.col("base")) | (pl.col("base") > pl.col("high"))).is_empty()


def test_a_fact_is_told_by_its_sentence(catalogue: Catalogue) -> None:
    fact = {
        "fact_id": "f1", "quote": "Meta expects 72 billion", "value_low": 72e9, "value_high": 72e9, "unit": "money",
        "currency": "USD", "published_at": datetime(2026, 7, 30, tzinfo=UTC),
    }  # fmt: skip
    facts = conform(pl.DataFrame([fact]), SCORED_FACTS_SCHEMA).with_columns(url=pl.lit("https://example.org/q2"))
    row = explain(["f1", "gone"], catalogue, load_ledger_rules(), facts, NOW).row(0, named=True)
    assert (row["says"], row["base"], row["unit"]) == ("Meta expects 72 billion", 72e9, "USD")
    assert (row["published"], row["source"]) == ("2026-07-30", "https://example.org/q2")
    gone = explain(["gone"], catalogue, load_ledger_rules(), facts, NOW).row(0, named=True)
    assert gone["says"].startswith("not found")


def test_the_command_tells_both_sides_and_travels_in_time(tmp_path: Path) -> None:
    base = ("model", "why", "CY2026Q1", "cowos", "--db", str(tmp_path / "none.duckdb"), "--json")
    now = json.loads(tracker(*base, cwd=tmp_path).stdout)
    assert {row["side"] for row in now["ledger"]} == {"demand", "supply"}
    assert any(row["input"].startswith("supply:tsmc_cowos_capacity") for row in now["inputs"])
    then = json.loads(tracker(*base, "--as-of", "2026-02-10", cwd=tmp_path).stdout)
    supply = [next(r["racks_base"] for r in x["ledger"] if r["side"] == "supply") for x in (now, then)]
    assert supply[0] != supply[1]
    refused = tracker("model", "why", "CY2031Q1", "--db", str(tmp_path / "none.duckdb"), cwd=tmp_path)
    assert refused.returncode == 2
    assert "quarters: CY2024Q1" in refused.stderr
