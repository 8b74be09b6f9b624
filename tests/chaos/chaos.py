"""Kill the daemon at random instants while the mail server misbehaves; count what arrives.

`python -m tests.chaos.chaos [--kills N] [--seed S]`. The mail server is a process of its own that delays, drops the
connection before and after the final dot, and answers 4xx and 5xx. Every published item is a story of its own that calls for
exactly one immediate alert. A copy
with the same Message-ID can only come from the window SMTP itself leaves open (accepted, but the answer was lost); such
copies are counted and reported, and are not doubled alerts to a mail client.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from tests.daemon.world import World, until
from tracker.store import KEYS, Store

SERVER = """
import asyncio, itertools, os, random, sys
from aiosmtpd.controller import UnthreadedController
from aiosmtpd.smtp import SMTP
box, port, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
count = itertools.count()
did = open(os.path.join(box, "did"), "a", buffering=1)
class Moody(SMTP):
    async def smtp_DATA(self, arg):
        if chance.random() < 0.05:                # between DATA and the final dot
            did.write("dropped-before-dot\\n")
            await self.push("354 go on")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)
class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        luck = chance.random()
        if luck < 0.03:
            did.write("450\\n")
            return "450 busy"
        if luck < 0.05:
            did.write("550\\n")
            return "550 not here, not now"
        envelope.rcpt_tos.append(address)
        return "250 fine"
    async def handle_DATA(self, server, session, envelope):
        luck = chance.random()
        if luck < 0.05:
            did.write("delayed\\n")
            await asyncio.sleep(chance.random())
        if 0.05 <= luck < 0.08:
            did.write("dropped-unkept\\n")       # the dot was read, nothing is kept
            server.transport.abort()
            return "421 gone"
        if 0.08 <= luck < 0.12:
            did.write("451\\n")
            return "451 try again later"
        if 0.12 <= luck < 0.14:
            did.write("554\\n")
            return "554 no"
        name = os.path.join(box, f"{next(count):06d}")
        with open(name + ".part", "wb") as file:
            file.write(envelope.content)
        os.rename(name + ".part", name + ".eml")
        if 0.14 <= luck < 0.18:
            did.write("kept-and-dropped\\n")     # kept, but the answer is lost: SMTP's own window
            server.transport.abort()
            return "421 gone"
        return "250 kept"
