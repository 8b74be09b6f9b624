"""Signed links in a mail: what a reader may answer with one click, and nobody else.

A token names the action, what it is about, whose mail it stood in and when that was sent; itsdangerous signs it. The
verdict it leads to has the token's own digest as its key, so following a link again changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, cast

from itsdangerous import BadSignature, URLSafeSerializer

from tracker.errors import UsageError

Action = Literal["confirm", "reject", "silence", "unsubscribe", "undo"]
ACTIONS: Final = ("confirm", "reject", "silence", "unsubscribe", "undo")
VALID_FOR: Final = timedelta(days=60)
SILENCE_FOR: Final = timedelta(days=7)
_SALT: Final = "tracker-mail-link-1"


# why a link is refused: message and hint in English; the page that shows it has its own words for readers of Chinese
REFUSED: Final[dict[str, tuple[str, str]]] = {
    "unmade": ("this link was not made here, or is cut off", "copy the whole link"),
    "unknown": ("this link asks for something unknown", ""),
    "old": (f"this link is older than {VALID_FOR.days} days", "use 'tracker review' instead"),
    "gone": ("the signal this link is about is no longer known", ""),
    "again": ("you asked for these mails again after this one was sent", "use the link in a newer mail"),
}


class LinkError(UsageError):
    """A link that does nothing; `reason` is a key of REFUSED."""

    def __init__(self, reason: str) -> None:
        message, hint = REFUSED[reason]
        super().__init__(message, hint=hint or None)
        self.reason = reason


@dataclass(frozen=True)
class Answer:
    """What a followed link asks for."""

    action: Action
    target: str  # a signal; for `unsubscribe` the kind of mail; for `undo` the action and its target
    recipient: str
    issued_at: datetime
    token: str
    language: str = "en"  # of the mail it stood in

    @property
    def key(self) -> str:
        """The same link gives the same key: the natural key of the row it makes."""
        return hashlib.sha256(self.token.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Links:
    """Makes and reads the links of one installation."""

    base_url: str
    key: bytes

    def url(self, action: Action, target: str, recipient: str, at: datetime, language: str = "en") -> str:
        """The address to click. The same input gives the same address."""
        asked = [action, target, recipient, int(at.timestamp()), *([language] if language != "en" else [])]
        token = self._serializer().dumps(asked)
        return f"{self.base_url.rstrip('/')}/a/{token if isinstance(token, str) else token.decode()}"

    def page(self, path: str = "") -> str:
        """A page of the web view."""
        return f"{self.base_url.rstrip('/')}/{path}"

    def read(self, token: str, now: datetime) -> Answer:
        """What a token asks for. Raises LinkError when it was changed, is not ours, or is too old."""
        try:
            action, target, recipient, issued, *more = self._serializer().loads(token[:2000])
            issued_at = datetime.fromtimestamp(issued, UTC)
        except (BadSignature, ValueError, TypeError, OverflowError) as error:
            raise LinkError("unmade") from error
        if action not in ACTIONS:
            raise LinkError("unknown")
        if not timedelta(minutes=-5) <= now - issued_at <= VALID_FOR:
            raise LinkError("old")
        language = str(more[0]) if more else "en"
        return Answer(cast(Action, action), str(target), str(recipient), issued_at, token, language)

    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.key, salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256})


def link_key(folder: Path) -> bytes:
    """The installation's secret, made at first use and readable by its owner only."""
    path = folder / "link.key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = folder / f".link.key.{os.getpid()}"
        made.touch(mode=0o600)
        made.write_bytes(secrets.token_hex(32).encode())
        with suppress(FileExistsError):  # another process was first: its key counts
            path.hardlink_to(made)
        made.unlink()
    return path.read_bytes()
