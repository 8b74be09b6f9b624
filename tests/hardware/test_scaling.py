"""The scaling law: exact lines are recovered, noise widens the interval, lags have the right sign."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_cli import tracker
from tracker.hardware.catalogue import Catalogue, load_catalogue
from tracker.hardware.scaling import doubling_times, fit, follower_lags, generations, projection
from tracker.resources import data_dir

DAYS = [date(2020, 1, 1) + timedelta(days=200 * i) for i in range(6)]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(Path(data_dir("rules")) / "hardware")


@given(months=st.floats(3, 60), start=st.floats(0.01, 1e6))
@settings(deadline=None)
def test_an_exact_doubling_is_recovered(months: float, start: float) -> None:
    values = [start * 2 ** ((d - DAYS[0]).days / 365.25 * 12 / months) for d in DAYS]
    line = fit(DAYS, values)
    assert line is not None
    assert line.doubling_months()[0] == pytest.approx(months, rel=1e-6)
    low, base, high = line.project(DAYS[-1])
    assert low <= base * (1 + 1e-9)
    assert base <= high * (1 + 1e-9)
    assert base == pytest.approx(values[-1], rel=1e-6)


def test_noise_widens_the_interval() -> None:
    def width(noise: float) -> float:
        line = fit(DAYS, [2.0**i * (1 + noise * (-1) ** i) for i in range(6)])
        assert line is not None
        _, low, high = line.doubling_months()
        assert low is not None
        assert high is not None
        return high - low

    assert width(0.02) < width(0.1) < width(0.3)


def test_three_points_have_no_interval() -> None:
    assert fit(DAYS[:3], [1.0, 2.0, 4.0]) is None


def test_a_domain_doubles_faster_than_an_accelerator(catalogue: Catalogue) -> None:
    months = {(r["metric"], r["level"]): r for r in doubling_times(catalogue).to_dicts()}
    for metric in ("hbm_bandwidth_tb_s", "dense_fp8_pflops", "scale_up_bandwidth_tb_s"):
        domain, accelerator = months[metric, "domain"], months[metric, "accelerator"]
        assert domain["doubling_months"] < accelerator["doubling_months"]
        assert domain["doubling_low"] < domain["doubling_months"] < domain["doubling_high"]


def test_a_lag_is_counted_from_the_leader_s_first_system_as_large(catalogue: Catalogue) -> None:
    lags = {(r["system"], r["metric"]): r for r in follower_lags(catalogue).to_dicts()}
    helios = lags["helios", "domain_size"]
    assert helios["leader"] == "gb200_nvl72"
    assert helios["by"] == "shipment"
    days = (helios["at"] - helios["leader_at"]).days
    assert helios["lag_months"] == pytest.approx(days / 365.25 * 12)
    assert all((r["lag_months"] is None) == (r["leader"] is None) for r in lags.values())


def test_boards_and_racks_of_one_chip_are_one_generation(catalogue: Catalogue) -> None:
    line = generations(catalogue)["NVDA"]
    assert line == ["dgx_a100", "dgx_h100", "gb200_nvl72", "gb300_nvl72", "vr_nvl72", "kyber_nvl576"]
    fits = doubling_times(catalogue)
    assert fits.filter(pl.col("metric") == "domain_size").row(0, named=True)["planned"] == 1  # Kyber is still to come


def test_the_lag_of_a_system_that_came_first_is_negative(catalogue: Catalogue) -> None:
    lags = {(r["system"], r["metric"]): r for r in follower_lags(catalogue).to_dicts()}
    cloudmatrix = lags["cloudmatrix384", "hbm_bandwidth_tb_s"]
    assert (cloudmatrix["leader"], cloudmatrix["by"]) == ("vr_nvl72", "shipment")
    assert cloudmatrix["lag_months"] < -12
    assert lags["helios", "domain_size"]["lag_months"] > 12


def test_the_band_of_the_next_generation_is_within_a_factor_of_some_tens(catalogue: Catalogue) -> None:
    low, base, high = projection(catalogue, "hbm_bandwidth_tb_s", date(2027, 9, 15)) or (0, 0, 0)
    assert low < base < high
    assert high / low < 60


def test_a_projection_further_off_has_the_wider_band(catalogue: Catalogue) -> None:
    near, far = (projection(catalogue, "hbm_tb", date(year, 3, 1)) for year in (2027, 2030))
    assert near is not None
    assert far is not None
    assert far[2] / far[0] > near[2] / near[0]


def test_the_command_prints_and_draws(tmp_path: Path) -> None:
    one, two = tmp_path / "a.svg", tmp_path / "b.svg"
    answer = json.loads(
        tracker("model", "scaling", "--json", "--on", "2027-03-18", "--picture", str(one), cwd=tmp_path).stdout
    )
    assert {"doubling", "lags", "projection"} <= set(answer)
    tracker("model", "scaling", "--picture", str(two), cwd=tmp_path)
    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_size > 10_000
    assert tracker("model", "scaling", "--picture", str(tmp_path / "c.gif"), cwd=tmp_path).returncode == 2
    assert "hbm_tb" in tracker("model", "scaling", "--picture", str(one), "--metric", "nonsense", cwd=tmp_path).stderr
