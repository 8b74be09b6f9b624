"""Chinese: names across words, counts with classifiers, who a text speaks of, shares, what goes on. Own sentences."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from tracker.extract.facts import extract_facts
from tracker.extract.folding import fold
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.extract.mentions import find_terms, mentions_of
from tracker.extract.quantities import find_quantities
from tracker.resources import data_dir

Figure = tuple[str, str, float | None, float | None, str]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon([data_dir("rules")])


def _facts(lexicon: Lexicon, text: str, title: str = "") -> list[dict[str, Any]]:
    row = {
        "doc_id": "c" * 16, "title": title, "text": text, "entity": None, "lang": "zh",
        "published_at": datetime(2026, 4, 10, tzinfo=UTC),
    }  # fmt: skip
    found = extract_facts(pl.DataFrame([row], schema_overrides={"entity": pl.String}), lexicon).to_dicts()
    assert all(text[f["start"] : f["end"]] == f["quote"] for f in found)
    return found


def _figures(lexicon: Lexicon, text: str, title: str = "") -> list[Figure]:
    return [
        (f["kind"], f["entity"], f["value_low"], f["value_high"], f["unit"])
        for f in _facts(lexicon, text, title)
        if f["unit"]
    ]


def _names(lexicon: Lexicon, text: str) -> set[str]:
    low = fold(text)
    found = mentions_of(text, low, find_terms([low], lexicon), 0, lexicon)
    return {m.term.value for m in found.get("entity", ())}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("高通胀仍在，提高通过率要靠稳健策略", set()),
        ("高通、健策與貿聯同步走高", {"QCOM", "3653.TW", "3665.TW"}),
        ("推广达到预期，大家联想到商贸联盟", set()),
        ("廣達與聯電的單月營收", {"2382.TW", "2303.TW"}),
        ("互联电缆里传一百度电", set()),
        ("超微與美超微不是同一家", {"AMD", "SMCI"}),
        ("三星电机与三星SDI", set()),
        ("每秒8字节，一共两太字节", set()),
        ("字节与长鑫的合同", {"BYTEDANCE", "CXMT"}),
        ("好的創意與創意人才", set()),
        ("創意去年接單旺", {"3443.TW"}),
        ("应材、东京威力科创与科林研发", {"AMAT", "8035.T", "LRCX"}),
    ],
)
def test_names_do_not_stand_across_words(lexicon: Lexicon, text: str, names: set[str]) -> None:
    assert _names(lexicon, text) == names


@pytest.mark.parametrize(
    ("text", "low", "high", "unit"),
    [
        ("采购约120,000块H100 GPU", 120000, 120000, "gpus"),
        ("GPU數量約200,000塊", 200000, 200000, "gpus"),
        ("訂下4萬顆AI晶片", 40000, 40000, "gpus"),
        ("1.5万台GB300 GPU", 15000, 15000, "gpus"),
        ("首批600座GB300機櫃", 600, 600, "racks"),
        ("交付300台NVL72机柜", 300, 300, "racks"),
        ("百万GPU集群", 1e6, 1e6, "gpus"),
        ("十万卡集群", 1e5, 1e5, "gpus"),
        ("月产能8万片晶圆", 80000, 80000, "wafers_per_month"),
        ("营收年增逾2倍", 200, None, "pct"),
        ("營收翻兩番", 300, 300, "pct"),
        ("营收是去年同期的3倍", 200, 200, "pct"),
        ("產能擴大一倍", 100, 100, "pct"),
        ("增兩成", 20, 20, "pct"),
        ("占比四成五", 45, 45, "pct"),
        ("上涨百分之三十到百分之五十以上", 30, 50, "pct"),
        ("金额高达90亿美元", 9e9, 9e9, "money"),
        ("砸下500億鎂", 5e10, 5e10, "money"),
        ("三十多亿美元", 3e9, None, "money"),
        ("增资至30亿到40亿美元以上", 3e9, 4e9, "money"),
    ],
)
def test_counts_and_rates_are_read(text: str, low: float, high: float | None, unit: str) -> None:
    assert (low, high, unit) in [(q.low, q.high, q.unit) for q in find_quantities(text)]


@pytest.mark.parametrize(
    "text", ["数十亿美元", "十几二十亿美元", "花了100块钱", "3个AI芯片项目", "2026成長可期", "數百億元訂單"]
)
def test_what_only_looks_like_a_count_is_none(text: str) -> None:
    assert find_quantities(text) == []


def test_a_currency_before_the_amount_counts() -> None:
    (found,) = find_quantities("單價人民幣120萬元", currency="TWD")
    assert found.currency == "CNY"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("鸿海43%的营收来自云端网络。", ("segment_revenue", "2317.TW", 43.0, 43.0, "pct")),
        ("緯穎營收中高達九成來自北美客戶。", ("segment_revenue", "6669.TW", 90.0, 90.0, "pct")),
        ("美光的营收占比中，HBM占营收的18%。", ("segment_revenue", "MU", 18.0, 18.0, "pct")),
        ("去年Meta的资本支出是720亿美元，而到了明年，这个数字将升至1450亿到1500亿美元。", ("capex", "META", 1.45e11, 1.5e11, "money")),
        ("xAI的集群采用约15万块H200 GPU。", ("deployment", "XAI", 150000.0, 150000.0, "gpus")),
        ("Anthropic将向CoreWeave支付约60亿美元。", ("order", "ANTHROPIC", 6e9, 6e9, "money")),
        ("谷歌云同比增长48%至140亿美元。", ("segment_revenue", "GOOGL", 1.4e10, 1.4e10, "money")),
        ("亞馬遜AWS銷售大增37%，創新高", ("segment_revenue", "AMZN", 37.0, 37.0, "pct_yoy")),
        ("Meta印度建120MW AI資料中心", ("deployment", "META", 120.0, 120.0, "MW")),
        ("騰訊掃貨5萬顆輝達H200", ("order", "0700.HK", 50000.0, 50000.0, "gpus")),
        ("輝達將向微軟出售30萬顆AI晶片", ("order", "MSFT", 300000.0, 300000.0, "gpus")),
        ("廣達砸150億 衝刺AI基建", ("capex", "2382.TW", 1.5e10, 1.5e10, "money")),
        ("甲骨文狂攬千億美元訂單", ("order", "ORCL", 1e11, 1e11, "money")),
        ("Meta簽下60億美元光纖大單", ("order", "META", 6e9, 6e9, "money")),
        ("甲骨文的园区从动工到投运仅用了5个月。", ("deployment", "ORCL", 5.0, 5.0, "months")),
        ("为了守住40%的毛利率，苹果只好涨价。", ("gross_margin", "AAPL", 40.0, 40.0, "pct")),
        ("甲骨文的SaaS业务差一点，收入只有41.2亿美元。", ("segment_revenue", "ORCL", 4.12e9, 4.12e9, "money")),
        ("微软的商业版收入同比增长15%。", ("segment_revenue", "MSFT", 15.0, 15.0, "pct_yoy")),
        ("xAI砸90億美元攜手輝達，擴建機房", ("order", "XAI", 9e9, 9e9, "money")),
        ("微软将购买Anthropic的认股权证，购买价格30亿美元。", ("acquisition", "MSFT", 3e9, 3e9, "money")),
        ("Anthropic的模型每百万Token定价3美元。", ("price", "ANTHROPIC", 3.0, 3.0, "money")),
        ("Alphabet單季雲端營收爆82%", ("segment_revenue", "GOOGL", 82.0, 82.0, "pct_yoy")),
        ("亞馬遜2030年前在韓投資5兆韓圜", ("capex", "AMZN", 5e12, 5e12, "money")),
        ("緯穎進行美國廠建築物改良，計約2000萬美元", ("capex", "6669.TW", 2e7, 2e7, "money")),
        ("腾讯签署了总价超过30亿美元的HBM独家供应协议。", ("order", "0700.HK", 3e9, None, "money")),
        ("穆迪預測資料中心五年投資2兆美元", ("capex", "MARKET", 2e12, 2e12, "money")),
        ("預計在27年，亞馬遜的資本支出達2600億美元。", ("capex", "AMZN", 2.6e11, 2.6e11, "money")),
    ],
)  # fmt: skip
def test_chinese_ways_to_tell_a_figure(lexicon: Lexicon, text: str, wanted: Figure) -> None:
    assert wanted in _figures(lexicon, text)


@pytest.mark.parametrize(
    "text",
    [
        "长鑫在全球DRAM市场的份额达到9%。",
        "蘋果盤後暴跌6%，營收不如預期。",
        "合肥市2025年一般公共预算收入为900亿元，长鑫总部在当地。",
        "资本支出拉动美国1.5%的GDP增长。",
        "Meta支付13亿美元罚款。",
        "德国电信砸10亿欧元建数据中心。",
        "Pinnacle West受惠台積電擴廠，營收目標上看9%",
        "行业里年收入不到十亿美元的小公司很多，全球都在找晶圆。",
        "Azure的利润率偏低，因为NeoCloud的毛利率已达35%。",
        "阿里支付了近1亿元的和解费用。",
        "苹果花20亿美元购买了歌曲版权。",
        "若AMD能抢占市场，营收有望超1000亿美元。",
        "按照50%的毛利率计算，英伟达的成本并不高。",
        "博通的芯片集成了高达3200亿颗晶体管。",
        "谷歌的对外投资占营收的比例很低，只有37亿美元。",
        "英特尔公布产能规划后，我把持仓的上限，连同其他硬件，一起调高到25%。",
        "英伟达的营收比华尔街的预期高出约20%。",
        "规模可以不同，比如4颗TPU，也可以是2048颗TPU，谷歌都支持。",
        "要想服务33万个GB300芯片，xAI得有电。",
        "以1吉瓦AI数据中心为例，采用Arm处理器更省。",
    ],
)
def test_what_is_no_figure_of_the_company_stays_out(lexicon: Lexicon, text: str) -> None:
    assert _figures(lexicon, text) == []


def test_a_note_on_several_firms_is_not_all_about_the_one_of_its_title(lexicon: Lexicon) -> None:
    title = "三巨头财报：英伟达估值错配，火箭公司有风险"
    text = "发射业务进展顺利，团队扩张也很快，市场给了很高的期待。" * 9 + "季度收入约6亿美元，收入同比增长38%。"
    assert _figures(lexicon, text, title) == []
    assert _figures(lexicon, "英伟达很强。" + text, title)[0][1] == "NVDA"


def test_a_heading_and_the_head_of_a_sentence_say_who_is_spoken_of(lexicon: Lexicon) -> None:
    text = (
        "三星的营收达80万亿韩元。\n\n#### 1. 谷歌（Google）\n\n每股收益5美元。季度营收达1000亿美元。\n\n"
        "微软每股收益4美元。季度营收达800亿美元。"
    )
    assert [(f[1], f[2]) for f in _figures(lexicon, text)] == [("005930.KS", 8e13), ("GOOGL", 1e11), ("MSFT", 8e10)]


def test_nothing_is_carried_past_a_heading_or_an_outsider(lexicon: Lexicon) -> None:
    text = "英伟达的营收达600亿美元。\n\n### 其他公司\n\n季度营收达10亿美元。\n\n小米表现不错。季度营收达900亿美元。"
    assert [(f[1], f[2]) for f in _figures(lexicon, text)] == [("NVDA", 6e10)]


def test_each_of_a_list_is_told_its_rate(lexicon: Lexicon) -> None:
    text = "**联想**（Lenovo）、**戴尔**（Dell）均表示，受内存涨价影响，设备价格将上调10%至15%。"
    assert {f[1] for f in _figures(lexicon, text)} == {"0992.HK", "DELL"}
    text = "甲骨文、Crusoe和OpenAI建造类似的集群需要12个月，而xAI仅用4个月。"
    assert {(f[1], f[2]) for f in _figures(lexicon, text)} == {
        ("ORCL", 12.0), ("CRUSOE", 12.0), ("OPENAI", 12.0), ("XAI", 4.0),
    }  # fmt: skip


def test_what_a_name_is_said_to_affect_is_not_its_own(lexicon: Lexicon) -> None:
    text = "微软的营收为800亿美元。**OpenAI**对其利润的影响几乎为零。云业务收入高于预期，增长约40%。"
    assert {f[1] for f in _figures(lexicon, text)} == {"MSFT"}


def test_the_sum_of_a_list_is_nobodys_alone(lexicon: Lexicon) -> None:
    text = "微软、谷歌和亚马逊的资本支出合计达5000亿美元。"
    assert [f[1] for f in _figures(lexicon, text)] == ["MARKET"]


def test_a_title_with_an_outsider_names_no_issuer(lexicon: Lexicon) -> None:
    title = "SpaceX与AMD财报解读"
    assert _figures(lexicon, "2027年发射业务的营收约62亿美元。", title) == []
    assert _figures(lexicon, "季度营收约80亿美元。", "AMD财报解读")[0][1] == "AMD"


def test_a_result_above_expectations_is_no_outlook(lexicon: Lexicon) -> None:
    (fact,) = _facts(lexicon, "超微Q1財報優預期 資料中心營收暴增57％")
    assert (fact["entity"], fact["basis"], fact["value_low"]) == ("AMD", "actual", 57.0)
