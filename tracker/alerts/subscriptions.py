"""Who no longer wants which mails. A link ends only the subscription its mail was sent under.

An old mail keeps its link for weeks; whoever asked for the mails again in between is not thrown out by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from tracker.alerts.links import LinkError
from tracker.alerts.recipients import Recipient
from tracker.store import Store
from tracker.vocabulary import UTC_TIME

_ENDED: Final = "coalesce(resubscribed_at < unsubscribed_at, true)"
_KNOWN: Final = f"SELECT {_ENDED} AS ended, resubscribed_at FROM unsubscribed WHERE recipient = $who AND kind = $kind"
_AGAIN: Final = f"""
recipient = $who AND ($kind IS NULL OR kind = $kind) AND {_ENDED}
AND ($issued IS NULL OR unsubscribed_at <= $issued::TIMESTAMPTZ + INTERVAL 1 SECOND)
"""


def mail_kind(kind: str) -> str:
    """What is ended by unsubscribing from an edition: all editions of the digest are one kind."""
    return "immediate" if kind == "immediate" else "digest"


def still_wanted(store: Store, recipients: Sequence[Recipient], kind: str) -> list[Recipient]:
    """Recipients who did not end this kind of mail (digest, immediate) with the link in it."""
    rows = store.read(f"SELECT recipient FROM unsubscribed WHERE kind = $kind AND {_ENDED}", {"kind": kind})
    ended = set(rows["recipient"])
    return [r for r in recipients if r.address not in ended]


def end(store: Store, who: str, kind: str, issued_at: datetime, now: datetime) -> bool:
    """End a kind of mail by a link of `issued_at`; returns whether that is new. LinkError for a link from before the
    mails were asked for again.
    """
    known = store.read(_KNOWN, {"who": who, "kind": kind})
    if known.height:
        ended, again_at = known.row(0)
        if ended:
            return False
        # a link tells its second only, so one of the same second is of the new subscription
        if issued_at < again_at.replace(microsecond=0):
            raise LinkError("again")
    row = {"recipient": who, "kind": kind, "unsubscribed_at": now}
    schema = {"recipient": pl.String(), "kind": pl.String(), "unsubscribed_at": UTC_TIME}
    if known.height:
        store.execute(
            "UPDATE unsubscribed SET unsubscribed_at = $now WHERE recipient = $who AND kind = $kind",
            {"now": max(now, again_at + timedelta(microseconds=1)), "who": who, "kind": kind},
        )
    else:
        store.append("unsubscribed", pl.DataFrame([row], schema=schema))
    return True


def begin_again(
    store: Store, who: str, now: datetime, *, kind: str | None = None, issued_at: datetime | None = None
) -> int:
    """Send mails again that were ended: of one kind or all, ended before the link of `issued_at`; returns how many kinds."""
    params = {"who": who, "kind": kind, "issued": issued_at}
    count = int(store.scalar(f"SELECT count(*) FROM unsubscribed WHERE {_AGAIN}", params))
    store.execute(
        f"UPDATE unsubscribed SET resubscribed_at = greatest($now::TIMESTAMPTZ, unsubscribed_at) WHERE {_AGAIN}",
        params | {"now": now},
    )
    return count
