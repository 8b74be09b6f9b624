"""Parsers over real bytes: every kind of source, as their publishers served it."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import feedparser
import polars as pl
import pytest

from tracker.extract.lexicon import load_lexicon
from tracker.ingest.documents import build_documents
from tracker.ingest.formats import csv_table, edgar, feed, html_list, json_api, xbrl
from tracker.ingest.formats.article import extract_article, join_cells, whole_page
from tracker.ingest.sources import Source
from tracker.text.charset import decode

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def source(kind: str = "rss", **options: object) -> Source:
    return Source("test", "Test", kind, "http://127.0.0.1/", "en", 1, 60.0, options=options)


@pytest.mark.real
def test_every_feed_that_feedparser_reads_yields_as_many_entries(shared_data: Path) -> None:
    files = sorted(p for p in (shared_data / "feeds").rglob("*") if p.is_file())
    assert len(files) >= 300
    short = {}
    for file in files:
        body = file.read_bytes()
        body = gzip.decompress(body) if file.suffix == ".gz" else body
        expected = len(feedparser.parse(body).entries)
        found = len(feed.parse(body, source(), url="http://127.0.0.1/", fetched_at=NOW).items)
        if found < expected:
            short[file.name] = (found, expected)
    assert short == {}


@pytest.mark.real
def test_submissions_name_filings_of_the_right_forms(shared_data: Path) -> None:
    body = gzip.decompress((shared_data / "edgar" / "submissions" / "CIK0001045810.json.gz").read_bytes())
    parsed = edgar.parse_submissions(
        body, source("edgar_submissions"), url="x", fetched_at=NOW, issuers={1045810: ("NVDA", 1)}
    )
    assert parsed.links
    assert {link.item.entity for link in parsed.links} == {"NVDA"}
    assert all(link.url.endswith("-index.htm") and "/1045810/" in link.url for link in parsed.links)


@pytest.mark.real
def test_a_filing_index_leads_to_the_press_release(shared_data: Path) -> None:
    markup = (shared_data / "edgar" / "filings" / "0001045810-26-000024-index.html").read_text(encoding="utf-8")
    item = edgar.parse_submissions(
        b'{"cik": 1, "name": "x", "filings": {"recent": {"accessionNumber": ["0001045810-26-000024"], "form": ["8-K"],'
        b' "filingDate": ["2026-03-04"]}}}',
        source("edgar_submissions", follow=False),
        url="CIK1",
        fetched_at=NOW,
    ).items[0]
    links = edgar.documents_of_index(markup, "https://www.sec.gov/Archives/", item)
    assert links
    assert all(link.url.startswith("https://www.sec.gov/") for link in links)


@pytest.mark.real
def test_getcurrent_keeps_only_the_watchlists_filers(shared_data: Path, rules_dir: Path) -> None:
    issuers = load_lexicon([rules_dir]).issuers
    everything = 0
    for file in sorted((shared_data / "edgar" / "getcurrent").glob("*.atom")):
        body = file.read_bytes()
        kept = edgar.parse_getcurrent(body, source("edgar_getcurrent"), url="x", fetched_at=NOW, issuers=issuers)
        whole = edgar.parse_getcurrent(
            body, source("edgar_getcurrent", all=True), url="x", fetched_at=NOW, issuers=issuers
        )
        everything += len(whole.links)
        assert len(kept.links) <= len(whole.links)
        assert all(link.item.entity for link in kept.links)
    assert everything > 100


@pytest.mark.real
def test_xbrl_agrees_with_the_figures_of_the_filings(shared_data: Path, rules_dir: Path) -> None:
    issuers = load_lexicon([rules_dir]).issuers
    frames = []
    for cik in (1045810, 320193, 1652044):
        body = gzip.decompress((shared_data / "edgar" / "companyfacts" / f"CIK{cik:010d}.json.gz").read_bytes())
        parsed = xbrl.parse(body, source("xbrl_companyfacts"), url=f"CIK{cik}", fetched_at=NOW, issuers=issuers)
        assert parsed.problems == []
        frames.append(parsed.series)
        documents = build_documents([(item, None) for item in parsed.items], source(), NOW)
        texts = dict(documents.select("doc_id", "text").iter_rows())
        for fact in parsed.facts.iter_rows(named=True):
            assert texts[fact["doc_id"]][fact["start"] : fact["end"]] == fact["quote"]
    series = pl.concat(frames)
    entity = {"NVDA": "NVDA", "AAPL": "AAPL", "GOOG": "GOOGL"}
    with (shared_data / "edgar" / "quarter_pairs.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        found = series.filter(
            (pl.col("entity") == entity[row["symbol"]])
            & pl.col("series_id").str.ends_with(":quarter")
            & pl.col("metric").str.starts_with(row["figure"])
            & (pl.col("period_end") == date.fromisoformat(row["period_end"]))
        )
        assert float(row["value_usd"]) in found["value"].to_list(), row


@pytest.mark.real
def test_monthly_revenue_of_taiwan_becomes_a_series(shared_data: Path) -> None:
    body = (shared_data / "taiwan" / "opendata_monthly_revenue_all.csv").read_bytes()
    options = {
        "period": "資料年月", "value": "營業收入-當月營收", "scale": 1000, "currency": "TWD",
        "entity_column": "公司代號", "entities": {"2330": "2330.TW"},
    }  # fmt: skip
    parsed = csv_table.parse(body, source("csv", **options), url="x", fetched_at=NOW)
    if parsed.series.height:  # the file may hold any sample of companies
        assert parsed.series["value"].min() > 1e9
        assert parsed.series["currency"].unique().to_list() == ["TWD"]
    assert parsed.problems == []


@pytest.mark.real
def test_every_archived_page_gives_text(shared_data: Path) -> None:
    empty = []
    for file in sorted((shared_data / "html").glob("*.html.gz")):
        article = extract_article(decode(gzip.decompress(file.read_bytes()), None), "http://127.0.0.1/")
        if len(article.text) < 200:
            empty.append(file.name)
    assert empty == []


def test_a_list_page_is_read_by_selectors_with_roc_dates() -> None:
    page = """<ul><li class=n><a href='/a?id=1'>台積電 10 月營收</a><span class=d>民國115年11月10日</span></li>
              <li class=n><a href='javascript:alert(1)'>空</a><span class=d>115/11/09</span></li></ul>""".encode()
    options = {"item": "li.n", "title": "a", "url": "a", "date": ".d"}
    items = html_list.parse(page, source("html_list", **options), url="http://127.0.0.1/n/", fetched_at=NOW).items
    assert next(i.url for i in items) == "http://127.0.0.1/a?id=1"
    assert all(not i.url.startswith("javascript") for i in items)
    assert [i.published_at for i in items] == [datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC)]


def test_a_page_that_changed_shape_is_a_problem_not_silence() -> None:
    parsed = html_list.parse(b"<p>new design</p>", source("html_list", item="li.n"), url="http://h/", fetched_at=NOW)
    assert "did the page change" in parsed.problems[0]


def test_json_feed_and_json_api_are_read() -> None:
    body = b'{"items": [{"id": "7", "url": "https://h/7", "title": "A", "content_html": "<p>B &amp; C</p>", "date_published": "2026-01-02T03:04:05Z"}]}'
    item = json_api.parse_feed(body, source("json_feed"), url="https://h/", fetched_at=NOW).items[0]
    assert (item.url, item.published_at) == ("https://h/7", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert "B & C" in item.text
    api = b'{"data": {"rows": [{"n": 5, "t": "x", "when": 1767323045}]}}'
    options = {"items": "data.rows", "title": "t", "url": "https://h/n/{n}", "published": "when"}
    item = json_api.parse(api, source("json_api", **options), url="https://h/", fetched_at=NOW).items[0]
    assert item.url == "https://h/n/5"
    assert item.published_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("body", [b"", b"{", b"[1, 2", b'{"items": 3}', b"[" * 100_000, b"\xff\xfe\x00"])
def test_broken_json_is_a_named_problem(body: bytes) -> None:
    parsed = json_api.parse_feed(body, source("json_feed"), url="https://h/", fetched_at=NOW)
    assert parsed.items == []
    assert parsed.problems[0].startswith("https://h/")


def test_split_cells_of_a_filing_are_put_together() -> None:
    assert join_cells("Revenue\x1f$\x1f1,234\x1f\x1f(12\x1f)\x1f56\x1f%") == "Revenue | $1,234 | (12) | 56%"
    page = "<table><tr><td>Revenue</td><td>$</td><td>57,006</td><td></td><td>62</td><td>%</td></tr></table>"
    assert "Revenue | $57,006 | 62%" in whole_page(page)


def test_deep_nesting_and_huge_lines_do_no_harm() -> None:
    assert extract_article("<div>" * 20_000 + "x" + "</div>" * 20_000, "http://h/").text in {"", "x"}
    assert extract_article("a" * 3_000_000, "http://h/").text
