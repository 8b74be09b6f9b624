"""Tables -> facts: own small tables, each for one way of writing one; real filings against what they mark themselves."""

from __future__ import annotations

import gzip
import random
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tracker.extract.facts import extract_facts, read_facts
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.extract.reading import prepared
from tracker.extract.table_columns import columns
from tracker.extract.table_lines import parse_cell
from tracker.extract.table_metrics import metric_of
from tracker.extract.table_units import Unit, unit_of
from tracker.extract.tables import read_tables
from tracker.ingest.formats import edgar
from tracker.ingest.formats.article import extract_article, whole_page
from tracker.resources import data_dir
from tracker.vocabulary import MAX_QUOTE_CHARS

Told = tuple[str, float | None, float | None, str, str | None, str | None]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon([data_dir("rules")])


def document(text: str, entity: str | None, day: str, title: str = "", lang: str = "en") -> pl.DataFrame:
    row = {
        "doc_id": "d", "title": title, "text": text, "lang": lang, "entity": entity,
        "published_at": datetime.fromisoformat(day).replace(tzinfo=UTC),
    }  # fmt: skip
    return pl.DataFrame([row], infer_schema_length=None)


def facts(lexicon: Lexicon, text: str, entity: str | None, day: str, title: str = "", lang: str = "en") -> list[Any]:
    frame = document(text, entity, day, title, lang)
    rows, prose, _ = read_tables(frame, prepared(frame, lexicon), lexicon)
    assert len(prose["text"][0]) == len(text)
    for row in rows:
        assert text[row["start"] : row["end"]] == row["quote"]
        assert len(row["quote"]) <= MAX_QUOTE_CHARS
    return rows


def told(rows: list[Any], *kinds: str) -> list[Told]:
    return [
        (r["kind"], r["value_low"], r["value_high"], r["unit"], r["period"], r["basis"])
        for r in rows
        if not kinds or r["kind"] in kinds
    ]


STATEMENT = """\
<html><body><p>Acme statements of income</p><p>(In millions, except per share data)</p>
<table>
<tr><td></td><td colspan="2">Three Months Ended</td><td colspan="2">Nine Months Ended</td></tr>
<tr><td></td><td>Oct 26,<br>2025</td><td>Oct 27,<br>2024</td><td>Oct 26,<br>2025</td><td>Oct 27,<br>2024</td></tr>
<tr><td>Revenue</td><td>$</td><td>57,006</td><td>$</td><td>35,082</td><td>$</td><td>147,811</td><td>$</td><td>91,166</td></tr>
<tr><td>Cost of revenue</td><td>15,157</td><td>8,926</td><td>45,441</td><td>22,031</td></tr>
<tr>
  <td><p>Operating income (loss)</p></td>
  <td><p>36,010</p></td>
  <td><p>(21,869</p></td><td><p>)</p></td>
  <td><p>86,088</p></td>
  <td><p>57,419</p></td>
</tr>
<tr><td>Diluted</td><td>$1.30</td><td>$0.78</td><td>$3.14</td><td>$2.04</td></tr>
</table></body></html>"""


def test_an_html_statement_gives_its_quarters_and_leaves_sums_of_nine_months(lexicon: Lexicon) -> None:
    rows = facts(lexicon, whole_page(STATEMENT), "NVDA", "2025-11-19")
    assert told(rows) == [
        ("revenue", 57.006e9, 57.006e9, "money", "FY2026Q3", "actual"),
        ("revenue", 35.082e9, 35.082e9, "money", "FY2025Q3", "actual"),
        ("operating_income", 36.01e9, 36.01e9, "money", "FY2026Q3", "actual"),
        ("operating_income", -21.869e9, -21.869e9, "money", "FY2025Q3", "actual"),
    ]
    assert [r["direction"] for r in rows] == ["up", "none", "up", "none"]
    assert {r["currency"] for r in rows} == {"USD"}


