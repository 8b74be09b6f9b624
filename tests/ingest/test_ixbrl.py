"""Inline XBRL: exact periods, tied to the text of the filing; segments, other filers and broken markup left out."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tracker.extract.facts import extract_facts
from tracker.extract.lexicon import load_lexicon
from tracker.ingest.archive import Archive
from tracker.ingest.files import read_file
from tracker.ingest.formats import edgar
from tracker.ingest.formats.article import whole_page
from tracker.ingest.formats.ixbrl import IXBRL_VERSION, read_inline, with_doc_id
from tracker.kit import Kit
from tracker.pipeline import process, reprocess
from tracker.resources import data_dir
from tracker.store import Store

ISSUERS = {1045810: ("NVDA", 1), 2488: ("AMD", 12)}


def context(name: str, start: str | None, end: str, cik: int = 1045810, inside: str = "") -> str:
    dates = (
        f"<xbrli:startDate>{start}</xbrli:startDate><xbrli:endDate>{end}</xbrli:endDate>"
        if start
        else f"<xbrli:instant>{end}</xbrli:instant>"
    )
    return (
        f'<xbrli:context id="{name}"><xbrli:entity><xbrli:identifier scheme="http://www.sec.gov/CIK">{cik:010d}'
        f"</xbrli:identifier>{inside}</xbrli:entity><xbrli:period>{dates}</xbrli:period></xbrli:context>"
    )


def figure(name: str, ref: str, text: str, more: str = 'scale="6"') -> str:
    return f'<ix:nonFraction unitRef="usd" contextRef="{ref}" name="us-gaap:{name}" decimals="-6" {more}>{text}</ix:nonFraction>'


SEGMENT = "<xbrli:segment><xbrldi:explicitMember>nvda:ComputeMember</xbrldi:explicitMember></xbrli:segment>"
CONTEXTS = (
    context("q", "2025-04-28", "2025-07-27")
    + context("p", "2024-04-29", "2024-07-28")
    + context("h", "2025-01-27", "2025-07-27")
    + context("n", "2024-10-28", "2025-07-27")
    + context("old", "2022-05-02", "2022-07-31")
    + context("s", "2025-04-28", "2025-07-27", inside=SEGMENT)
    + context("day", None, "2025-07-27")
    + context("before", None, "2025-01-26")
    + context("other", "2025-04-28", "2025-07-27", cik=777)
)
UNITS = '<xbrli:unit id="usd"><xbrli:measure>iso4217:USD</xbrli:measure></xbrli:unit>'


def page(rows: str) -> str:
    return (
        f'<html><body><div style="display:none"><ix:header><ix:resources>{CONTEXTS}{UNITS}</ix:resources></ix:header>'
        f"</div><p>Form 10-Q &amp; more</p><table>{rows}</table></body></html>"
    )


def row(name: str, *cells: str) -> str:
    return f"<tr><td>{name}</td>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def test_figures_have_exact_periods_and_stand_where_their_quote_says() -> None:
    markup = page(
        row("Revenue", "$", figure("Revenues", "q", "46,743"), "$", figure("Revenues", "p", " <span>30,040</span>"))
        + row("Operating loss", "(", figure("OperatingIncomeLoss", "q", "1,500", 'scale="6" sign="-"'), ")")
        + row("Half year", figure("Revenues", "h", "90.8", 'scale="9" format="ixt:num-dot-decimal"'))
        + row("Inventories", figure("InventoryNet", "day", "14,962"), figure("InventoryNet", "before", "10,080"))
    )
    text, facts = read_inline(markup, ISSUERS)
    assert text == whole_page(markup)
    assert "Revenue | $46,743 | $30,040\nOperating loss | (1,500)" in text
    assert all(text[s:e] == q for s, e, q in facts.select("start", "end", "quote").iter_rows())
    assert set(facts.select("kind", "period", "value_low", "direction").rows()) == {
        ("revenue", "FY2026Q2", 46.743e9, "up"), ("revenue", "FY2025Q2", 30.04e9, "none"),
        ("operating_income", "FY2026Q2", -1.5e9, "none"), ("revenue", "FY2026H1", 90.8e9, "none"),
        ("inventory", "FY2026Q2", 14.962e9, "up"), ("inventory", "FY2025Q4", 10.08e9, "none"),
    }  # fmt: skip
    assert set(facts["extractor"]) == {"xbrl"}


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (figure("Revenues", "s", "1"), "a segment"),
        (figure("Revenues", "n", "1"), "nine months"),
        (figure("Revenues", "other", "1"), "a filer that is not watched"),
        (figure("Revenues", "none", "1"), "an unknown context"),
        (figure("Assets", "day", "1"), "another concept"),
        (figure("Revenues", "day", "1"), "revenue of a day"),
        (figure("Revenues", "q", "—"), "no digits"),
        (figure("Revenues", "q", "1", 'scale="x"'), "a scale that is none"),
        ('<ix:nonFraction contextRef="q" unitRef="usd" name="us-gaap:Revenues">1', "never closed"),
    ],
)
def test_what_is_no_figure_of_the_company(cell: str, why: str) -> None:
    text, facts = read_inline(page(row("Revenue", cell)), ISSUERS)
    assert facts.is_empty(), why
    assert "Revenue" in text


def test_history_is_left_to_the_filings_of_its_time() -> None:
    markup = page(row("Revenue", figure("Revenues", "q", "46,743"), figure("Revenues", "old", "6,704")))
    assert read_inline(markup, ISSUERS)[1]["period"].to_list() == ["FY2026Q2"]


def test_a_decimal_comma_and_the_preferred_concept() -> None:
    markup = page(
        row("Net sales", figure("SalesRevenueNet", "q", "9", 'scale="9"'))
        + row("Revenue", figure("Revenues", "q", "46.743,0", 'scale="6" format="ixt:num-comma-decimal"'))
    )
    assert read_inline(markup, ISSUERS)[1]["value_low"].to_list() == [46.743e9]


@pytest.mark.parametrize(
    "markup",
    ["", "<ix:nonFraction>", "<ix:nonFraction " * 2000, "<xbrli:context id='a'>" * 2000, "\ue000\ue010\ue001" + page(""),
     page(row("Revenue", figure("Revenues", "q", "9" * 400, 'scale="999999999"')))],
)  # fmt: skip
def test_any_markup_is_survived(markup: str) -> None:
    text, facts = read_inline(markup, ISSUERS)
    assert isinstance(text, str)
    assert facts.is_empty()


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit.load([data_dir("rules")])


def document(text: str, published: datetime, doc_id: str) -> pl.DataFrame:
    return pl.DataFrame(
        [{"doc_id": doc_id, "source_id": "t", "source": "t", "tier": 1, "entity": "NVDA", "url": f"https://example.com/{doc_id}",
          "canonical_url": f"https://example.com/{doc_id}", "title": "Form 10-Q", "lang": "en", "published_at": published,
          "ingested_at": published, "text": text, "raw_sha256": None, "story_id": None}]
    )  # fmt: skip


def test_a_figure_filed_again_is_known_since_it_was_first_filed_and_a_restatement_counts_from_then_on(
    kit: Kit, tmp_path: Path
) -> None:
    days = [datetime(2025, month, 28, tzinfo=UTC) for month in (8, 9, 10)]
    with Store.open(tmp_path / "t.duckdb") as store:
        for number, (day, value) in enumerate(zip(days, ("46,743", "46,743", "46,700"), strict=True)):
            text, facts = read_inline(page(row(f"Revenue {number}", figure("Revenues", "q", value))), ISSUERS)
            process(store, kit, document(text, day, f"d{number}"), day, figures=with_doc_id(facts, f"d{number}"))
            told = store.read("SELECT value_low, doc_id FROM v_facts WHERE extractor = 'xbrl' AND kind = 'revenue'")
            assert told.rows() == [(46.7e9, "d2") if number == 2 else (46.743e9, "d0")]


def test_the_words_of_a_filing_are_read_beside_its_figures(kit: Kit, tmp_path: Path) -> None:
    markup = page(row("Revenue", figure("Revenues", "q", "46,743"))).replace(
        "<p>Form", "<p>Revenue was $46.7 billion in the second quarter of fiscal 2026. We expect capital expenditures of $5 billion in fiscal 2026.</p><p>Form",
    )  # fmt: skip
    text, facts = read_inline(markup, ISSUERS)
    day = datetime(2025, 8, 27, tzinfo=UTC)
    with Store.open(tmp_path / "t.duckdb") as store:
        filed = document(text, day, "d")
        process(store, kit, filed, day, figures=with_doc_id(facts, "d"))
        query = "SELECT kind, value_low, extractor_version FROM v_facts ORDER BY kind"
        told = store.read(query)
        reprocess(store, kit, filed, day)
        assert store.read(query).equals(told)
    assert told.rows() == [("capex", 5e9, told.rows()[0][2]), ("revenue", 46.743e9, IXBRL_VERSION)]


@pytest.mark.real
def test_real_filings_agree_with_company_facts(shared_data: Path, tmp_path: Path) -> None:
    """What three filings mark is what the regulator's own collection says of them."""
    lexicon = load_lexicon([data_dir("rules")])
    archive, now = Archive(tmp_path), datetime(2026, 11, 24, tzinfo=UTC)
    known = pl.concat(
        read_file(
            shared_data / "edgar" / "companyfacts" / f"CIK{cik:010d}.json.gz", archive, lexicon.issuers, now
        ).series
        for cik in (320193, 1045810, 1652044)
    ).select("entity", "period", "value", kind=pl.col("metric").str.replace(r" \(by difference\)", ""))
    compared = 0
    for name in ("aapl-10-q-2025-08-01", "nvda-10-q-2025-08-27", "nvda-10-k-2025-02-26", "googl-10-k-2025-02-05"):
        file = shared_data / "edgar" / "filings" / f"{name}.html.gz"
        content = read_file(file, archive, lexicon.issuers, now)
        text = content.documents["text"][0]
        assert content.documents["published_at"][0].date().isoformat()[:7] == name[-10:-3]
        for fact in content.facts.filter(~pl.col("period").str.contains("H")).iter_rows(named=True):
            assert text[fact["start"] : fact["end"]] == fact["quote"]
            assert fact["doc_id"] == content.documents["doc_id"][0]
            same = known.filter(
                (pl.col("entity") == fact["entity"])
                & (pl.col("kind") == fact["kind"])
                & (pl.col("period") == fact["period"])
            )
            if same.height:
                compared += 1
                assert fact["value_low"] in same["value"].to_list(), fact
    assert compared >= 25


@pytest.mark.real
def test_a_marked_filing_has_the_text_it_would_have_without(shared_data: Path) -> None:
    body = gzip.decompress((shared_data / "edgar" / "filings" / "nvda-10-q-2025-08-27.html.gz").read_bytes())
    lexicon = load_lexicon([data_dir("rules")])
    text, facts = edgar.read_filing(body, lexicon.issuers)
    assert text == edgar.filing_text(body)
    assert facts.height >= 13
    read = extract_facts(pl.DataFrame([{"doc_id": "d", "text": text, "entity": "NVDA", "title": "10-Q", "lang": "en",
                                        "published_at": datetime(2025, 8, 27, tzinfo=UTC)}]), lexicon)  # fmt: skip
    assert read.filter(pl.col("extractor") == "table").height >= 40
