"""Channels besides mail: everything Apprise knows (Slack, Telegram, Discord, WeCom, Feishu, DingTalk, ntfy, ...), signed webhooks."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tracker.alerts.routing import Channel
from tracker.alerts.signing import webhook_signature
from tracker.errors import DeliveryError, SourceError
from tracker.ingest.client import post

MAX_TEXT: Final = 3000  # characters; Telegram takes 4096, the rest is one link away
TIMEOUT_S: Final = 15.0
_TRY_AGAIN: Final = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Note:
    """A message for a channel. `alert_id` is the key by which a receiver knows a copy."""

    alert_id: str
    kind: str
    severity: str
    subject: str
    text: str
    claims: tuple[str, ...]
    signal_ids: tuple[str, ...]
    created_at: datetime


def send(channel: Channel, note: Note, now: datetime) -> None:
    """Hand a note over. Raises DeliveryError; `permanent` when the receiver will never take it."""
    if channel.webhook:
        _post(channel, note, now)
    else:
        _notify(channel, note)


def _notify(channel: Channel, note: Note) -> None:
    import apprise  # 130 plug-ins: loaded by who needs them

    service = apprise.Apprise()
    if not service.add(channel.url):
        raise DeliveryError(
            f"the address of channel '{channel.id}' is not one Apprise knows",
            permanent=True,
            hint="'tracker doctor' checks channels",
        )
    capture: Any = apprise.LogCapture  # Apprise is not typed here
    with capture(level=logging.WARNING) as said:
        # the id stands at the end so that a copy is seen to be one
        body = f"{shortened(defused(note.text))}\n[{note.alert_id}]"
        taken = service.notify(
            body=body,
            title=defused(note.subject),
            notify_type=_mood(note.severity),
            body_format=apprise.NotifyFormat.TEXT,
        )
        reason = " ".join(said.getvalue().split())[-300:]
    if not taken:
        raise DeliveryError(f"channel '{channel.id}' did not take the message: {reason or 'no reason given'}")


def known(channel: Channel) -> bool:
    """Whether a channel's address is one that can be sent to at all."""
    import apprise

    return bool(channel.webhook) or bool(apprise.Apprise().add(channel.url))


def _mood(severity: str) -> str:
    return {"critical": "failure", "high": "warning"}.get(severity, "info")


def _post(channel: Channel, note: Note, now: datetime) -> None:
    body = json.dumps(payload(note), ensure_ascii=False, sort_keys=True).encode()
    timestamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": note.alert_id,
        "X-Tracker-Timestamp": timestamp,
        "X-Tracker-Signature": webhook_signature(channel.secret, timestamp, body),
    }
    try:
        status = post(channel.webhook, body, headers, timeout_s=TIMEOUT_S)
    except SourceError as error:
        raise DeliveryError(f"channel '{channel.id}': {error.message}") from error
    if not 200 <= status < 300:
        permanent = 400 <= status < 500 and status not in _TRY_AGAIN
        raise DeliveryError(f"channel '{channel.id}' answers {status}", permanent=permanent)


def payload(note: Note) -> Mapping[str, object]:
    """What a webhook gets, as JSON."""
    return {
        "id": note.alert_id, "kind": note.kind, "severity": note.severity, "subject": note.subject, "text": note.text,
        "claims": list(note.claims), "signal_ids": list(note.signal_ids), "created_at": note.created_at.isoformat(),
    }  # fmt: skip


def defused(text: str) -> str:
    """Text in which nothing calls people or draws a link by a chat's own marks: `@everyone`, `<!channel>`, `<url|words>`."""
    return re.sub(r"@(?=\w)", "@\u200b", text).replace("<", "‹").replace(">", "›")


def shortened(text: str) -> str:
    """A text short enough for every chat, cut at a line's end."""
    if len(text) <= MAX_TEXT:
        return text
    return text[:MAX_TEXT].rpartition("\n")[0] + "\n…"
