"""Operations: write a configuration, back up, restore, prune."""

from __future__ import annotations

import tarfile
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from tracker.cli.options import ConfigOption, DbOption, settings_from
from tracker.cli.output import errors, progress
from tracker.errors import ConfigError, StoreError
from tracker.resources import data_dir
from tracker.store import Store

DATABASE = "store.duckdb"  # names inside a backup
RAW = "raw"


def init(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")] = Path("tracker.toml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a commented configuration to start from."""
    if path.exists() and not force:
        raise ConfigError("is there already", where=str(path), hint="--force overwrites it")
    template = (data_dir("deploy") / "tracker.toml").read_text(encoding="utf-8")
    try:
        path.write_text(template, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(path)) from error
    errors.print(f"{path} written: set http.contact and the mail section, then run 'tracker doctor'")


def backup(
    target: Annotated[Path, typer.Argument(metavar="F", help="Archive to write (tar, gzip).")],
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Write database and raw bodies to one file. Works while the daemon runs: then the published snapshot is taken."""
    settings = settings_from(config, db)
    source = settings.store.path
    if not source.exists():
        raise StoreError("there is no database to back up", where=str(source))
    part = target.with_name(target.name + ".part")
    with tempfile.TemporaryDirectory(dir=target.absolute().parent) as folder:
        copy = Path(folder) / DATABASE
        _copy_database(source, copy)
        raw = (
            [file for file in settings.archive_dir.rglob("*") if file.is_file()]
            if settings.archive_dir.is_dir()
            else []
        )
        with tarfile.open(part, "w:gz", compresslevel=1) as archive, progress() as bar:
            task = bar.add_task("backing up", total=len(raw) + 1)
            archive.add(copy, DATABASE)
            bar.advance(task)
            for file in raw:
                archive.add(file, f"{RAW}/{file.relative_to(settings.archive_dir)}")
                bar.advance(task)
    part.replace(target)
    errors.print(f"{target}: database and {len(raw):,} raw bodies, {target.stat().st_size:,} bytes")


def _copy_database(source: Path, copy: Path) -> None:
    """A consistent copy: from the store when nobody owns it, else the snapshot its owner published."""
    try:
        with Store.open(source) as store:
            published = store.publish()
    except StoreError:
        published = source.parent / "public" / "signals.duckdb"
        if not published.exists():
            raise
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"ATTACH '{str(published).replace(chr(39), chr(39) * 2)}' AS old (READ_ONLY)")
        connection.execute(f"ATTACH '{str(copy).replace(chr(39), chr(39) * 2)}' AS new")
        connection.execute("COPY FROM DATABASE old TO new")


def restore(
    source: Annotated[Path, typer.Argument(metavar="F", help="Archive written by 'tracker backup'.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a database that is there.")] = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Put a backup in place. Stop the daemon first."""
    settings = settings_from(config, db)
    target = settings.store.path
    if target.exists():
        if not force:
            raise StoreError("there is a database already", where=str(target), hint="--force replaces it")
        Store.open(target).close()  # refuses when the daemon owns it
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=target.absolute().parent) as folder, tarfile.open(source) as archive:
            archive.extractall(folder, filter="data")
            fresh = Path(folder) / DATABASE
            if not fresh.exists():
                raise StoreError("is not a backup of this program: no database inside", where=str(source))
            for file in (Path(folder) / RAW).rglob("*"):
                if file.is_file():
                    place = settings.archive_dir / file.relative_to(Path(folder) / RAW)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    file.replace(place)
            target.with_name(target.name + ".wal").unlink(missing_ok=True)
            fresh.replace(target)
    except (OSError, tarfile.TarError) as error:
        raise StoreError(f"cannot be read as a backup: {error}", where=str(source)) from error
    with Store.open(target) as store:
        store.publish()
        count = store.scalar("SELECT count(*) FROM documents")
    errors.print(f"{target}: restored, {count:,} documents")


def prune(
    days: Annotated[int | None, typer.Option(min=1, help="Keep the record of requests this long.")] = None,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Forget old rows of `fetches` and finished `runs`; documents, facts and signals stay."""
    settings = settings_from(config, db)
    cutoff = datetime.now(UTC) - timedelta(days=days or settings.store.keep_fetches_days)
    with Store.open(settings.store.path) as store:
        removed = prune_rows(store, cutoff)
        store.publish()
    errors.print(f"{removed:,} rows older than {cutoff:%Y-%m-%d} removed")


def prune_rows(store: Store, cutoff: datetime) -> int:
    """Delete requests and runs from before `cutoff`; returns how many."""
    params = {"cutoff": cutoff}
    before = int(store.scalar("SELECT (SELECT count(*) FROM fetches) + (SELECT count(*) FROM runs)"))
    with store.transaction():
        store.execute("DELETE FROM fetches WHERE requested_at < $cutoff", params)
        store.execute("DELETE FROM runs WHERE ended_at < $cutoff", params)
    return before - int(store.scalar("SELECT (SELECT count(*) FROM fetches) + (SELECT count(*) FROM runs)"))
