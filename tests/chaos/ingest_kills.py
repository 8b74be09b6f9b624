"""Kill `tracker ingest` at random instants, start it again, compare with a run that nobody disturbed.

`python -m tests.chaos.ingest_kills [--kills N] [--seed S] [FILE …]`; without files the news, press and pages of the shared
real inputs, and made-up news where those do not lie beside the checkout. Nothing may be lost, doubled or different:
documents, facts and signals have to be the very same rows.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tests.conftest import ROOT

_REAL = ROOT.parent / "shared" / "data"
_FILES = (
    "documents/news_thesis_en.jsonl",
    "documents/transcripts_nvda_edited_en.jsonl.gz",
    "html",
)
# What a row is, whenever it was written (a page without a date is dated by when it was read).
_ROWS = {
    "documents": "SELECT doc_id, url, title, md5(text), lang FROM documents ORDER BY ALL",
    "facts": "SELECT fact_id, doc_id, kind, entity, value_low, value_high, unit, period, basis, start, \"end\" FROM facts ORDER BY ALL",
    "signals": "SELECT signal_id, rule_id, claim, direction, doc_ids FROM signals ORDER BY ALL",
}  # fmt: skip


@dataclass(frozen=True)
class Result:
    """How often the process was killed while it was at work, and per table rows, lost rows and rows too many."""

    kills: int
    rows: dict[str, int]
    lost: dict[str, int]
    added: dict[str, int]


def inputs(folder: Path) -> list[Path]:
    """Real files, or made-up ones."""
    real = [_REAL / name for name in _FILES]
    if all(path.exists() for path in real):
        return real
    made = folder / "news.jsonl"
    names = ("Meta", "Amazon", "Alphabet", "Microsoft", "Oracle")
    lines = [
        {
            "id": str(i), "source": f"site{i % 7}.example.org", "url": f"https://site{i % 7}.example.org/{i}", "lang": "en",
            "title": f"{names[i % 5]} note {i}", "published": "2026-05-20",
            "text": f"{names[i % 5]} raised its 2026 capital expenditure guidance to ${50 + i % 90} billion in town {i}. " * 3,
        }
        for i in range(3000)
    ]  # fmt: skip
    made.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return [made]


def _ingest(files: Sequence[Path], store: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tracker", "ingest", *map(str, files), "--db", str(store), "--json"]
    return subprocess.Popen(command, cwd=store.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _rows(store: Path) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(store), read_only=True) as connection:
        return {table: connection.execute(query).fetchall() for table, query in _ROWS.items()}


def run(kills: int, seed: int, folder: Path, files: Sequence[Path] = ()) -> Result:
    """One undisturbed run, one that is killed so many times; every kill hits a living process."""
    chance = random.Random(seed)
    files = list(files) or inputs(folder)
    quiet, hunted = folder / "quiet.duckdb", folder / "hunted.duckdb"
    started = time.monotonic()
    if _ingest(files, quiet).wait() != 0:
        raise RuntimeError("the undisturbed run failed")
    whole = time.monotonic() - started
    hit = 0
    while hit < kills:
        process = _ingest(files, hunted)
        try:
            process.wait(timeout=chance.uniform(0.2, whole * 1.1))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            hit += 1
    if _ingest(files, hunted).wait() != 0:
        raise RuntimeError("the run after the kills failed")
    wanted, got = _rows(quiet), _rows(hunted)
    return Result(
        hit,
        {table: len(rows) for table, rows in got.items()},
        {table: len(set(map(str, rows)) - set(map(str, got[table]))) for table, rows in wanted.items()},
        {table: len(rows) - len(set(map(str, wanted[table])) & set(map(str, rows))) for table, rows in got.items()},
    )


def main() -> int:
    """Print the counts; exit code 1 when anything was lost or is there twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("files", nargs="*", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(asked.kills, asked.seed, Path(folder), asked.files)
    print(f"kills while ingesting: {found.kills}")
    for table, count in found.rows.items():
        print(f"{table}: {count} rows, lost {found.lost[table]}, doubled or different {found.added[table]}")
    return 1 if any(found.lost.values()) or any(found.added.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
