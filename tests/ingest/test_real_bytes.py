"""Source kinds on bytes as publishers served them, through the configuration a user would write."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tracker.ingest.formats import parser_for
from tracker.ingest.formats.types import Parsed
from tracker.ingest.sources import Source

NOW = datetime(2026, 11, 24, tzinfo=UTC)
pytestmark = pytest.mark.real


def read(file: Path, kind: str, address: str, entity: str | None = None, **options: Any) -> Parsed:
    body = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    source = Source("s", "S", kind, address, "en", 1, 60.0, (entity,) if entity else (), options=options)
    return parser_for(kind, None)(body, source, url=address, fetched_at=NOW, charset=None)


def test_json_api_reads_the_further_files_of_a_long_filer(shared_data: Path) -> None:
    parsed = read(
        shared_data / "edgar" / "submissions" / "CIK0001318605.json.gz", "json_api",
        "https://data.sec.gov/submissions/CIK0001318605.json", "TSLA",
        items="filings.files", title="name", published="filingTo", url="https://data.sec.gov/submissions/{name}",
    )  # fmt: skip
    assert [(i.url, i.published_at and i.published_at.date().isoformat()) for i in parsed.items] == [
        ("https://data.sec.gov/submissions/CIK0001318605-submissions-001.json", "2018-02-11")
    ]
    assert not parsed.problems


def test_json_feed_gives_every_item_with_date_and_text(shared_data: Path) -> None:
    parsed = read(
        shared_data / "feeds" / "real" / "feedjira" / "json_feed.json", "json_feed", "https://example.org/feed.json"
    )
    assert len(parsed.items) == 20
    assert all(item.url.startswith("http") and item.title and item.text for item in parsed.items)
    assert all(item.published_at is not None for item in parsed.items)


def test_html_list_reads_the_news_of_a_newsroom(shared_data: Path) -> None:
    parsed = read(
        shared_data / "html" / "1631c8953ed1e4b9.html.gz", "html_list", "https://blogs.nvidia.com/blog/", "NVDA",
        item="article.recent-news-item", title="h3", url="h3 a", date="time", follow=True,
    )  # fmt: skip
    assert len(parsed.links) == 4  # each stands twice on the page, for wide and for narrow screens
    for link in parsed.links:
        assert link.url.startswith("https://blogs.nvidia.com/blog/")
        assert link.item.published_at is not None
        assert link.item.published_at.year == 2026
        assert link.item.title
        assert "\n" not in link.item.title
    assert len({link.url for link in parsed.links}) == len(parsed.links)


def test_html_list_reads_the_documents_of_a_filing(shared_data: Path) -> None:
    file = shared_data / "edgar" / "filings" / "0001045810-26-000024-index.html"
    parsed = read(
        file, "html_list", "https://www.sec.gov/Archives/edgar/data/1045810/000104581026000024/index.html", "NVDA",
        item="table.tableFile tr:has(td)", title="td:nth-of-type(2)", url="td a",
    )  # fmt: skip
    assert parsed.items[0].title == "8-K"
    assert all(item.url.startswith("https://www.sec.gov/") for item in parsed.items)
    assert len(parsed.items) >= 3


def test_csv_reads_a_monthly_table(shared_data: Path) -> None:
    file = shared_data / "taiwan" / "tsmc_monthly_revenue.csv"
    parsed = read(
        file, "csv", "https://example.org/revenue.csv", "2330.TW",
        year="revenue_year", month="revenue_month", value="revenue", metric="revenue", unit="money", currency="TWD",
    )  # fmt: skip
    assert parsed.series.height >= 12
    assert parsed.series["value"].min() > 1e9  # type: ignore[operator]


@pytest.mark.parametrize(
    ("kind", "name"),
    [("edgar_getcurrent", "getcurrent_typeall_start0_1.atom"), ("rss", "getcurrent_typeall_start0_1.atom")],
)
def test_edgars_list_of_the_day_is_read_by_both_kinds(shared_data: Path, kind: str, name: str) -> None:
    file = shared_data / "edgar" / "getcurrent" / name
    options: dict[str, Any] = {"all": True} if kind == "edgar_getcurrent" else {}
    parsed = read(file, kind, "https://www.sec.gov/cgi-bin/browse-edgar?action=getcurrent&output=atom", **options)
    assert len(parsed.items) + len(parsed.links) >= 40
