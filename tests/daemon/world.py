"""A small world for the daemon: a mail server in a process of its own, a web server with a feed that can change."""

from __future__ import annotations

import contextlib
import email
import email.policy
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# Accepts everything and writes each message to a file of its own, complete before the server answers 250.
MAIL_SERVER = """
import asyncio, itertools, os, sys
from aiosmtpd.controller import UnthreadedController
box, port = sys.argv[1], int(sys.argv[2])
count = itertools.count(len(os.listdir(box)))
class Handler:
    async def handle_DATA(self, server, session, envelope):
        name = os.path.join(box, f"{next(count):06d}")
        with open(name + ".part", "wb") as file:
            file.write(envelope.content)
        os.rename(name + ".part", name + ".eml")
        return "250 kept"
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
controller = UnthreadedController(Handler(), hostname="127.0.0.1", port=port, loop=loop)
controller.begin()
print("ready", flush=True)
loop.run_forever()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Feed:
    """An RSS feed on 127.0.0.1 whose items a test adds."""

    def __init__(self) -> None:
        self.items: list[tuple[str, str, datetime]] = []
        feed = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = feed.body() if self.path == "/feed.xml" else b""
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "application/rss+xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/feed.xml"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, title: str, text: str) -> None:
        self.items.append((title, text, datetime.now(UTC)))

    def body(self) -> bytes:
        items = "".join(
            f"<item><title>{title}</title><link>https://news.example.org/{number}</link>"
            f"<pubDate>{format_datetime(at)}</pubDate><description>{text}</description></item>"
            for number, (title, text, at) in enumerate(self.items)
        )
        return f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>".encode()


class World:
    """Paths, ports and processes of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.box = folder / "mailbox"
        self.box.mkdir()
        self.feed = Feed()
        self.smtp_port = free_port()
        self.health_port = free_port()
        self.config = folder / "tracker.toml"
        self.sources = folder / "sources.yaml"
        self.store = folder / "var" / "store.duckdb"
        self.write_config()
        self.mail_server = self._start_mail_server()

    def write_config(self, *, digest_at: str = "00:00", poll_minutes: float = 0.02) -> None:
        self.sources.write_text(
            "sources:\n"
            f'  - {{id: local, name: Local feed, kind: rss, url: "{self.feed.url}", lang: en, tier: 1, poll_minutes: {poll_minutes}}}\n',
            encoding="utf-8",
        )
        self.config.write_text(
            f"""
[store]
path = "var/store.duckdb"
publish_seconds = 1
[sources]
files = ["sources.yaml"]
[http]
contact = "ops@example.org"
allow_private = true
per_host_rps = 50.0
[mail]
host = "127.0.0.1"
port = {self.smtp_port}
security = "none"
from = "tracker@example.org"
to = ["reader@example.org"]
digest_at = "{digest_at}"
timezone = "UTC"
immediate = "high"
max_immediate_per_hour = 10000
max_immediate_per_day = 100000
[daemon]
port = {self.health_port}
log_format = "json"
""",
            encoding="utf-8",
        )

    def _start_mail_server(self) -> subprocess.Popen[str]:
        server = subprocess.Popen(
            [sys.executable, "-c", MAIL_SERVER, str(self.box), str(self.smtp_port)], stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        assert server.stdout.readline().strip() == "ready"
        return server

    def start_daemon(self) -> subprocess.Popen[bytes]:
        log = (self.folder / "daemon.log").open("ab")
        return subprocess.Popen(
            [sys.executable, "-m", "tracker", "run", "--config", str(self.config)], stdout=log, stderr=log
        )

    @property
    def log(self) -> str:
        return (self.folder / "daemon.log").read_text(encoding="utf-8")

    def mails(self) -> list[EmailMessage]:
        found = []
        for file in sorted(self.box.glob("*.eml")):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            found.append(message)
        return found

    def immediate(self) -> list[EmailMessage]:
        return [m for m in self.mails() if "Rack-scale thesis" not in str(m["Subject"])]

    def close(self) -> None:
        self.mail_server.kill()
        self.mail_server.wait()
        self.feed.server.shutdown()


def until(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Wait for a condition; returns how long it took."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if condition():
            return time.monotonic() - started
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


@contextlib.contextmanager
def daemon(world: World) -> Iterator[subprocess.Popen[bytes]]:
    process = world.start_daemon()
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                raise
