"""Kill the daemon at random instants while the mail server misbehaves; count what arrives.

`python -m tests.chaos.chaos [--kills N] [--seed S]`. The mail server is a process of its own that delays, drops the
connection before and after the final dot, and answers 4xx. Every published item calls for exactly one alert. A copy
with the same Message-ID can only come from the window SMTP itself leaves open (accepted, but the answer was lost); such
copies are counted and reported, and are not doubled alerts to a mail client.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import duckdb

from tests.daemon.world import World, until

SERVER = """
import asyncio, itertools, os, random, sys
from aiosmtpd.controller import UnthreadedController
box, port, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
count = itertools.count()
class Handler:
    async def handle_DATA(self, server, session, envelope):
        luck = chance.random()
        if luck < 0.05:
            await asyncio.sleep(chance.random())
        if 0.05 <= luck < 0.10:
            server.transport.abort()              # before anything is kept
            return "421 gone"
        if 0.10 <= luck < 0.15:
            return "451 try again later"
        name = os.path.join(box, f"{next(count):06d}")
        with open(name + ".part", "wb") as file:
            file.write(envelope.content)
        os.rename(name + ".part", name + ".eml")
        if 0.15 <= luck < 0.18:
            server.transport.abort()              # kept, but the answer is lost: SMTP's own window
            return "421 gone"
        return "250 kept"
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
controller = UnthreadedController(Handler(), hostname="127.0.0.1", port=port, loop=loop)
controller.begin()
print("ready", flush=True)
loop.run_forever()
"""


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


def run(kills: int, seed: int, folder: Path) -> tuple[int, int, int, int]:
    """(alerts expected, lost, doubled, copies within SMTP's window). Raises when the database does not open."""
    chance = random.Random(seed)
    world = ChaosWorld(folder, seed)
    published = 0
    try:
        for _ in range(kills):
            process = world.start_daemon()
            deadline = time.monotonic() + chance.uniform(0.05, 3.5)
            while time.monotonic() < deadline:
                if published < 4 * kills:
                    price = 70 + published
                    world.feed.add(
                        f"Capex note {published}",
                        f"Meta raised its 2026 capital expenditure guidance to ${price} billion from $65 billion.",
                    )
                    published += 1
                time.sleep(chance.uniform(0.1, 0.6))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        process = world.start_daemon()
        until(lambda: _settled(world, published), 180, "everything delivered")
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        return (published, *_count(world, published))
    finally:
        world.close()


def _told(world: World) -> Counter[str]:
    """Message-IDs of immediate alerts in the mailbox, with how often each arrived."""
    return Counter(str(m["Message-ID"]) for m in world.immediate())


def _settled(world: World, published: int) -> bool:
    snapshot = world.store.parent / "public" / "signals.duckdb"
    try:
        with duckdb.connect(str(snapshot), read_only=True) as connection:
            documents = connection.execute("SELECT count(*) FROM documents").fetchone()
            waiting = connection.execute("SELECT count(*) FROM deliveries WHERE state <> 'sent'").fetchone()
    except duckdb.Error:
        return False
    return documents == (published,) and waiting == (0,)


def _count(world: World, published: int) -> tuple[int, int, int]:
    told = _told(world)
    with duckdb.connect(str(world.store), read_only=True) as connection:
        rows = connection.execute(
            "SELECT message_id FROM deliveries JOIN alerts USING (alert_id) WHERE kind = 'immediate'"
        ).fetchall()
        queued = [row[0] for row in rows]
        stories = connection.execute("SELECT count(DISTINCT doc_id), count(*) FROM documents").fetchone()
        facts = connection.execute("SELECT count(*) - count(DISTINCT fact_id) FROM facts").fetchone()
        signals = connection.execute("SELECT count(*) - count(DISTINCT signal_id) FROM signals").fetchone()
    assert stories == (published, published), "documents lost or doubled"
    assert facts == (0,), "facts doubled"
    assert signals == (0,), "signals doubled"
    lost = len(set(queued) - set(told))
    doubled = len(queued) - len(set(queued))
    copies = sum(n - 1 for n in told.values())
    return lost, doubled, copies


def main(arguments: list[str] | None = None) -> int:
    """Run and report; exit code 1 when an alert was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        alerts, lost, doubled, copies = run(options.kills, options.seed, Path(folder))
    print(f"copies with the same Message-ID, from the window SMTP leaves open: {copies}")
    print(f"chaos: {options.kills} kills, {alerts} alerts, lost {lost}, doubled {doubled}")
    return 1 if lost or doubled else 0


if __name__ == "__main__":
    sys.exit(main())
