"""What `alerts.yaml` says, as the stages need it: routes, recipients, channels, mute times, inhibitions, operators. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tracker.alerts.recipients import Recipient, recipients_of
from tracker.alerts.stages.inhibit import Inhibition
from tracker.alerts.stages.mute import MuteTime
from tracker.alerts.stages.tree import Route
from tracker.config import MailSettings


@dataclass(frozen=True)
class Operators:
    """Who hears of trouble, how often again, and what counts as trouble."""

    to: tuple[str, ...] = ()
    repeat_interval: timedelta = timedelta(hours=24)
    mute: tuple[str, ...] = ()
    silent_hours: float = 24
    digest_late_minutes: float = 60
    disk_free_percent: float = 5
    clock_jump_seconds: float = 90
    overdue_days: int = 5


@dataclass(frozen=True)
class Channel:
    """Where messages go besides mail: an Apprise address, or a webhook with the key its body is signed with."""

    id: str
    url: str = field(default="", repr=False)
    webhook: str = ""
    secret: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Routing:
    """The whole file."""

    root: Route
    recipients: tuple[Mapping[str, Any], ...] = ()
    channels: Mapping[str, Channel] = field(default_factory=dict)
    mute_times: Mapping[str, MuteTime] = field(default_factory=dict)
    inhibitions: tuple[Inhibition, ...] = ()
    operators: Operators = Operators()
    tests: tuple[Mapping[str, Any], ...] = ()
    test_lines: tuple[str, ...] = ()

    def readers(self, mail: MailSettings) -> list[Recipient]:
        """Recipients of the configuration and of the file together."""
        return recipients_of(mail, self.recipients)

    def mutes(self, names: Iterable[str]) -> list[MuteTime]:
        """Mute times by name."""
        return [self.mute_times[name] for name in names]


@dataclass(frozen=True)
class Names:
    """What a match may name: ids of the thesis and of the watchlist."""

    claims: frozenset[str]
    pillars: frozenset[str]
    entities: frozenset[str]
    layers: frozenset[str]
    rules: frozenset[str]
