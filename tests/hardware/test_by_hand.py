"""Figures a reader can check with a pencil: published inputs and arithmetic typed here, nothing asked of the model."""

from __future__ import annotations

import pytest

from tracker.hardware.bom import items_of
from tracker.hardware.catalogue import Catalogue
from tracker.hardware.derived import span_of

FIELDS = [
    ("gb200_nvl72", "accelerators", 18 * 4), ("gb200_nvl72", "dies", 72 * 2), ("gb200_nvl72", "switch_asics", 9 * 2),
    ("gb200_nvl72", "scale_up_aggregate_tb_s", 72 * 1.8), ("gb200_nvl72", "scale_up_port_gbytes_per_s", 18 * 2 * 200 / 8 * 2),
    ("gb200_nvl72", "hbm_total_tb", 72 * 0.186), ("gb200_nvl72", "hbm_physical_total_tb", 72 * 0.192),
    ("gb200_nvl72", "hbm_bw_total_tb_s", 72 * 8), ("gb200_nvl72", "kw_per_accelerator", 132 / 72),
    ("gb200_nvl72", "dense_fp8_pflops_per_kw", 360 / 132), ("gb200_nvl72", "price_usd_per_accelerator", 3.1e6 / 72),
    ("gb200_nvl72", "scale_up_to_scale_out_ratio", 1800 * 8 / 2 / 400), ("gb200_nvl72", "lpddr_total_tb", 36 * 0.48),
    ("gb200_nvl72", "die_yield", (1 + 2.6 * 3.08 * 0.08 / 3) ** -3 * 1.15), ("gb300_nvl72", "hbm_total_tb", 72 * 0.288),
    ("gb300_nvl72", "dense_fp4_pflops", 72 * 15), ("vr_nvl72", "scale_up_aggregate_tb_s", 72 * 3.6),
    ("vr_nvl72", "hbm_total_tb", 72 * 0.288), ("vr_nvl72", "hbm_bw_total_tb_s", 72 * 22), ("vr_nvl72", "switch_asics", 9 * 4),
    ("vr_nvl72", "scale_up_to_scale_out_ratio", 3600 * 8 / 2 / 1600), ("kyber_nvl576", "dies", 144 * 4),
    ("kyber_nvl576", "hbm_total_tb", 144 * 1.024), ("helios", "hbm_total_tb", 72 * 0.432),
    ("cloudmatrix384", "hbm_total_tb", 384 * 0.128), ("cloudmatrix384", "kw_per_accelerator", 559 / 384),
    ("tpu_ironwood_pod", "hbm_total_tb", 9216 * 0.192), ("dgx_a100", "scale_up_aggregate_tb_s", 8 * 0.6),
    ("atlas960", "accelerators_per_rack", 15488 / 220),
]  # fmt: skip
ITEMS = [
    ("gb200_nvl72", "copper_cables", 72 * 18 * 4), ("gb200_nvl72", "copper_metres", 2 * 1609.344),
    ("gb200_nvl72", "hbm_stacks", 72 * 8), ("gb200_nvl72", "cowos_wafers", 72 / (16 * 0.93)),
    ("gb200_nvl72", "kw_facility", 132 * 1.1), ("gb200_nvl72", "usd_hbm", 13392 * 12.5),
    ("gb200_nvl72", "cold_plates", 72 + 36 + 18), ("gb300_nvl72", "usd_cooling", 18 * 2260 + 9 * 1020),
    ("trn2_ultraserver", "hbm_gb", 64 * 96), ("cloudmatrix384", "scale_up_optics", 384 * 18),
]  # fmt: skip


@pytest.mark.parametrize(("system", "field", "by_hand"), FIELDS)
def test_a_derived_figure_is_what_a_pencil_says(catalogue: Catalogue, system: str, field: str, by_hand: float) -> None:
    value = span_of(catalogue.raw[system][field])
    assert value is not None
    assert value.base == pytest.approx(by_hand, rel=1e-3)


@pytest.mark.parametrize(("system", "item", "by_hand"), ITEMS)
def test_an_item_of_the_bill_is_what_a_pencil_says(
    catalogue: Catalogue, system: str, item: str, by_hand: float
) -> None:
    assert items_of(catalogue, system)[item].base == pytest.approx(by_hand, rel=1e-3)
