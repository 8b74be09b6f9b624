"""Money that goes into a country, into plant, or into somebody else's shares; deliveries told in money; examples."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from tracker.extract.facts import extract_facts
from tracker.extract.lexicon import load_lexicon
from tracker.resources import data_dir

LEXICON = load_lexicon([data_dir("rules")])


def facts(text: str, lang: str = "en") -> list[dict[str, Any]]:
    frame = pl.DataFrame(
        {"doc_id": ["d"], "text": [text], "title": [text], "lang": [lang], "published_at": [date(2026, 3, 11)]}
    )
    return extract_facts(frame, LEXICON).to_dicts()


@pytest.mark.parametrize(
    ("text", "lang", "entity", "value", "currency"),
    [
        ("Microsoft will invest $3 billion in Portugal over two years.", "en", "MSFT", 3e9, "USD"),
        ("Amazon plans to spend $9 billion in Singapore, the company said.", "en", "AMZN", 9e9, "USD"),
        ("微軟宣布未來四年在泰國投資10億美元", "zh", "MSFT", 1e9, "USD"),
        ("Google宣布投資20億歐元在德國建設樞紐", "zh", "GOOGL", 2e9, "EUR"),
        ("廣達斥資15億擴產能", "zh", "2382.TW", 1.5e9, "TWD"),
        ("AWS在韓投資5兆韓圜", "zh", "AMZN", 5e12, "KRW"),
    ],
)
def test_money_that_goes_into_a_place_is_spent_on_plant(
    text: str, lang: str, entity: str, value: float, currency: str
) -> None:
    found = [
        (f["kind"], f["entity"], f["value_low"], f["currency"]) for f in facts(text, lang) if f["kind"] != "capacity"
    ]
    assert found == [("capex", entity, value, currency)]


@pytest.mark.parametrize(
    "text",
    [
        "Microsoft will invest $1 billion in start-ups in India.",
        "Amazon spent $2 billion on training and skills in Germany.",
        "Google put $1 billion into a venture fund in Israel.",
    ],
)
def test_money_for_companies_and_people_is_not(text: str) -> None:
    assert not [f for f in facts(text) if f["kind"] == "capex"]


def test_shipments_may_be_told_in_money_and_deliveries_of_revenue_are_revenue() -> None:
    shipped = facts("Dell shipped $4 billion of AI servers in the quarter.")
    assert [(f["kind"], f["value_low"]) for f in shipped] == [("shipment", 4e9)]
    delivered = facts("Nvidia delivered $4 billion of Blackwell revenue in the quarter.")
    assert [(f["kind"], f["value_low"]) for f in delivered] == [("segment_revenue", 4e9)]


def test_how_much_a_backlog_moved_by_is_no_backlog() -> None:
    found = facts("Vertiv's backlog reached $9 billion, growing sequentially by approximately $800 million.")
    assert [(f["kind"], f["value_low"]) for f in found] == [("backlog", 9e9)]


def test_an_example_is_not_installed() -> None:
    text = "谷歌把集群切成小片，比如64颗TPU用于推理。"
    assert not [f for f in facts(text, "zh") if f["kind"] == "deployment"]


def test_chinese_headlines_shout_growth() -> None:
    (fact,) = facts("Alphabet單季雲端營收爆82%", "zh")
    assert (fact["kind"], fact["value_low"], fact["unit"], fact["direction"]) == (
        "segment_revenue", 82.0, "pct_yoy", "up",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("SEMI expects sales of semiconductor manufacturing equipment to reach $140 billion in 2027, up 9%.", [1.4e11, 9.0]),
        ("Test equipment sales for semiconductors are forecast to surge 30% to $12 billion in 2027.", [30.0, 1.2e10]),
        ("NAND equipment spending is projected to rise 20% to $15 billion in 2027.", [20.0, 1.5e10]),
        ("We now expect WFE to be around $120 billion in 2027.", [1.2e11]),
    ],
)  # fmt: skip
def test_what_chip_makers_spend_on_equipment_is_the_markets_capex(text: str, values: list[float]) -> None:
    found = facts(text)
    assert {(f["kind"], f["entity"]) for f in found} == {("capex", "MARKET")}
    assert [f["value_low"] for f in found] == values


def test_an_equipment_makers_own_sales_stay_its_revenue() -> None:
    (fact,) = facts("Lam Research reported revenue of $5 billion from its etch equipment.")
    assert (fact["entity"], fact["value_low"]) == ("LRCX", 5e9)
    assert fact["kind"] in ("revenue", "segment_revenue")


def test_a_rate_in_front_of_another_clause_belongs_to_its_own() -> None:
    found = facts("Micron said DRAM bit shipments increased 9% sequentially while prices rose.")
    assert ("shipment", 9.0, "pct_qoq") in [(f["kind"], f["value_low"], f["unit"]) for f in found]
    assert not [f for f in found if f["kind"] == "price" and f["value_low"] is not None]


@pytest.mark.parametrize(
    ("text", "entity", "count"),
    [
        ("Crusoe will operate 350,000 GPUs at its Texas campus.", "CRUSOE", 350_000),
        ("Nscale aims to run 90,000 Nvidia GPUs by the end of 2027.", "NSCALE", 90_000),
        ("CoreWeave's site will host 40,000 GB300 GPUs.", "CRWV", 40_000),
    ],
)
def test_who_runs_or_houses_gpus_deploys_them(text: str, entity: str, count: int) -> None:
    (fact,) = facts(text)
    assert (fact["kind"], fact["entity"], fact["value_low"], fact["unit"]) == ("deployment", entity, count, "gpus")


def test_shipments_that_are_expected_to_move() -> None:
    (fact,) = facts("Micron expects DRAM bit shipments to decline in the second half of 2026.")
    assert (fact["kind"], fact["entity"], fact["product"], fact["basis"], fact["direction"]) == (
        "shipment", "MU", "dram", "guidance", "down",
    )  # fmt: skip
