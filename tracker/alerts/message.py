"""A rendered mail as an RFC 5322 message: alternatives, pictures inside, headers that mail programs act on. Pure."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from tracker.alerts.render import RenderedMail, clean_header


def to_message(
    mail: RenderedMail, *, sender: str, recipient: str, message_id: str, at: datetime, unsubscribe: str
) -> bytes:
    """The complete message. The same input gives the same bytes.

    unsubscribe: an address that takes such wishes by mail; a link of one click stands beside it when the mail has one
    (RFC 8058).
    """
    message = EmailMessage(policy=SMTP)
    message["Subject"] = mail.subject
    message["From"] = Address(display_name="Rack tracker", addr_spec=clean_header(sender))
    message["To"] = Address(addr_spec=clean_header(recipient))
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    by_mail = f"<mailto:{clean_header(unsubscribe)}?subject=unsubscribe>"
    message["List-Unsubscribe"] = f"<{mail.unsubscribe}>, {by_mail}" if mail.unsubscribe else by_mail
    if mail.unsubscribe:
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["List-Id"] = "rack tracker <rack-tracker.localhost>"
    message["Auto-Submitted"] = "auto-generated"
    boundary = f"=_{message_id.strip('<>').partition('@')[0]}"
    message.set_content(mail.text, charset="utf-8", cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", charset="utf-8", cte="quoted-printable")
    message.set_boundary(boundary)
    if mail.pictures:
        body = message.get_body(("html",))
        if not isinstance(body, EmailMessage):  # pragma: no cover - it was added above
            raise TypeError("the message has no HTML part")
        for picture in mail.pictures:
            body.add_related(
                picture.png,
                "image",
                "png",
                cid=f"<{picture.cid}>",
                disposition="inline",
                filename=f"{picture.cid.partition('@')[0]}.png",
            )
        body.set_boundary(f"{boundary}-pictures")
    return message.as_bytes()
