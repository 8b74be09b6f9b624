"""Media, the copper boundary and step times: published cross-checks, and what must hold of any figures."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_cli import tracker
from tracker.errors import RuleError
from tracker.hardware.catalogue import Catalogue
from tracker.hardware.figures import Interval
from tracker.hardware.interconnect import (
    Interconnect,
    Workload,
    copper_boundary,
    domain_within,
    fabric,
    load_interconnect,
    ratios,
    step_ms,
    step_times,
)
from tracker.resources import data_dir


@pytest.fixture(scope="module")
def net() -> Interconnect:
    return load_interconnect()


def test_optics_in_place_of_the_copper_spine_would_take_about_20_kw(net: Interconnect, catalogue: Catalogue) -> None:
    # 20 kW is what the vendor's keynote of March 2024 gave for transceivers and retimers of one NVL72
    links = fabric(net, catalogue, "gb200_nvl72").rows_by_key("medium", named=True, unique=True)
    assert links["pluggable"]["kw_base"] == pytest.approx(20, rel=0.1)
    assert links["passive_copper"]["kw_high"] < 1
    assert links["passive_copper"]["usd_base"] == pytest.approx(5184 * 10)  # the bill's cables at the bill's price


def test_every_figure_of_the_fabric_is_in_order(net: Interconnect, catalogue: Catalogue) -> None:
    for system in ("gb200_nvl72", "vr_nvl72", "helios", "cloudmatrix384"):
        frame = fabric(net, catalogue, system)
        for name in ("kw", "usd"):
            assert (frame[f"{name}_low"] <= frame[f"{name}_base"]).all()
            assert (frame[f"{name}_base"] <= frame[f"{name}_high"]).all()


def test_copper_holds_nvl72_at_224_and_not_at_448(net: Interconnect) -> None:
    base = {
        (r["lane"], r["medium"]): r["domain_base"] for r in copper_boundary(net).iter_rows(named=True)
    }  # fmt: skip
    assert base[224.0, "passive_copper"] >= 72
    assert base[448.0, "passive_copper"] < 72
    passive = [base[lane, "passive_copper"] for lane in net.lanes]
    assert passive == sorted(passive, reverse=True)


@given(reach=st.floats(0, 10), more=st.floats(0, 5))
def test_a_longer_reach_never_joins_fewer(reach: float, more: float) -> None:
    net = load_interconnect()
    short, long = (domain_within(Interval(r, r, r), net.rack) for r in (reach, reach + more))
    assert short.low <= long.low
    assert short.base <= long.base
    assert 0 <= short.low <= short.base <= short.high


@given(
    size=st.floats(1e3, 1e9), ranks=st.sampled_from([8, 64, 256]), small=st.sampled_from([1, 2, 8]),
    times=st.sampled_from([1, 2, 8]), up=st.floats(50, 2000), ratio=st.floats(2, 40),
    collective=st.sampled_from(["all_to_all", "all_reduce"]),
)  # fmt: skip
@settings(deadline=None)
def test_a_larger_domain_is_never_slower_when_inside_is_faster(
    size: float, ranks: int, small: int, times: int, up: float, ratio: float, collective: str
) -> None:
    none = {"scale_up_us": Interval(0, 0, 0), "scale_out_us": Interval(0, 0, 0), "efficiency": Interval(1, 1, 1)}
    work = Workload("w", "w", collective, ranks, 1, Interval(size, size, size))

    def taken(domain: int) -> float:
        return step_ms(work, domain, inside_gb_s=up, outside_gb_s=up / ratio, latency=none).base

    assert taken(small * times) <= taken(small) * (1 + 1e-9)


def test_all_to_all_inside_one_domain_is_volume_over_bandwidth() -> None:
    none = {"scale_up_us": Interval(0, 0, 0), "scale_out_us": Interval(0, 0, 0), "efficiency": Interval(1, 1, 1)}
    work = Workload("w", "w", "all_to_all", 8, 10, Interval(8e6, 8e6, 8e6))
    # seven of eight parts leave each rank: 7 MB at 100 GB/s is 70 us, ten layers
    assert step_ms(work, 8, inside_gb_s=100, outside_gb_s=1, latency=none).base == pytest.approx(0.7)
    # all-reduce moves the volume twice, less its own part
    ring = Workload("w", "w", "all_reduce", 8, 10, Interval(8e6, 8e6, 8e6))
    assert step_ms(ring, 8, inside_gb_s=100, outside_gb_s=1, latency=none).base == pytest.approx(1.4)


def test_the_domain_decides_expert_parallelism_over_64(net: Interconnect, catalogue: Catalogue) -> None:
    steps = step_times(net, catalogue, "gb200_nvl72").filter(pl.col("workload") == "moe_decode")
    speed = dict(steps.select("domain", "speedup").iter_rows())
    assert speed[8] == 1
    assert speed[72] > 5
    assert speed[576] == speed[72]  # beyond the 64 ranks nothing is left to gain


def test_ratio_is_one_direction_against_one_direction(catalogue: Catalogue) -> None:
    row = ratios(catalogue).row(by_predicate=pl.col("system") == "gb200_nvl72", named=True)
    assert (row["scale_up_gbit_s"], row["scale_out_gbit_s"], row["ratio"]) == (7200, 400, 18)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("low: 1, base: 1.5, high: 2, unit: m", "low: 3, base: 1.5, high: 2, unit: m", "low <= base <= high"),
        ("medium: acc, lane: 56", "medium: akk, lane: 56", "unknown medium 'akk'"),
        ("unit: pJ/bit, source", "source", "'unit' is a required property"),
        ("lane: 448, low: 0.3", "lane: 440, low: 0.3", "not one of lane_rates"),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = (data_dir("rules") / "hardware" / "interconnect.yaml").read_text(encoding="utf-8")
    path = tmp_path / "interconnect.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    line = text[: text.index(old)].count("\n") + 1
    with pytest.raises(RuleError, match=rf"interconnect\.yaml:{line}\b") as error:
        load_interconnect(path)
    assert said in str(error.value)


def test_the_command_prints_all_four_tables(tmp_path: Path) -> None:
    done = tracker("model", "interconnect", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for part in ("copper", "fabric", "step_times", "ratios"):
        assert f'"{part}"' in done.stdout