def test_gaap_and_non_gaap_are_two_facts_and_columns_of_change_are_growth(lexicon: Lexicon) -> None:
    text = (
        "Second quarter summary\n\nThree Months Ended | Quarter-over-Quarter Change | Year-over-Year Change\n"
        "Jul 27, 2025 | Apr 27, 2025 | Jul 28, 2024\n\n($ in millions)\n"
        "Revenue | $46,743 | $44,062 | $30,040 | 6% | 56%\n"
        "GAAP gross margin | 72.4% | 60.5% | 75.1% | 11.9pts | (2.7)pts\n"
        "Non-GAAP gross margin | 72.7% | 61.0% | 75.7% | 11.7pts | (3.0)pts\n"
    )
    rows = facts(lexicon, text, "NVDA", "2025-08-27")
    now = [r for r in rows if r["period"] == "FY2026Q2"]
    assert [(r["kind"], r["value_low"], r["unit"], r["direction"]) for r in now] == [
        ("revenue", 46.743e9, "money", "up"), ("revenue", 6.0, "pct_qoq", "up"), ("revenue", 56.0, "pct_yoy", "up"),
        ("gross_margin", 72.4, "pct", "down"), ("gross_margin", 11.9, "pct_pt", "up"),
        ("gross_margin", -2.7, "pct_pt", "down"), ("gross_margin", 72.7, "pct", "down"),
        ("gross_margin", 11.7, "pct_pt", "up"), ("gross_margin", -3.0, "pct_pt", "down"),
    ]  # fmt: skip


def test_parts_of_revenue_are_what_adds_up_and_sums_within_them_are_kept(lexicon: Lexicon) -> None:
    text = (
        "(In millions)\nThree Months Ended\nJul 27, 2025 | Jul 28, 2024\nRevenue by End Market:\n"
        "Data Center | $41,096 | $26,272\nCompute | 33,844 | 22,604\nNetworking | 7,252 | 3,668\n"
        "Gaming | 4,287 | 2,880\nAll other | 1,360 | 888\nTotal revenue | $46,743 | $30,040\n"
    )
    rows = [r for r in facts(lexicon, text, "NVDA", "2025-08-27") if r["period"] == "FY2026Q2"]
    assert [(r["kind"], r["product"], r["value_low"]) for r in rows] == [
        ("segment_revenue", "data_center", 41.096e9), ("segment_revenue", None, 33.844e9),
        ("segment_revenue", None, 7.252e9), ("segment_revenue", None, 4.287e9), ("segment_revenue", None, 1.36e9),
        ("revenue", None, 46.743e9),
    ]  # fmt: skip


def test_rows_that_do_not_add_up_are_no_parts(lexicon: Lexicon) -> None:
    text = (
        "(In millions)\nThree Months Ended\nJul 27, 2025 | Jul 28, 2024\n"
        "Units shipped | 900 | 800\nEmployees | 100 | 90\nTotal revenue | 46,743 | 30,040\n"
    )
    assert {r["kind"] for r in facts(lexicon, text, "NVDA", "2025-08-27")} == {"revenue"}


def test_the_revenue_of_a_section_is_a_part(lexicon: Lexicon) -> None:
    text = (
        "(in millions)\nThree Months Ended\nJune 28, 2025 | June 29, 2024\n"
        "Americas:\nNet sales | $41,198 | $37,678\nOperating income | $16,511 | $15,209\n"
        "Total net sales | $94,036 | $85,777\n"
    )
    rows = [r for r in facts(lexicon, text, "AAPL", "2025-08-01") if r["period"] == "FY2025Q3"]
    assert [(r["kind"], r["value_low"]) for r in rows] == [("segment_revenue", 41.198e9), ("revenue", 94.036e9)]


def test_a_plain_text_table_is_read_without_separators(lexicon: Lexicon) -> None:
    text = (
        "Condensed statements of operations (in thousands, except per share data)\n"
        "Three Months Ended\nSeptember 30, September 30,\n2025 2024\n"
        "Net revenue 230,578 113,086\nOperating income (loss) 55,433 (8,631)\n"
    )
    assert told(facts(lexicon, text, "ALAB", "2025-11-04")) == [
        ("revenue", 230_578e3, 230_578e3, "money", "CY2025Q3", "actual"),
        ("revenue", 113_086e3, 113_086e3, "money", "CY2024Q3", "actual"),
        ("operating_income", 55_433e3, 55_433e3, "money", "CY2025Q3", "actual"),
        ("operating_income", -8_631e3, -8_631e3, "money", "CY2024Q3", "actual"),
    ]


