"""Grouping: what belongs together shares a message, and a group is not told again too soon. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tracker.alerts.stages.tree import Route


def group_key(route: Route, labels: Mapping[str, Any]) -> str:
    """What signals of one message have in common: route, then the labels it groups by; an empty `group_by` is one group."""
    return "|".join([route.name, *(f"{name}={labels[name] or '-'}" for name in route.group_by)])


def due_at(route: Route, now: datetime, *, waiting_until: datetime | None, told_at: datetime | None) -> datetime:
    """When a group's message goes out, given what waits in it already and when it was last told.

    A signal that joins a waiting group goes with it and does not push it back.
    """
    if waiting_until is not None:
        return waiting_until
    due = now + route.group_wait
    return due if told_at is None else max(due, told_at + route.group_interval)
