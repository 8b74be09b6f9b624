"""Words to racks and back."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tracker.errors import RuleError
from tracker.hardware.catalogue import Catalogue, load_catalogue
from tracker.hardware.convert import convert, quantity_of
from tracker.hardware.equivalents import Converter
from tracker.hardware.families import built_in_families
from tracker.resources import data_dir
from tracker.vocabulary import KINDS, UNITS


@cache
def _catalogue() -> Catalogue:
    """The built-in catalogue, for what hypothesis draws from."""
    return load_catalogue(data_dir("rules") / "hardware")


# words of a quantity, what the bill calls it, and how many of the words' unit one of the bill's is
WAYS = [
    ("{} watts", "kw_facility", 1e3), ("{} kW", "kw_facility", 1.0), ("{} MW", "kw_facility", 1e-3),
    ("{} GW", "kw_facility", 1e-6), ("{} kW IT", "kw_it", 1.0), ("{} MW of critical IT load", "kw_it", 1e-3),
    ("{} GB of HBM", "hbm_gb", 1.0), ("{} TB of HBM", "hbm_gb", 1e-3), ("{} HBM stacks", "hbm_stacks", 1.0),
    ("{} CoWoS wafers per month", "cowos_wafers", 1.0), ("{} GPUs", "accelerators", 1.0), ("{} racks", "racks", 1.0),
    ("${}", "usd_system", 1.0), ("${} million", "usd_system", 1e-6), ("${} billion", "usd_system", 1e-9),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "low", "base", "high"),
    [
        ("1 GW", 1e6 / 174, 1e6 / 145.2, 1e6 / 126),
        ("$3.5B of GB200 NVL72 racks", 875, 3500 / 3.1, 1750),
        ("72000 B200 GPUs", 1000, 1000, 1000),
        ("72000 GB200 GPUs", 1000, 1000, 1000),
        ("144,000 Blackwell dies", 1000, 1000, 1000),
        ("1,000,000 GB of HBM3E", 1e6 / 13392, 1e6 / 13392, 1e6 / 13392),
        ("75000 CoWoS wafers per month", 75000 * 16 * 0.85 / 72, 75000 * 16 * 0.93 / 72, 75000 * 16 * 0.97 / 72),
        ("30万片 CoWoS", 300000 * 16 * 0.85 / 72, 300000 * 16 * 0.93 / 72, 300000 * 16 * 0.97 / 72),
        ("$80B capex of MSFT", 80e9 * 0.65 * 0.45 / 4e6, 80e9 * 0.75 * 0.6 / 3.1e6, 80e9 * 0.85 * 0.7 / 2e6),
        ("500 Helios racks", 500, 500, 2000),
        ("1000 NVL36 racks", 500, 500, 500),
    ],
)  # fmt: skip
def test_words_become_racks(catalogue: Catalogue, text: str, low: float, base: float, high: float) -> None:
    found = convert(text, catalogue)
    assert (found.racks_low, found.racks_base, found.racks_high) == pytest.approx((low, base, high), rel=1e-6)
    assert found.method
    assert found.system == "gb200_nvl72"


def test_a_bare_count_of_a_name_counts_what_the_name_is(catalogue: Catalogue) -> None:
    assert convert("18,000 GB300", catalogue).racks_base == pytest.approx(250)
    assert convert("5000 NVL72", catalogue).racks_base == pytest.approx(5000)
    assert convert("1000台 GB200机柜", catalogue).racks_base == pytest.approx(1000)
    assert convert("10万张 H100", catalogue).racks_base == pytest.approx(1e5 / 72)
    assert convert("3 CloudMatrix 384", catalogue).racks_base == pytest.approx(3 * 384 / 72)


def test_racks_can_be_asked_in_another_system(catalogue: Catalogue) -> None:
    assert convert("1 GW", catalogue, "vr_nvl72").racks_base == pytest.approx(1e6 / (210 * 1.1))


@pytest.mark.parametrize(("by", "racks"), [("accelerators", 1.0), ("fp8", 4.0), ("fp4", 4.0), ("hbm", 432 / 186)])
def test_what_makes_two_racks_equal_is_a_choice(catalogue: Catalogue, by: str, racks: float) -> None:
    found = convert("100 Helios racks", catalogue, by=by)
    assert found.racks_base == pytest.approx(100 * racks)
    assert found.racks_low <= found.racks_base <= found.racks_high
    assert f"by {by}" in found.method


def test_a_system_without_the_figure_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(RuleError, match="cloudmatrix384 has no dense_fp8_pflops"):
        convert("3 CloudMatrix 384", catalogue, by="fp8")


@pytest.mark.parametrize("text", ["100 bananas", "hello", "", "5% growth", "3 nm", "$10B capex of TSMC"])
def test_what_has_no_way_to_racks_is_refused_with_examples(catalogue: Catalogue, text: str) -> None:
    with pytest.raises(RuleError) as caught:
        convert(text, catalogue)
    assert "understood:" in str(caught.value)


@settings(deadline=None)
@given(racks=st.floats(0.5, 5e4), way=st.sampled_from(WAYS), system=st.sampled_from(sorted(_catalogue().raw)))
def test_racks_to_quantity_and_back_agree(racks: float, way: tuple[str, str, float], system: str) -> None:
    catalogue, (form, item, scale) = _catalogue(), way
    try:
        amount = quantity_of(catalogue, racks, item, system).base * scale
    except RuleError:
        with pytest.raises(
            RuleError, match="has no way to racks"
        ):  # the bill does not know it: neither does the way back
            convert(form.format("7"), catalogue, system)
        return
    assume(amount >= 0.002)  # six decimals are read
    found = convert(form.format(f"{amount:.6f}"), catalogue, system)
    assert found.system == system
    assert found.racks_base == pytest.approx(racks, rel=1e-3)
    assert found.racks_low <= found.racks_base <= found.racks_high


@settings(deadline=None)
@given(
    unit=st.sampled_from([u for u in UNITS if u != "money"]),
    kind=st.sampled_from([None, *KINDS]),
    product=st.sampled_from([None, *sorted(built_in_families())]),
    currency=st.sampled_from(["USD", "TWD", "CNY", "KRW", "EUR", "JPY"]),
    money=st.booleans(),
)
def test_every_rate_keeps_low_base_high_or_says_why_there_is_none(
    unit: str, kind: str | None, product: str | None, currency: str, money: bool
) -> None:
    converter = Converter(_catalogue(), built_in_families())
    rate = converter.rate("money" if money else unit, kind=kind, product=product, layer="cloud", currency=currency)
    if rate.racks is None:
        assert rate.method.startswith("none: ")
        assert len(rate.method) > len("none: ") + 8
    else:
        assert 0 < rate.racks.low <= rate.racks.base <= rate.racks.high


@settings(deadline=None)
@given(
    currency=st.sampled_from(sorted(f[3:] for f in _catalogue().figures if f.startswith("fx_"))),
    racks=st.floats(1, 1e4),
)
def test_money_of_every_currency_leads_to_the_racks_it_came_from(currency: str, racks: float) -> None:
    catalogue = _catalogue()
    amount = quantity_of(catalogue, racks, "usd_system").base * catalogue.figure(f"fx_{currency}").base
    rate = Converter(catalogue, built_in_families()).rate("money", product="nvl72", kind="order", currency=currency)
    assert rate.racks is not None
    assert amount * rate.racks.base == pytest.approx(racks, rel=1e-3)


def test_the_way_back_of_an_unknown_item_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(RuleError, match="not in the bill"):
        quantity_of(catalogue, 1, "flux_capacitors")