def test_an_outlook_in_words_or_ranges_is_guidance(lexicon: Lexicon) -> None:
    words = (
        "NVIDIA's outlook for the third quarter of fiscal 2026 is as follows:\n"
        "Revenue | $54.0 billion, plus or minus 2%\nGAAP gross margin | 73.3%, plus or minus 50 basis points\n"
    )
    assert told(facts(lexicon, words, "NVDA", "2025-08-27")) == [
        ("revenue", pytest.approx(52.92e9), pytest.approx(55.08e9), "money", "FY2026Q3", "guidance"),
        ("gross_margin", pytest.approx(72.8), pytest.approx(73.8), "pct", "FY2026Q3", "guidance"),
    ]
    ranges = "Financial outlook (in millions)\n      Q4 2025 Guidance    FY 2025 Guidance\nRevenue     $310 - $320     $1,150 - $1,160\n"
    assert told(facts(lexicon, ranges, "ALAB", "2025-11-04")) == [
        ("revenue", 310e6, 320e6, "money", "CY2025Q4", "guidance"),
        ("revenue", 1150e6, 1160e6, "money", "CY2025", "guidance"),
    ]


def test_cash_flows_and_balances(lexicon: Lexicon) -> None:
    text = (
        "Cash flows (In millions)\nSix Months Ended\nJul 27, 2025 | Jul 28, 2024\nInventories | (4,880) | (1,380)\n"
        "Purchases related to property and equipment and intangible assets | (3,122) | (1,346)\n\n"
        "Balance sheets (In millions)\nJul 27, 2025 | Jan 26, 2025\nInventories | 14,962 | 10,080\n"
    )
    rows = facts(lexicon, text, "NVDA", "2025-08-27")
    assert [(r["kind"], r["value_low"], r["period"], r["direction"]) for r in rows] == [
        ("capex", 3.122e9, "FY2026H1", "up"), ("capex", 1.346e9, "FY2025H1", "none"),
        ("inventory", 14.962e9, "FY2026Q2", "up"), ("inventory", 10.08e9, "FY2025Q4", "none"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "entity", "title", "expected"),
    [
        (
            "合并利润表\n单位：百万元 币种：人民币\n项目 | 2025年第三季度 | 2024年第三季度 | 同比增减\n营业收入 | 243,172 | 170,282 | 42.81%\n",
            "601138.SS", "",
            [("revenue", 243.172e9, "CNY", "CY2025Q3"), ("revenue", 170.282e9, "CNY", "CY2024Q3"), ("revenue", 42.81, None, "CY2025Q3")],
        ),
        (
            "合併綜合損益表\n單位：新台幣百萬元\n | 2025年第三季 | 2024年第三季\n營業收入 | 989,918 | 759,692\n營業毛利率 | 59.5% | 57.8%\n",
            "2330.TW", "",
            [("revenue", 989.918e9, "TWD", "CY2025Q3"), ("revenue", 759.692e9, "TWD", "CY2024Q3"),
             ("gross_margin", 59.5, None, "CY2025Q3"), ("gross_margin", 57.8, None, "CY2024Q3")],
        ),
        (
            "主要会计数据\n单位：万元\n项目 | 本报告期 | 上年同期 | 本报告期比上年同期增减(%)\n营业收入 | 1,021,600.50 | 651,500.30 | 56.81%\n",
            "300308.SZ", "中际旭创2025年第三季度报告",
            [("revenue", 10_216_005_000.0, "CNY", "CY2025Q3"), ("revenue", 6_515_003_000.0, "CNY", "CY2024Q3"), ("revenue", 56.81, None, "CY2025Q3")],
        ),
        (
            "合并资产负债表\n单位：千元\n项目 | 2025年9月30日 | 2024年12月31日\n存货 | 11,000,000 | 7,050,000\n",
            "300308.SZ", "", [("inventory", 11e9, "CNY", "CY2025Q3"), ("inventory", 7.05e9, "CNY", "CY2024Q4")],
        ),
        (  # nine months have no label of their own
            "合并利润表\n单位：元\n项目 | 2025年前三季度 | 2024年前三季度\n一、营业总收入 | 603,931,476,000.00 | 436,373,235,000.00\n",
            "601138.SS", "", [],
        ),
    ],
)  # fmt: skip
def test_chinese_statements(
    lexicon: Lexicon, text: str, entity: str, title: str, expected: list[tuple[str, float, str | None, str]]
) -> None:
    rows = facts(lexicon, text, entity, "2025-11-01", title, "zh")
    assert [(r["kind"], r["value_low"], r["currency"], r["period"]) for r in rows] == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Three Months Ended\nJul 27, 2025 | Jul 28, 2024\nRevenue | 46,743 | 30,040\n", "no unit is stated"),
        ("(In millions)\nRevenue | 46,743 | 30,040\n", "no period is stated"),
        ("(In millions)\nThree Months Ended\nJul 27, 2025 | Jul 28, 2024\nRevenue | 46,743 | 30,040 | 12\n", "a figure too many"),
        ("(In millions)\nTrailing 4-Quarters Ended\nAug 31, 2024 | Aug 31, 2023\nRevenue | 46,743 | 30,040\n", "no fiscal year"),
        ("(In millions)\nThree Months Ended\nJul 27, 2025 | Jul 28, 2024\nDeferred revenue | 46,743 | 30,040\n", "another metric"),
        ("(In millions)\nThree Months Ended\nJul 27, 2025 | Jul 28, 2024\nCost of revenue | 12 | 11\n", "a cost"),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_no_fact(lexicon: Lexicon, text: str, why: str) -> None:
    assert facts(lexicon, text, "NVDA", "2025-08-27") == [], why


