"""What keeps the client from doing harm, or from coming to harm: rebinding, redirects, pace, robots, reuse."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import brotli
import pytest

from tests.ingest.conftest import Publisher
from tracker.ingest import client as client_module
from tracker.ingest.client import FetchError, HttpClient, HttpSettings, is_private, redact

Made = TypeVar("Made")


def with_client(job: Callable[[HttpClient], Awaitable[Made]], **changes: Any) -> Made:
    options: dict[str, Any] = {"contact": "a@example.org", "allow_private": True, "per_host_rps": 1000.0}

    async def run() -> Made:
        async with HttpClient(HttpSettings(**(options | changes))) as client:
            return await job(client)

    return asyncio.run(run())


def refused(url: str, **changes: Any) -> str:
    with pytest.raises(FetchError) as caught:
        with_client(lambda client: client.get(url), **changes)
    return caught.value.error_class


def test_a_redirect_to_a_private_address_is_refused(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    # loopback has many addresses: let only the second one count as private
    monkeypatch.setattr(client_module, "is_private", lambda address: address == "127.0.0.2")
    port = publisher.base.rpartition(":")[2]
    publisher.put("/go", "", 302, Location=f"http://127.0.0.2:{port}/secret")
    publisher.put("/secret", "the keys")
    assert refused(f"{publisher.base}/go", allow_private=False) == "private_address"
    assert publisher.asked("/secret") == 0


def test_the_connection_goes_to_the_address_that_was_checked(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that changes its address between check and connection: it is looked up once, and that answer is used."""
    monkeypatch.setattr(client_module, "is_private", lambda address: address == "127.0.0.2")
    lookups: list[str] = []

    async def rebinding(self: Any, host: str, port: int, **_: Any) -> list[Any]:
        lookups.append(host)
        address = "127.0.0.1" if len(lookups) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", rebinding)
    publisher.put("/x", "public")
    port = publisher.base.rpartition(":")[2]
    answer = with_client(
        lambda client: client.get(f"http://news.example.org:{port}/x"), allow_private=False, respect_robots=False
    )
    assert (answer.body, lookups) == (b"public", ["news.example.org"])
    assert publisher.requests[-1][1]["Host"] == f"news.example.org:{port}"


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def mixed(self: Any, host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", mixed)
    assert refused("http://news.example.org/x", allow_private=False) == "private_address"


@pytest.mark.parametrize("address", ["64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:127.0.0.1", "0.0.0.0", "::"])
def test_private_addresses_in_disguise_are_private(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://[", "gopher://h/", "//:99999/"])
def test_a_redirect_to_no_address_is_refused(publisher: Publisher, target: str) -> None:
    publisher.put("/go", "", 302, Location=target)
    assert refused(f"{publisher.base}/go") == "redirect"


@pytest.mark.parametrize("url", ["http://[", "ftp://h/x", "nonsense", "http://h:port/", "http:///x"])
def test_what_is_no_address_is_an_error_of_its_own(url: str) -> None:
    assert refused(url) == "protocol"


def test_connections_are_reused(publisher: Publisher) -> None:
    url = publisher.put("/x", "x")

    async def ten(client: HttpClient) -> None:
        for _ in range(10):
            await client.get(url)

    with_client(ten)
    assert publisher.asked("/x") == 10
    assert len(publisher.connections) == 1
    assert publisher.asked("/robots.txt") == 1


def test_one_host_is_asked_at_its_pace(publisher: Publisher) -> None:
    url = publisher.put("/x", "x")

    async def three(client: HttpClient) -> None:
        await asyncio.gather(*(client.get(url) for _ in range(3)))

    started = time.monotonic()
    with_client(three, per_host_rps=10.0, respect_robots=False)
    assert time.monotonic() - started >= 0.2


def test_a_short_retry_after_is_waited_for(publisher: Publisher) -> None:
    answers = iter([(429, b"", {"Retry-After": "1"}), (200, b"at last", {})])
    publisher.pages["/x"] = lambda _: next(answers)
    started = time.monotonic()
    assert with_client(lambda client: client.get(f"{publisher.base}/x"), respect_robots=False).body == b"at last"
    assert time.monotonic() - started >= 1.0


def test_a_server_that_stays_broken_is_given_up_after_the_retries(publisher: Publisher) -> None:
    url = publisher.put("/x", "", 503)
    assert refused(url, retries=1, respect_robots=False) == "http_503"
    assert publisher.asked("/x") == 2


def test_a_page_that_is_gone_is_asked_once(publisher: Publisher) -> None:
    assert refused(f"{publisher.base}/gone", respect_robots=False) == "http_404"
    assert publisher.asked("/gone") == 1


def test_brotli_is_unpacked_and_garbage_is_named(publisher: Publisher) -> None:
    url = publisher.put("/br", brotli.compress(b"packed"), Content_Encoding="br")
    assert with_client(lambda client: client.get(url)).body == b"packed"
    assert refused(publisher.put("/bad", b"plain", Content_Encoding="gzip")) == "encoding"


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_robots_that_are_not_there_allow_everything(publisher: Publisher, status: int) -> None:
    publisher.put("/robots.txt", "", status)
    url = publisher.put("/x", "x")
    assert with_client(lambda client: client.get(url)).body == b"x"


def test_robots_for_us_by_name_count(publisher: Publisher) -> None:
    publisher.put("/robots.txt", "User-agent: rack-tracker\nDisallow: /\n\nUser-agent: *\nDisallow:\n")
    assert refused(publisher.put("/x", "x")) == "robots"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/x?crtfc_key=abc&corp=1", "https://h/x?crtfc_key=***&corp=1"),
        ("https://h/x?Subscription-Key=abc", "https://h/x?Subscription-Key=***"),
        ("https://h/x?appId=abc&a=b", "https://h/x?appId=***&a=b"),
        ("https://me:secret@h/x", "https://h/x"),
        ("http://[?key=abc", "http://["),
    ],
)
def test_secrets_never_show(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_an_error_does_not_tell_the_key(publisher: Publisher) -> None:
    with pytest.raises(FetchError) as caught:
        with_client(lambda client: client.get(f"{publisher.base}/gone?api_key=hunter2"), respect_robots=False)
    assert "hunter2" not in str(caught.value)
