"""Handing messages to a mail server: TLS, authentication, several servers in order, failures told apart."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from types import TracebackType
from typing import Self

from tracker.config import MailSettings
from tracker.errors import DeliveryError


class Session:
    """One connection, opened when first needed and opened anew when it broke."""

    def __init__(self, settings: MailSettings) -> None:
        self.settings = settings
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._close()

    def send(self, sender: str, recipient: str, message: bytes) -> None:
        """Hand over one message. Raises DeliveryError; `permanent` when another try will not help (5xx)."""
        server = self._connected()
        try:
            server.sendmail(sender, [recipient], message)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            self._reset()
            raise _refused(code, text) from error
        except smtplib.SMTPResponseException as error:
            self._reset()
            raise _refused(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise DeliveryError(f"the connection to the mail server broke: {error}", where=self._where) from error

    @property
    def _where(self) -> str:
        return f"{self.settings.host}:{self.settings.port}"

    def _connected(self) -> smtplib.SMTP:
        if self._server is None:
            self._server = self._connect()
        return self._server

    def _connect(self) -> smtplib.SMTP:
        servers = [(self.settings.host, self.settings.port)]
        for spare in self.settings.fallback_hosts:
            host, _, port = spare.rpartition(":")
            servers.append((host or spare, int(port) if host else self.settings.port))
        problems = []
        for name, number in servers:
            try:
                return self._open(name, number)
            except smtplib.SMTPAuthenticationError as error:
                raise DeliveryError(
                    f"the mail server refuses the login: {_text(error.smtp_error)}",
                    where=f"{name}:{number}",
                    hint="check mail.username and the password (TRACKER_MAIL_PASSWORD or mail.password_file)",
                ) from error
            except (smtplib.SMTPException, OSError) as error:
                problems.append(f"{name}:{number}: {error}")
        raise DeliveryError(
            f"no mail server answers ({'; '.join(problems)})", hint="check mail.host, mail.port and mail.security"
        )

    def _open(self, host: str, port: int) -> smtplib.SMTP:
        settings = self.settings
        context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        server: smtplib.SMTP
        if settings.security == "tls":
            server = smtplib.SMTP_SSL(host, port, timeout=settings.timeout_s, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=settings.timeout_s)
        try:
            server.ehlo_or_helo_if_needed()
            if settings.security == "starttls":
                server.starttls(context=context)
                server.ehlo()
            if settings.username:
                server.login(settings.username, settings.secret())
        except BaseException:
            server.close()
            raise
        return server

    def _reset(self) -> None:
        if self._server is not None:
            try:
                self._server.rset()
            except (smtplib.SMTPException, OSError):
                self._drop()

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _close(self) -> None:
        if self._server is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self._server.quit()
            self._server = None


def _refused(code: int, text: bytes | str) -> DeliveryError:
    return DeliveryError(f"the mail server answers {code} {_text(text)}", permanent=500 <= code < 600)


def _text(text: bytes | str) -> str:
    return text.decode("utf-8", errors="replace") if isinstance(text, bytes) else text
