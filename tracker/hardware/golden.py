"""Which expression of the model answers each golden number. Nothing here reads the formula or the inputs of golden.yaml."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import polars as pl

from tracker.hardware import derived, geometry
from tracker.hardware.bom import items_of
from tracker.hardware.catalogue import Catalogue
from tracker.hardware.convert import convert, quantity_of


class Model:
    """Short names for what the model can be asked; every answer comes from catalogue, bill, geometry or supply."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.c = catalogue

    def v(self, system: str, field: str) -> float:
        """A catalogued or derived field."""
        value = derived.span_of(self.c.raw[system].get(field))
        if value is None:
            raise KeyError(f"{system}.{field} is not known")
        return value.base

    def p(self, figure: str) -> float:
        """A factor of parameters.yaml."""
        return self.c.figure(figure).base

    def b(self, system: str, item: str) -> float:
        """An item of the bill of materials of one system."""
        return items_of(self.c, system)[item].base

    def s(self, series: str, period: str, entity: str | None = None) -> float:
        """A published series."""
        return self.c.supply_value(series, period, entity)

    def top(self, series: str, period: str, entity: str, on: str) -> float:
        """High end (else base) of a series as known on a day: of several estimates the newest."""
        c = pl.col
        rows = self.c.supply.filter(
            c("series") == series, c("period") == period, c("entity") == entity, c("published") <= on
        )
        value = rows.sort("published").select(pl.coalesce("high", "base").last()).item()
        if value is None:
            raise KeyError(f"{series} of {entity} for {period} was not known on {on}")
        return float(value)

    def trays(self, system: str, trays: str, each: str) -> float:
        """Trays times what stands in one."""
        return self.v(system, trays) * self.v(system, each)

    def stack_gb_s(self, hbm: str) -> float:
        """Bandwidth of one HBM stack from bus width and pin rate."""
        return self.p(f"hbm_bus_bits_{hbm}") * self.p(f"hbm_pin_gbit_s_{hbm}") / 8

    def kw_per(self, system: str, field: str) -> float:
        """Power per unit of a field, against GB200 NVL72 at the power the comparison used."""
        ours = self.v(system, "rack_power_kw") / self.v(system, field)
        return ours / (self.p("cm384_comparison_rack_kw") / self.v("gb200_nvl72", field))

    def tco(self, system: str, period: str, pflops: float) -> float:
        """Cost of one PFLOP-hour per accelerator."""
        return self.s("tco_per_gpu_hour", period) / pflops


GB, G3, VR, KY, HE, CM = "gb200_nvl72", "gb300_nvl72", "vr_nvl72", "kyber_nvl576", "helios", "cloudmatrix384"
AT, T2, T3, V5, IR = "atlas950", "trn2_ultraserver", "trn3_ultraserver", "tpu_v5p_pod", "tpu_ironwood_pod"
PER: Final = "_per_accelerator"

