"""Against the collected figures, where they lie beside this checkout: every one carried over, every field printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from tracker.hardware.catalogue import Catalogue, show_system

pytestmark = pytest.mark.real
QUIET = ("sources", "field_sources", "notes")


@pytest.fixture(scope="module")
def collected(shared_data: Path) -> Any:
    def read(name: str) -> Any:
        return yaml.safe_load((shared_data.parent / "facts" / f"{name}.yaml").read_text(encoding="utf-8"))

    return read


def test_show_prints_every_collected_field_of_every_system(catalogue: Catalogue, collected: Any) -> None:
    for row in collected("racks")["systems"]:
        shown = show_system(catalogue, row["id"])
        for field, value in row.items():
            if field in QUIET:
                continue
            assert field in shown, f"{row['id']}.{field}"
            if isinstance(value, int | float):  # a computed total may differ from a rounded one
                assert shown[field] == pytest.approx(value, rel=0.03), f"{row['id']}.{field}"
            elif value is not None:
                assert shown[field] == value, f"{row['id']}.{field}"


def test_every_collected_series_stands_in_supply(catalogue: Catalogue, collected: Any) -> None:
    own = set(catalogue.supply.select("series", "period", "entity", "low", "base", "high", "unit").rows())
    for item in collected("supply")["items"]:
        ends = tuple(None if item[e] is None else float(item[e]) for e in ("low", "base", "high"))
        assert (item["series"], str(item["period"]), item.get("entity"), *ends, item["unit"]) in own, item


def test_every_collected_golden_number_is_in_the_list(catalogue: Catalogue, collected: Any) -> None:
    own = {row["id"]: row for row in catalogue.golden}
    for row in collected("golden")["golden"]:
        assert own[row["id"]]["expected"] == row["expected"]
        assert own[row["id"]]["tolerance_pct"] == row["tolerance_pct"]


def test_every_figure_has_a_source_and_a_day(catalogue: Catalogue) -> None:
    assert catalogue.supply.filter(pl.col("published").is_null() | (pl.col("source").str.len_chars() < 10)).is_empty()
    for figure in catalogue.figures.values():
        assert figure.date, figure.id
        assert figure.source, figure.id
