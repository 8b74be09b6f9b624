"""Signatures that say a message is ours: DKIM for mails, an HMAC for webhooks."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import dkim

from tracker.config import MailSettings
from tracker.errors import DeliveryError

SIGNED_HEADERS: Final = (
    b"from", b"to", b"subject", b"date", b"message-id", b"list-unsubscribe", b"list-unsubscribe-post", b"list-id",
    b"mime-version", b"content-type",
)  # fmt: skip


def dkim_signed(message: bytes, settings: MailSettings) -> bytes:
    """The message under a DKIM signature when a domain is configured, else as it is."""
    if not settings.dkim_domain:
        return message
    if not settings.dkim_selector or settings.dkim_key_file is None:
        raise DeliveryError("mail.dkim_domain is set, but not both mail.dkim_selector and mail.dkim_key_file")
    try:
        key = settings.dkim_key_file.read_bytes()
        header: bytes = dkim.sign(
            message,
            settings.dkim_selector.encode(),
            settings.dkim_domain.encode(),
            key,
            include_headers=list(SIGNED_HEADERS),
        )
    except OSError as error:
        raise DeliveryError(f"cannot be read: {error.strerror}", where=str(settings.dkim_key_file)) from error
    except (dkim.DKIMException, ValueError) as error:
        raise DeliveryError(f"cannot sign with this key: {error}", where=str(settings.dkim_key_file)) from error
    return header + message


def webhook_signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """`sha256=` and HMAC-SHA256 over timestamp, a dot and the body: who knows the secret knows the message is ours and fresh."""
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def webhook_verified(secret: bytes, timestamp: str, body: bytes, signature: str) -> bool:
    """What a receiver does, in constant time; it should also refuse a timestamp more than some minutes old."""
    return hmac.compare_digest(webhook_signature(secret, timestamp, body), signature)