SYSTEMS: Final[dict[str, Callable[[Model], float]]] = {
    "gb200_nvlink_total": lambda m: m.v(GB, "scale_up_aggregate_tb_s"),
    "gb200_hbm_usable": lambda m: m.v(GB, "hbm_total_tb"),
    "nvl72_cpu_count": lambda m: m.trays(GB, "compute_trays", "cpus_per_tray"),
    "nvl72_switch_asics": lambda m: m.v(GB, "switch_asics"),
    "nvl72_cables": lambda m: m.b(GB, "copper_cables"),
    "nvlink5_port": lambda m: m.v(GB, "scale_up_port_gbytes_per_s") / 1000,
    "switch_tray_nvlink5": lambda m: m.b(GB, "switch_asics") * m.v(GB, "switch_asic_tb_s"),
    "gb200_lpddr": lambda m: m.v(GB, "lpddr_total_tb"),
    "gb200_hbm_bw": lambda m: m.v(GB, "hbm_bw_total_tb_s"),
    "gb200_fp4_dense": lambda m: m.v(GB, "dense_fp4_pflops"),
    "gb300_fp4_dense": lambda m: m.v(G3, "dense_fp4_pflops"),
    "gb300_over_gb200_fp4": lambda m: m.v(G3, "dense_fp4_pflops") / m.v(GB, "dense_fp4_pflops"),
    "gb300_hbm": lambda m: m.v(G3, "hbm_total_tb"),
    "b300_stack_capacity": lambda m: m.v(G3, "hbm_stacks" + PER) * m.v(G3, "hbm_gb_per_stack"),
    "gb300_power_shelf": lambda m: m.v(G3, "psus_per_shelf") * m.v(G3, "psu_kw"),
    "gb300_cooling_compute": lambda m: m.b(G3, "usd_cooling_compute"),
    "gb300_cooling_switch": lambda m: m.b(G3, "usd_cooling_switch"),
    "gb300_cooling_total": lambda m: m.b(G3, "usd_cooling"),
    "gb200_busbar_current": lambda m: m.p("design_rack_kw") * 1000 / m.p("busbar_v"),
    "gb200_weight": lambda m: m.v(GB, "weight_lb") * m.p("kg_per_lb"),
    "vr_nvlink_total": lambda m: m.v(VR, "scale_up_aggregate_tb_s"),
    "vr_switch_asics": lambda m: m.b(VR, "switch_asics"),
    "vr_scale_out": lambda m: m.trays(VR, "nics_per_tray", "nic_gbit_s") / m.v(VR, "accelerators_per_tray") / 1000,
    "mi355x_if": lambda m: m.v("mi355x_8", "scale_up_port_gbytes_per_s"),
    "ironwood_ici": lambda m: m.v(IR, "ici_tbit_s") * 1000 / 8,
    "dgx_b200_fp4": lambda m: m.v("dgx_b200", "dense_fp4_pflops"),
    "dgx_b200_fp8": lambda m: m.v("dgx_b200", "dense_fp8_pflops"),
    "trn2_power": lambda m: m.v(T2, "racks_per_system") * m.v(T2, "rack_power_kw_per_rack"),
    "vr_hbm_bw": lambda m: m.v(VR, "hbm_bw_total_tb_s") / 1000,
    "vr_fp4_training": lambda m: m.v(VR, "dense_fp4_pflops") / 1000,
    "vr_lpddr": lambda m: m.v(VR, "lpddr_total_tb"),
    "vr_power_shelf": lambda m: m.v(VR, "psus_per_shelf") * m.v(VR, "psu_kw"),
    "spectrum6_chip": lambda m: m.p("spectrum6_ports") * m.p("spectrum6_port_gbit_s") / 1000,
    "cpx_rack_fp4": lambda m: (
        (
            m.trays("vr_nvl144_cpx", "cpx_parts", "cpx_fp4_pflops")
            + m.trays(VR, "accelerators", "inference_fp4_pflops_per_accelerator")
        )
        / 1000
    ),
    "kyber_dies": lambda m: m.b(KY, "dies"),
    "kyber_blades": lambda m: m.v(KY, "pods") * m.v(KY, "blades_per_pod") * m.v(KY, "dies_per_blade"),
    "kyber_hbm": lambda m: m.v(KY, "hbm_total_tb"),
    "kyber_hbm_bw": lambda m: m.v(KY, "hbm_bw_total_tb_s"),
    "dgx_h100_nvlink": lambda m: m.v("dgx_h100", "scale_up_aggregate_tb_s"),
    "dgx_h100_fp8_sparse": lambda m: m.trays("dgx_h100", "accelerators", "sparse_fp8_pflops_per_accelerator"),
    "hgx_b200_hbm": lambda m: m.v("dgx_b200", "hbm_total_tb"),
    "gh200_nvl32_nodes": lambda m: m.trays("gh200_nvl32", "compute_trays", "accelerators_per_tray"),
    "helios_hbm": lambda m: m.v(HE, "hbm_total_tb"),
    "helios_hbm_bw": lambda m: m.v(HE, "hbm_bw_total_tb_s") / 1000,
    "helios_scale_up": lambda m: m.v(HE, "scale_up_aggregate_tb_s"),
    "helios_fp4": lambda m: m.v(HE, "dense_fp4_pflops") / 1000,
    "helios_fp8": lambda m: m.v(HE, "dense_fp8_pflops") / 1000,
    "helios_scale_out": lambda m: m.v(HE, "scale_out_total_tbit_s") / 8 * 2,
    "helios_trays": lambda m: m.trays(HE, "compute_trays", "accelerators_per_tray"),
    "mi355x_hbm": lambda m: m.v("mi355x_8", "hbm_total_tb"),
    "cm384_hbm": lambda m: m.v(CM, "hbm_total_tb"),
    "cm384_hbm_bw": lambda m: m.v(CM, "hbm_bw_total_tb_s"),
    "cm384_bf16_paper": lambda m: m.v(CM, "dense_bf16_pflops"),
    "cm384_optics_per_npu": lambda m: m.v(CM, "optical_modules_per_accelerator"),
    "cm384_l1_switches": lambda m: m.trays(CM, "compute_trays", "first_level_switches_per_tray"),
    "cm384_power_ratio": lambda m: m.v(CM, "rack_power_kw") / m.p("cm384_comparison_rack_kw"),
    "cm384_w_per_flop": lambda m: (
        m.v(CM, "rack_power_kw")
        / m.v(CM, "bf16_pflops_vendor_total")
        / (m.p("cm384_comparison_rack_kw") / m.v(GB, "dense_bf16_pflops"))
    ),
    "cm384_w_per_bw": lambda m: m.kw_per(CM, "hbm_bw_total_tb_s"),
    "cm384_w_per_tb": lambda m: (
        m.v(CM, "rack_power_kw")
        / m.v(CM, "hbm_total_tb")
        / (m.p("cm384_comparison_rack_kw") / m.v(GB, "hbm_physical_total_tb"))
    ),
    "cm384_scale_up_ratio": lambda m: (
        m.trays(CM, "accelerators", "scale_up_tbit_s_one_way_press") / (m.v(GB, "scale_up_aggregate_tb_s") * 8 / 2)
    ),
    "atlas950_fp8": lambda m: m.v(AT, "dense_fp8_pflops") / 1000,
    "atlas950_fp4": lambda m: m.v(AT, "dense_fp4_pflops") / 1000,
    "atlas950_scale_up": lambda m: m.v(AT, "scale_up_aggregate_tb_s") / 1000,
    "atlas950_supercluster": lambda m: m.trays(AT, "pods_per_supercluster", "accelerators"),
    "trn2_chips": lambda m: m.trays(T2, "compute_trays", "accelerators_per_tray"),
    "trn2_hbm": lambda m: m.b(T2, "hbm_gb"),
    "trn2_fp8": lambda m: m.v(T2, "dense_fp8_pflops"),
    "trn3_chips": lambda m: m.trays(T3, "compute_trays", "accelerators_per_tray"),
    "trn3_hbm": lambda m: m.b(T3, "hbm_gb"),
    "trn3_hbm_bw": lambda m: m.v(T3, "hbm_bw_total_tb_s"),
    "tpu_v5p_pod_chips": lambda m: m.v(V5, "torus_x") * m.v(V5, "torus_y") * m.v(V5, "torus_z"),
    "tpu_v5p_pod_hbm": lambda m: m.v(V5, "hbm_physical_total_tb"),
    "tpu_v5p_pod_bf16": lambda m: m.trays(V5, "accelerators", "bf16_tflops_per_accelerator") / 1e6,
    "ironwood_hbm": lambda m: m.v(IR, "hbm_total_tb") / 1000,
    "ironwood_fp8": lambda m: m.v(IR, "dense_fp8_pflops") / 1000,
}

