"""Which signals are told at once, to whom, in what groups. Pure: frames in, groups out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from tracker.config import MailSettings
from tracker.vocabulary import SEVERITIES


@dataclass(frozen=True)
class Recipient:
    """A reader: address, language, time of the digest, from which severity on they are told at once."""

    address: str
    language: str
    zone: ZoneInfo
    digest_at: str
    immediate: str


@dataclass(frozen=True)
class Group:
    """Signals that go into one immediate message to one recipient."""

    recipient: Recipient
    claim: str
    severity: str
    signals: pl.DataFrame


def recipients_of(mail: MailSettings) -> list[Recipient]:
    """Recipients of the configuration; none when no mail server is configured."""
    if not mail.host:
        return []
    return [Recipient(address, mail.language, mail.zone, mail.digest_at, mail.immediate) for address in mail.to]


def urgent(signals: pl.DataFrame, recipient: Recipient) -> pl.DataFrame:
    """Signals at or above the recipient's severity."""
    loud = list(SEVERITIES[SEVERITIES.index(recipient.immediate) :])
    return signals.filter(pl.col("severity").is_in(loud))


def not_silenced(signals: pl.DataFrame, silences: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Signals no running silence covers (claim, entity, rule_id; null means any)."""
    for claim, entity, rule_id in (
        silences.filter(pl.col("until") > now).select("claim", "entity", "rule_id").iter_rows()
    ):
        covered = pl.lit(True)
        for column, value in (("claim", claim), ("entity", entity), ("rule_id", rule_id)):
            if value is not None:
                covered = covered & (pl.col(column) == value).fill_null(False)
        signals = signals.filter(~covered)
    return signals


def fresh(signals: pl.DataFrame, now: datetime, *, days: float = 14.0) -> pl.DataFrame:
    """Signals about recent news: what a backfill digs up is history, and nobody is woken for it."""
    return signals.filter(pl.col("effective_at") >= pl.lit(now) - pl.duration(milliseconds=int(days * 86_400_000)))


def group(signals: pl.DataFrame, recipient: Recipient) -> list[Group]:
    """One group per story: what one piece of news says about several claims is one message."""
    groups = []
    for _, part in signals.sort("effective_at", "signal_id").group_by("story_id", maintain_order=True):
        severity = max(part["severity"], key=SEVERITIES.index)
        loudest = part.filter(pl.col("severity") == severity)
        groups.append(Group(recipient, str(loudest.item(0, "claim")), severity, part))
    return groups


def route_signals(
    signals: pl.DataFrame, recipients: Iterable[Recipient], silences: pl.DataFrame, now: datetime
) -> list[Group]:
    """The immediate messages new signals call for."""
    heard = not_silenced(fresh(signals, now), silences, now)
    return [g for recipient in recipients for g in group(urgent(heard, recipient), recipient)]
