"""Tables of figures: months in every notation, units by the mapping, broken lines named."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tracker.ingest.documents import build_documents
from tracker.ingest.formats import csv_table
from tracker.ingest.formats.types import Parsed
from tracker.ingest.sources import Source
from tracker.kit import Kit
from tracker.pipeline import process, reprocess
from tracker.store import Store

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
URL = "https://figures.example.org/revenue.csv"


def read(body: str | bytes, entity: tuple[str, ...] = ("2330.TW",), **options: object) -> Parsed:
    given = {"period": "month", "value": "amount", "scale": 1000, "currency": "TWD"} | options
    table = Source("figures", "Figures", "csv", URL, "zh", 1, 60.0, entity, options=given)
    packed = body.encode() if isinstance(body, str) else body
    return csv_table.parse(packed, table, url=URL, fetched_at=NOW)


@pytest.mark.parametrize(
    "written", ["11507", "115/07", "115/07/15", "2026-07", "2026/7", "202607", "2026-07-31", "2026年7月", "115年07月"]
)
def test_a_month_is_read_in_every_notation(written: str) -> None:
    series = read(f"month,amount\n{written},5\n").series
    assert series["period"].to_list() == ["CY2026-07"]
    assert series["period_start"].to_list() == [date(2026, 7, 1)]
    assert series["period_end"].to_list() == [date(2026, 7, 31)]


def test_thousands_become_base_units_in_series_and_fact() -> None:
    parsed = read("month,amount\n11507,323165707\n")
    assert parsed.series.row(0, named=True)["series_id"] == "monthly_revenue:2330.TW"
    fact = parsed.facts.row(0, named=True)
    assert (fact["kind"], fact["value_low"], fact["unit"], fact["currency"], fact["period"], fact["extractor"]) == (
        "revenue", 323_165_707_000.0, "money", "TWD", "CY2026-07", "table",
    )  # fmt: skip


def test_facts_point_into_the_documents_built_from_the_items() -> None:
    parsed = read("month,amount\n11407,100\n11507,130\n")
    documents = build_documents([(item, None) for item in parsed.items], Source("f", "F", "csv", URL, "zh", 1, 60), NOW)
    texts = dict(documents.select("doc_id", "text").iter_rows())
    assert len(texts) == 2
    for fact in parsed.facts.iter_rows(named=True):
        assert texts[fact["doc_id"]][fact["start"] : fact["end"]] == fact["quote"]


def test_growth_on_the_year_is_computed_when_the_table_holds_both_months() -> None:
    growth = [f for f in read("month,amount\n11407,100\n11507,130\n").facts.to_dicts() if f["unit"] == "pct_yoy"]
    assert [(f["period"], f["value_low"], f["direction"]) for f in growth] == [("CY2026-07", 30.0, "up")]


def test_growth_stated_by_the_table_is_taken_from_it() -> None:
    growth = read("month,amount,change\n11507,130,-4.25\n", yoy="change").facts.to_dicts()[1]
    assert (growth["unit"], growth["value_low"], growth["direction"]) == ("pct_yoy", -4.25, "down")


def test_year_and_month_may_stand_in_columns_of_their_own() -> None:
    series = read("y,m,amount\n2026,7,5\n", period=None, year="y", month="m").series
    assert series["period"].to_list() == ["CY2026-07"]


def test_only_listed_issuers_are_read() -> None:
    table = "code,month,amount\n2330,11507,5\n9999,11507,6\n"
    series = read(table, (), entity_column="code", entities={"2330": "2330.TW"}).series
    assert series["entity"].to_list() == ["2330.TW"]


def test_big5_and_byte_order_mark_are_read() -> None:
    for packed in ("月份,營收\n11507,5\n".encode("big5"), "\ufeff月份,營收\n11507,5\n".encode()):
        assert read(packed, period="月份", value="營收").series["value"].to_list() == [5000.0]


def test_broken_lines_are_named_and_the_rest_is_read() -> None:
    parsed = read("month,amount\n11513,5\n11507\n11506,-\n11505,7,extra\n\n11504,8\n")
    assert parsed.series["period"].to_list() == ["CY2026-05", "CY2026-04"]
    assert [problem.split(": ")[1] for problem in parsed.problems] == ["line 2", "line 3", "line 4"]


def test_a_missing_column_is_named_with_those_that_are_there() -> None:
    assert "there is no column ['amount']; there are ['month', 'sum']" in read("month,sum\n1,2\n").problems[0]
    assert read("").problems  # an empty answer is not silence


def test_a_cell_without_end_is_a_problem_not_a_crash() -> None:
    assert "not a table" in read('month,amount\n11507,"' + "9" * 300_000).problems[0]


def test_publication_before_the_usual_day_counts_from_the_day_it_was_seen() -> None:
    seen = read("month,amount\n11511,5\n").series["published_at"].item()  # November, read on the 24th
    assert seen == datetime(2026, 11, 24, tzinfo=UTC)
    assert read("month,amount\n11507,5\n").series["published_at"].item() == datetime(2026, 8, 10, tzinfo=UTC)


def test_reprocessing_keeps_the_figures_of_a_table(tmp_path: Path, rules_dir: Path) -> None:
    parsed = read("month,amount\n11407,323165707\n11507,423165707\n")
    documents = build_documents([(item, None) for item in parsed.items], Source("f", "F", "csv", URL, "zh", 1, 60), NOW)
    kit = Kit.load([rules_dir])
    with Store.open(tmp_path / "store.duckdb") as store:
        process(store, kit, documents, NOW, figures=parsed.facts)
        query = "SELECT extractor, unit, period, value_low FROM v_facts ORDER BY period, unit"
        before = store.read(query).rows()
        reprocess(store, kit, store.read("SELECT * EXCLUDE (signature) FROM documents"), NOW)
        assert [row[:3] for row in before] == [
            ("table", "money", "CY2025-07"), ("table", "money", "CY2026-07"), ("table", "pct_yoy", "CY2026-07"),
        ]  # fmt: skip
        assert store.read(query).rows() == before


@pytest.mark.real
@pytest.mark.parametrize("name", ["tsmc_monthly_revenue.csv", "tsmc_monthly_revenue_from2015.csv"])
def test_monthly_revenue_of_tsmc_in_whole_dollars(shared_data: Path, name: str) -> None:
    body = (shared_data / "taiwan" / name).read_bytes()
    parsed = read(body, period=None, year="revenue_year", month="revenue_month", value="revenue", scale=1)
    assert parsed.problems == []
    assert (
        parsed.series.height == body.count(b"\n") - (0 if not body.endswith(b"\n") else 1) or parsed.series.height > 60
    )
    january = parsed.series.filter(parsed.series["period"] == "CY2016-01")
    assert january["value"].to_list() == [70_855_235_000.0]
    assert set(parsed.facts["unit"]) == {"money", "pct_yoy"}


@pytest.mark.real
def test_the_exchanges_table_is_read_for_every_company_in_it(shared_data: Path) -> None:
    body = (shared_data / "taiwan" / "opendata_monthly_revenue_all.csv").read_bytes()
    codes = {line.split(",")[2] for line in body.decode("utf-8-sig").splitlines()[1:] if line.count(",") > 5}
    parsed = read(
        body, (), period="資料年月", value="營業收入-當月營收", yoy="營業收入-去年同月增減(%)",
        entity_column="公司代號", entities={code: f"{code}.TW" for code in codes},
    )  # fmt: skip
    first = parsed.series.filter(parsed.series["entity"] == "000104.TW").row(0, named=True)
    assert (first["value"], first["period"]) == (112_857_000.0, "CY2025-07")
    assert parsed.problems == []
    assert set(parsed.series["entity"]) == {f"{code}.TW" for code in codes}
