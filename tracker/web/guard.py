"""Who may look: this machine, or whoever knows the token. Signed links and health answer everybody."""

from __future__ import annotations

import ipaddress
import secrets
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE: Final = "tracker_token"
_OPEN: Final = ("/healthz", "/readyz", "/a/")
# What a proxy adds: then the peer is the proxy, and says nothing about who asks.
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_REFUSED: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Token needed</title></head>
<body><main><h1>Token needed</h1><p>These pages are for this machine, or for who knows <code>daemon.web_token</code>.</p>
<form method="get"><label>Token <input name="token" type="password"></label> <button>Open</button></form></main></body></html>"""


class Guard:
    """ASGI middleware: lets in, remembers a token that was right in a cookie, and sets the headers every page wants."""

    def __init__(self, app: ASGIApp, *, token: str, host: str, public_url: str) -> None:
        self.app = app
        self.token = token
        here = urlsplit(public_url).hostname
        self.hosts = {host, "localhost", "127.0.0.1", "::1", *([here] if here else [])}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                known = {name.lower() for name, _ in headers}
                headers += [(k.encode(), v.encode()) for k, v in _HEADERS.items() if k.encode() not in known]
            await send(message)

        given = QueryParams(scope["query_string"]).get("token", "")
        if scope["path"].startswith(_OPEN) or self._local(scope) or self._known(scope):
            await self.app(scope, receive, with_headers)
        elif self._right(given):
            answer = RedirectResponse(scope["path"], status_code=303)
            answer.set_cookie(COOKIE, self.token, httponly=True, samesite="strict", max_age=90 * 86400)
            await answer(scope, receive, with_headers)
        else:
            await HTMLResponse(_REFUSED, status_code=401)(scope, receive, with_headers)

    def _local(self, scope: Scope) -> bool:
        """Asked from this machine, by its name (a page elsewhere that only resolves here has another), and by no proxy."""
        headers = Headers(scope=scope)
        peer = scope.get("client")
        if peer is None or any(name in headers for name in _FORWARDED):
            return False
        try:
            near = ipaddress.ip_address(peer[0]).is_loopback
        except ValueError:
            return False
        return near and (urlsplit(f"//{headers.get('host', '')}").hostname or "") in self.hosts

    def _known(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        return (kind.lower() == "bearer" and self._right(bearer)) or self._right(
            cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        )

    def _right(self, given: str) -> bool:
        return bool(self.token) and secrets.compare_digest(given.encode(), self.token.encode())
