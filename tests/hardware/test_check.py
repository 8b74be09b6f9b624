"""Golden numbers come out of the model, not out of the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from tracker.hardware.catalogue import Catalogue, load_catalogue
from tracker.hardware.check import check, failed
from tracker.hardware.cross_check import cross_checks
from tracker.hardware.golden import EXPRESSIONS, UNREPRODUCED, Model


def test_every_golden_number_is_met_or_explained(catalogue: Catalogue) -> None:
    found = check(catalogue)
    assert failed(found).is_empty(), failed(found)
    assert found.filter(pl.col("ok") & ~pl.col("by_construction")).height >= 90
    excused = found.filter(pl.col("ok").is_null())
    assert set(excused["id"]) == set(UNREPRODUCED)
    assert excused["note"].str.starts_with("unreproduced: ").all()
    assert found["source"].str.len_chars().min() > 0


def test_every_expression_belongs_to_a_golden_number(catalogue: Catalogue) -> None:
    assert set(EXPRESSIONS) | set(UNREPRODUCED) == {row["id"] for row in catalogue.golden}


def test_a_changed_system_misses_its_golden_numbers(spoil: Callable[..., Path]) -> None:
    folder = spoil(
        "parts.yaml",
        "pairs_per_link: 4, lpddr_gb_per_cpu: 480, weight_lb",
        "pairs_per_link: 4, lpddr_gb_per_cpu: 460, weight_lb",
    )
    assert set(failed(check(load_catalogue(folder)))["id"]) == {"gb200_lpddr"}


def test_formula_and_computed_value_of_the_file_are_not_read(catalogue: Catalogue) -> None:
    bare = tuple(
        {k: v for k, v in row.items() if k not in ("formula", "inputs", "computed", "diff_pct")}
        for row in catalogue.golden
    )
    assert check(replace(catalogue, golden=bare)).equals(check(catalogue))


def test_unbound_golden_number_is_a_miss(catalogue: Catalogue) -> None:
    stray = {
        "id": "stray",
        "statement": "x",
        "expected": 1,
        "unit": "x",
        "tolerance_pct": 1,
        "source": "https://example.org",
    }
    assert failed(check(replace(catalogue, golden=(*catalogue.golden, stray))))["id"].to_list() == ["stray"]


def test_a_number_met_by_construction_says_why_and_is_not_counted(catalogue: Catalogue) -> None:
    built = check(catalogue).filter(pl.col("by_construction"))
    assert built.height >= 8
    assert built["note"].str.contains("by construction: ").all()


def test_a_sum_of_guidances_is_that_of_its_day(catalogue: Catalogue) -> None:
    model = Model(catalogue)
    assert model.top("capex", "2026", "GOOGL", "2026-04-30") == 185
    assert model.top("capex", "2026", "GOOGL", "2026-08-01") == 200
    with pytest.raises(KeyError, match="was not known"):
        model.top("capex", "2026", "GOOGL", "2025-01-01")


def test_cross_checks_far_off_carry_a_reason(catalogue: Catalogue) -> None:
    found = cross_checks(catalogue)
    assert found.height >= 5
    assert found.filter(pl.col("off") & (pl.col("reason").str.len_chars() < 20)).is_empty()
    assert found.filter((pl.col("model_low") > pl.col("model")) | (pl.col("model") > pl.col("model_high"))).is_empty()
