"""Real servers on 127.0.0.1: mail servers that answer as told, and an HTTP server that keeps what it gets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from tests.daemon.world import free_port


class MailBox:
    """A mail server's handler: keeps messages, answers as told. `answers` by command: rcpt or data -> answers, then 250."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = answers
        self.got: list[tuple[str, list[str], bytes]] = []
        self.port = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.answers.get("rcpt"):
            return self.answers["rcpt"].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = self.answers["data"].pop(0) if self.answers.get("data") else "250 kept"
        if answer == "break":
            server.transport.abort()
            return "421 gone"
        if answer.startswith("250") or answer == "keep and break":
            self.got.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        if answer == "keep and break":
            server.transport.abort()
            return "421 gone"
        return answer


@contextmanager
def mail_server(box: MailBox, **more: Any) -> Iterator[MailBox]:
    """Run a mail server for a box; its port stands in the box."""
    box.port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=box.port, ready_timeout=30, **more)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


class Hook:
    """What an HTTP server got: path, headers, body; `statuses` are answered in turn, then 200."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""


@contextmanager
def http_server(hook: Hook) -> Iterator[Hook]:
    """Run an HTTP server for a hook."""

    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            hook.got.append((self.path, dict(self.headers.items()), body))
            self.send_response(hook.statuses.pop(0) if hook.statuses else 200)
            self.send_header("Content-Length", "2")
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_GET = do_PUT = _take

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hook.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
