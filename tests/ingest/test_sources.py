"""The sources file: what a person can get wrong is named with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracker.errors import RuleError
from tracker.ingest.formats import PARSERS
from tracker.ingest.sources import Source, load_sources

GOOD = "  - {id: a, kind: rss, url: 'http://127.0.0.1:8000/feed.xml'}\n"


def load(tmp_path: Path, *entries: str) -> list[Source]:
    file = tmp_path / "sources.yaml"
    file.write_text("sources:\n" + "".join(entries), encoding="utf-8")
    return load_sources([file])


def refused(tmp_path: Path, entry: str) -> str:
    with pytest.raises(RuleError) as caught:
        load(tmp_path, GOOD, entry)
    assert caught.value.where is not None
    assert caught.value.where.startswith(str(tmp_path / "sources.yaml:"))
    assert int(caught.value.where.rpartition(":")[2]) >= 3
    return str(caught.value)


def test_the_built_in_list_is_valid_and_broad(rules_dir: Path) -> None:
    sources = load_sources([rules_dir / "sources.yaml"])
    assert len([s for s in sources if s.enabled]) >= 60
    assert {s.lang for s in sources} >= {"en", "zh"}
    assert {s.kind for s in sources} <= set(PARSERS)
    assert {"rss", "json_api", "edgar_submissions", "edgar_getcurrent", "xbrl_companyfacts", "html_list", "csv"} <= {
        s.kind for s in sources
    }


def test_no_secret_stands_in_the_built_in_list(rules_dir: Path) -> None:
    assert not [s.id for s in load_sources([rules_dir / "sources.yaml"]) if "key=" in s.url.lower() or "@" in s.url]


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    source = load(tmp_path, GOOD)[0]
    assert (source.name, source.lang, source.tier, source.poll_minutes, source.enabled) == ("a", "en", 3, 60.0, True)


def test_common_other_names_of_a_kind_are_understood(tmp_path: Path) -> None:
    feed, table = load(
        tmp_path,
        "  - {id: a, kind: atom, url: 'http://h/1'}\n",
        "  - {id: b, kind: csv_table, url: 'http://h/2', options: {period: m, value: v}}\n",
    )
    assert (feed.kind, table.kind) == ("rss", "csv")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("  - {id: a, kind: rss, url: 'http://h/x'}\n", "the id 'a' stands twice"),
        ("  - {id: b, kind: rss, ulr: 'http://h/x'}\n", "did you mean 'url'?"),
        ("  - {id: b, kind: rs, url: 'http://h/x'}\n", "did you mean 'rss'?"),
        ("  - {id: b, url: 'http://h/x'}\n", "the source 'b' needs 'kind'"),
        ("  - {kind: rss, url: 'http://h/x'}\n", "needs 'id'"),
        ("  - {id: b, kind: rss, url: 'ftp://h/x'}\n", "url: "),
        ("  - {id: b, kind: rss, url: 'http://h/{yyyymmdd}'}\n", "of templates only {date"),
        ("  - {id: b, kind: rss, url: 'http://h/', tier: 9}\n", "tier cannot be 9"),
        ("  - {id: b, kind: rss, url: 'http://h/', poll_minutes: 0}\n", "poll_minutes: "),
        ("  - {id: b, kind: rss, url: 'http://h/', enabled: 'no'}\n", "enabled: "),
        ("  - {id: b, kind: rss, url: 'http://h/', options: {folow: true}}\n", "did you mean 'follow'?"),
        ("  - {id: b, kind: rss, url: 'http://h/', options: 5}\n", "is not of type 'object'"),
        ("  - {id: b, kind: csv, url: 'http://h/'}\n", "options needs 'value'"),
        ("  - just words\n", "a source is a mapping"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_way_out(tmp_path: Path, entry: str, message: str) -> None:
    assert message in refused(tmp_path, entry)


def test_a_file_without_sources_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    file.write_text("feeds: []\n", encoding="utf-8")
    with pytest.raises(RuleError, match="has no list 'sources'"):
        load_sources([file])
