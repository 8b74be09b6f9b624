"""The one polite HTTP client. httpx stands behind this module and nowhere else.

Polite: it says who it is, asks robots.txt, keeps per-host pace and concurrency, sends validators, backs off with
jitter and honours `Retry-After`. Careful: caps on size (after decompression), time and redirects; every hop is
checked, and the connection goes to the address that was checked, so a name that resolves differently the second time
(DNS rebinding) cannot reach a private network.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpcore
import httpx
import stamina
from aiolimiter import AsyncLimiter
from protego import Protego

from tracker import __version__
from tracker.errors import ConfigError, SourceError
from tracker.ingest.encoding import ACCEPTED, TooLarge, Undecodable, unpack

ROBOTS_TTL_S: Final = 24 * 3600
ROBOTS_MAX_BYTES: Final = 500_000  # RFC 9309 asks for at least 500 KiB
MAX_RETRY_AFTER_S: Final = 5.0  # a longer wait is the back-off's business, not a sleeping coroutine's
RETRY_STATUS: Final = frozenset({408, 429, 500, 502, 503, 504})
_SECRET: Final = re.compile(r"(?i)([?&][^=&]*(?:key|token|secret|passw|auth|sig|appid)[^=&]*=)[^&#]+")


class FetchError(SourceError):
    """A request that brought nothing. `error_class` groups failures; `wait_s` is what the server asked for."""

    def __init__(
        self, message: str, *, error_class: str, url: str, status: int | None = None, wait_s: float | None = None
    ) -> None:
        super().__init__(message, where=redact(url))
        self.error_class = error_class
        self.status = status
        self.wait_s = wait_s


class _Again(Exception):
    """Worth another try; carries what to raise when no try is left."""

    def __init__(self, error: FetchError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True)
class HttpSettings:
    """How politely and how carefully."""

    contact: str = ""
    allow_private: bool = False
    timeout_s: float = 30.0
    max_bytes: int = 50_000_000
    per_host_rps: float = 1.0
    per_host_concurrency: int = 2
    retries: int = 3
    max_redirects: int = 5
    respect_robots: bool = True


@dataclass(frozen=True)
class Response:
    """An answer: the body is decompressed, `charset` is what the header says (None when it says nothing)."""

    status: int
    url: str
    headers: dict[str, str]
    body: bytes = field(repr=False)
    media_type: str | None
    charset: str | None
    elapsed_ms: float
    etag: str | None
    last_modified: str | None

    @property
    def not_modified(self) -> bool:
        """The server says that nothing changed."""
        return self.status == 304


def redact(url: str) -> str:
    """The address without secrets: several public interfaces carry their keys in the query string."""
    try:
        parts = urlsplit(url)
    except ValueError:  # not an address; what follows the first sign of a query may hold secrets
        return url.partition("?")[0].rpartition("@")[2]
    host = parts.netloc.rpartition("@")[2]
    return _SECRET.sub(r"\1***", urlunsplit(parts._replace(netloc=host)))


def is_private(address: str) -> bool:
    """Whether an IP address is anything but public: loopback, private, link-local, shared, multicast, reserved."""
    ip = ipaddress.ip_address(address.split("%")[0])
    inside = _carried(ip) if isinstance(ip, ipaddress.IPv6Address) else ip
    return not inside.is_global or inside.is_multicast


_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052


def _carried(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address an IPv6 address stands for (mapped, 6to4, Teredo, NAT64): a gateway would go there."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else ip)


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name, refuses private addresses, and connects to exactly the address it checked.

    TLS still names the host (SNI and certificate), because httpcore passes the host name separately.
    """

    def __init__(self, *, allow_private: bool) -> None:
        self._inner = httpcore.AnyIOBackend() if hasattr(httpcore, "AnyIOBackend") else None
        self._allow_private = allow_private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        if self._inner is None:  # pragma: no cover - httpcore always ships it
            raise RuntimeError("httpcore without AnyIOBackend")
        last: Exception = OSError("no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout=timeout, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

    async def _resolve(self, host: str, port: int) -> list[str]:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(f"the name {host} does not resolve") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._allow_private and any(is_private(address) for address in addresses):
            raise _PrivateAddress(host)
        return addresses

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _PrivateAddress(Exception):
    pass


class _Host:
    """Pace, places and robots of one host."""

    def __init__(self, settings: HttpSettings) -> None:
        # a burst of one: requests are spaced, not bunched
        self.limiter = AsyncLimiter(1, 1 / settings.per_host_rps)
        self.places = asyncio.Semaphore(settings.per_host_concurrency)
        self.robots: Protego | None = None
        self.robots_until = 0.0
        self.robots_lock = asyncio.Lock()
        self.robots_refused = False


class HttpClient:
    """Use as an async context manager; connections are kept and reused."""

    def __init__(self, settings: HttpSettings) -> None:
        self.settings = settings
        self._hosts: dict[str, _Host] = {}
        self._http: httpx.AsyncClient

    @property
    def user_agent(self) -> str:
        """Who we are, and how to reach the operator (some publishers refuse others)."""
        contact = f" (contact: {self.settings.contact})" if self.settings.contact else ""
        return f"rack-tracker/{__version__}{contact}"

    async def __aenter__(self) -> Self:
        transport = httpx.AsyncHTTPTransport(http2=True, retries=0)
        pool: Any = transport._pool
        pool._network_backend = _CheckedBackend(allow_private=self.settings.allow_private)
        self._http = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(self.settings.timeout_s),
            headers={"User-Agent": self.user_agent, "Accept-Encoding": ACCEPTED},
            follow_redirects=False,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        extra: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """GET, politely (POST with a body). Raises FetchError with a class; ConfigError when no contact is configured.

        extra: further headers, which no other host gets to see. A 304 comes back as a Response with `not_modified`;
        every other status above 399 is a FetchError.
        """
        self._require_contact(_checked(url))
        headers = dict(extra or {})
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        try:
            async for attempt in stamina.retry_context(
                on=_Again,
                attempts=self.settings.retries + 1,
                timeout=None,
                wait_initial=0.5,
                wait_max=30.0,
                wait_jitter=1.0,
            ):
                with attempt:
                    return await self._follow(url, headers, body)
        except _Again as again:
            raise again.error from again.__cause__
        raise AssertionError("unreachable")  # pragma: no cover - retry_context returns or raises

    def _require_contact(self, url: str) -> None:
        if self.settings.contact:
            return
        host = urlsplit(url).hostname or ""
        try:
            local = is_private(host)
        except ValueError:
            local = host == "localhost"
        if not local:
            raise ConfigError(
                "no contact is configured, so nothing outside is asked",
                where="http.contact",
                hint="set http.contact to an e-mail address of yours: it goes into the User-Agent",
            )

    async def _follow(self, url: str, headers: dict[str, str], body: bytes | None) -> Response:
        home = urlsplit(url).netloc
        for _ in range(self.settings.max_redirects + 1):
            await self._ask_robots(url)
            response = await self._one(url, headers, body=body)
            if response.status not in (301, 302, 303, 307, 308) or "location" not in response.headers:
                return response
            target = _joined(url, response.headers["location"])
            url = _checked(target, error_class="redirect")
            if response.status not in (307, 308):  # as browsers do: the answer to a form is another page
                body = None
            if urlsplit(url).netloc != home:  # keys and forms are for the host they were meant for
                headers, body = {}, None
        raise FetchError(f"more than {self.settings.max_redirects} redirects", error_class="redirect", url=url)

    def _host(self, url: str) -> _Host:
        return self._hosts.setdefault(urlsplit(url).netloc, _Host(self.settings))

    async def _one(
        self, url: str, headers: dict[str, str], *, body: bytes | None = None, max_bytes: int | None = None
    ) -> Response:
        host = self._host(url)
        async with host.places, host.limiter:
            started = time.monotonic()
            try:
                async with asyncio.timeout(self.settings.timeout_s * 2):  # a drip that never pauses long enough
                    async with self._http.stream(
                        "GET" if body is None else "POST", url, headers=headers, content=body
                    ) as answer:
                        received = await _bounded(answer, max_bytes or self.settings.max_bytes, url)
                if answer.status_code in RETRY_STATUS and (wait := _short_wait(answer)):
                    await asyncio.sleep(wait)
            except _PrivateAddress as error:
                raise FetchError(f"{error} is on a private network", error_class="private_address", url=url) from error
            except (TimeoutError, httpx.TimeoutException) as error:
                raise _Again(
                    FetchError(f"no answer within {self.settings.timeout_s:g} s", error_class="timeout", url=url)
                ) from error
            except Undecodable as error:
                raise FetchError(f"cannot be unpacked: {error}", error_class="encoding", url=url) from error
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise FetchError(f"cannot be read: {error}", error_class="protocol", url=url) from error
            except httpx.HTTPError as error:
                raise _Again(FetchError(f"the connection failed: {error!r}", error_class="network", url=url)) from error
        return _judged(url, answer, received, (time.monotonic() - started) * 1000)

    async def _ask_robots(self, url: str) -> None:
        if not self.settings.respect_robots:
            return
        host = self._host(url)
        async with host.robots_lock:
            if time.monotonic() >= host.robots_until:
                await self._read_robots(host, url)
        if host.robots_refused:
            raise FetchError(
                "robots.txt cannot be had (server error), so nothing is asked", error_class="robots", url=url
            )
        if host.robots is not None and not host.robots.can_fetch(url, self.user_agent):
            raise FetchError("robots.txt forbids it", error_class="robots", url=url)

    async def _read_robots(self, host: _Host, url: str) -> None:
        """RFC 9309: no file means everything is allowed, a server error means nothing is."""
        parts = urlsplit(url)
        where = urlunsplit((parts.scheme, parts.netloc, "/robots.txt", "", ""))
        host.robots, host.robots_refused = None, False
        host.robots_until = time.monotonic() + ROBOTS_TTL_S
        try:
            for _ in range(self.settings.max_redirects + 1):
                response = await self._one(where, {}, max_bytes=ROBOTS_MAX_BYTES)
                if response.status // 100 != 3 or "location" not in response.headers:
                    break
                where = _checked(_joined(where, response.headers["location"]), error_class="redirect")
            host.robots = Protego.parse(response.body.decode("utf-8", errors="replace"))
        except FetchError as error:
            if error.error_class == "private_address":
                host.robots_until = 0.0
                raise
            if error.status is None or error.status >= 500:
                self._refuse_for_now(host)
        except _Again:
            self._refuse_for_now(host)

    @staticmethod
    def _refuse_for_now(host: _Host) -> None:
        host.robots_refused, host.robots_until = True, time.monotonic() + 60


async def _bounded(answer: httpx.Response, limit: int, url: str) -> bytes:
    """The unpacked body; neither an endless body nor a bomb gets past the limit."""
    packed = bytearray()
    try:
        async for piece in answer.aiter_raw(65536):
            packed += piece
            if len(packed) > limit:
                raise TooLarge
        return unpack(bytes(packed), answer.headers.get("content-encoding", ""), limit)
    except TooLarge as error:
        raise FetchError(f"more than {limit:,} bytes", error_class="too_large", url=url) from error


def _checked(url: str, *, error_class: str = "protocol") -> str:
    """The address, when it is one this client may ask."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        usable = False
    if not usable:
        raise FetchError("is not an http(s) address", error_class=error_class, url=url)
    return url


def _joined(base: str, location: str) -> str:
    try:
        return urljoin(base, location)
    except ValueError:
        return location


def _short_wait(answer: httpx.Response) -> float | None:
    """Seconds the server asks to wait, when they are few enough to wait here."""
    wait_s = retry_after_s(answer.headers.get("retry-after"), datetime.now(UTC))
    return wait_s if wait_s is not None and wait_s <= MAX_RETRY_AFTER_S else None


def _judged(url: str, answer: httpx.Response, body: bytes, elapsed_ms: float) -> Response:
    status = answer.status_code
    if status >= 400:
        wait_s = retry_after_s(answer.headers.get("retry-after"), datetime.now(UTC))
        error = FetchError(
            f"the server answers {status}", error_class=f"http_{status}", url=url, status=status, wait_s=wait_s
        )
        if status in RETRY_STATUS and (wait_s is None or wait_s <= MAX_RETRY_AFTER_S):
            raise _Again(error)
        raise error
    media_type, _, rest = answer.headers.get("content-type", "").partition(";")
    charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", rest, re.IGNORECASE)
    return Response(
        status=status,
        url=url,
        headers={key.lower(): value for key, value in answer.headers.items()},
        body=body,
        media_type=media_type.strip().lower() or None,
        charset=charset[1].lower() if charset else None,
        elapsed_ms=elapsed_ms,
        etag=answer.headers.get("etag"),
        last_modified=answer.headers.get("last-modified"),
    )


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds of a `Retry-After` header, either form; None when there is none or it makes no sense."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


def post(url: str, body: bytes, headers: dict[str, str], *, timeout_s: float) -> int:
    """Send a body to an address the operator configured; returns the status. Raises SourceError when nobody answers.

    Not for addresses out of documents: private networks are allowed here, and nobody's robots.txt is asked. A redirect
    is not followed, for the body was meant for whoever is named.
    """
    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=timeout_s, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceError(f"nobody answers: {type(error).__name__}: {error}", where=redact(url)) from error
    return answer.status_code


def ping(url: str, *, timeout_s: float) -> int:
    """Ask an address the operator configured, such as a dead man's switch; returns the status. SourceError when nobody answers."""
    try:
        return httpx.get(url, timeout=timeout_s, follow_redirects=True).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceError(f"nobody answers: {type(error).__name__}: {error}", where=redact(url)) from error
