"""Statements as Chinese headlines and notes word them, and what only sounds like one. Own sentences."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from tracker.extract.facts import extract_facts
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.resources import data_dir


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon([data_dir("rules")])


def _read(lexicon: Lexicon, text: str, title: str = "") -> list[dict[str, Any]]:
    row = {
        "doc_id": "d" * 16, "title": title, "text": text, "entity": None, "lang": "zh",
        "published_at": datetime(2026, 4, 10, tzinfo=UTC),
    }  # fmt: skip
    found = extract_facts(pl.DataFrame([row], schema_overrides={"entity": pl.String}), lexicon).to_dicts()
    assert all(text[f["start"] : f["end"]] == f["quote"] for f in found)
    return found


def _told(lexicon: Lexicon, text: str) -> set[tuple[str, str, str | None]]:
    return {(f["kind"], f["entity"], f["product"]) for f in _read(lexicon, text) if f["unit"] is None}


POSITIVE: list[tuple[str, tuple[str, str, str | None]]] = [
    ("OpenAI與亞馬遜AWS達成合作，搶攻政府標案", ("design_win", "OPENAI", None)),
    ("博通攜手OpenAI打造推論晶片，交貨看明年", ("design_win", "OPENAI", None)),
    ("Anthropic擬採AWS自研晶片擴充算力", ("design_win", "ANTHROPIC", "asic")),
    ("英偉達成為xAI首選合作夥伴，供應GB300", ("design_win", "XAI", "gb300")),
    ("Uber擬採AWS自研晶片", ("custom_silicon", "AMZN", "asic")),
    ("字節跳動正加速自研AI晶片", ("custom_silicon", "BYTEDANCE", "asic")),
    ("微軟結盟亞馬遜 合推跨雲網路", ("alliance", "MSFT", None)),
    ("英特尔正式加入超级芯片工厂项目", ("alliance", "INTC", None)),
    ("輝達H200產線轉移到Rubin", ("capacity", "NVDA", "rubin")),
    ("美光宣布在新加坡興建晶圓廠", ("capacity", "MU", None)),
    ("三星重启平泽晶圆厂的建设", ("capacity", "005930.KS", None)),
    ("雙鴻泰國新廠啟用，液冷零件加入生產", ("capacity", "3324.TWO", "liquid_cooling")),
    ("传中国企业采购H20", ("order", "NVDA", "h20")),
    ("Meta租用Google TPU訓練模型", ("order", "META", "tpu")),
    ("广达GB300接单畅旺", ("order", "2382.TW", "gb300")),
    ("戴尔和联想均已预告提价", ("price", "DELL", None)),
    ("谷歌云与AWS相继涨价", ("price", "GOOGL", None)),
    ("英特尔的CPU也开始缺货", ("supply_tightness", "INTC", "cpu")),
    ("HBM的供需一直偏紧", ("supply_tightness", "MARKET", "hbm")),
    ("手机用DRAM产出大幅缩减", ("supply_tightness", "MARKET", "dram")),
    ("光模組交期拉長", ("supply_tightness", "MARKET", "optical_module")),
    ("英伟达发布的Vera CPU专为代理设计", ("product_launch", "NVDA", "cpu")),
    ("高通带来了新一代AI加速器", ("product_launch", "QCOM", "gpu")),
    ("技嘉發表全新基於NVIDIA GB200平台的伺服器", ("product_launch", "2376.TW", "gb200")),
    ("AMD的MI500计划于2027年正式发布", ("product_launch", "AMD", "mi500")),
    ("华为昇腾950预计6月底交付样品", ("ramp", "HUAWEI", "ascend")),
    ("美光HBM4已开始打样", ("ramp", "MU", "hbm4")),
    ("奇鋐水冷板訂單能見度達明年", ("backlog", "3017.TW", None)),
    ("微軟將透過甲骨文提供推論服務", ("design_win", "MSFT", None)),
    ("OpenAI宣布與微軟合作 強化模型運算", ("design_win", "OPENAI", None)),
    ("英業達擴AI產能，明年見效", ("capacity", "2356.TW", None)),
    ("特斯拉新晶片轉單三星", ("order", "TSLA", None)),
    ("谷歌新TPU登場 供應鏈忙翻", ("product_launch", "GOOGL", "tpu")),
    ("輝達H20尚未售往大陸", ("shipment", "NVDA", "h20")),
    ("台積電CoWoS產能被訂光", ("supply_tightness", "2330.TW", "cowos")),
    ("三大原厂转向供不应求的HBM", ("supply_tightness", "MARKET", "hbm")),
    ("微軟撤出英國資料中心計畫", ("demand_cut", "MSFT", "data_center")),
    ("中国要求企业停止采购H20", ("demand_cut", "CN_GOV", "h20")),
    ("廣達第三季營收、獲利同創新高", ("revenue", "2382.TW", None)),
    ("甲骨文豪砸兆元拚AI基建", ("capex", "ORCL", None)),
    ("市场对于高额投资何时能转化为利润的质疑越来越多，股价应声下跌", ("scaling_doubt", "MARKET", None)),
]


@pytest.mark.parametrize(("text", "told"), POSITIVE)
def test_what_headlines_tell(lexicon: Lexicon, text: str, told: tuple[str, str, str | None]) -> None:
    assert told in _told(lexicon, text)


@pytest.mark.parametrize(
    "text",
    [
        "輝達H200對中銷售卡關",  # an export licence is no delay of the product
        "高通胀让企业推迟采购电脑",
        "传统DRAM的时代，英伟达成为市场焦点",
        "英伟达已启动供应链，工厂参观名额有限",
        "甲骨文采购办公家具",
        "微软与学校合作推广编程",
        "建造这样的数据中心，微软通常需要三年",
        "拒绝中国企业采购H200，美国再出手",
        "谷歌去年发布的TPU如今已显落后",
        "苹果股价创新高，资本支出不变",
        "疯抢门票！Meta大会一位难求",
        "博通受惠AI需求，法人看好",
        "台積電概念股涨停，擴產題材發酵",
        "汽车缺芯，特斯拉停工",
        "OpenAI与多家公司、亚马逊签订了一份和解协议",
        "三星正努力拿下英伟达的HBM订单",
        "只有台积电和三星能够量产3纳米芯片",
        "CPU的速度跟不上英伟达的计算需求",
        "AI算力泡沫將引爆？專家看法兩極",
        "緯穎營收有望創新高",
        "谷歌相反，他们想要建造的是另一种数据中心",
        "美國限制中國採購H20，川普再出招",
        "Meta豪砸重金挖角AI人才",
    ],
)
def test_what_only_sounds_like_a_statement_is_none(lexicon: Lexicon, text: str) -> None:
    assert _told(lexicon, text) == set()


def test_each_company_bought_into_is_told(lexicon: Lexicon) -> None:
    found = _read(lexicon, "亞馬遜入股OpenAI、Anthropic，押注兩邊")
    assert {f["counterparty"] for f in found if f["kind"] == "acquisition"} == {"OPENAI", "ANTHROPIC"}


def test_who_orders_has_chosen(lexicon: Lexicon) -> None:
    assert {f["kind"] for f in _read(lexicon, "Anthropic与谷歌签约，将采购60万个TPU。")} == {"order"}


def test_the_adopter_is_the_one_it_is_told_of(lexicon: Lexicon) -> None:
    (fact,) = [f for f in _read(lexicon, "博通與Meta合作開發MTIA晶片") if f["kind"] == "design_win"]
    assert (fact["entity"], fact["counterparty"]) == ("META", "AVGO")


def test_a_company_called_by_two_names_acts_once(lexicon: Lexicon) -> None:
    found = _read(lexicon, "英偉達（NVIDIA）推出Rubin平台")
    assert [(f["kind"], f["entity"]) for f in found] == [("product_launch", "NVDA")]


def test_a_question_to_the_reader_asks_nothing_of_the_company(lexicon: Lexicon) -> None:
    assert ("capacity", "VRT") in {f[:2] for f in _told(lexicon, "Vertiv宣布擴產液冷，還能追嗎？")}
    assert _told(lexicon, "Vertiv會擴產液冷嗎？") == set()


def test_a_share_price_behind_a_comma_takes_nothing_back(lexicon: Lexicon) -> None:
    assert ("ramp", "MU", "hbm4") in _told(lexicon, "美光HBM4量產，股價大漲")
    assert _told(lexicon, "美光股價隨HBM4量產題材走高") == set()
