"""A rendered mail as an RFC 5322 message: alternatives, pictures inside, headers that mail programs act on. Pure.

What came from outside goes through the parsing headers of `email.policy.SMTP`; parts and the headers we write ourselves
through the plain classes of `email.mime`, which take a quarter of the time a mail.
"""

from __future__ import annotations

import binascii
import io
from datetime import datetime
from email.generator import BytesGenerator
from email.headerregistry import Address
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import SMTP, compat32
from email.utils import format_datetime
from functools import lru_cache
from typing import Any, Final

from tracker.alerts.render import RenderedMail, clean_header

_PARTS: Final = compat32.clone(linesep="\r\n")


def to_message(
    mail: RenderedMail, *, sender: str, recipient: str, message_id: str, at: datetime, unsubscribe: str
) -> bytes:
    """The complete message. The same input gives the same bytes.

    unsubscribe: an address that takes such wishes by mail; a link of one click stands beside it when the mail has one
    (RFC 8058).
    """
    by_mail = f"<mailto:{clean_header(unsubscribe)}?subject=unsubscribe>"
    headers = [
        _folded("Subject", mail.subject),
        _address("From", "Rack tracker", sender),
        _address("To", "", recipient),
        _own("Date", format_datetime(at)),
        _own("Message-ID", message_id),
        _own("List-Unsubscribe", f"<{mail.unsubscribe}>,\r\n {by_mail}" if mail.unsubscribe else by_mail),
        _own("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") if mail.unsubscribe else b"",
        _own("List-Id", "rack tracker <rack-tracker.localhost>"),
        _own("Auto-Submitted", "auto-generated"),
    ]
    boundary = f"=_{message_id.strip('<>').partition('@')[0]}"
    whole = MIMEMultipart("alternative", boundary=boundary, policy=_PARTS)
    whole.attach(_text(mail.text, "plain"))
    whole.attach(_with_pictures(mail, boundary) if mail.pictures else _text(mail.html, "html"))
    out = io.BytesIO()
    BytesGenerator(out, mangle_from_=False, policy=_PARTS).flatten(whole)
    return b"".join([*headers, out.getvalue()])


def _with_pictures(mail: RenderedMail, boundary: str) -> MIMEMultipart:
    related = MIMEMultipart("related", boundary=f"{boundary}-pictures", policy=_PARTS)
    related.attach(_text(mail.html, "html"))
    for picture in mail.pictures:
        part = MIMEImage(picture.png, "png", policy=_PARTS)
        part["Content-ID"] = f"<{picture.cid}>"
        part.add_header("Content-Disposition", "inline", filename=f"{picture.cid.partition('@')[0]}.png")
        related.attach(part)
    return related


def _text(text: str, subtype: str) -> MIMENonMultipart:
    """A text as quoted-printable: lines of at most 76 characters whatever stands in them."""
    part = MIMENonMultipart("text", subtype, charset="utf-8", policy=_PARTS)
    part["Content-Transfer-Encoding"] = "quoted-printable"
    lines = text.rstrip("\n").replace("\n", "\r\n") + "\r\n"
    part.set_payload(binascii.b2a_qp(lines.encode(), istext=True).decode("ascii"))
    return part


def _folded(name: str, value: Any) -> bytes:
    """A header with a value from outside, encoded and folded."""
    return SMTP.fold_binary(*SMTP.header_store_parse(name, value))


@lru_cache(maxsize=256)
def _address(name: str, display: str, address: str) -> bytes:
    return _folded(name, Address(display_name=display, addr_spec=clean_header(address)))


def _own(name: str, value: str) -> bytes:
    """A header of our own making: ASCII, in one piece or folded where it may be."""
    return f"{name}: {value}\r\n".encode("ascii")
