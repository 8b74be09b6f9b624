"""The catalogue: what it says of a system, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tracker.errors import RuleError
from tracker.hardware.catalogue import Catalogue, load_catalogue, show_system
from tracker.resources import data_dir
from tracker.yaml_files import load

Spoil = Callable[..., Path]


def refused(folder: Path) -> str:
    with pytest.raises(RuleError) as caught:
        load_catalogue(folder)
    return str(caught.value)


def test_every_system_prints_all_fields_of_racks_yaml_as_json(catalogue: Catalogue) -> None:
    fields = set(load(data_dir("rules") / "hardware" / "racks.yaml").data["systems"][0])
    for system in catalogue.raw:
        shown = json.loads(json.dumps(show_system(catalogue, system)))
        assert fields - {"notes"} <= set(shown)


def test_totals_are_computed_from_parts_and_the_typed_ones_kept_beside(catalogue: Catalogue) -> None:
    shown = show_system(catalogue, "gb200_nvl72")
    assert shown["scale_up_aggregate_tb_s"] == pytest.approx(129.6)
    assert shown["published"]["scale_up_aggregate_tb_s"] == 130
    assert shown["kw_per_accelerator"]["base"] == pytest.approx(132 / 72)
    assert shown["scale_up_to_scale_out_ratio"] == pytest.approx(18)


def test_systems_frame_has_one_row_a_system_and_interval_ends(catalogue: Catalogue) -> None:
    frame = catalogue.systems
    assert frame["id"].n_unique() == frame.height == len(catalogue.raw)
    row = frame.filter(frame["id"] == "gb200_nvl72").to_dicts()[0]
    assert (row["rack_power_kw_low"], row["rack_power_kw"], row["rack_power_kw_high"]) == (120, 132, 145)


@pytest.mark.parametrize(
    ("name", "system"),
    [("NVL72", "gb200_nvl72"), ("VR NVL144", "vr_nvl72"), ("Vera Rubin NVL72", "vr_nvl72"), ("nvl576", "kyber_nvl576"),
     ("Kyber NVL144", "kyber_nvl576"), ("gb300-nvl72", "gb300_nvl72"), ("rubin_ultra", "kyber_nvl576")],
)  # fmt: skip
def test_names_by_dies_and_by_packages_lead_to_one_system(catalogue: Catalogue, name: str, system: str) -> None:
    assert catalogue.resolve(name) == system


def test_unknown_system_is_refused_with_the_known_ones(catalogue: Catalogue) -> None:
    with pytest.raises(RuleError, match="unknown system 'nvl9000'") as caught:
        catalogue.system("nvl9000")
    assert "gb200_nvl72" in str(caught.value)


def test_trays_that_do_not_make_the_domain_name_file_line_and_rule(spoil: Spoil) -> None:
    message = refused(
        spoil(
            "parts.yaml",
            "gb200_nvl72: {package: b200, accelerators_per_tray: 4",
            "gb200_nvl72: {package: b200, accelerators_per_tray: 5",
        )
    )
    assert re.search(
        r"racks\.yaml:\d+: gb200_nvl72: compute_trays x accelerators_per_tray = 18 x 5 = 90, but accelerators is 72",
        message,
    )


def test_contradictory_total_names_both_values(spoil: Spoil) -> None:
    message = refused(spoil("racks.yaml", "hbm_total_tb: 13.4", "hbm_total_tb: 15.4"))
    assert re.search(
        r"racks\.yaml:\d+: gb200_nvl72: hbm_total_tb is typed as 15\.4, but its parts make 13\.392", message
    )


def test_negative_number_names_its_line(spoil: Spoil) -> None:
    message = refused(spoil("racks.yaml", "weight_kg: 1360", "weight_kg: -1360"))
    assert re.search(r"racks\.yaml:\d+: .*-1360", message)


def test_missing_unit_names_its_line(spoil: Spoil) -> None:
    message = refused(spoil("parameters.yaml", "high: 1.2, unit: ratio, source", "high: 1.2, source"))
    assert re.search(r"parameters\.yaml:\d+: .*'unit' is a required property", message)


def test_unsourced_factor_names_its_line(spoil: Spoil) -> None:
    message = refused(spoil("parameters.yaml", "'assumption: usual saw street'", "'somebody said so'"))
    assert re.search(r"parameters\.yaml:\d+: .*somebody said so", message)


def test_unsourced_field_of_a_system_names_its_line(spoil: Spoil) -> None:
    message = refused(spoil("racks.yaml", "    lpddr_total_tb: [2]\n", ""))
    assert re.search(r"racks\.yaml:\d+: gb200_nvl72\.lpddr_total_tb has no source", message)


def test_disordered_interval_is_refused(spoil: Spoil) -> None:
    message = refused(
        spoil(
            "racks.yaml",
            "rack_power_kw: {low: 120, base: 132, high: 145}",
            "rack_power_kw: {low: 150, base: 132, high: 145}",
        )
    )
    assert "low <= base <= high does not hold" in message


def test_name_of_an_unknown_system_is_refused(spoil: Spoil) -> None:
    message = refused(spoil("parts.yaml", "{name: Helios, system: helios,", "{name: Helios, system: heliox,"))
    assert re.search(r"parts\.yaml:\d+: unknown system 'heliox'", message)


def test_unknown_factor_in_the_bill_is_refused(spoil: Spoil) -> None:
    message = refused(spoil("bom.yaml", "param.cdu_kw", "param.cdu_kilowatts"))
    assert re.search(r"bom\.yaml:\d+: cdus: unknown factor 'param\.cdu_kilowatts'", message)


def test_all_problems_are_told_at_once(spoil: Spoil) -> None:
    spoil("racks.yaml", "hbm_total_tb: 13.4", "hbm_total_tb: 15.4")
    message = refused(spoil("racks.yaml", "hbm_total_tb: 20.7", "hbm_total_tb: 99"))
    assert "2 problem(s)" in message
    assert "15.4" in message
    assert "99" in message


def test_a_folder_without_files_says_which_are_missing(tmp_path: Path) -> None:
    message = refused(tmp_path)
    assert "racks.yaml" in message
    assert "parameters.yaml" in message


def test_every_figure_has_order_unit_and_source(catalogue: Catalogue) -> None:
    for figure in catalogue.figures.values():
        assert figure.low <= figure.base <= figure.high
        assert figure.unit
        assert figure.source
        assert re.search(r"parameters\.yaml:\d+$", figure.where)
