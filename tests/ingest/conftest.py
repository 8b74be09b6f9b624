"""A publisher on the loopback: real sockets, and every fault a server can show."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

Reply = tuple[int, bytes, dict[str, str]]


@dataclass
class Publisher:
    """`pages` answers by path; `requests` and `connections` are what was seen."""

    base: str
    pages: dict[str, Reply | Callable[[dict[str, str]], Reply]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)
    bodies: list[bytes] = field(default_factory=list)  # of the forms that were posted

    def put(self, path: str, body: bytes | str, status: int = 200, **headers: str) -> str:
        """Serve a body; returns its address."""
        packed = body.encode() if isinstance(body, str) else body
        self.pages[path] = (status, packed, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.base + path

    def asked(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(one == path for one, _ in self.requests)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    made = Publisher("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = dict(self.headers)
            made.requests.append((self.path, headers))
            made.connections.add(self.client_address[1])
            page = made.pages.get(self.path, (404, b"", {}))
            status, body, extra = page(headers) if callable(page) else page
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            made.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        made.base = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield made
        server.shutdown()
