"""From stored signal to accepted mail: 100 signals a second through routing, outbox and a mail server of its own process.

Two threads as in the daemon: a writer that stores signals, moves conviction and queues messages in one transaction, ten
times a second, and a mailer. Caps are off, so that nothing is folded; `accepted` is when the mail server said 250,
`stored` when the signal's transaction began, so the figure contains scoring's last step, rendering and SMTP.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from tests.daemon.world import MAIL_SERVER, free_port
from tracker import yaml_files
from tracker.alerts import deliver
from tracker.alerts.routing import read_routing
from tracker.config import MailSettings
from tracker.pipeline import Counts, Kit, names_of, tell
from tracker.resources import data_dir
from tracker.store import Store
from tracker.vocabulary import SIGNALS_SCHEMA, conform

PER_SECOND = 100
SECONDS = 10
BATCHES = 10  # a second
ROUTES = {
    "each signal its own mail": "routes: {group_by: [story]}",
    "grouped by claim and company": "routes: {group_by: [claim, entity]}",
    "all of a moment in one mail": "routes: {group_by: []}",
}
_WAITED = """
SELECT date_part('epoch', d.sent_at - s.created_at) AS seconds FROM signals s
JOIN notices n ON n.signal_id = s.signal_id JOIN deliveries d ON d.alert_id = n.alert_id WHERE d.state = 'sent'
"""


def main() -> None:
    """Print the median and the 99th percentile for three ways of grouping."""
    kit = Kit.load([data_dir("rules")])
    for name, routes in ROUTES.items():
        file = yaml_files.loads(routes, Path("alerts.yaml"))
        waits, mails, offered = _run(replace(kit, routing=read_routing(file, names_of(kit.thesis, kit.lexicon))))
        told = waits.len()
        print(
            f"bench alerts {name}: {told} of {PER_SECOND * SECONDS} signals offered at {offered:.0f}/s told in {mails} mails, "
            f"stored to accepted p50 {waits.quantile(0.5):.2f} s, p99 {waits.quantile(0.99):.2f} s"
        )


def _run(kit: Kit) -> tuple[pl.Series, int, float]:
    """(seconds waited per signal, mails, signals offered a second) of one run."""
    with tempfile.TemporaryDirectory() as folder:
        box, port = Path(folder) / "box", free_port()
        box.mkdir()
        server = subprocess.Popen(
            [sys.executable, "-c", MAIL_SERVER, str(box), str(port)], stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        server.stdout.readline()
        mail = MailSettings(
            host="127.0.0.1", port=port, security="none", sender="t@example.org", to=("a@example.org",),
            max_immediate_per_hour=10**6, max_immediate_per_day=10**6,
        )  # fmt: skip
        try:
            with Store.open(Path(folder) / "store.duckdb") as store:
                offered = _drive(store, kit, mail)
                waits = store.read(_WAITED)["seconds"]
                return waits, int(store.scalar("SELECT count(*) FROM deliveries WHERE state = 'sent'")), offered
        finally:
            server.kill()
            server.wait()


def _drive(store: Store, kit: Kit, mail: MailSettings) -> float:
    waiting, done = threading.Event(), threading.Event()

    def send() -> None:
        while not done.is_set():
            waiting.wait(0.5)
            waiting.clear()
            deliver.deliver_mail(store, mail, _now)

    mailer = threading.Thread(target=send)
    mailer.start()
    started = time.perf_counter()
    for number in range(SECONDS * BATCHES):
        # the clock decides, not the work: a slow round is followed by its successor at once
        pause = started + number / BATCHES - time.perf_counter()
        if pause > 0:
            time.sleep(pause)
        now = _now()
        tell(store, kit, _signals(number, now, kit), now, Counts(), mail)
        waiting.set()
    offered = PER_SECOND * SECONDS / max(time.perf_counter() - started, SECONDS)
    deadline = time.monotonic() + 120
    while deliver.waiting(store, _now()) and time.monotonic() < deadline:
        waiting.set()
        time.sleep(0.2)
    done.set()
    waiting.set()
    mailer.join()
    return offered


def _now() -> datetime:
    return datetime.now(UTC)


def _signals(number: int, now: datetime, kit: Kit) -> pl.DataFrame:
    claims = list(kit.thesis.claims)
    base = {
        "rule_id": "bench", "rule_version": "1", "severity": "high", "strength": 0.5, "confidence": 0.5, "effective_at": now,
        "created_at": now, "explanation_zh": "测试", "fact_ids": [], "doc_ids": [], "beneficiaries": [], "squeezed": [],
    }  # fmt: skip
    rows = []
    for place in range(PER_SECOND // BATCHES):
        index = number * (PER_SECOND // BATCHES) + place
        claim = claims[index % len(claims)]
        rows.append(
            base | {
                "signal_id": f"s{index:06d}", "claim": claim, "pillar": kit.thesis.claims[claim].pillar, "story_id": f"t{index}",
                "direction": 1 if index % 2 else -1, "entity": ("META", "MSFT", "GOOGL", "AMZN")[index % 4],
                "explanation": f"Signal {index} of a flood: a buyer raised its guidance",
            }
        )  # fmt: skip
    return conform(pl.DataFrame(rows), SIGNALS_SCHEMA)


if __name__ == "__main__":
    main()
