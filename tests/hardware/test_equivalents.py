"""Facts to racks: the same path for one and for many, null with a reason where there is none."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tests.bench.bench_hardware import entities_frame, random_facts, scalar_racks
from tracker.hardware.catalogue import Catalogue
from tracker.hardware.equivalents import add_racks
from tracker.vocabulary import FACTS_SCHEMA, conform


def racks_of(catalogue: Catalogue, **fact: Any) -> dict[str, Any]:
    fact = {"kind": "order", "entity": "MSFT", "unit": "racks", "value_low": 1.0, "value_high": 1.0} | fact
    frame = conform(
        pl.DataFrame([fact], schema_overrides={k: v for k, v in FACTS_SCHEMA.items() if k in fact}), FACTS_SCHEMA
    )
    return add_racks(frame, catalogue, entities_frame()).to_dicts()[0]


def test_many_facts_agree_with_one_at_a_time_and_keep_low_base_high(catalogue: Catalogue) -> None:
    facts = random_facts(5000)
    found = add_racks(facts, catalogue, entities_frame())
    alone = scalar_racks(facts, catalogue, entities_frame())
    assert found["fact_id"].to_list() == facts["fact_id"].to_list()
    assert found["racks_base"].to_list() == [None if x is None else pytest.approx(x) for x in alone]
    known = found.drop_nulls("racks_base")
    assert known.height > 500
    assert known.filter(
        (pl.col("racks_low") > pl.col("racks_base")) | (pl.col("racks_base") > pl.col("racks_high"))
    ).is_empty()
    silent = found.filter(pl.col("racks_base").is_null())
    assert silent["racks_method"].str.starts_with("none: ").all()


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        ({"unit": "pct_yoy", "value_low": 40.0, "value_high": 40.0}, "a change or a share"),
        ({"kind": "gross_margin", "unit": "money", "currency": "USD"}, "counts no racks"),
        (
            {"kind": "capex", "entity": "2330.TW", "unit": "money", "currency": "USD"},
            "builds something other than racks",
        ),
        ({"unit": "money", "currency": "XXX"}, "no exchange rate for XXX"),
        ({"unit": "money", "currency": None}, "no exchange rate"),
        ({"unit": None}, "no quantity stated"),
        ({"value_low": None, "value_high": None}, "no value stated"),
        ({"unit": "kW"}, "describes a part, not a site"),
        ({"unit": "TB", "product": "nand"}, "is not HBM or LPDDR"),
        ({"unit": "wafers_per_month", "product": None}, "not tied to a rack"),
        ({"unit": "gpus", "product": "feynman"}, "belongs to no catalogued system"),
        ({"unit": "money", "currency": "USD", "product": "helios"}, "usd_system of helios is not known"),
    ],
)
def test_what_cannot_be_converted_stays_null_with_its_reason(
    catalogue: Catalogue, fact: dict[str, Any], reason: str
) -> None:
    found = racks_of(catalogue, **fact)
    assert (found["racks_low"], found["racks_base"], found["racks_high"]) == (None, None, None)
    assert found["racks_method"].startswith("none: ")
    assert reason in found["racks_method"]


def test_buyers_capex_uses_its_own_ai_share(catalogue: Catalogue) -> None:
    capex = {"kind": "capex", "unit": "money", "currency": "USD", "value_low": 1e9, "value_high": 1e9}
    oracle, meta = (racks_of(catalogue, entity=e, **capex) for e in ("ORCL", "META"))
    assert oracle["racks_base"] / meta["racks_base"] == pytest.approx(0.9 / 0.7)
    assert "ai_share_ORCL" in oracle["racks_method"]


def test_it_power_carries_more_racks_than_facility_power(catalogue: Catalogue) -> None:
    facility = racks_of(catalogue, kind="deployment", unit="GW", quote="a site of 1 GW")
    load = racks_of(catalogue, kind="deployment", unit="GW", quote="1 GW of critical IT load")
    assert load["racks_base"] / facility["racks_base"] == pytest.approx(1.1)


def test_foreign_money_is_turned_into_dollars(catalogue: Catalogue) -> None:
    dollars = racks_of(catalogue, unit="money", currency="USD", product="nvl72", value_low=1e9, value_high=1e9)
    taiwan = racks_of(
        catalogue, unit="money", currency="TWD", product="nvl72", value_low=31.1525e9, value_high=31.1525e9
    )
    assert taiwan["racks_base"] == pytest.approx(dollars["racks_base"])
    assert taiwan["racks_high"] > dollars["racks_high"]


def test_open_end_takes_the_stated_end_and_says_so(catalogue: Catalogue) -> None:
    found = racks_of(catalogue, product="gb200_nvl72", value_low=1000.0, value_high=None)
    assert found["racks_base"] == 1000
    assert "open end" in found["racks_method"]


def test_figure_over_several_years_is_marked(catalogue: Catalogue) -> None:
    assert "several years" in racks_of(catalogue, product="nvl72", period="CY2025-CY2028")["racks_method"]


def test_converting_twice_changes_nothing(catalogue: Catalogue) -> None:
    once = add_racks(random_facts(300), catalogue, entities_frame())
    assert add_racks(once, catalogue, entities_frame()).equals(once)


def test_no_facts_give_no_racks(catalogue: Catalogue) -> None:
    found = add_racks(random_facts(0), catalogue, entities_frame())
    assert found.is_empty()
    assert "racks_method" in found.columns
