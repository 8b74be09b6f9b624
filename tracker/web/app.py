"""What the running daemon serves on its port: health, metrics, the pages, and the links of its mails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
import uvicorn
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tracker.config import DaemonSettings
from tracker.errors import TrackerError
from tracker.kit import Kit
from tracker.store import open_snapshot, query
from tracker.web import answers, pages
from tracker.web.guard import Guard

_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_COUNTED: Final = ("documents", "facts", "signals", "alerts", "deliveries")
log = structlog.get_logger("web")


@dataclass
class Health:
    """What the daemon knows of itself; written by the daemon, read by the pages."""

    started_at: datetime
    polls: int = 0
    mails_sent: int = 0
    errors: int = 0
    published_at: datetime | None = None
    reload_error: str | None = None


class Server:
    """A uvicorn server inside the daemon's loop."""

    def __init__(self, server: uvicorn.Server | None, task: asyncio.Task[None] | None) -> None:
        self._server = server
        self._task = task

    async def stop(self) -> None:
        """Finish open requests and close the port."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task


async def serve(
    settings: DaemonSettings, health: Health, store_path: Path, kit: Callable[[], Kit], apply: answers.Apply
) -> Server:
    """Start serving; port 0 in the settings serves nothing. kit: the current one; apply: does what a link asks for."""
    if settings.port == 0:
        return Server(None, None)
    config = uvicorn.Config(
        build_app(settings, health, store_path, kit, apply),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # the daemon owns the signals
    task = asyncio.create_task(_serve_or_complain(server, settings))
    return Server(server, task)


async def _serve_or_complain(server: uvicorn.Server, settings: DaemonSettings) -> None:
    """A port that is taken must not take the daemon down: it tracks and mails without its health page."""
    try:
        await server._serve()
    except SystemExit:
        log.error("the health page could not be served", host=settings.host, port=settings.port)


def build_app(
    settings: DaemonSettings, health: Health, store_path: Path, kit: Callable[[], Kit], apply: answers.Apply
) -> ASGIApp:
    """All of it, behind the guard."""

    async def healthz(_: Request) -> Response:
        return JSONResponse(
            {
                "status": "ok",
                "started_at": health.started_at.isoformat(),
                "polls": health.polls,
                "mails_sent": health.mails_sent,
                "errors": health.errors,
                "published_at": health.published_at.isoformat() if health.published_at else None,
                "reload_error": health.reload_error,
            }
        )

    async def readyz(_: Request) -> Response:
        ready = health.published_at is not None
        return JSONResponse({"ready": ready}, status_code=200 if ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(await asyncio.to_thread(_metrics, health, store_path), media_type=_METRICS_TYPE)

    own = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    links = kit().links
    signed = answers.routes(links, apply) if links else []
    app = Starlette(routes=[*own, *signed, *pages.routes(store_path, kit)])
    return Guard(app, token=settings.secret_token(), host=settings.host, public_url=settings.public_url)


def _metrics(health: Health, store_path: Path) -> bytes:
    registry = CollectorRegistry()

    def gauge(name: str, text: str, value: float) -> None:
        Gauge(f"tracker_{name}", text, registry=registry).set(value)

    gauge("polls_total", "Polls since the start", health.polls)
    gauge("mails_sent_total", "Messages accepted since the start", health.mails_sent)
    gauge("errors_total", "Failed jobs since the start", health.errors)
    gauge("start_time_seconds", "Start of the process", health.started_at.timestamp())
    if health.published_at:
        gauge("published_time_seconds", "Last published snapshot", health.published_at.timestamp())
    try:
        connection = open_snapshot(store_path)
        for table in _COUNTED:
            rows = query(connection, f"SELECT count(*) FROM {table}").item()
            gauge(f"{table}_rows", f"Rows of {table}", rows)
        health_rows = query(connection, "SELECT health, count(*) AS n FROM v_source_health GROUP BY health")
        by_health = Gauge("tracker_sources", "Sources by health", ["health"], registry=registry)
        for name, count in health_rows.iter_rows():
            by_health.labels(name).set(count)
    except TrackerError as error:
        log.warning("metrics without the database", error=str(error))
    return generate_latest(registry)
