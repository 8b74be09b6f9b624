"""Handing messages to mail servers: TLS, login, several servers in order, every kind of failure told apart.

One message goes to one recipient, so a failure is that recipient's alone. What the server surely did not take (no
connection, 4xx) is tried at the next server at once; what it refused for good (5xx) at none; and when the connection
broke after the message was handed over nobody knows, so it is tried again later with the same Message-ID.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from types import TracebackType
from typing import Final, Self

from tracker.alerts.signing import dkim_signed
from tracker.config import MailSettings
from tracker.errors import DeliveryError

_OUR_FAULT: Final = frozenset({530, 534, 535, 538})  # login wanted or refused: a matter of settings, not of the message
_FORBIDDEN: Final = frozenset(' <>,;:"\\()[]\t\r\n\x00')

Place = tuple[str, int, str, str]  # host, port, security, user


class _Passing(Exception):
    """A server did not take the message and said so: the next one may."""


class Session:
    """Connections to the configured servers, each opened when first needed and opened anew when it broke."""

    def __init__(self, settings: MailSettings) -> None:
        self.settings = settings
        self._open_to: dict[Place, smtplib.SMTP] = {}
        self._out_of_order: dict[Place, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for server in self._open_to.values():
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
        self._open_to.clear()

    def send(self, sender: str, recipient: str, message: bytes) -> str:
        """Hand over one message; returns the server that took it. Raises DeliveryError; `permanent` when another try is vain."""
        envelope_from = self.settings.bounce_to or sender
        for address in (envelope_from, recipient):
            _check_address(address)
        signed = dkim_signed(message, self.settings)
        problems = []
        for place in self.settings.servers():
            try:
                self._hand_over(place, envelope_from, recipient, signed)
            except _Passing as problem:
                problems.append(f"{_name(place)}: {problem}")
            else:
                return _name(place)
        raise DeliveryError(
            f"no mail server took the message ({'; '.join(problems)})",
            hint="check mail.host, mail.port and mail.security",
        )

    def check(self) -> list[str]:
        """Connect and log in to every server; returns what is wrong, one line a server."""
        wrong = []
        for place in self.settings.servers():
            try:
                self._connected(place)
            except _Passing as problem:
                wrong.append(f"{_name(place)}: {problem}")
        return wrong

    def _hand_over(self, place: MailSettings, sender: str, recipient: str, message: bytes) -> None:
        server = self._connected(place)
        options = _options(server, (sender, recipient), len(message))
        try:
            for code, text in (server.mail(sender, options), server.rcpt(recipient)):
                if code not in (250, 251):
                    self._refused(place, code, text)
        except (smtplib.SMTPException, OSError) as error:
            self._drop(place)
            raise _Passing(f"the connection broke: {error}") from error
        try:
            code, text = server.data(message)
        except smtplib.SMTPDataError as error:
            self._refused(place, error.smtp_code, error.smtp_error)
        except (smtplib.SMTPException, OSError) as error:
            self._drop(place)
            raise DeliveryError(
                f"the connection broke while the message was handed over: {error}", where=_name(place)
            ) from error
        else:
            if code != 250:
                self._refused(place, code, text)

    def _refused(self, place: MailSettings, code: int, text: bytes | str) -> None:
        """Raise for an answer that is no acceptance, and leave the connection fit for the next message."""
        if code == 421:
            self._drop(place)
        else:
            self._reset(place)
        said = f"answers {code} {_text(text)}"
        if 500 <= code < 600 and code not in _OUR_FAULT:
            raise DeliveryError(f"the mail server {said}", permanent=True, where=_name(place))
        raise _Passing(said)

    def _connected(self, place: MailSettings) -> smtplib.SMTP:
        key = _key(place)
        if key in self._out_of_order:
            raise _Passing(self._out_of_order[key])
        if key not in self._open_to:
            try:
                self._open_to[key] = _open(place)
            except smtplib.SMTPAuthenticationError as error:
                self._out_of_order[key] = (
                    f"refuses the login: {_text(error.smtp_error)}; check mail.username and the password "
                    "(TRACKER_MAIL_PASSWORD or mail.password_file)"
                )
            except (smtplib.SMTPException, OSError) as error:
                self._out_of_order[key] = str(error)
            if key in self._out_of_order:  # for this round; the next one asks again
                raise _Passing(self._out_of_order[key])
        return self._open_to[key]

    def _reset(self, place: MailSettings) -> None:
        try:
            self._open_to[_key(place)].rset()
        except (smtplib.SMTPException, OSError):
            self._drop(place)

    def _drop(self, place: MailSettings) -> None:
        if (server := self._open_to.pop(_key(place), None)) is not None:
            server.close()


def _key(place: MailSettings) -> Place:
    return place.host, place.port, place.security, place.username


def _open(settings: MailSettings) -> smtplib.SMTP:
    """A connection to `host` and `port`, encrypted and logged in as the settings say."""
    server: smtplib.SMTP
    if settings.security == "tls":
        server = smtplib.SMTP_SSL(settings.host, settings.port, timeout=settings.timeout_s, context=_trust(settings))
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
    try:
        server.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            server.starttls(context=_trust(settings))
            server.ehlo()
        if settings.username:
            server.login(settings.username, settings.secret())
    except BaseException:
        server.close()
        raise
    return server


def _trust(settings: MailSettings) -> ssl.SSLContext:
    """Whom to believe; reading all authorities takes a tenth of a second, so only where TLS is spoken."""
    return ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)


def _options(server: smtplib.SMTP, addresses: tuple[str, str], size: int) -> list[str]:
    """MAIL options for a message; raises DeliveryError for what the server can never take."""
    options = []
    if server.has_extn("size"):
        limit = server.esmtp_features["size"]
        if limit.isdigit() and 0 < int(limit) < size:
            raise DeliveryError(f"{size:,} bytes, the mail server takes {int(limit):,}", permanent=True)
        options.append(f"size={size}")
    if not all(address.isascii() for address in addresses):
        if not server.has_extn("smtputf8"):
            raise DeliveryError("the mail server takes ASCII addresses only", permanent=True)
        options += ["SMTPUTF8", "BODY=8BITMIME"]
        server.command_encoding = "utf-8"
    return options


def _check_address(address: str) -> None:
    """An address that could smuggle a command or a second recipient into the envelope is never used."""
    if _FORBIDDEN & set(address) or not address.isprintable() or address.count("@") != 1 or len(address) > 254:
        raise DeliveryError(f"{address!r} is not a plain address", permanent=True, hint="write name@host, nothing else")


def _name(place: MailSettings) -> str:
    return f"{place.host}:{place.port}"


def _text(text: bytes | str) -> str:
    said = text.decode("utf-8", errors="replace") if isinstance(text, bytes) else text
    return " ".join(said.split())[:300]
