"""The ledger from published figures alone and with facts: sums, order of arrival, time travel, attribution, signals."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tracker.errors import RuleError
from tracker.hardware.catalogue import Catalogue
from tracker.hardware.demand import UNSEEN, price_ratios, shares_of_demand
from tracker.hardware.figures import Interval
from tracker.hardware.ledger import (
    Ledger,
    build_ledger,
    installed_base,
    ledger_signals,
    tightest,
)
from tracker.hardware.ledger_rules import load_ledger_rules, quarter_at, quarter_index
from tracker.hardware.mix import mix_of, per_rack
from tracker.hardware.observations import built_in_entities, spread
from tracker.hardware.reconcile import reconcile
from tracker.hardware.supply_links import Series, supply_flows, with_stock
from tracker.resources import data_dir
from tracker.vocabulary import LEDGER_SCHEMA, SCORED_FACTS_SCHEMA, conform, empty

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RACKS = ("racks_low", "racks_base", "racks_high")
SHARE = load_ledger_rules().figures["nvidia_share_of_demand"]


@pytest.fixture(scope="module")
def figures_only(catalogue: Catalogue) -> Ledger:
    return build_ledger(empty(SCORED_FACTS_SCHEMA), catalogue.supply, catalogue, NOW)


def a_fact(fact_id: str, racks: float, **fields: object) -> dict[str, object]:
    said = {"kind": "capex", "entity": "META", "period": "CY2026Q2", "basis": "actual"}
    times = {"published_at": datetime(2026, 7, 30, tzinfo=UTC)}
    return {
        "fact_id": fact_id,
        **said,
        **times,
        "racks_low": racks / 2,
        "racks_base": racks,
        "racks_high": racks * 2,
    } | fields


def facts(*rows: dict[str, object]) -> pl.DataFrame:
    return conform(pl.DataFrame(list(rows), infer_schema_length=None), SCORED_FACTS_SCHEMA)


def value(ledger: Ledger, quarter: str, link: str, side: str) -> float:
    found = ledger.ledger.filter(pl.col("quarter") == quarter, pl.col("link") == link, pl.col("side") == side)
    return float(found["racks_base"].item())


def test_published_figures_alone_give_a_ledger_of_every_link(figures_only: Ledger) -> None:
    assert dict(figures_only.ledger.schema) == LEDGER_SCHEMA
    assert set(figures_only.ledger["link"]) == {link.id for link in load_ledger_rules().links}
    assert set(figures_only.ledger["side"]) == {"demand", "supply"}


def test_low_base_and_high_are_in_order_everywhere(figures_only: Ledger) -> None:
    for frame in (figures_only.ledger, figures_only.attribution):
        assert frame.filter(
            (pl.col("racks_low") > pl.col("racks_base")) | (pl.col("racks_base") > pl.col("racks_high"))
        ).is_empty()


def test_rack_supply_is_the_published_shipment_estimate(figures_only: Ledger) -> None:
    assert value(figures_only, "CY2025Q1", "racks", "supply") == 2750
    assert value(figures_only, "CY2025Q3", "racks", "supply") == 8500


def test_a_part_is_wanted_its_lead_time_before_the_rack(figures_only: Ledger) -> None:
    rack = value(figures_only, "CY2026Q1", "racks", "demand")
    assert value(figures_only, "CY2025Q4", "cowos", "demand") == rack
    assert value(figures_only, "CY2025Q3", "substrate", "demand") == rack


def test_the_parts_of_a_quarter_sum_to_its_demand(figures_only: Ledger) -> None:
    demand = figures_only.attribution.filter(pl.col("side") == "demand").group_by("quarter").agg(pl.col(*RACKS).sum())
    rows = figures_only.ledger.filter((pl.col("link") == "racks") & (pl.col("side") == "demand"))
    both = rows.join(demand, on="quarter", suffix="_sum")
    assert both.height == rows.height > 0
    assert (both["racks_base"] - both["racks_base_sum"]).abs().max() < 1e-6  # type: ignore[operator]


def test_every_number_names_its_inputs(figures_only: Ledger) -> None:
    assert figures_only.ledger["inputs"].list.len().min() > 0  # type: ignore[operator]


def test_a_fact_replaces_the_figure_for_the_same_quarter(catalogue: Catalogue, figures_only: Ledger) -> None:
    told = build_ledger(facts(a_fact("f1", 9_000.0)), catalogue.supply, catalogue, NOW)
    meta = told.attribution.filter(pl.col("quarter") == "CY2026Q2", pl.col("entity") == "META")
    assert meta["input"].to_list() == ["f1"]
    price = price_ratios(catalogue, load_ledger_rules(), NOW, ["CY2026Q2"])["CY2026Q2"]
    assert 0.5 < price < 0.8  # a rack of 2026 costs half as much again as one of the first generation
    assert meta["racks_base"].item() == pytest.approx(9_000 * SHARE.base * price)
    assert value(told, "CY2026Q2", "racks", "demand") > value(figures_only, "CY2026Q2", "racks", "demand")


def test_a_fact_published_later_does_not_count(catalogue: Catalogue, figures_only: Ledger) -> None:
    later = a_fact("f1", 50_000.0, published_at=datetime(2026, 12, 1, tzinfo=UTC))
    assert build_ledger(facts(later), catalogue.supply, catalogue, NOW).ledger.equals(figures_only.ledger)


def test_an_earlier_moment_knows_less(catalogue: Catalogue) -> None:
    early = build_ledger(empty(SCORED_FACTS_SCHEMA), catalogue.supply, catalogue, datetime(2025, 7, 1, tzinfo=UTC))
    known = set(early.attribution["input"])
    assert "supply:capex:META:2025Q1" in known
    assert "supply:capex:META:2025Q4" not in known


def test_the_order_of_arrival_changes_nothing(catalogue: Catalogue) -> None:
    rows = facts(
        a_fact("f1", 5_000.0),
        a_fact("f2", 6_000.0, basis="guidance"),
        a_fact("f3", 7_000.0, published_at=datetime(2026, 8, 3, tzinfo=UTC)),
        a_fact("f4", 900.0, kind="order", period=None, entity="MSFT"),
        a_fact("f5", 40_000.0, period="CY2026", entity="ORCL", basis="guidance"),
    )
    first = build_ledger(rows, catalogue.supply, catalogue, NOW)
    for seed in range(4):
        shuffled = rows.sample(fraction=1.0, shuffle=True, seed=seed)
        supply = catalogue.supply.sample(fraction=1.0, shuffle=True, seed=seed).filter(pl.col("series") == "capex")
        again = build_ledger(shuffled, catalogue.supply, catalogue, NOW)
        assert again.ledger.equals(first.ledger)
        assert again.tightest.equals(first.tightest)
        in_order = shares_of_demand(rows, catalogue.supply, catalogue, NOW).filter(pl.col("kind") != "segment_revenue")
        assert shares_of_demand(shuffled, supply, catalogue, NOW).equals(in_order)


def test_a_year_gives_its_quarters_only_what_is_left() -> None:
    rows = [a_fact("q", 4_000.0), a_fact("y", 10_000.0, period="CY2026", basis="guidance")]
    columns = ["fact_id", "kind", "entity", "period", "basis", "published_at", *RACKS]
    found = pl.DataFrame(rows).select(columns).rename({"fact_id": "id"})
    got = dict(spread(found, built_in_entities(), {}).select("quarter", "racks_base").iter_rows())
    assert got == {"CY2026Q1": 2_000, "CY2026Q2": 4_000, "CY2026Q3": 2_000, "CY2026Q4": 2_000}


def test_the_same_racks_at_three_points_are_shown_not_added(catalogue: Catalogue, figures_only: Ledger) -> None:
    shares = shares_of_demand(empty(SCORED_FACTS_SCHEMA), catalogue.supply, catalogue, NOW)
    seen = reconcile(shares, figures_only.ledger, built_in_entities()).filter(pl.col("quarter") == "CY2025Q4")
    assert set(seen["view"]) == {"buyers", "leader", "shipments"}
    assert seen["middle"].unique().to_list() == [pytest.approx(float(seen["racks_base"].median()))]  # type: ignore[arg-type]
    demand = value(figures_only, "CY2025Q4", "racks", "demand")
    assert seen.filter(pl.col("view") == "buyers")["racks_base"].item() == demand


def test_stock_is_carried_over_up_to_its_limit() -> None:
    flows = {q: Interval(8, 10, 12) for q in ("CY2026Q1", "CY2026Q2", "CY2026Q3")}
    demand = {"CY2026Q1": Interval(1, 2, 3), "CY2026Q2": Interval(13, 14, 15)}
    got = with_stock(flows, demand, 0.5)
    assert [got[q][1] for q in sorted(got)] == [0, 5, 1]  # 8 left, capped at 5; then 15 - 14 = 1


def ledger_of(**supply: float) -> Ledger:
    rows = [
        {"quarter": "CY2026Q1", "link": link, "side": side, "racks_low": b * 0.9, "racks_base": b, "racks_high": b * 1.1,
         "method": "test", "inputs": ["x"]}
        for link, amount in supply.items()
        for side, b in (("demand", 100.0), ("supply", amount))
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=LEDGER_SCHEMA).sort("quarter", "link", "side")
    return Ledger(frame, pl.DataFrame(), tightest(frame))


def test_the_tightest_link_has_the_least_supply_per_demand() -> None:
    row = ledger_of(cowos=50, hbm=150).tightest.row(0, named=True)
    assert (row["link"], row["gap_base"], row["confidence"], row["short"]) == ("cowos", 50, 1.0, 1.0)


def test_close_links_make_the_choice_unsure() -> None:
    assert 0.4 < ledger_of(cowos=100, hbm=101).tightest["confidence"].item() < 0.8


def test_signals_name_a_changed_link_and_a_divergence() -> None:
    before, after = ledger_of(cowos=80, hbm=150), ledger_of(cowos=150, hbm=60)
    got = ledger_signals(before, after)
    assert set(got["event"]) == {"tightest_link_changed", "divergence"}
    assert got["previous"].unique().to_list() == ["cowos"]


def test_nothing_changed_is_silent() -> None:
    same = ledger_of(cowos=80, hbm=150)
    assert ledger_signals(same, same).is_empty()


def test_racks_shipped_are_an_outcome_and_never_the_tightest_link() -> None:
    row = ledger_of(racks=10, cowos=90, hbm=150).tightest.row(0, named=True)
    assert row["link"] == "cowos"


def test_a_figure_counts_from_the_day_it_was_published(catalogue: Catalogue) -> None:
    def wafers(*day: int) -> Interval | None:
        return Series(catalogue.supply, datetime(*day, tzinfo=UTC)).value("tsmc_cowos_capacity", "end-2026")  # type: ignore[arg-type]

    assert wafers(2026, 1, 22) is None  # no dated estimate yet
    first, last = wafers(2026, 2, 1), wafers(2026, 3, 1)
    assert first is not None
    assert last is not None
    assert (first.base, last.base) == (120_000, 130_000)  # the newer one replaces the older


def test_what_was_known_of_2026_grew_with_time(catalogue: Catalogue) -> None:
    days = [datetime(2025, 1, 10, tzinfo=UTC), datetime(2025, 12, 15, tzinfo=UTC), NOW]
    made = [build_ledger(empty(SCORED_FACTS_SCHEMA), catalogue.supply, catalogue, day) for day in days]
    supply = [set(m.ledger.filter(pl.col("side") == "supply").select("quarter", "link").rows()) for m in made]
    assert supply[0] < supply[1] < supply[2]


def test_memory_of_a_rack_follows_the_generations_of_its_year(catalogue: Catalogue) -> None:
    rules = load_ledger_rules()
    early, late = (mix_of(rules.mixes, year, NOW) for year in ("2024", "2026"))
    assert early is not None
    assert late is not None
    a, b = (per_rack(catalogue, m, "hbm_total_tb") for m in (early, late))
    assert a is not None
    assert b is not None
    assert a.base == pytest.approx(13.392)
    assert 18 < b.base < 20.8
    assert mix_of(rules.mixes, "2026", datetime(2026, 1, 10, tzinfo=UTC)) != late  # then one guessed otherwise
    assert mix_of(rules.mixes, "2023", NOW) is None
    flow = supply_flows(catalogue.supply, catalogue, rules, NOW)["CY2026Q1", "hbm"]
    assert late.id in flow.inputs


def test_other_buyers_facts_fill_what_is_not_seen(catalogue: Catalogue) -> None:
    def parts(*rows: dict[str, object]) -> dict[str, float]:
        found = build_ledger(facts(*rows) if rows else empty(SCORED_FACTS_SCHEMA), catalogue.supply, catalogue, NOW)
        own = found.attribution.filter(pl.col("quarter") == "CY2026Q2", pl.col("side") == "demand")
        return dict(own.select("input", "racks_base").iter_rows())

    alone, told = parts(), parts(a_fact("x", 3_000.0, entity="XAI"))
    assert sum(told.values()) == pytest.approx(sum(alone.values()))  # XAI is one of those the total already holds
    assert told[UNSEEN] == pytest.approx(alone[UNSEEN] - told["x"])
    flood = parts(a_fact("x", 300_000.0, entity="XAI"))
    assert UNSEEN not in flood or flood[UNSEEN] == 0
    assert sum(flood.values()) > sum(alone.values())


def test_a_part_told_later_does_not_replace_the_whole(catalogue: Catalogue) -> None:
    def meta(*rows: dict[str, object]) -> set[str]:
        made = build_ledger(facts(*rows), catalogue.supply, catalogue, NOW)
        return set(made.attribution.filter(pl.col("quarter") == "CY2026Q4", pl.col("entity") == "META")["input"])

    about = {"period": "CY2026", "basis": "guidance", "published_at": datetime(2026, 10, 30, tzinfo=UTC)}
    assert meta(a_fact("part", 500.0, **about)) == {"supply:capex:META:2026"}
    assert meta(a_fact("raised", 20_000.0, **about)) == {"raised"}


def test_a_headline_without_a_period_and_a_year_read_as_a_quarter_are_left_out(catalogue: Catalogue) -> None:
    rows = [
        a_fact("headline", 90_000.0, period=None),
        a_fact("year", 20_000.0, period="CY2026", basis="guidance"),
        a_fact("misread", 18_000.0, period="CY2026Q4", basis="guidance"),
        a_fact("fine", 9_000.0, period="CY2026Q3", basis="guidance"),
        a_fact("order", 600.0, kind="order", period=None),
    ]
    shares = shares_of_demand(facts(*rows), catalogue.supply, catalogue, NOW)
    used = set(shares.filter(pl.col("entity") == "META")["input"])
    assert used >= {"year", "fine", "order"}
    assert not used & {"headline", "misread"}


def test_what_a_renter_announces_is_not_added(catalogue: Catalogue, figures_only: Ledger) -> None:
    rent = a_fact("lab", 90_000.0, entity="OPENAI", period="CY2026", basis="plan")
    assert build_ledger(facts(rent), catalogue.supply, catalogue, NOW).ledger.equals(figures_only.ledger)


def test_a_sure_shortage_is_told_without_a_ledger_before() -> None:
    assert ledger_signals(None, ledger_of(cowos=50, hbm=150))["event"].to_list() == ["shortage"]


def test_racks_retire_after_their_life(figures_only: Ledger) -> None:
    two = installed_base(figures_only.ledger, 2).filter(pl.col("quarter") == "CY2025Q3")
    assert two["racks_base"].item() == 2450 + 8500


def test_quarters_count() -> None:
    assert quarter_at(quarter_index("CY2026Q4") + 1) == "CY2027Q1"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("lead_quarters: 0, stock", "lead_quarters: -1, stock", "links.0"),
        ("low: 0.6, base", "low: 0.9, base", "low <= base"),
        ("gb200_nvl72: 0.87", "gb200_nvl72: 0.9", "sum to 1.03"),
    ],
)
def test_a_mistake_in_the_file_names_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (data_dir("rules") / "hardware" / "ledger.yaml").read_text(encoding="utf-8")
    path = tmp_path / "ledger.yaml"
    line = text[: text.index(old)].count("\n") + 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RuleError) as error:
        load_ledger_rules(path)
    assert f"ledger.yaml:{line}:" in str(error.value)
    assert says in str(error.value)
