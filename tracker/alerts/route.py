"""From signals to decisions: who is told of each at once, in what group, when; and if not, why not. Pure.

A chain of small stages, each a module of `stages/` with tests of its own: age, tree of routes, recipient, silence,
inhibition, mute, group. The last stage, the throttle, looks at what is due when it is due (`dispatch`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl

from tracker.alerts.recipients import EVERYONE, Recipient
from tracker.alerts.routing import Routing
from tracker.alerts.stages.group import due_at, group_key
from tracker.alerts.stages.inhibit import inhibited
from tracker.alerts.stages.match import LABELS
from tracker.alerts.stages.mute import muted, muted_until
from tracker.alerts.stages.silence import SILENCED_BY, silenced
from tracker.alerts.stages.tree import Route, walk
from tracker.vocabulary import SEVERITIES, conform

__all__ = ["Candidate", "Decision", "Past", "Recipient", "candidates", "decide", "labels_of", "quiet_past"]

FRESH: Final = timedelta(days=14)  # what a backfill digs up is history, and nobody is woken for it


@dataclass(frozen=True)
class Candidate:
    """One signal for one recipient by one route; `told` says whether severity, age and route call for telling it at once."""

    labels: Mapping[str, Any]
    recipient: Recipient
    route: Route
    told: bool
    reason: str


@dataclass(frozen=True)
class Decision:
    """What becomes of a candidate: `at_once` (at `due_at`), `hold` (until a mute time ends) or `digest`."""

    signal_id: str
    recipient: Recipient
    route: Route
    how: str
    reason: str
    severity: str
    group: str
    due_at: datetime
    wanted: bool  # would have been told at once, had no silence, inhibition or mute time stood against it


@dataclass(frozen=True)
class Past:
    """What the stages know of before: silences asked for, signals known (LABELS), groups by (address, group key)."""

    silences: pl.DataFrame
    known: pl.DataFrame
    waiting: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    told_at: Mapping[tuple[str, str], datetime] = field(default_factory=dict)


def quiet_past() -> Past:
    """Nothing was told, nothing is silenced."""
    columns = dict.fromkeys((*SILENCED_BY, "author", "reason"), pl.String()) | {"until": LABELS["effective_at"]}
    return Past(pl.DataFrame(schema=columns), pl.DataFrame(schema=LABELS))


def labels_of(signals: pl.DataFrame, layers: Mapping[str, str], tiers: pl.DataFrame) -> pl.DataFrame:
    """LABELS of signals (SIGNALS schema, perhaps with `review`). layers: entity -> layer; tiers: (doc_id, tier)."""
    best = (
        signals.select("signal_id", doc_id="doc_ids")
        .explode("doc_id")
        .join(tiers.select("doc_id", "tier"), on="doc_id", how="inner")
        .group_by("signal_id")
        .agg(pl.col("tier").min())
    )
    labelled = signals.join(best, on="signal_id", how="left", maintain_order="left").with_columns(
        rule="rule_id",
        story="story_id",
        direction=pl.when(pl.col("direction") > 0).then(pl.lit("for")).otherwise(pl.lit("against")),
        layer=pl.col("entity").replace_strict(dict(layers), default=None, return_dtype=pl.String),
    )
    return conform(labelled, LABELS)


def candidates(
    labels: pl.DataFrame, routing: Routing, recipients: Sequence[Recipient], now: datetime
) -> list[Candidate]:
    """Every (signal, recipient) a route leads to; a recipient meets a signal once, by the first route that reaches them."""
    found: dict[tuple[str, str], Candidate] = {}
    for route, part in walk(routing.root, labels):
        named = [r for r in recipients if r.channels and (EVERYONE in route.to or {r.name, r.address} & set(route.to))]
        for row in part.iter_rows(named=True):
            for recipient in named:
                key = (row["signal_id"], recipient.address)
                if key not in found and recipient.wants(row["pillar"]):
                    told, reason = _called_for(row, route, recipient, now)
                    found[key] = Candidate(row, recipient, route, told, reason)
    return list(found.values())


def _called_for(row: Mapping[str, Any], route: Route, recipient: Recipient, now: datetime) -> tuple[bool, str]:
    if row["effective_at"] is not None and row["effective_at"] < now - FRESH:
        return False, f"older than {FRESH.days} days"
    if route.tell == "digest":
        return False, f"the route {route.name} tells it in the digest"
    if route.tell == "at_once":
        return True, f"the route {route.name} tells it at once"
    if SEVERITIES.index(row["severity"]) >= SEVERITIES.index(recipient.immediate):
        return True, f"{row['severity']} is at least {recipient.immediate}"
    return False, f"{row['severity']} is below {recipient.immediate}"


def decide(found: Sequence[Candidate], routing: Routing, past: Past, now: datetime) -> list[Decision]:
    """Take candidates through silence, inhibition, mute time and grouping."""
    labels = pl.DataFrame([c.labels for c in found], schema=LABELS).unique("signal_id", maintain_order=True)
    hushes = silenced(labels, past.silences, now)
    inhibitions = inhibited(labels, past.known, routing.inhibitions, now)
    waiting = dict(past.waiting)
    decisions = []
    for one in sorted(found, key=lambda c: (c.recipient.address, str(c.labels["effective_at"]), c.labels["signal_id"])):
        signal_id = one.labels["signal_id"]
        hushed = [h.text for h in hushes.get(signal_id, ()) if h.recipient in (None, one.recipient.address)]
        against = hushed[0] if hushed else inhibitions.get(signal_id)
        key = (one.recipient.address, group_key(one.route, one.labels))
        due = due_at(one.route, now, waiting_until=waiting.get(key), told_at=past.told_at.get(key))
        how, reason = "at_once" if one.told else "digest", one.reason
        if one.told and against:
            how, reason = "digest", against
        elif one.told:
            how, reason, due = _through_mutes(one, routing, due, reason)
            if how != "digest":
                waiting[key] = due
        decisions.append(
            Decision(signal_id, one.recipient, one.route, how, reason, one.labels["severity"], key[1], due, one.told)
        )
    return decisions


def _through_mutes(one: Candidate, routing: Routing, due: datetime, reason: str) -> tuple[str, str, datetime]:
    mutes = routing.mutes(one.route.mute)
    mute = muted(mutes, due, one.recipient.zone)
    if mute is None:
        return "at_once", reason, due
    if one.route.when_muted == "digest":
        return "digest", f"muted by '{mute.name}'", due
    until = muted_until(mutes, due, one.recipient.zone)
    return "hold", f"muted by '{mute.name}' until {until:%Y-%m-%d %H:%M} UTC", until
