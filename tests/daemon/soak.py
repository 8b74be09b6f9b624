"""Readers beside a daemon that writes: `python -m tests.daemon.soak [--seconds S] [--readers N]` prints what happened.

Every reader opens the published snapshot with a stock DuckDB client again and again, one more asks `tracker sql`; the feed
brings news all the while. No error may show on either side.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from tests.daemon.world import World, daemon, until

RAISED = "Meta raised its 2026 capital expenditure guidance to ${} billion from $65 billion."


@dataclass
class Soak:
    """Reads and alerts there were, what `tracker sql` counted last, and every complaint of either side."""

    reads: int = 0
    commands: int = 0
    alerts: int = 0
    signals: int = 0
    problems: list[str] = field(default_factory=list)


def soak(world: World, seconds: float, readers: int = 20) -> Soak:
    """Readers for so many seconds while the daemon takes in news and mails alerts."""
    found, stop, counting = Soak(), threading.Event(), threading.Lock()
    snapshot = world.store.parent / "public" / "signals.duckdb"

    def read() -> None:
        reads = 0
        while not stop.is_set():
            try:
                with duckdb.connect(str(snapshot), read_only=True) as connection:
                    connection.execute("SELECT count(*) FROM v_signals").fetchall()
                reads += 1
            except duckdb.Error as error:
                found.problems.append(str(error))
        with counting:
            found.reads += reads

    def command() -> None:
        words = ["sql", "SELECT count(*) AS n FROM v_signals", "--json", "--config", str(world.config)]
        while not stop.is_set():
            asked = subprocess.run(
                [sys.executable, "-m", "tracker", *words], capture_output=True, text=True, check=False
            )
            if asked.returncode:
                found.problems.append(asked.stderr)
            else:
                found.commands += 1
                found.signals = json.loads(asked.stdout)[0]["n"]

    with daemon(world):
        until(snapshot.exists, 60, "the first snapshot")
        threads = [threading.Thread(target=read) for _ in range(readers)] + [threading.Thread(target=command)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end or not found.signals:
                world.feed.add(f"Meta lifts capex {found.alerts}", RAISED.format(66 + found.alerts))
                found.alerts += 1
                until(lambda: len(world.immediate()) >= found.alerts, 60, "the alert")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    found.problems += [
        line for line in world.log.splitlines() if line.startswith("{") and json.loads(line)["level"] == "error"
    ]
    return found


def main() -> int:
    """Print what happened; exit code 1 when anything complained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--readers", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            found = soak(world, asked.seconds, asked.readers)
        finally:
            world.close()
    print(
        f"{asked.readers} readers for {asked.seconds:.0f} s: {found.reads:,} reads and {found.commands} times `tracker sql`"
        f" beside {found.alerts} alerts; errors {len(found.problems)}"
    )
    for problem in found.problems[:5]:
        print(problem)
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())
