"""Who is told, and how: address, language, clock, channels, what they care for, how much they bear. Pure.

The configuration's `[mail] to` makes a recipient of each address; `recipients` in `alerts.yaml` says more of the same
addresses, or adds others. Everything that tells somebody something takes a `Recipient`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from tracker.config import MailSettings

EMAIL: Final = "email"
EVERYONE: Final = "everyone"


@dataclass(frozen=True)
class Recipient:
    """A reader. `address` is an e-mail address, or for a reader of channels only `id@channel.invalid`, and is their key."""

    address: str
    language: str
    zone: ZoneInfo
    digest_at: str
    immediate: str  # lowest severity they are told at once
    id: str = ""  # name in `alerts.yaml`; the address when they stand in the configuration only
    channels: tuple[str, ...] = (EMAIL,)  # of alerts at once and of operator alerts
    digest_channels: tuple[str, ...] = (EMAIL,)  # of digests; empty: none are made
    pillars: frozenset[str] = frozenset()  # empty: all
    per_hour: int = 6  # immediate messages an hour; what is over comes folded into one
    per_day: int = 40  # immediate messages a local day; what is over waits for the digest

    @property
    def name(self) -> str:
        """How routes call them."""
        return self.id or self.address

    def wants(self, pillar: str | None) -> bool:
        """Whether a pillar is among theirs; what has no pillar is everybody's."""
        return not self.pillars or pillar is None or pillar in self.pillars


def recipients_of(mail: MailSettings, more: Sequence[Mapping[str, Any]] = ()) -> list[Recipient]:
    """Recipients of the configuration, then those of `alerts.yaml` (`more`, checked entries) laid over them by address.

    Without a mail server only those who have another channel are left.
    """
    found = {address: _configured(mail, address) for address in mail.to}
    for entry in more:
        address = entry.get("email") or f"{entry['id']}@channel.invalid"
        base = found.get(address) or _configured(mail, address)
        found[address] = _laid_over(base, entry)
    if mail.host:
        return list(found.values())
    without = (_without_mail(one) for one in found.values())
    return [one for one in without if one.channels or one.digest_channels]


def _configured(mail: MailSettings, address: str) -> Recipient:
    return Recipient(
        address, mail.language, mail.zone, mail.digest_at, mail.immediate, per_hour=mail.max_immediate_per_hour,
        per_day=mail.max_immediate_per_day,
    )  # fmt: skip


def _laid_over(base: Recipient, entry: Mapping[str, Any]) -> Recipient:
    known = {k: entry[k] for k in ("id", "language", "digest_at", "immediate", "per_hour", "per_day") if k in entry}
    own = (EMAIL,) if "email" in entry else ()
    channels = tuple(entry.get("channels", own))
    return replace(
        base,
        **known,
        zone=ZoneInfo(entry["timezone"]) if "timezone" in entry else base.zone,
        channels=channels,
        digest_channels=tuple(entry.get("digest_channels", [EMAIL] if EMAIL in channels else [])),
        pillars=frozenset(entry.get("pillars", ())),
    )


def _without_mail(one: Recipient) -> Recipient:
    return replace(
        one,
        channels=tuple(c for c in one.channels if c != EMAIL),
        digest_channels=tuple(c for c in one.digest_channels if c != EMAIL),
    )
