"""`tracker demo`: the whole path on bundled samples, through a local server and the real fetcher."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from tracker import jobs
from tracker.alerts import editions
from tracker.alerts.message import to_message
from tracker.alerts.render import render, standalone
from tracker.alerts.route import Recipient
from tracker.cli.mail import reader
from tracker.cli.options import JsonOption
from tracker.cli.output import console, print_json, show
from tracker.cli.run import poll_all
from tracker.config import Settings, load_settings
from tracker.demo.server import running
from tracker.ingest.sources import Source
from tracker.kit import Kit
from tracker.model_watch import watch
from tracker.pipeline import Counts
from tracker.store import Store


def demo(
    folder: Annotated[
        Path, typer.Option("--dir", help="Where the database and the digest are written.", metavar="D")
    ] = Path("demo-out"),
    as_json: JsonOption = False,
) -> None:
    """Show the whole path: bundled samples, served by a local server, fetched, read, scored, put into a digest."""
    settings = load_settings(
        None,
        overrides={
            "store": {"path": folder / "store.duckdb"},
            "http": {
                "contact": "demo@example.org",
                "allow_private": True,
                "per_host_rps": 200.0,
                "per_host_concurrency": 4,
            },
        },
    )
    kit = Kit.load(settings.rules_dirs)
    with running() as server, Store.open(settings.store.path) as store:
        total = _poll(store, kit, settings, server.sources)
        total.signals += watch(store, kit, datetime.now(UTC))
        rows = store.read(
            "SELECT claim, CASE direction WHEN 1 THEN 'for' ELSE 'against' END AS direction, severity, racks_base AS racks, explanation "
            "FROM v_signals ORDER BY claim, direction, explanation"
        )
        moves = store.read(
            "SELECT claim, probability, evidence_for, evidence_against FROM v_latest_conviction WHERE evidence_for > 0 OR evidence_against > 0 ORDER BY claim"
        )
        files = [_write(store, kit, settings, folder, language) for language in ("en", "zh")]
        store.publish()
    prior = {c.id: 1 / (1 + 2.718281828**-c.prior) for c in kit.thesis.claims.values()}
    moved = [r | {"prior": prior.get(r["claim"])} for r in moves.to_dicts()]
    if as_json:
        print_json(
            {
                "new": total.summary(),
                "signals": rows.to_dicts(),
                "conviction": moved,
                "files": files[0],
                "problems": total.problems,
            }
        )
        return
    show(rows, title="Signals", wrap=("explanation",))
    show(
        pl.DataFrame(
            [
                {
                    "claim": r["claim"],
                    "prior": r["prior"],
                    "now": r["probability"],
                    "for": r["evidence_for"],
                    "against": r["evidence_against"],
                }
                for r in moved
            ]
        ),
        title="Conviction",
    )
    console.print("New in this run: " + ", ".join(f"{v:,} {k}" for k, v in total.summary().items()))
    for problem in total.problems:
        console.print(f"problem: {problem}", markup=False)
    console.print(f"Digest: {', '.join(files[0])}")


def _poll(store: Store, kit: Kit, settings: Settings, sources: list[Source]) -> Counts:
    jobs.sync_sources(store, sources, datetime.now(UTC))
    jobs.sync_suppliers(store, kit)
    total, _ = asyncio.run(poll_all(store, kit, settings, sources, quiet=False))
    return total


def _write(store: Store, kit: Kit, settings: Settings, folder: Path, language: str) -> list[str]:
    """Write the digest of everything the demonstration found, as the mail would bring it."""
    who: Recipient = reader(settings, language)
    now = datetime.now(UTC)
    window = (now - timedelta(days=3650), now)
    content = editions.edition(store, kit, who, now.date(), kind="digest", window=window)
    mail = render(content, recipient=who.address, at=now)
    stem = folder / ("digest" if language == "en" else f"digest-{language}")
    html, text, eml = (stem.with_suffix(suffix) for suffix in (".html", ".txt", ".eml"))
    html.write_text(standalone(mail), encoding="utf-8")
    text.write_text(mail.text, encoding="utf-8")
    eml.write_bytes(
        to_message(
            mail,
            sender="tracker@example.org",
            recipient=who.address,
            message_id=f"<demo-{language}@example.org>",
            at=now,
            unsubscribe="tracker@example.org",
        )
    )
    return [str(html), str(text), str(eml)]
