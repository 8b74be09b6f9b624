"""The client against a server that misbehaves in every way a server can."""

from __future__ import annotations

import asyncio
import gzip
import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import zstandard

from tracker.errors import ConfigError
from tracker.ingest.client import FetchError, HttpClient, HttpSettings, Response, is_private, redact, retry_after_s
from tracker.text.charset import decode


@dataclass
class Server:
    base: str
    hits: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    robots: tuple[int, bytes] = (404, b"")


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            state.hits.append((self.path, dict(self.headers)))
            seen = sum(path == self.path for path, _ in state.hits)
            match self.path:
                case "/robots.txt":
                    self.reply(*state.robots)
                case "/plain":
                    self.reply(200, b"hello", ETag='"1"', Content_Type="text/plain; charset=latin-1")
                case "/conditional":
                    fresh = self.headers.get("If-None-Match") == '"1"'
                    self.reply(304 if fresh else 200, b"" if fresh else b"x", ETag='"1"')
                case "/gzip":
                    self.reply(200, gzip.compress(b"packed"), Content_Encoding="gzip")
                case "/zstd":
                    self.reply(200, zstandard.ZstdCompressor().compress(b"packed"), Content_Encoding="zstd")
                case "/bomb":
                    self.reply(200, gzip.compress(b"0" * 50_000_000), Content_Encoding="gzip")
                case "/flaky":
                    self.reply(503 if seen < 3 else 200, b"" if seen < 3 else b"at last")
                case "/busy":
                    self.reply(429, Retry_After="120")
                case "/loop":
                    self.reply(302, Location="/loop")
                case "/away":
                    self.reply(302, Location="/plain")
                case "/drip":
                    self.send_response(200)
                    self.send_header("Content-Length", "1000000")
                    self.end_headers()
                    try:
                        for _ in range(200):
                            self.wfile.write(b".")
                            self.wfile.flush()
                            time.sleep(0.1)
                    except OSError:
                        pass
                case "/cut":
                    self.send_response(200)
                    self.send_header("Content-Length", "1000")
                    self.end_headers()
                    self.wfile.write(b"short")
                    self.close_connection = True
                case _:
                    self.reply(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    socketserver.TCPServer.allow_reuse_address = True
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.daemon_threads = True
        state.base = f"http://127.0.0.1:{httpd.server_address[1]}"
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield state
        httpd.shutdown()


def get(url: str, *, etag: str | None = None, **changes: object) -> Response:
    options = {"contact": "a@example.org", "allow_private": True, "per_host_rps": 1000.0, "timeout_s": 5.0} | changes

    async def ask() -> Response:
        async with HttpClient(HttpSettings(**options)) as client:  # type: ignore[arg-type]
            return await client.get(url, etag=etag)

    return asyncio.run(ask())


def fails(url: str, **changes: object) -> FetchError:
    with pytest.raises(FetchError) as caught:
        get(url, **changes)
    return caught.value


def test_it_says_who_it_is_and_reads_the_answer(server: Server) -> None:
    answer = get(f"{server.base}/plain")
    assert (answer.body, answer.media_type, answer.charset, answer.etag) == (b"hello", "text/plain", "latin-1", '"1"')
    assert "a@example.org" in server.hits[-1][1]["User-Agent"]


def test_validators_give_a_304(server: Server) -> None:
    assert get(f"{server.base}/conditional", etag='"1"').not_modified


@pytest.mark.parametrize("path", ["/gzip", "/zstd"])
def test_packed_bodies_are_unpacked(server: Server, path: str) -> None:
    assert get(server.base + path).body == b"packed"


def test_a_bomb_stops_at_the_cap(server: Server) -> None:
    assert fails(f"{server.base}/bomb", max_bytes=1_000_000).error_class == "too_large"


def test_a_passing_fault_is_tried_again(server: Server) -> None:
    assert get(f"{server.base}/flaky").body == b"at last"


def test_a_long_retry_after_is_handed_to_the_back_off(server: Server) -> None:
    error = fails(f"{server.base}/busy")
    assert (error.error_class, error.wait_s) == ("http_429", 120.0)
    assert sum(path == "/busy" for path, _ in server.hits) == 1


def test_redirects_are_followed_to_a_limit(server: Server) -> None:
    assert get(f"{server.base}/away").body == b"hello"
    assert fails(f"{server.base}/loop").error_class == "redirect"


def test_a_slow_drip_ends(server: Server) -> None:
    started = time.monotonic()
    assert fails(f"{server.base}/drip", timeout_s=0.5, retries=0).error_class == "timeout"
    assert time.monotonic() - started < 5


def test_a_body_cut_short_is_a_failure(server: Server) -> None:
    assert fails(f"{server.base}/cut", retries=0).error_class == "network"


def test_robots_are_asked_and_heeded(server: Server) -> None:
    server.robots = (200, b"User-agent: *\nDisallow: /plain\n")
    assert fails(f"{server.base}/plain").error_class == "robots"
    assert all(path == "/robots.txt" for path, _ in server.hits)
    server.robots = (500, b"")
    assert fails(f"{server.base}/conditional").error_class == "robots"


def test_private_addresses_are_refused_unless_allowed(server: Server) -> None:
    assert fails(f"{server.base}/plain", allow_private=False).error_class == "private_address"
    assert server.hits == []
    port = server.base.rpartition(":")[2]
    assert fails(f"http://localhost:{port}/plain", allow_private=False).error_class == "private_address"


def test_without_a_contact_nothing_outside_is_asked() -> None:
    with pytest.raises(ConfigError, match=r"http\.contact"):
        get("https://data.example.org/x", contact="", allow_private=False)


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", True), ("10.1.2.3", True), ("169.254.169.254", True), ("::1", True), ("fe80::1", True),
        ("::ffff:10.0.0.1", True), ("100.64.0.1", True), ("224.0.0.1", True), ("8.8.8.8", False),
        ("2606:4700::1111", False),
    ],
)  # fmt: skip
def test_which_addresses_are_private(address: str, private: bool) -> None:
    assert is_private(address) is private


def test_secrets_leave_no_trace_in_addresses() -> None:
    assert redact("https://u:p@h/x?api_key=abc&q=1#f") == "https://h/x?api_key=***&q=1#f"


def test_retry_after_is_read_in_both_forms() -> None:
    now = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
    assert retry_after_s("30", now) == 30.0
    assert retry_after_s("Tue, 24 Nov 2026 07:01:00 GMT", now) == 60.0
    assert retry_after_s("soon", now) is None


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("营收".encode("gbk"), "gb2312", "营收"),
        ("<meta charset=big5>營收".encode("big5"), None, "<meta charset=big5>營收"),
        (b"\xef\xbb\xbfabc", None, "abc"),
        ("naïve".encode(), "nonsense", "naïve"),
    ],
)
def test_charsets(body: bytes, charset: str | None, text: str) -> None:
    assert decode(body, charset) == text