def test_a_row_that_gives_no_fact_says_why(lexicon: Lexicon) -> None:
    rows = "Three Months Ended\nJul 27, 2025 | Jul 28, 2024\nRevenue | 46,743 | 30,040\n"
    for text, entity, reason in (
        (rows, "NVDA", "no unit"),
        (f"(In millions)\n{rows}", None, "nobody on the watchlist"),
        ("(In millions)\nRevenue | 46,743 | 30,040\n", "NVDA", "names no period for each of its 2 figures"),
        (
            "(In millions)\nNine Months Ended\nOct 26, 2025 | Oct 27, 2024\nRevenue | 46,743 | 30,040\n",
            "NVDA",
            "no column of a quarter",
        ),
    ):
        found, misses = read_facts(document(text, entity, "2025-11-27"), lexicon)
        assert found.is_empty()
        (miss,) = misses
        assert reason in miss.reason
        assert text[miss.start : miss.end] == "Revenue | 46,743 | 30,040"


def test_a_table_of_nobody_on_the_watchlist_gives_nothing_and_hides_its_rows(lexicon: Lexicon) -> None:
    text = "(In millions)\nThree Months Ended\nJul 27, 2025 | Jul 28, 2024\nRevenue | $46,743 | $30,040\n"
    assert facts(lexicon, text, None, "2025-08-27") == []
    assert extract_facts(document(text, None, "2025-08-27"), lexicon).is_empty()


def test_sentences_and_tables_of_one_document_tell_a_figure_once(lexicon: Lexicon) -> None:
    text = (
        "Revenue was $46.7 billion in the second quarter of fiscal 2026.\n\n(In millions)\nThree Months Ended\n"
        "Jul 27, 2025 | Jul 28, 2024\nRevenue | $46,743 | $30,040\n"
    )
    found = extract_facts(document(text, "NVDA", "2025-08-27", "NVIDIA second quarter fiscal 2026 results"), lexicon)
    now = found.filter(pl.col("period") == "FY2026Q2")
    assert now.select("kind", "value_low", "extractor").rows() == [("revenue", 46.7e9, "rules")]
    assert found.filter(pl.col("period") == "FY2025Q2")["extractor"].to_list() == ["table"]


