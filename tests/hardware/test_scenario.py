"""Scenarios change what they say and nothing else; the tornado turns one input at a time; pictures are drawn."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.test_cli import tracker
from tracker.errors import RuleError
from tracker.extract.lexicon import load_lexicon
from tracker.hardware.catalogue import Catalogue, checked_files
from tracker.hardware.interconnect import load_interconnect
from tracker.hardware.ledger import pair_sides
from tracker.hardware.ledger_rules import load_ledger_rules
from tracker.hardware.model_facts import catalogue_facts, ledger_facts
from tracker.hardware.pictures import ledger_bars, rack_diagram
from tracker.hardware.scaling import generations
from tracker.hardware.scenario import Model, Outcome, changed_model, load_scenario, run_scenario, tornado
from tracker.hardware.supply_links import supply_flows
from tracker.resources import data_dir
from tracker.vocabulary import MODEL_KINDS, SCORED_FACTS_SCHEMA, empty

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "scenarios"


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(
        data={name: f.data for name, f in checked_files(data_dir("rules") / "hardware").items()},
        rules=load_ledger_rules(),
        net=load_interconnect(),
        facts=empty(SCORED_FACTS_SCHEMA),
        entities=load_lexicon([data_dir("rules")]).entities,
        as_of=datetime(2026, 11, 24, tzinfo=UTC),
    )


def run(model: Model, tmp_path: Path, text: str) -> Outcome:
    path = tmp_path / "scenario.yaml"
    path.write_text(f"name: test\nchanges:\n{text}", encoding="utf-8")
    return run_scenario(model, load_scenario(path))


def test_a_change_of_nothing_changes_nothing(model: Model, tmp_path: Path) -> None:
    made = run(model, tmp_path, "  - {figure: pue, multiply: 1.0}\n")
    assert made.rows.is_empty()
    assert made.items.is_empty()
    assert made.before.tightest.equals(made.after.tightest)


def test_a_fifth_more_wafers_gives_a_fifth_more_cowos_racks(model: Model) -> None:
    read = load_scenario(EXAMPLES / "cowos-plus-20.yaml")
    changed, _ = changed_model(model, read)
    before, after = (supply_flows(m.catalogue().supply, m.catalogue(), m.rules, m.as_of) for m in (model, changed))
    place = ("CY2026Q4", "cowos")
    assert after[place].racks.base / before[place].racks.base == pytest.approx(1.2)
    made = run_scenario(model, read)
    assert set(made.rows["link"]) == {"cowos", "substrate", "liquid_cooling"}  # what hangs on CoWoS, and nothing else
    assert made.rows["change"].min() > 0  # type: ignore[operator]


def test_a_delayed_link_gives_a_quarter_what_the_one_before_would_have_had(model: Model, tmp_path: Path) -> None:
    made = run(model, tmp_path, "  - {link: cowos, from: CY2025Q3, delay_quarters: 1}\n")
    assert set(made.rows["link"]) == {"cowos"}
    late = made.rows.filter(pl.col("quarter") == "CY2025Q3")
    assert late.item(0, "after") < late.item(0, "before")


def test_a_late_generation_changes_wafers_power_and_the_count_of_racks_money_buys(model: Model) -> None:
    made = run_scenario(model, load_scenario(EXAMPLES / "hbm4-one-quarter-late.yaml"))
    moved = {(r["quarter"], r["link"], r["side"]): r["change"] for r in made.rows.iter_rows(named=True)}
    assert moved["CY2026Q3", "cowos", "supply"] > 0  # sixteen packages a wafer instead of nine
    assert moved["CY2026Q3", "power", "supply"] > 0  # 132 kW a rack instead of 210
    assert moved["CY2026Q3", "racks", "demand"] > 0  # and the cheaper rack
    assert moved["CY2026Q3", "hbm", "supply"] < 0


def test_heavier_racks_make_power_the_tightest_link(model: Model) -> None:
    made = run_scenario(model, load_scenario(EXAMPLES / "rack-of-600-kw.yaml"))
    last = made.tightest.sort("quarter").row(-1, named=True)
    assert last["link_after"] == "power"
    assert last["gap_after"] > last["gap_before"]


def test_optics_take_the_copper_out_and_add_power_and_price(model: Model) -> None:
    made = run_scenario(model, load_scenario(EXAMPLES / "optical-scale-up.yaml"))
    bill = made.items.filter(pl.col("system") == "gb200_nvl72").rows_by_key("item", named=True, unique=True)
    assert bill["copper_cables"]["after"] == 0
    assert bill["kw_it"]["after"] == pytest.approx(bill["kw_it"]["before"] + 5.832 - 0.1296)
    assert bill["usd_system"]["after"] > bill["usd_system"]["before"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("{figure: no_such, multiply: 2}", "no figure 'no_such'"),
        ("{series: no_such, multiply: 2}", "no series"),
        ("{system: gb999, field: rack_power_kw, set: 5}", "unknown system 'gb999'"),
        ("{system: gb200_nvl72, field: colour, set: 5}", "has no figure 'colour'"),
        ("{system: gb200_nvl72, scale_up_medium: string}", "no medium 'string'"),
        ("{link: hmb, multiply: 2}", "no link 'hmb'"),
        ("{link: hbm, multiply: -2}", "not valid"),
        ("{generations: 2026, set: {gb999: 1.0}}", "unknown system 'gb999'"),
        ("{generations: 2026, set: {vr_nvl72: 0.5}}", "sum to 0.5, not to 1"),
        ("{generations: 2031, set: {vr_nvl72: 1.0}}", "no generations for 2031"),
        ("{link: hbm, from: 2026, multiply: 2}", "not valid"),
    ],
)
def test_a_change_that_finds_nothing_names_its_line(model: Model, tmp_path: Path, change: str, said: str) -> None:
    with pytest.raises(RuleError, match=r"scenario\.yaml:3") as error:
        run(model, tmp_path, f"  - {change}\n")
    assert said in str(error.value)


def test_the_tornado_is_widest_first_and_turns_one_input(model: Model) -> None:
    rows = model.ledger()
    base = pair_sides(rows.ledger).row(
        by_predicate=(pl.col("quarter") == "CY2026Q4") & (pl.col("link") == "racks"), named=True
    )
    *_, (done, total, swings) = tornado(model, "CY2026Q4", "racks")
    assert done == total
    assert swings["swing"].is_sorted(descending=True)
    assert swings["base"].unique().to_list() == pytest.approx([base["demand_base"] - base["supply_base"]])
    # a dearer rack means fewer racks for the same money: the gap falls from the low price to the high one
    price = swings.row(by_predicate=pl.col("input") == "system:gb200_nvl72.price_usd_m", named=True)
    assert price["at_low"] > price["base"] > price["at_high"]


def test_a_quarter_without_the_link_is_refused_with_those_there_are(model: Model) -> None:
    with pytest.raises(RuleError, match="CY2031Q1 has not both sides") as error:
        next(tornado(model, "CY2031Q1", "racks"))
    assert "CY2026Q4 racks" in str(error.value)


def test_the_command_tells_ledger_tightest_link_and_swings(tmp_path: Path) -> None:
    picture = tmp_path / "tornado.svg"
    file = str(EXAMPLES / "rack-of-600-kw.yaml")
    database = str(tmp_path / "none.duckdb")
    done = tracker("model", "scenario", file, "--db", database, "--picture", str(picture), "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["link"] == "power"
    assert told["tornado"]
    assert picture.read_text(encoding="utf-8").startswith("<?xml")


def test_a_picture_with_another_ending_is_refused(tmp_path: Path) -> None:
    done = tracker("model", "show", "gb200_nvl72", "--picture", str(tmp_path / "rack.gif"), cwd=tmp_path)
    assert done.returncode == 2
    assert ".svg or .png" in done.stderr


@pytest.mark.parametrize("system", ["gb200_nvl72", "kyber_nvl576", "cloudmatrix384", "tpu_ironwood_pod"])
def test_every_kind_of_rack_can_be_drawn(catalogue: Catalogue, tmp_path: Path, system: str) -> None:
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    for path in (first, second):
        rack_diagram(catalogue.system(system), path)
    assert first.read_bytes() == second.read_bytes()  # the same figures draw the same picture
    text = first.read_text(encoding="utf-8")
    assert text.count("<path") > 20


def test_the_ledger_can_be_drawn(model: Model, tmp_path: Path) -> None:
    ledger_bars(model.ledger().ledger, tmp_path / "ledger.png")
    assert (tmp_path / "ledger.png").read_bytes().startswith(b"\x89PNG")
    ledger_bars(model.ledger().ledger.clear(), tmp_path / "empty.png")


def test_generations_speak_on_their_day_and_against_the_one_before(catalogue: Catalogue) -> None:
    assert generations(catalogue)["NVDA"][1:] == ["dgx_h100", "gb200_nvl72", "gb300_nvl72", "vr_nvl72", "kyber_nvl576"]
    told = catalogue_facts(catalogue, load_interconnect())
    assert set(told["kind"]) <= set(MODEL_KINDS)
    assert told["fact_id"].is_unique().all()
    step = told.row(by_predicate=pl.col("fact_id") == "system:gb200_nvl72:domain_step", named=True)
    assert step["value_low"] == pytest.approx(800)  # 72 against 8
    assert step["published_at"] == datetime(2024, 3, 18, tzinfo=UTC)


def test_a_shortage_becomes_a_fact_of_its_product() -> None:
    events = pl.DataFrame(
        {
            "quarter": ["CY2026Q4"], "event": ["shortage"], "link": ["hbm"], "previous": [None], "gap_base": [900.0],
            "confidence": [0.9], "say": ["said"],
        }
    )  # fmt: skip
    fact = ledger_facts(events, datetime(2026, 11, 24, tzinfo=UTC)).row(0, named=True)
    assert (fact["kind"], fact["product"], fact["racks_base"]) == ("ledger_shortage", "hbm", 900.0)