class Controller(UnthreadedController):
    def factory(self):
        return Moody(self.handler, **self.SMTP_kwargs)
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
controller = Controller(Handler(), hostname="127.0.0.1", port=port, loop=loop)
controller.begin()
print("ready", flush=True)
loop.run_forever()
"""

BUYERS = ("Meta", "Amazon", "Alphabet", "Microsoft", "Oracle")


@dataclass(frozen=True)
class Count:
    """What a run came to."""

    kills: int
    alerts: int  # immediate alerts that had to arrive
    lost: int
    doubled: int  # signals told under two Message-IDs, and messages nobody queued
    copies: int  # further arrivals of a Message-ID
    windows: int  # times the server kept a message and lost its answer
    moods: dict[str, int]  # what the server did


class ChaosWorld(World):
    """The small world with a mail server that misbehaves."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed = seed
        super().__init__(folder)

    def _start_mail_server(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", SERVER, str(self.box), str(self.smtp_port), str(self.seed)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        assert server.stdout.readline().strip() == "ready"
        return server


def item(number: int, chance: random.Random) -> tuple[str, str]:
    """Title and text of the news with this number: one raised capex guidance, in a story that is like no other.

    Near-identical texts would be one story, and a story is told once; so most words of each are drawn at random.
    """
    words = [chance.choice("bcdfglmnprstv") + chance.choice("aeiou") for _ in range(120)]
    colour = [" ".join("".join(words[j : j + 3]) for j in range(i, i + 30, 3)) for i in range(0, 120, 30)]
    buyer = BUYERS[number % len(BUYERS)]
    guided = 70 + number / 2  # the rules take more than $300 billion a year from one buyer for a misreading
    told = f"{buyer} raised its 2026 capital expenditure guidance to ${guided} billion from ${guided - 0.5} billion."
    return (
        f"{colour[0].title()}: note {number}",
        f"{told} {colour[1].capitalize()}. {colour[2].capitalize()}. {colour[3].capitalize()}.",
    )


def run(kills: int, seed: int, folder: Path, minutes: float | None = None) -> Count:
    """Kill, restart, count. Raises when the database does not open or holds something twice.

    minutes: end the killing after so long, however many kills it were.
    """
    chance = random.Random(seed)
    world = ChaosWorld(folder, seed)
    published = done = 0
    end = time.monotonic() + (minutes * 60 if minutes else math.inf)
    try:
        while done < kills and time.monotonic() < end:
            before = world.log.count('"started"') if (folder / "daemon.log").exists() else 0
            process = world.start_daemon()
            if chance.random() < 0.8:  # most kills hit a daemon at work, the others one that is starting
                until(lambda known=before: world.log.count('"started"') > known, 60, "the start")
            deadline = time.monotonic() + chance.uniform(0.05, 2.5)
            while time.monotonic() < deadline:
                if published < 4 * kills:
                    world.feed.add(*item(published, chance))
                    published += 1
                time.sleep(chance.uniform(0.1, 0.6))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            done += 1
        before = world.log.count('"started"')
        process = world.start_daemon()
        # not before: a command that finds the database without an owner takes it, and the daemon would not start
        until(lambda: world.log.count('"started"') > before, 60, "the last start")
        until(lambda: _settled(world, published), 300, "everything delivered")
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        return _count(world, published, done)
    finally:
        world.close()


def _settled(world: World, published: int) -> bool:
    """Whether everything was sent; dead letters are put back the way an operator does it."""
    time.sleep(1)
    snapshot = world.store.parent / "public" / "signals.duckdb"
    try:
        with duckdb.connect(str(snapshot), read_only=True) as connection:
            documents = connection.execute("SELECT count(*) FROM documents").fetchone()
            unsent = dict(connection.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall())
            notices = connection.execute("SELECT count(*) FROM notices WHERE state = 'waiting'").fetchone()
    except duckdb.Error:
        return False
    if unsent.get("dead"):
        command = [sys.executable, "-m", "tracker", "alerts", "retry", "--config", str(world.config)]
        subprocess.run(command, check=True, capture_output=True)
        time.sleep(4)
    return documents == (published,) and set(unsent) == {"sent"} and notices == (0,)


def _count(world: World, published: int, kills: int) -> Count:
    told = Counter(str(m["Message-ID"]) for m in world.mails())
    with Store.open(world.store) as store:
        _intact(store, published)
        queued = store.read(
            "SELECT a.alert_id, d.message_id, a.kind, a.signal_ids FROM alerts a JOIN deliveries d USING (alert_id)"
        )
        called = store.read(
            "SELECT signal_id, unnest(doc_ids) AS doc_id FROM signals WHERE severity IN ('high', 'critical')"
        )
        routed = store.read("SELECT signal_id FROM notices WHERE state = 'told'")
    # every loud signal of these news must have its notice, every notice its message, every message its arrival
    immediate = queued.filter(pl.col("kind") == "immediate")
    signals = immediate.explode("signal_ids")["signal_ids"]
    never_told = set(routed["signal_id"]) | set(called["signal_id"])
    never_told -= set(signals)
    lost = len(set(queued["message_id"]) - set(told)) + len(never_told)
    doubled = signals.len() - signals.n_unique() + len(set(told) - set(queued["message_id"]))
    loud = called["doc_id"].n_unique()
    assert loud == published, f"{published} items were published, {loud} of them made a loud signal"
    moods = Counter((world.box / "did").read_text(encoding="utf-8").split())
    copies = sum(n - 1 for n in told.values())
    return Count(kills, immediate.height, lost, doubled, copies, moods["kept-and-dropped"], dict(sorted(moods.items())))


def _intact(store: Store, published: int) -> None:
    """Every table can be read to its end, and no natural key stands twice."""
    for table, key in KEYS.items():
        rows = store.read(f"SELECT * FROM {table}")
        again = rows.filter(pl.col("retired_at").is_null()) if table == "signals" else rows
        assert again.select(key).is_duplicated().sum() == 0, f"{table} holds something twice"
    assert store.scalar("SELECT count(*) FROM documents") == published, "documents lost or doubled"


def main(arguments: list[str] | None = None) -> int:
    """Run and report; exit code 1 when an alert was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minutes", type=float, help="end the killing after so long")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        made = run(options.kills, options.seed, Path(folder), options.minutes)
    print(f"the mail server: {', '.join(f'{name} {n}' for name, n in made.moods.items())}")
    print(
        f"copies with the same Message-ID: {made.copies}, of which the server kept a message and lost its answer "
        f"{made.windows} times; the others are kills between the answer and the mark"
    )
    print(f"chaos: {made.kills} kills, {made.alerts} alerts, lost {made.lost}, doubled {made.doubled}")
    return 1 if made.lost or made.doubled else 0


if __name__ == "__main__":
    sys.exit(main())