def test_headers_are_read_as_a_stream_of_tokens() -> None:
    broken = [
        "Three Months Ended | Nine Months Ended",
        "June 28,",
        "2025 | June 29,",
        "2024 | June 28,",
        "2025 | June 29,",
        "2024",
    ]
    made = columns(broken, 4, 9)
    assert made is not None
    assert [(c.period, c.end, c.months) for c in made] == [
        ("FY2025Q3", date(2025, 6, 28), 3), ("FY2024Q3", date(2024, 6, 29), 3),
        (None, date(2025, 6, 28), 9), (None, date(2024, 6, 29), 9),
    ]  # fmt: skip
    once = columns(["Year Ended December 31,", "2025 | 2024 | % Change"], 3, 12)
    assert once is not None
    assert [(c.period, c.growth) for c in once] == [("CY2025", None), ("CY2024", None), (None, "change")]
    footed = columns(
        ["Acme Inc. | Q3 2025 Form 10-Q | 15", "Three Months Ended", "June 28, 2025 | June 29, 2024"], 2, 9
    )
    assert footed is not None
    assert [c.period for c in footed] == ["FY2025Q3", "FY2024Q3"]
    assert columns(["Three Months Ended", "2025 | 2024"], 3, 12) is None
    weeks = columns(
        ["Thirteen Weeks Ended | Thirty-Nine Weeks Ended", "Nov 1, 2025 | Nov 2, 2024 | Nov 1, 2025 | Nov 2, 2024"],
        4,
        1,
    )
    assert weeks is not None
    assert [c.period for c in weeks] == ["FY2026Q3", "FY2025Q3", None, None]
    odd = columns(["Two Months Ended", "Nov 1, 2025 | Nov 2, 2024"], 2, 1)
    assert odd is not None
    assert [c.period for c in odd] == [None, None]


def test_the_caption_of_a_viewer_page_stands_in_the_first_cell_of_the_header(lexicon: Lexicon) -> None:
    text = (
        "CONDENSED CONSOLIDATED STATEMENTS OF OPERATIONS (Unaudited) - USD ($) shares in Thousands, $ in Millions"
        " | 3 Months Ended | 6 Months Ended\nMar. 29, 2025 | Mar. 30, 2024 | Mar. 29, 2025 | Mar. 30, 2024\n"
        "Net sales | $ 95,359 | $ 90,753 | $ 219,659 | $ 210,328\n"
    )
    assert told(facts(lexicon, text, "AAPL", "2025-05-02")) == [
        ("revenue", 95.359e9, 95.359e9, "money", "FY2025Q2", "actual"),
        ("revenue", 90.753e9, 90.753e9, "money", "FY2024Q2", "actual"),
        ("revenue", 219.659e9, 219.659e9, "money", "FY2025H1", "actual"),
        ("revenue", 210.328e9, 210.328e9, "money", "FY2024H1", "actual"),
    ]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("(In millions, except per share data)", Unit(1e6, None)), ("(dollars in thousands)", Unit(1e3, None)),
        ("(NT$ in billions)", Unit(1e9, "TWD")), ("(shares in thousands)", None), ("USD ($) shares in Thousands, $ in Millions", Unit(1e6, "USD")), ("单位：百万元 币种：人民币", Unit(1e6, "CNY")),
        ("單位：新台幣仟元", Unit(1e3, "TWD")), ("（人民币千元）", Unit(1e3, "CNY")), ("单位：元", Unit(1.0, None)),
        ("The company has invested in millions of homes over the years, and in many other things that it does not name here.", None),
        ("营业收入增长百万元级别的项目", None), ("Revenue | 46,743", None),
    ],
)  # fmt: skip
def test_units_of_captions(text: str, unit: Unit | None) -> None:
    assert unit_of(text) == unit


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Total net sales", "revenue"), ("Net revenue (1)", "revenue"), ("Cost of revenue", None), ("Deferred revenue", None),
        ("GAAP gross margin", "gross_margin"), ("Gross profit", "gross_margin"), ("Total gross margin percentage", "gross_margin"),
        ("Income (loss) from operations", "operating_income"), ("Operating expenses", None), ("Operating income per share", None),
        ("Purchases of property and equipment", "capex"), ("Purchases of marketable securities", None),
        ("Payments for acquisition of property, plant and equipment", "capex"), ("Inventories, net", "inventory"),
        ("Remaining performance obligations (RPO)", "backlog"), ("Purchase obligations", "supply_commitment"),
        ("Operating lease obligations", None), ("一、营业总收入", "revenue"), ("营业外收入", None), ("毛利率", "gross_margin"),
    ],
)  # fmt: skip
def test_names_of_rows(name: str, kind: str | None) -> None:
    metric = metric_of(name)
    assert (metric.kind if metric is not None else None) == kind


