"""Fat trees: how many ports they carry, and how many modules a port costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.test_cli import tracker
from tracker.hardware.catalogue import Catalogue
from tracker.hardware.figures import Interval
from tracker.hardware.topology import hosts_of, modules_per_port, tiers_for


def test_a_fat_tree_carries_what_its_radix_allows() -> None:
    assert [hosts_of(64, tiers) for tiers in (1, 2, 3)] == [64, 2_048, 65_536]
    assert [tiers_for(ports, 64) for ports in (8, 64, 65, 2_048, 2_049, 65_536)] == [1, 1, 2, 2, 3, 3]
    assert tiers_for(100_000, 128) == 3


@pytest.mark.parametrize(("tiers", "low", "base", "high"), [(2, 2, 3, 4), (3, 4, 5, 6)])
def test_copper_between_server_and_first_switch_saves_two_modules(tiers: int, low: int, base: int, high: int) -> None:
    assert modules_per_port(tiers, Interval(0, 0.5, 1)) == Interval(low, base, high)
    assert modules_per_port(tiers, Interval(0, 0, 0)) == Interval(2 * tiers, 2 * tiers, 2 * tiers)


def test_the_catalogue_computes_modules_from_the_share_of_copper(catalogue: Catalogue) -> None:
    two, three = (catalogue.figure(f"optics_per_nic_port_tier{n}") for n in (2, 3))
    assert three.base - two.base == 2
    assert catalogue.figures["optics_per_nic_port_tier2"].source.startswith("derived: ")


def test_the_bill_of_many_racks_has_percentiles_inside_its_ends(tmp_path: Path) -> None:
    rows = json.loads(
        tracker("model", "bill", "GB200 NVL72", "--count", "1000", "--draws", "2000", "--json", cwd=tmp_path).stdout
    )
    found = {row["item"]: row for row in rows}
    assert found["accelerators"]["base"] == 72_000
    assert found["copper_cables"]["base"] == 5_184_000
    for row in rows:
        slack = 1e-5 * abs(row["high"])  # single precision
        assert row["low"] - slack <= row["p5"] <= row["p50"] <= row["p95"] <= row["high"] + slack


def test_the_check_names_a_generation_that_is_no_system(spoil: Callable[..., Path], tmp_path: Path) -> None:
    folder = spoil("ledger.yaml", "gb200_nvl72: 0.87", "gb2000_nvl72: 0.87")
    done = tracker("model", "check", "--rules", str(folder.parent), cwd=tmp_path)
    assert done.returncode != 0
    assert "ledger.yaml:" in done.stderr
    assert "unknown system 'gb2000_nvl72'" in done.stderr
