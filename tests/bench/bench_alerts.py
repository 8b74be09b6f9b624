"""From stored signal to accepted mail: 100 signals a second through routing, outbox and a mail server of its own process.

Signals arrive by the clock. Two threads as in the daemon: a writer that stores whatever has arrived, moves conviction and
queues messages in one transaction, and a mailer. Caps are off, so that nothing is folded, except in the last run, which is
the program as it comes: what is over six messages an hour is folded and waits, and only what went out is timed. `accepted` is when the mail
server said 250, `stored` when the signal's transaction began, so the figure contains conviction, rendering and SMTP.
`CPU` is this process's time for a signal: below 10 ms one core keeps up with 100 a second, whatever else the machine does.
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
from tracker.alerts import deliver, dispatch
from tracker.alerts.routing_file import read_routing
from tracker.config import MailSettings
from tracker.daemon import SWITCH_S
from tracker.kit import Kit, names_of
from tracker.pipeline import Counts, tell
from tracker.resources import data_dir
from tracker.store import Store
from tracker.vocabulary import SIGNALS_SCHEMA, conform

PER_SECOND = 100
SECONDS = 10
ROUNDS = 20  # a second at most
ROUTES = {
    "each signal its own mail": "routes: {group_by: [story]}",
    "grouped by claim and company": "routes: {group_by: [claim, entity]}",
    "all of a moment in one mail": "routes: {group_by: []}",
    "rules/alerts.yaml, each signal its own story": None,
}
CAPPED = "rules/alerts.yaml and its caps"
_WAITED = """
SELECT date_part('epoch', d.sent_at - s.created_at) AS seconds FROM signals s
JOIN notices n ON n.signal_id = s.signal_id JOIN deliveries d ON d.alert_id = n.alert_id WHERE d.state = 'sent'
"""


def main() -> None:
    """Print the median and the 99th percentile for several ways of grouping."""
    sys.setswitchinterval(SWITCH_S)  # as the daemon does
    kit = Kit.load([data_dir("rules")])
    for name, routes in (ROUTES | {CAPPED: None}).items():
        routing = kit.routing
        if routes is not None:
            routing = read_routing(yaml_files.loads(routes, Path("alerts.yaml")), names_of(kit.thesis, kit.lexicon))
        waits, mails, taken, cpu_ms = _run(replace(kit, routing=routing), capped=name == CAPPED)
        told = waits.len()
        print(
            f"bench alerts {name}: {told} of {PER_SECOND * SECONDS} signals, {PER_SECOND} a second, told in {mails} mails; "
            f"stored to accepted p50 {waits.quantile(0.5):.2f} s, p99 {waits.quantile(0.99):.2f} s; "
            f"writer took {taken:.0f} a second; CPU {cpu_ms:.1f} ms a signal"
        )


def _run(kit: Kit, *, capped: bool) -> tuple[pl.Series, int, float, float]:
    """(seconds waited per signal, mails, signals the writer took a second, CPU milliseconds a signal) of one run."""
    with tempfile.TemporaryDirectory() as folder:
        box, port = Path(folder) / "box", free_port()
        box.mkdir()
        server = subprocess.Popen(
            [sys.executable, "-c", MAIL_SERVER, str(box), str(port)], stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        server.stdout.readline()
        caps = {} if capped else {"max_immediate_per_hour": 10**6, "max_immediate_per_day": 10**6}
        mail = MailSettings(
            host="127.0.0.1", port=port, security="none", sender="t@example.org", to=("a@example.org",), **caps
        )
        try:
            with Store.open(Path(folder) / "store.duckdb") as store:
                before = time.process_time()
                taken = _drive(store, kit, mail)
                cpu_ms = (time.process_time() - before) * 1000 / (PER_SECOND * SECONDS)
                waits = store.read(_WAITED)["seconds"]
                return waits, int(store.scalar("SELECT count(*) FROM deliveries WHERE state = 'sent'")), taken, cpu_ms
        finally:
            server.kill()
            server.wait()


def _drive(store: Store, kit: Kit, mail: MailSettings) -> float:
    waiting, done = threading.Event(), threading.Event()

    def send() -> None:
        while not done.is_set():
            waiting.wait(0.5)
            waiting.clear()
            if dispatch.flush(store, kit, kit.routing.readers(mail), mail, _now()):
                waiting.set()
            deliver.deliver_mail(store, mail, _now)

    mailer = threading.Thread(target=send)
    mailer.start()
    started, stored = time.perf_counter(), 0
    while stored < PER_SECOND * SECONDS:
        time.sleep(1 / ROUNDS)
        arrived = min(int((time.perf_counter() - started) * PER_SECOND), PER_SECOND * SECONDS)
        if arrived > stored:
            now = _now()
            with store.transaction():  # as `process` does
                tell(store, kit, _signals(range(stored, arrived), now, kit), now, Counts(), mail)
            stored = arrived
            waiting.set()
    taken = stored / (time.perf_counter() - started)
    deadline = time.monotonic() + 120
    while (deliver.waiting(store, _now()) or dispatch.waiting(store, _now())) and time.monotonic() < deadline:
        waiting.set()
        time.sleep(0.2)
    done.set()
    waiting.set()
    mailer.join()
    return taken


def _now() -> datetime:
    return datetime.now(UTC)


def _signals(numbers: range, now: datetime, kit: Kit) -> pl.DataFrame:
    claims = list(kit.thesis.claims)
    base = {
        "rule_id": "bench", "rule_version": "1", "severity": "high", "strength": 0.5, "confidence": 0.5, "effective_at": now,
        "created_at": now, "explanation_zh": "测试", "fact_ids": [], "doc_ids": [], "beneficiaries": [], "squeezed": [],
    }  # fmt: skip
    rows = []
    for index in numbers:
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
