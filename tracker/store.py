"""The only module that speaks to DuckDB: open, migrate, append frames, read, publish the snapshot.

One process owns the file and one lock orders its writes. Everybody else reads the published snapshot
(`public/signals.duckdb` beside the store): a whole file put in place by an atomic rename, so a reader that keeps it
open holds its own copy and never meets the writer.

Two traps this module is built around:
- POSIX locks vanish when *any* descriptor of the live file is closed in the owning process. The live file is
  therefore never opened, hashed or copied here: a child process copies it.
- `CHECKPOINT` refuses while an older transaction is open: writes are short, and publishing retries.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import duckdb
import polars as pl

from tracker.errors import StoreError
from tracker.resources import data_dir

# Natural keys: a row whose key is already there is not new.
KEYS: Final[dict[str, tuple[str, ...]]] = {
    "fetches": ("fetch_id",),
    "raw": ("sha256",),
    "documents": ("doc_id",),
    "facts": ("fact_id",),
    "signals": ("signal_id",),
    "conviction": ("claim", "as_of"),
    "ledger": ("quarter", "link", "side", "as_of"),
    "series": ("series_id", "period", "published_at"),
    "reviews": ("review_id",),
    "candidates": ("term", "as_of"),
    "runs": ("run_id",),
    "sources": ("source_id",),
    "alerts": ("alert_id",),
    "deliveries": ("alert_id", "channel"),
    "silences": ("silence_id",),
    "acks": ("alert_id",),
    "notices": ("recipient", "signal_id"),
    "troubles": ("trouble",),
    "unsubscribed": ("recipient", "kind"),
    "supplies": ("supplier", "buyer", "product"),
}
# What a key decides beside itself: an id of a fact stands for its document, and a stored document keeps its time. Looking
# for known keys, the database leaves out all that was published at other times.
_WITHIN: Final = {"facts": "published_at"}
# What the snapshot carries when the whole file has grown too large to copy every minute.
REPORTING_TABLES: Final = (
    "sources",
    "signals",
    "facts",
    "conviction",
    "ledger",
    "series",
    "reviews",
    "candidates",
    "runs",
    "alerts",
    "deliveries",
    "notices",
    "troubles",
    "silences",
    "acks",
    "supplies",
)
WHOLE_COPY_BYTES: Final = 1_000_000_000  # measured: 0.5 GB takes about 1 s under the writer's lock
STORAGE_VERSION: Final = "v1.2.0"  # files any 1.2+ reader opens
_CONFIG: Final[dict[str, Any]] = {"storage_compatibility_version": STORAGE_VERSION}
_CHECKPOINT_TRIES: Final = 20
_CHECKPOINT_WAIT_S: Final = 0.05
Kept = TypeVar("Kept")


class Store:
    """One DuckDB file, owned. Use as a context manager; every method may be called from any thread."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection, *, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        self._con = connection
        self._lock = threading.RLock()
        self._depth = 0
        self._kept: dict[str, tuple[Hashable, Any]] = {}

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open or create the file and bring its tables up to date.

        Raises StoreError when another process owns the file, when the file is newer than this program
        (nothing is touched then), or when it is not a DuckDB file.
        """
        path = Path(path)
        if read_only or path.exists():
            _refuse_newer(path)
        if not read_only:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"the folder cannot be made: {error.strerror}", where=str(path.parent)) from error
        store = cls(path, _connect(path, read_only=read_only), read_only=read_only)
        if not read_only:
            store._migrate()
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Flush and let go of the file."""
        with self._lock:
            self._con.close()

    # --- reading ---------------------------------------------------------------------------------------------------

    def read(self, sql: str, params: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """The result of a query as a frame; times come back in UTC."""
        with self._lock:
            return _frame(self._con, sql, params)

    def scalar(self, sql: str, params: Mapping[str, Any] | None = None) -> Any:
        """The single value of a query; None when there is no row."""
        with self._lock:
            done = self._con.execute(sql, dict(params) if params else None)
            if "TIME ZONE" in str(done.description[0][1]):  # moments come as frames, which need no further package
                frame = done.pl()
                moment: datetime | None = frame.item(0, 0) if frame.height else None
                return moment.astimezone(UTC) if moment is not None else None
            row = done.fetchone()
            return row[0] if row else None

    def kept(self, name: str, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """What `make` returns, made again only when `key` differs from the last time: for what is dear and seldom changes.

        The key must hold everything the value is made from; kept in this process only, one value a name.
        """
        with self._lock:
            known = self._kept.get(name)
            if known is None or known[0] != key:
                known = self._kept[name] = (key, make())
            value: Kept = known[1]
            return value

    # --- writing ---------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; nested blocks join the outermost one."""
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                self._con.begin()
            try:
                yield
            except BaseException:
                if self._depth == 1:
                    self._con.rollback()
                raise
            else:
                if self._depth == 1:
                    self._con.commit()
            finally:
                self._depth -= 1

    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        """Run one statement for its effect."""
        with self._lock:
            self._con.execute(sql, dict(params) if params else None)

    def append(self, table: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Insert the rows whose natural key is not there yet; return exactly those, in the order given.

        frame: columns of the table (missing ones become null or their default). Linear in the frame.
        """
        key = KEYS[table]
        frame = frame.unique(subset=list(key), keep="first", maintain_order=True)
        if frame.is_empty():
            return frame
        with self.transaction():
            self._con.register("incoming", frame)
            try:
                columns = ", ".join(f'"{name}"' for name in frame.columns)
                # a signal that was retired may be made again; it then stands twice, with its own times
                alive = " WHERE retired_at IS NULL" if table == "signals" else ""
                bounds: dict[str, Any] | None = None
                if (column := _WITHIN.get(table)) is not None and column in frame.columns:
                    alive = f" WHERE {column} BETWEEN $first AND $last"
                    bounds = {"first": frame[column].min(), "last": frame[column].max()}
                added = _frame(
                    self._con,
                    f"INSERT INTO {table} ({columns}) SELECT {columns} FROM incoming "
                    f"ANTI JOIN (SELECT {', '.join(key)} FROM {table}{alive}) known USING ({', '.join(key)}) "
                    f"RETURNING {', '.join(key)}",
                    bounds,
                )
            finally:
                self._con.unregister("incoming")
            if added.height == frame.height:
                return frame
            added = added.cast({name: frame.schema[name] for name in key})
            return frame.join(added, on=list(key), how="semi", nulls_equal=True, maintain_order="left")

    def upsert(self, table: str, frame: pl.DataFrame) -> None:
        """Replace the rows with these keys. For small state tables."""
        if frame.is_empty():
            return
        key = ", ".join(KEYS[table])
        columns = ", ".join(f'"{name}"' for name in frame.columns)
        with self.transaction():
            self._con.register("incoming", frame)
            try:
                updates = ", ".join(f'"{c}" = excluded."{c}"' for c in frame.columns if c not in KEYS[table])
                self._con.execute(
                    f"INSERT INTO {table} ({columns}) SELECT {columns} FROM incoming "
                    f"ON CONFLICT ({key}) DO UPDATE SET {updates}"
                )
            finally:
                self._con.unregister("incoming")

    def supersede(self, table: str, ids: pl.Series, *, at: datetime, by: str | None = None) -> None:
        """Close rows of `facts` (superseded_at, superseded_by) or `signals` (retired_at) from `at` on."""
        if ids.is_empty():
            return
        key = KEYS[table][0]
        stamp = "superseded_at = $at, superseded_by = $by" if table == "facts" else "retired_at = $at"
        still_open = "superseded_at" if table == "facts" else "retired_at"
        params: dict[str, Any] = {"at": at, "by": by} if table == "facts" else {"at": at}
        with self.transaction():
            self._con.register("closing", ids.rename(key).to_frame())
            try:
                self._con.execute(
                    f"UPDATE {table} SET {stamp} WHERE {still_open} IS NULL AND {key} IN (SELECT {key} FROM closing)",
                    params,
                )
            finally:
                self._con.unregister("closing")

    # --- the published snapshot ------------------------------------------------------------------------------------

    @property
    def snapshot_path(self) -> Path:
        """Where readers find the published snapshot."""
        return self.path.parent / "public" / "signals.duckdb"

    def publish(self) -> Path:
        """Put a fresh snapshot in place of the old one, atomically. Raises StoreError when that cannot be done."""
        target = self.snapshot_path
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        with self._lock:
            small = self.path.stat().st_size <= WHOLE_COPY_BYTES
            if not (small and self._checkpoint() and _copy_in_child(self.path, fresh)):
                self._copy_tables(fresh, None if small else REPORTING_TABLES)
        fresh.chmod(0o644)
        fresh.replace(target)
        return target

    def _checkpoint(self) -> bool:
        for _ in range(_CHECKPOINT_TRIES):
            try:
                self._con.execute("CHECKPOINT")
            except duckdb.TransactionException:
                time.sleep(_CHECKPOINT_WAIT_S)
            else:
                return True
        return False

    def _copy_tables(self, target: Path, only: tuple[str, ...] | None) -> None:
        """Copy by SQL: slower than a file copy, but needs no checkpoint and can leave tables out."""
        target.unlink(missing_ok=True)
        with duckdb.connect(str(target), config=_CONFIG) as fresh:
            _run_script(fresh, "".join(sql for _, _, sql in _migrations()))
            _apply_views(fresh)
            tables = {row[0] for row in fresh.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        self._con.execute(f"ATTACH '{_quoted(target)}' AS fresh")
        try:
            for table in sorted(tables if only is None else tables & set(only)):
                self._con.execute(f"INSERT INTO fresh.{table} SELECT * FROM {table}")
        finally:
            self._con.execute("DETACH fresh")

    # --- migrations ------------------------------------------------------------------------------------------------

    def _migrate(self) -> None:
        done = _applied(self._con)
        for number, name, sql in _migrations():
            if number in done:
                continue
            with self.transaction():
                _run_script(self._con, sql)
                self._con.execute(
                    "CREATE TABLE IF NOT EXISTS schema_migrations "
                    "(version INTEGER PRIMARY KEY, name VARCHAR NOT NULL, applied_at TIMESTAMPTZ NOT NULL)"
                )
                self._con.execute(
                    "INSERT INTO schema_migrations VALUES ($v, $n, $t)",
                    {"v": number, "n": name, "t": datetime.now(UTC)},
                )
        with self.transaction():
            self._con.execute("COMMENT ON TABLE schema_migrations IS 'Which numbered migrations this file has seen'")
            for column, text in (("version", "Number"), ("name", "File"), ("applied_at", "When it was applied")):
                self._con.execute(f"COMMENT ON COLUMN schema_migrations.{column} IS '{text}'")
            _apply_views(self._con)


def open_snapshot(store_path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the published snapshot of a store; locked away from the file system and network.

    Falls back to the store itself when nothing was published yet and nobody owns it.
    """
    public = Path(store_path).parent / "public" / "signals.duckdb"
    path = public if public.exists() else Path(store_path)
    if not path.exists():
        raise StoreError(
            "there is no database yet", where=str(path), hint="run 'tracker once' or 'tracker ingest FILE' first"
        )
    connection = _connect(path, read_only=True)
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def query(connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """Run a query on a connection of `open_snapshot`; StoreError tells what DuckDB did not like."""
    try:
        return _frame(connection, sql, params)
    except duckdb.Error as error:
        raise StoreError(str(error), hint='`tracker sql "SHOW ALL TABLES"` lists tables and views') from error


def _frame(connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, Any] | None) -> pl.DataFrame:
    done = connection.execute(sql, dict(params) if params else None)
    description: object = done.description
    if description is None:  # a statement without a result
        return pl.DataFrame()
    frame = done.pl()
    return frame.with_columns(
        pl.col(name).dt.convert_time_zone("UTC")
        for name, dtype in frame.schema.items()
        if isinstance(dtype, pl.Datetime) and dtype.time_zone
    )


def _connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(path), read_only=read_only, config={} if read_only else _CONFIG)
    except duckdb.IOException as error:
        text = str(error)
        if "lock" in text.lower():
            raise StoreError(
                "another process owns the database",
                where=str(path),
                hint="the daemon is running: read the snapshot with 'tracker sql', or stop the daemon first",
            ) from error
        raise StoreError(f"cannot be opened: {text.splitlines()[0]}", where=str(path)) from error
    except duckdb.Error as error:
        raise StoreError(f"cannot be opened: {str(error).splitlines()[0]}", where=str(path)) from error
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _migrations() -> list[tuple[int, str, str]]:
    folder = data_dir("storage") / "migrations"
    return [
        (int(file.name[:4]), file.stem, file.read_text(encoding="utf-8")) for file in sorted(folder.glob("[0-9]*.sql"))
    ]


def _apply_views(connection: duckdb.DuckDBPyConnection) -> None:
    for file in sorted((data_dir("storage") / "views").glob("*.sql")):
        _run_script(connection, file.read_text(encoding="utf-8"))


def _run_script(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    for statement in duckdb.extract_statements(sql):
        connection.execute(statement)


def _applied(connection: duckdb.DuckDBPyConnection) -> set[int]:
    there = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'schema_migrations'").fetchone()
    if not there or not there[0]:
        return set()
    return {row[0] for row in connection.execute("SELECT version FROM schema_migrations").fetchall()}


def _refuse_newer(path: Path) -> None:
    """A file made by a later program may mean something else by the same names: do not touch it."""
    with _connect(path, read_only=True) as probe:
        newest, known = max(_applied(probe), default=0), max((n for n, _, _ in _migrations()), default=0)
    if newest > known:
        raise StoreError(
            f"the database is at version {newest}, this program knows {known}",
            where=str(path),
            hint="use the newer program, or restore a backup made by this one; nothing was changed",
        )


def _copy_in_child(source: Path, target: Path) -> bool:
    done = subprocess.run(  # noqa: S603 - fixed program, our own paths, no shell
        ["/bin/cp", "--reflink=auto", "--", str(source), str(target)], check=False, capture_output=True
    )
    return done.returncode == 0


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
