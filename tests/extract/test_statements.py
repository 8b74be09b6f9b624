"""Statements: what is told without a figure, by kind, in both languages, and what only sounds like it. Own sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tracker.errors import RuleError
from tracker.extract.facts import read_facts
from tracker.extract.frames import compile_pattern, load_frames
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.resources import data_dir
from tracker.yaml_files import load, loads

Told = tuple[str, str, str | None]  # kind, entity, product


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon([data_dir("rules")])


def _read(lexicon: Lexicon, text: str, title: str = "", lang: str | None = None) -> list[dict[str, Any]]:
    row = {
        "doc_id": "0" * 16, "title": title, "text": text, "entity": None,
        "lang": lang or ("en" if text.isascii() else "zh"), "published_at": datetime(2026, 2, 20, tzinfo=UTC),
    }  # fmt: skip
    facts, _ = read_facts(pl.DataFrame([row], infer_schema_length=None), lexicon)
    for fact in facts.iter_rows(named=True):
        assert text[fact["start"] : fact["end"]] == fact["quote"]
    return [f for f in facts.to_dicts() if f["value_low"] is None and f["value_high"] is None]


def _told(facts: list[dict[str, Any]]) -> set[Told]:
    return {(f["kind"], f["entity"], f["product"]) for f in facts}


POSITIVE: list[tuple[str, Told]] = [
    ("AMD has agreed to acquire Brightwave, a start-up for optical links.", ("acquisition", "AMD", None)),
    ("高通宣布收购芯片新创公司Lightpath。", ("acquisition", "QCOM", None)),
    ("Marvell has joined the UALink Consortium as a board member.", ("alliance", "MRVL", "ualink")),
    ("英特尔与高通共同组建了开放互连联盟。", ("alliance", "INTC", None)),
    ("Oracle has selected AMD's MI450 accelerators for its next clusters.", ("design_win", "ORCL", "mi400")),
    ("甲骨文将采用AMD的MI450。", ("design_win", "ORCL", "mi400")),
    ("Microsoft is developing its own AI chip for inference.", ("custom_silicon", "MSFT", "asic")),
    ("字节跳动正在自研AI芯片。", ("custom_silicon", "BYTEDANCE", "asic")),
    ("SK hynix is expanding its HBM production at a second site.", ("capacity", "000660.KS", "hbm")),
    ("台积电将在嘉义扩充CoWoS产能。", ("capacity", "2330.TW", "cowos")),
    ("We expect capital expenditures to increase significantly next year.", ("capex", "META", None)),
    ("谷歌上调资本支出。", ("capex", "GOOGL", None)),
    ("The company reported record backlog and solid growth in orders.", ("backlog", "VRT", None)),
    ("Meta has placed large orders for Nvidia's GB300 systems.", ("order", "META", "gb300")),
    ("广达拿下Meta的AI服务器大单。", ("order", "META", "ai_server")),
    ("xAI is building a second data center in Memphis.", ("deployment", "XAI", "data_center")),
    ("微软在挪威兴建数据中心。", ("deployment", "MSFT", "data_center")),
    ("DRAM contract prices rose again in the quarter.", ("price", "MARKET", "dram")),
    ("三星调涨DRAM价格。", ("price", "005930.KS", "dram")),
    ("Supermicro has begun volume shipments of GB300 racks.", ("shipment", "SMCI", "gb300_nvl72")),
    ("纬创的GB300机柜已开始出货。", ("shipment", "3231.TW", "gb300_nvl72")),
    ("Micron's HBM is sold out for the year.", ("supply_tightness", "MU", "hbm")),
    ("CoWoS产能供不应求。", ("supply_tightness", "MARKET", "cowos")),
    ("Micron has started mass production of HBM4.", ("ramp", "MU", "hbm4")),
    ("美光HBM4已进入量产。", ("ramp", "MU", "hbm4")),
    ("Nvidia's Rubin has been delayed by a redesign.", ("schedule_slip", "NVDA", "rubin")),
    ("英伟达Rubin推迟到明年。", ("schedule_slip", "NVDA", "rubin")),
    ("AMD unveiled the MI500 at its event.", ("product_launch", "AMD", "mi500")),
    ("博通发布Tomahawk 6交换机。", ("product_launch", "AVGO", "ethernet_switch")),
    ("The UALink Consortium has published its new specification.", ("spec_release", "UALINK", "ualink")),
    ("Microsoft has cancelled leases for data centers in two states.", ("demand_cut", "MSFT", "data_center")),
    ("英伟达对台积电砍单。", ("demand_cut", "NVDA", None)),
    ("Fund managers fear an AI bubble in infrastructure.", ("scaling_doubt", "MARKET", None)),
    ("市场担忧AI泡沫即将破裂。", ("scaling_doubt", "MARKET", None)),
    ("DeepSeek trained it with a fraction of the GPUs its rivals use.", ("tech_breakthrough", "DEEPSEEK", "gpu")),
]
TITLES = {"capex": "Meta Platforms fourth quarter earnings call", "backlog": "Vertiv fourth quarter results"}


@pytest.mark.parametrize(("text", "told"), POSITIVE, ids=[f"{t[0]}-{i}" for i, (_, t) in enumerate(POSITIVE)])
def test_each_kind_is_read_in_both_languages(lexicon: Lexicon, text: str, told: Told) -> None:
    title = TITLES.get(told[0], "") if text.isascii() else ""
    found = _told(_read(lexicon, text, title))
    assert told in found or (told[2] is None and told[:2] in {f[:2] for f in found})


NEGATIVE = [
    "AMD has not acquired any company this year.",  # negated
    "Intel could acquire a maker of accelerators if the price is right.",  # hypothetical
    "Meta spends heavily to acquire users in new markets.",  # not a company
    "AMD acquired land for a parking lot.",
    "Are you seeing any shortage of HBM?",  # a question
    "There is a shortage of skilled workers at Micron.",
    "The shortage of GPUs has eased and Nvidia is no longer constrained.",
    "Nvidia's suppliers started mass production of power parts.",  # somebody else
    "Operating expenses will ramp as Nvidia invests in Blackwell.",  # not a product's ramp
    "Google unveiled a new model for its Gemini agent.",  # software
    "Microsoft launched a program for developers.",
    "Salesforce adopted a new logo.",
    "Oracle deploys software agents for customers.",
    "Meta raised the price of its subscription.",
    "Shares of Micron rose after higher prices of the stock.",
    "Amazon cancelled a television show.",
    "Our ability to expand our manufacturing capacity is subject to risks, Nvidia says.",
    "The bubble tea chain opened a store beside Apple.",
    "A filter bubble forms around users of TikTok.",
    "Nvidia is a global leader in accelerated computing and builds data centers.",
    "Meta没有砍单。",
    "如果英伟达推迟Rubin，供应商会受影响。",
    "英伟达概念股涨停，散热厂量产在即。",
    "高通与大学合作培养学生。",
    "苹果推出新的金融服务。",
    "谷歌收购股份的传闻被股价消化。",
    "微软推出AI代理模型。",
    "人才短缺困扰英伟达。",
    "电动车降价，特斯拉股价下跌。",
    "人工智能没有泡沫，黄仁勋反驳。",
]


@pytest.mark.parametrize("text", NEGATIVE)
def test_what_only_sounds_like_a_statement_is_none(lexicon: Lexicon, text: str) -> None:
    assert _told(_read(lexicon, text)) == set()


def test_each_of_a_list_is_told_of(lexicon: Lexicon) -> None:
    facts = _read(lexicon, "OpenAI, xAI and Meta will deploy MI450 racks.")
    assert {f["entity"] for f in facts if f["kind"] == "deployment"} == {"OPENAI", "XAI", "META"}


def test_those_who_act_together_do_it_once(lexicon: Lexicon) -> None:
    facts = _read(lexicon, "OpenAI携手软银兴建数据中心。")
    assert [(f["kind"], f["entity"]) for f in facts] == [("deployment", "OPENAI")]


def test_the_buyer_is_the_entity_and_the_supplier_the_other_side(lexicon: Lexicon) -> None:
    (fact,) = _read(lexicon, "广达拿下Meta的AI服务器大单。")
    assert (fact["entity"], fact["counterparty"]) == ("META", "2382.TW")


def test_who_is_made_to_expand_is_the_one_who_expands(lexicon: Lexicon) -> None:
    (fact,) = _read(lexicon, "传英伟达要求台积电扩产。")
    assert (fact["kind"], fact["entity"], fact["counterparty"], fact["basis"]) == (
        "capacity", "2330.TW", "NVDA", "rumor",
    )  # fmt: skip


def test_what_a_company_buys_is_short_for_everybody(lexicon: Lexicon) -> None:
    title = "Super Micro Computer fiscal 2026 second quarter call"
    facts = _read(lexicon, "Results came in well in spite of the GPU shortage.", title)
    assert [(f["kind"], f["entity"], f["product"]) for f in facts] == [("supply_tightness", "MARKET", "gpu")]


def test_glosses_in_brackets_are_no_products(lexicon: Lexicon) -> None:
    facts = _read(lexicon, "三星的**HBM4**（High Bandwidth Memory 4: 第六代高带宽内存）已启动量产。")
    assert ("ramp", "005930.KS", "hbm4") in _told(facts)


def test_the_product_spoken_of_before_is_meant(lexicon: Lexicon) -> None:
    text = "Demand for Blackwell is strong and we shipped more of it than planned. Production is ramping well."
    facts = _read(lexicon, text, "NVIDIA fourth quarter fiscal 2026 call")
    assert ("ramp", "NVDA", "blackwell") in _told(facts)


def test_a_statement_without_product_adds_nothing_to_one_with(lexicon: Lexicon) -> None:
    text = "Micron's HBM4 is sold out. Micron says that supply remains tight."
    assert [f["product"] for f in _read(lexicon, text) if f["kind"] == "supply_tightness"] == ["hbm4"]


def test_directions_follow_the_change(lexicon: Lexicon) -> None:
    told = {
        "三星调涨DRAM价格。": "up",
        "三星调降DRAM价格。": "down",
        "中国叫停Meta收购Manus。": "down",
        "Meta收购了初创公司Manus。": "none",
        "Micron has started mass production of HBM4.": "up",
    }
    assert {text: _read(lexicon, text)[0]["direction"] for text in told} == told


def test_passages_about_old_years_are_history(lexicon: Lexicon) -> None:
    text = "DRAM prices fell in 2009 and rose by 2010. Then DRAM prices rose again as supply was tight."
    assert _read(lexicon, text) == []


def test_near_misses_say_why(lexicon: Lexicon) -> None:
    row = {
        "doc_id": "0" * 16, "title": "", "text": "AMD has not acquired Brightwave.", "entity": None, "lang": "en",
        "published_at": datetime(2026, 2, 20, tzinfo=UTC),
    }  # fmt: skip
    _, misses = read_facts(pl.DataFrame([row], infer_schema_length=None), lexicon)
    assert "negated" in [m.reason for m in misses if m.kind == "acquisition"]


def _patterns(lexicon: Lexicon) -> Iterator[tuple[str, str]]:
    for kind, frames in lexicon.frames.kinds.items():
        for frame in frames:
            for wording in frame.patterns:
                yield kind, wording.pattern.pattern


def test_no_pattern_reaches_without_bound(lexicon: Lexicon) -> None:
    """An open `.*` would make a sentence quadratic; every stretch of the table has a bound."""
    assert [(kind, p) for kind, p in _patterns(lexicon) if ".*" in p or ".+" in p] == []


def test_the_table_names_file_and_line_of_a_mistake(tmp_path: Path) -> None:
    good = (data_dir("rules") / "statements.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("direction: down", "directoin: down"),
        ("{who}_12(?<!非)(?:收购", "{who}_12(?<!非)((?:收购"),
        ("'{body}_50", "'{boddy}_50"),
    ):
        path = tmp_path / "statements.yaml"
        with pytest.raises(RuleError, match=r"statements\.yaml:\d+"):
            load_frames(loads(good.replace(old, new, 1), path))


def test_the_built_in_table_loads() -> None:
    frames = load_frames(load(data_dir("rules") / "statements.yaml"))
    assert set(frames.kinds) == set(frames.cues)


def test_gaps_stop_at_the_end_of_a_clause() -> None:
    assert compile_pattern("a~9b", {}).search("a; b") is None
    assert compile_pattern("a~9b", {}).search("a, b")