OTHERS: Final[dict[str, Callable[[Model], float]]] = {
    "hbm4_stack_bw": lambda m: m.stack_gb_s("hbm4"),
    "hbm3e_stack_bw": lambda m: m.stack_gb_s("hbm3e") / 1000,
    "trn3_hbm_bw_chip": lambda m: m.v(T3, "hbm_stacks" + PER) * m.stack_gb_s("hbm3e") / 1000,
    "hbm_2026_exabytes": lambda m: m.s("hbm_bit_shipments", "2026") / 8,
    "reticle_area": lambda m: geometry.reticle_area(m.p("reticle_w_mm"), m.p("reticle_h_mm")),
    "cowos_3p3_reticle": lambda m: m.v(GB, "interposer_mm2"),
    "cowos_5p5_reticle": lambda m: m.v(VR, "interposer_mm2"),
    "cowos_8_reticle": lambda m: m.v(KY, "interposer_mm2"),
    "wafer_area": lambda m: geometry.wafer_area(m.p("wafer_diameter_mm")),
    "gross_die_reticle": lambda m: float(
        geometry.gross_dies(
            m.p("reticle_w_mm"), m.p("reticle_h_mm"), edge_mm=m.p("edge_exclusion_mm"), scribe_mm=m.p("scribe_mm")
        )
    ),
    "gross_die_small": lambda m: geometry.gross_dies_by_area(50, m.p("wafer_diameter_mm")),
    "cowos_growth_2026": lambda m: (
        100
        * (
            float(
                m.c.supply.filter(
                    (m.c.supply["series"] == "tsmc_cowos_capacity") & (m.c.supply["period"] == "end-2026")
                )["low"][0]
            )
            / m.s("tsmc_cowos_capacity", "end-2025")
            - 1
        )
    ),
    "cowos_growth_2027": lambda m: (
        100
        * (
            m.s("tsmc_cowos_capacity", "end-2027")
            / float(
                m.c.supply.filter(
                    (m.c.supply["series"] == "tsmc_cowos_capacity") & (m.c.supply["period"] == "end-2026")
                )["low"][0]
            )
            - 1
        )
    ),
    "vr_price_rise": lambda m: 100 * (m.v(VR, "price_usd_m") / m.v(G3, "price_usd_m") - 1),
    "vr_memory_share": lambda m: 100 * m.p("vr_memory_usd") / m.p("vr_rack_usd"),
    "vr_gpu_subtotal": lambda m: m.b(VR, "accelerators") * m.p("gpu_usd_rubin") / 1e6,
    "gb_gpu_subtotal": lambda m: m.b(GB, "accelerators") * m.p("gpu_usd_blackwell") / 1e6,
    "tco_fp8_gb300": lambda m: m.tco(G3, "2026 GB300", m.v(G3, "dense_fp8_pflops") / m.v(G3, "accelerators")),
    "tco_fp8_vr": lambda m: m.tco(VR, "2026 VR NVL72", m.v(VR, "implied_fp8_pflops" + PER)),
    "tco_fp4_gb300": lambda m: m.tco(G3, "2026 GB300", m.v(G3, "dense_fp4_pflops") / m.v(G3, "accelerators")),
    "tco_fp4_vr": lambda m: m.tco(VR, "2026 VR NVL72", m.v(VR, "dense_fp4_pflops") / m.v(VR, "accelerators")),
    "tco_fp4_vr_sparse": lambda m: m.tco(VR, "2026 VR NVL72", m.v(VR, "inference_fp4_pflops" + PER)),
    "gw_cost": lambda m: m.p("nvidia_usd_per_gw_bn") + m.p("site_usd_per_gw_bn"),
    "gw_gpu_dies": lambda m: 1e6 / (m.p("design_rack_kw") * m.p("bank_pue")) * m.b(GB, "dies") / 1e6,
    "gw_racks": lambda m: convert("1 GW", m.c).racks_base,
    "colossus2_cooling": lambda m: 200_000 / m.p("colossus_rack_kw") * m.b(GB, "accelerators"),
    "nvda_fy27q1_dc_share": lambda m: (
        100 * m.s("nvda_data_center_revenue", "FY2027Q1") / m.s("nvda_revenue", "FY2027Q1")
    ),
    "msft_fy26h1_capex": lambda m: m.s("capex", "2025Q3", "MSFT") + m.s("capex", "2025Q4", "MSFT"),
    "nvda_fy26q3_dc_parts": lambda m: (
        m.s("nvda_compute_revenue", "FY2026Q3") + m.s("nvda_networking_revenue", "FY2026Q3")
    ),
    "big4_2026_capex": lambda m: sum(
        m.top("capex", period, buyer, "2026-04-30")
        for buyer, period in (("AMZN", "2026"), ("MSFT", "FY2027"), ("GOOGL", "2026"), ("META", "2026"))
    ),
    # own numbers
    "own_b200_per_cowos_wafer": lambda m: m.v(GB, "packages_per_cowos_wafer"),
    "own_h100_per_cowos_wafer": lambda m: m.v("dgx_h100", "packages_per_cowos_wafer"),
    "own_rubin_per_cowos_wafer": lambda m: m.v(VR, "packages_per_cowos_wafer"),
    "own_gb300_shelf_kw_total": lambda m: m.v(G3, "power_shelves") * m.v(G3, "psus_per_shelf") * m.v(G3, "psu_kw"),
    "own_spine_metres": lambda m: m.b(GB, "copper_metres") / m.b(GB, "copper_cables"),
    "own_nvl72_dies": lambda m: m.b(GB, "dies"),
    "own_atlas950_hbm": lambda m: m.v(AT, "hbm_total_tb"),
    "own_cm384_scale_up": lambda m: m.v(CM, "scale_up_aggregate_tb_s"),
    "own_nvl144_is_72_packages": lambda m: m.v(m.c.resolve("NVL144"), "accelerators"),
    "own_a100_nvlink_total": lambda m: m.v("dgx_a100", "scale_up_aggregate_tb_s"),
    "own_a100_hbm": lambda m: m.b("dgx_a100", "hbm_gb"),
    "own_h100_port": lambda m: m.v("dgx_h100", "scale_up_port_gbytes_per_s"),
    "own_gb200_hbm_physical": lambda m: m.v(GB, "hbm_physical_total_tb"),
    "own_vr_hbm": lambda m: m.v(VR, "hbm_total_tb"),
    "own_cm384_modules": lambda m: m.b(CM, "scale_up_optics"),
    "own_round_trip_gw": lambda m: quantity_of(m.c, convert("1 GW", m.c).racks_base, "kw_facility").base / 1e6,
}

# Known numbers the model has no own way to: kept, shown, never counted as reproduced.
UNREPRODUCED: Final[dict[str, str]] = {
    "gw_site_bethune": "price of one announced site in euro; the model prices racks and a range of sites, not this one",
    "gw_site_softbank": "price of one announced programme in euro, four years long; not modelled",
}
EXPRESSIONS: Final[dict[str, Callable[[Model], float]]] = {
    k: v for k, v in (SYSTEMS | OTHERS).items() if k not in UNREPRODUCED
}


def answer(model: Model, golden_id: str) -> tuple[float | None, str]:
    """The model's value of a golden number, or None and why there is none."""
    if golden_id in UNREPRODUCED:
        return None, f"unreproduced: {UNREPRODUCED[golden_id]}"
    expression: Any = EXPRESSIONS.get(golden_id)
    if expression is None:
        return None, "no expression of the model is bound to this number (tracker/hardware/golden.py)"
    try:
        return float(expression(model)), ""
    except (KeyError, ZeroDivisionError, TypeError) as error:
        return None, f"the model has no value: {error}"
