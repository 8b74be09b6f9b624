"""The bill of materials and its draws."""

from __future__ import annotations

import polars as pl
import pytest

from tracker.hardware.bom import bill, demand, items_of
from tracker.hardware.catalogue import Catalogue
from tracker.hardware.uncertainty import percentiles, sample_bill


def test_bill_is_ordered_and_each_item_stands_once_a_system(catalogue: Catalogue) -> None:
    frame = bill(catalogue)
    assert frame.filter((pl.col("low") > pl.col("base")) | (pl.col("base") > pl.col("high"))).is_empty()
    assert frame.select("system", "item").is_duplicated().sum() == 0


def test_nvl72_bill_has_what_the_vendor_counts(catalogue: Catalogue) -> None:
    items = items_of(catalogue, "gb200_nvl72")
    found = {
        name: items[name].base
        for name in ("accelerators", "dies", "hbm_stacks", "switch_asics", "copper_cables", "cpus")
    }
    assert found == {
        "accelerators": 72,
        "dies": 144,
        "hbm_stacks": 576,
        "switch_asics": 18,
        "copper_cables": 5184,
        "cpus": 36,
    }
    assert items["cold_plates"].base == 72 + 36 + 18


def test_an_air_cooled_system_has_no_cold_plates_and_a_null_price_no_dollars(catalogue: Catalogue) -> None:
    assert "cold_plates" not in items_of(catalogue, "dgx_h100")
    assert "usd_system" not in items_of(catalogue, "helios")


def test_demand_of_two_systems_is_the_sum_of_their_bills(catalogue: Catalogue) -> None:
    order = pl.DataFrame({"system": ["gb200_nvl72", "vr_nvl72"], "count": [10.0, 5.0]})
    found = {row["item"]: row["base"] for row in demand(order, bill(catalogue)).iter_rows(named=True)}
    assert found["accelerators"] == 15 * 72
    assert found["hbm_gb"] == pytest.approx(72 * (10 * 186 + 5 * 288))


def test_a_new_system_in_the_catalogue_needs_no_code(catalogue: Catalogue) -> None:
    from dataclasses import replace

    raw = dict(catalogue.raw) | {"nvl1152": catalogue.raw["kyber_nvl576"] | {"id": "nvl1152", "accelerators": 288}}
    assert items_of(replace(catalogue, raw=raw), "nvl1152")["accelerators"].base == 288


def test_percentiles_lie_inside_the_interval_and_keep_their_order(catalogue: Catalogue) -> None:
    drawn = percentiles(sample_bill(catalogue, ["gb200_nvl72", "vr_nvl72"], 4000))
    joined = drawn.join(bill(catalogue), on=["system", "item"])
    assert joined.height == drawn.height > 70
    wrong = joined.filter(
        (pl.col("p5") > pl.col("p50") * 1.000001) | (pl.col("p50") > pl.col("p95") * 1.000001)
        | (pl.col("p5") < pl.col("low") * 0.9999) | (pl.col("p95") > pl.col("high") * 1.0001)
    )  # fmt: skip
    assert wrong.is_empty()


def test_same_seed_gives_the_same_percentiles_and_another_does_not(catalogue: Catalogue) -> None:
    one, two = (percentiles(sample_bill(catalogue, ["gb200_nvl72"], 2000)) for _ in range(2))
    assert one.equals(two)
    assert not one.equals(percentiles(sample_bill(catalogue, ["gb200_nvl72"], 2000, seed=5)))


def test_factors_of_one_cause_move_together(catalogue: Catalogue) -> None:
    import numpy as np

    drawn = sample_bill(catalogue, ["gb200_nvl72"], 4000)["gb200_nvl72"]
    memory = np.corrcoef(drawn["usd_hbm"].array(), drawn["usd_lpddr"].array())[0, 1]
    unrelated = np.corrcoef(drawn["usd_hbm"].array(), drawn["kw_it"].array())[0, 1]
    assert memory > 0.5
    assert abs(unrelated) < 0.1
