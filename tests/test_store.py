"""The store: idempotent writes, refused versions, a snapshot that never meets the writer."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tracker.errors import StoreError
from tracker.store import Store, open_snapshot, query

NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)


def candidates(*terms: str) -> pl.DataFrame:
    return pl.DataFrame({"term": terms, "as_of": [NOW] * len(terms)})


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "store.duckdb") as opened:
        yield opened


def test_append_returns_only_what_is_new(store: Store) -> None:
    assert store.append("candidates", candidates("a", "b", "a"))["term"].to_list() == ["a", "b"]
    assert store.append("candidates", candidates("b", "c"))["term"].to_list() == ["c"]
    assert store.scalar("SELECT count(*) FROM candidates") == 3


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def half_done() -> None:
        with store.transaction():
            store.append("candidates", candidates("a"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    assert store.scalar("SELECT count(*) FROM candidates") == 0


def test_every_table_and_column_is_commented(store: Store) -> None:
    tables = store.read("SELECT table_name FROM duckdb_tables() WHERE coalesce(comment, '') = ''")
    columns = store.read(
        "SELECT table_name, column_name FROM duckdb_columns() c JOIN duckdb_tables() t USING (table_name) "
        "WHERE coalesce(c.comment, '') = ''"
    )
    assert tables.rows() == []
    assert columns.rows() == []


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    for _ in range(2):
        with Store.open(path) as store:
            versions = store.read("SELECT version FROM schema_migrations ORDER BY version")["version"].to_list()
    assert versions == sorted(set(versions))


def test_a_newer_file_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    with Store.open(path) as store:
        store.execute("INSERT INTO schema_migrations VALUES (9999, 'future', now())")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="9999"):
        Store.open(path)
    assert path.read_bytes() == before
    assert not path.with_name(path.name + ".wal").exists()


def test_an_older_file_is_migrated(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "s.duckdb"
    with duckdb.connect(str(path)) as old:
        first = sorted((root / "storage" / "migrations").glob("*.sql"))[0]
        for statement in duckdb.extract_statements(first.read_text(encoding="utf-8")):
            old.execute(statement)
        old.execute(
            "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name VARCHAR, applied_at TIMESTAMPTZ)"
        )
        old.execute("INSERT INTO schema_migrations VALUES (1, '0001_spine', now())")
        old.execute("INSERT INTO candidates (term, as_of) VALUES ('kept', now())")
    with Store.open(path) as store:
        assert store.scalar("SELECT term FROM candidates") == "kept"
        assert store.scalar("SELECT count(*) FROM v_signals") == 0


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    path.write_text("hello, I am not a database" * 1000)
    with pytest.raises(StoreError, match=r"s\.duckdb"):
        Store.open(path)


def test_the_snapshot_is_readable_while_the_store_is_open_and_the_live_file_stays_locked(store: Store) -> None:
    store.append("candidates", candidates("a"))
    published = store.publish()
    reader = (
        f"import duckdb; print(duckdb.connect({str(published)!r}, read_only=True).sql('FROM candidates').fetchall())"
    )
    assert "'a'" in subprocess.run([sys.executable, "-c", reader], capture_output=True, text=True, check=True).stdout
    intruder = f"import duckdb; duckdb.connect({str(store.path)!r}).execute('select 1')"
    refused = subprocess.run([sys.executable, "-c", intruder], capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "lock" in refused.stderr.lower()


def test_copying_by_tables_gives_the_same_snapshot(store: Store, tmp_path: Path) -> None:
    store.append("candidates", candidates("a", "b"))
    target = tmp_path / "copy.duckdb"
    store._copy_tables(target, None)
    with duckdb.connect(str(target), read_only=True) as copy:
        assert copy.execute("SELECT count(*) FROM candidates").fetchone() == (2,)
        assert copy.execute("SELECT count(*) FROM v_signals").fetchone() == (0,)


def test_a_question_can_not_reach_files_or_write(store: Store, tmp_path: Path) -> None:
    store.publish()
    connection = open_snapshot(store.path)
    for sql in (
        "CREATE TABLE x (a INTEGER)",
        f"COPY candidates TO '{tmp_path / 'out.csv'}'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SET enable_external_access = true",
    ):
        with pytest.raises(StoreError):
            query(connection, sql)
    assert not (tmp_path / "out.csv").exists()


def test_many_threads_may_write_at_once(store: Store) -> None:
    def write(number: int) -> None:
        for i in range(20):
            store.append("candidates", candidates(f"{number % 2}-{i}"))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.scalar("SELECT count(*) FROM candidates") == 40


def test_value_capture_is_told_of_suppliers_only(store: Store) -> None:
    """A margin that falls while revenue grows: of a company in the supplier graph, not of one that only buys."""
    at = datetime(2026, 5, 1, tzinfo=UTC)
    common = {"basis": "actual", "ingested_at": at, "recorded_at": at, "doc_id": "d"}
    rows = []
    for entity in ("MU", "META"):
        for quarter, margin in ((1, 40.0), (2, 38.0)):
            rows.append(common | {
                "fact_id": f"{entity}{quarter}", "kind": "gross_margin", "entity": entity, "unit": "pct",
                "period": f"CY2026Q{quarter}", "value_low": margin, "value_high": margin,
                "published_at": at + timedelta(days=quarter),
            })  # fmt: skip
        rows.append(common | {
            "fact_id": f"{entity}g", "kind": "revenue", "entity": entity, "unit": "pct_yoy", "period": "CY2026Q2",
            "value_low": 30.0, "value_high": 30.0, "published_at": at,
        })  # fmt: skip
    store.append("facts", pl.DataFrame(rows))
    assert store.read("SELECT * FROM v_value_capture").is_empty()
    store.append(
        "supplies",
        pl.DataFrame([{"supplier": "MU", "buyer": "NVDA", "product": "hbm", "source": "https://example.org"}]),
    )
    told = store.read("SELECT entity, reading FROM v_value_capture")
    assert told.rows() == [("MU", "volume up, margin squeezed")]


def test_superseded_facts_leave_the_view_but_stay_in_history(store: Store) -> None:
    row = {"fact_id": "f1", "doc_id": "d", "kind": "capex", "entity": "META"}
    times = {"published_at": NOW, "ingested_at": NOW, "recorded_at": NOW}
    store.append("facts", pl.DataFrame([row | times]))
    later = datetime(2026, 11, 25, tzinfo=UTC)
    store.supersede("facts", pl.Series(["f1"]), at=later, by="f2")
    assert store.scalar("SELECT count(*) FROM v_facts") == 0
    assert store.scalar("SELECT count(*) FROM facts_as_of('2026-11-24 12:00:00+00')") == 1
    assert store.scalar("SELECT count(*) FROM facts_as_of('2026-11-26')") == 0
