"""The inline tests of `alerts.yaml`: a signal described by its labels, and where it should go. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from tracker.alerts.recipients import Recipient
from tracker.alerts.route import Decision, Past, candidates, decide, quiet_past
from tracker.alerts.routing import Routing
from tracker.alerts.routing_tree import duration
from tracker.alerts.stages.match import LABELS
from tracker.config import MailSettings

NOON: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday
STAND_IN: Final = Recipient("reader@example.org", "en", ZoneInfo("UTC"), "07:30", "high", id="reader")


@dataclass(frozen=True)
class Outcome:
    """One test: where it stands, whether it holds, and what came instead."""

    name: str
    where: str
    ok: bool
    message: str


def run_tests(routing: Routing, pillars: Mapping[str, str], layers: Mapping[str, str]) -> list[Outcome]:
    """Run every inline test. pillars: claim -> pillar; layers: entity -> layer."""
    return [
        _run(test, where, routing, pillars, layers)
        for test, where in zip(routing.tests, routing.test_lines, strict=True)
    ]


def describe(
    labels: Mapping[str, Any], number: int, at: datetime, pillars: Mapping[str, str], layers: Mapping[str, str]
) -> dict[str, Any]:
    """A row of LABELS from what a test or a command line says of a signal."""
    age = duration(labels["age"]) if "age" in labels else timedelta(0)
    return {
        "signal_id": f"{'signal' if number == 0 else 'known'}-{number}",
        "severity": "low",
        "direction": "for",
        "story": f"story-{number}",
        "pillar": pillars.get(labels.get("claim", "")),
        "layer": layers.get(labels.get("entity", "")),
        "effective_at": at - age,
        **{k: v for k, v in labels.items() if k != "age"},
    }


def decisions_for(
    test: Mapping[str, Any], routing: Routing, pillars: Mapping[str, str], layers: Mapping[str, str]
) -> list[Decision]:
    """What the stages decide on a test's signal."""
    at = datetime.fromisoformat(test["at"]).astimezone(UTC) if "at" in test else NOON
    mail = MailSettings(host="localhost", sender="tracker@example.org")
    people = routing.readers(mail) or [STAND_IN]
    known = [describe(k, n, at, pillars, layers) for n, k in enumerate(test.get("known", []), 1)]
    silences = [
        {"author": "test", "reason": "a test", "until": at + timedelta(hours=1), **s} for s in test.get("silences", [])
    ]
    quiet = quiet_past()
    past = Past(
        pl.DataFrame(silences, schema=quiet.silences.schema) if silences else quiet.silences,
        pl.DataFrame(known, schema=LABELS),
    )
    labels = pl.DataFrame([describe(test["signal"], 0, at, pillars, layers)], schema=LABELS)
    return decide(candidates(labels, routing, people, at), routing, past, at)


def _run(
    test: Mapping[str, Any], where: str, routing: Routing, pillars: Mapping[str, str], layers: Mapping[str, str]
) -> Outcome:
    made = decisions_for(test, routing, pillars, layers)
    wrong = []
    for key, wanted in test["expect"].items():
        got: Any = {
            "route": lambda: sorted({d.route.name for d in made}),
            "to": lambda: sorted(d.recipient.name for d in made if d.how != "digest"),
            "how": lambda: sorted({d.how for d in made}),
            "reason": lambda: sorted({d.reason for d in made}),
            "group": lambda: sorted({d.group for d in made}),
        }[key]()
        if key == "reason":
            holds = bool(got) and all(wanted in one for one in got)
        else:
            holds = got == (sorted(wanted) if isinstance(wanted, list) else [wanted])
        if not holds:
            wrong.append(f"{key} is {', '.join(got) or 'nobody'}, expected {wanted}")
    return Outcome(test["name"], where, not wrong, "; ".join(wrong))
