"""Where the links of a mail lead: a page that does what was clicked, by a request that only a browser makes.

Mail scanners and link previews follow links with GET: a GET changes nothing. The page it shows sends the answer itself
at once (and has a button where scripts are off), so that for a person it is one click; a mail program's own
unsubscribe button posts directly (RFC 8058).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tracker.alerts.feedback import Effect
from tracker.alerts.links import Answer, Links
from tracker.errors import TrackerError
from tracker.web.pages import template

Apply = Callable[[Answer], Awaitable[Effect]]
_SCRIPT: Final = 'document.getElementById("answer").submit()'
_HASH: Final = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
_HEADERS: Final = {
    "content-security-policy": f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}
TITLES: Final = {
    "confirm": "Marked as right", "reject": "Marked as wrong", "silence": "Silenced for a week",
    "unsubscribe": "No more of these mails", "undo": "Taken back",
}  # fmt: skip
ASKS: Final = {
    "confirm": "Mark as right", "reject": "Mark as wrong", "silence": "Silence for a week",
    "unsubscribe": "Stop these mails", "undo": "Take it back",
}  # fmt: skip


def routes(links: Links, apply: Apply) -> list[Route]:
    """GET and POST of a signed link."""

    async def ask(request: Request) -> Response:
        try:
            answer = links.read(request.path_params["token"], datetime.now(UTC))
        except TrackerError as error:
            return _page(title="This link does not work", text=error.message, hint=error.hint or "", status=400)
        return _page(title=ASKS[answer.action], asks=ASKS[answer.action], script=_SCRIPT)

    async def act(request: Request) -> Response:
        now = datetime.now(UTC)
        try:
            answer = links.read(request.path_params["token"], now)
            effect = await apply(answer)
        except TrackerError as error:
            return _page(title="This link does not work", text=error.message, hint=error.hint or "", status=400)
        undo = links.url("undo", effect.undo, answer.recipient, now) if effect.undo and effect.new else ""
        title = TITLES[answer.action] if effect.new else "Nothing to do: this was done before"
        return _page(title=title, text=effect.about, undo=undo)

    return [Route("/a/{token}", ask, methods=["GET"]), Route("/a/{token}", act, methods=["POST"])]


def _page(
    *,
    title: str,
    text: str = "",
    hint: str = "",
    asks: str = "",
    script: str = "",
    undo: str = "",
    status: int = 200,
) -> Response:
    context = {"title": title, "text": text, "hint": hint, "asks": asks, "script": script, "undo": undo}
    return HTMLResponse(template("answer.html.j2").render(context), status_code=status, headers=_HEADERS)