def test_numbers_of_cells_read_back() -> None:
    """10,000 figures in the ways publishers write them."""
    chance = random.Random(20251124)
    for _ in range(10_000):
        value = round(chance.uniform(0, 10 ** chance.randint(0, 9)), chance.choice([0, 0, 1, 2]))
        digits = f"{value:,.2f}".rstrip("0").rstrip(".") if chance.random() < 0.8 else f"{value:.2f}"
        negative, percent = chance.random() < 0.3, chance.random() < 0.3
        sign = chance.choice(["", "$", "NT$", "¥", "€"]) if not percent else ""
        if negative:
            text = chance.choice([f"{sign}({digits})", f"({sign}{digits})", f"-{sign}{digits}"])
            text = text + "%" if percent else text
        else:
            text = f"{sign}{digits}" + ("%" if percent else "")
        assert parse_cell(text) == (pytest.approx(-value if negative else value), percent, False), text


@pytest.mark.parametrize("text", ["", "—", "2025E", "12 months", "(12", "12)", "1,23", "$", "%", "1.2.3", "H100"])
def test_what_is_no_figure(text: str) -> None:
    assert parse_cell(text) is None


def test_cells_made_of_blocks_and_line_ends_stay_rows() -> None:
    assert "Operating income (loss) | 36,010 | (21,869) | 86,088 | 57,419" in whole_page(STATEMENT)
    layout = (
        "<table><tr><td>"
        + "<p>A paragraph of an article that is laid out with a table.</p>" * 12
        + "</td></tr></table>"
    )
    assert extract_article(f"<article>{layout}</article>", "https://example.com").text.count("\n") >= 11


REAL = [
    ("aapl-10-q-2025-08-01.html.gz", "AAPL", "2025-08-01", 30), ("nvda-10-q-2025-08-27.html.gz", "NVDA", "2025-08-27", 70),
    ("googl-10-k-2025-02-05.html.gz", "GOOGL", "2025-02-05", 26), ("nvda-10-k-2025-02-26.html.gz", "NVDA", "2025-02-26", 37),
    ("Oracle.10-Q.html.gz", "ORCL", "2024-09-10", 22),
]  # fmt: skip


@pytest.mark.real
@pytest.mark.parametrize(("name", "entity", "day", "least"), REAL)
def test_real_filings_tell_in_tables_what_they_mark_as_xbrl(
    shared_data: Path, lexicon: Lexicon, name: str, entity: str, day: str, least: int
) -> None:
    body = gzip.decompress((shared_data / "edgar" / "filings" / name).read_bytes())
    text, marked = edgar.read_filing(body, lexicon.issuers)
    rows = facts(lexicon, text, entity, day)
    assert len(rows) >= least
    tabled = {(r["kind"], r["period"]): [] for r in rows} | {}
    for row in rows:
        if row["unit"] == "money":
            tabled[row["kind"], row["period"]].append(row["value_low"])
    compared = 0
    for kind, period, value in marked.select("kind", "period", "value_low").iter_rows():
        if kind in ("revenue", "operating_income", "capex", "inventory") and (kind, period) in tabled:
            compared += 1
            assert value in tabled[kind, period], (kind, period)
    assert compared >= 5
