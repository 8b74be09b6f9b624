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
from tracker.alerts.links import Answer, LinkError, Links
from tracker.errors import TrackerError
from tracker.web import words
from tracker.web.pages import template

Apply = Callable[[Answer], Awaitable[Effect]]
_SCRIPT: Final = 'document.getElementById("answer").submit()'
_HASH: Final = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
_HEADERS: Final = {
    "content-security-policy": f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}


def routes(links: Links, apply: Apply) -> list[Route]:
    """GET and POST of a signed link."""

    async def ask(request: Request) -> Response:
        try:
            answer = links.read(request.path_params["token"], datetime.now(UTC))
        except LinkError as error:
            return _refused(error, words.preferred(request.headers))
        asks = words.asks(answer.action, answer.language)
        return _page(answer.language, title=asks, asks=asks, script=_SCRIPT)

    async def act(request: Request) -> Response:
        now, language = datetime.now(UTC), words.preferred(request.headers)
        try:
            answer = links.read(request.path_params["token"], now)
            language = answer.language
            effect = await apply(answer)
        except LinkError as error:
            return _refused(error, language)
        except TrackerError as error:  # the database's, say: told as it is
            title = words.says("broken", language)
            return _page(language, title=title, text=error.message, hint=error.hint or "", status=500)
        undo = links.url("undo", effect.undo, answer.recipient, now, language) if effect.undo and effect.new else ""
        return _page(language, title=words.done(answer.action, language, new=effect.new), text=effect.about, undo=undo)

    return [Route("/a/{token}", ask, methods=["GET"]), Route("/a/{token}", act, methods=["POST"])]


def _refused(error: LinkError, language: str) -> Response:
    text, hint = words.refused(error.reason, language)
    return _page(language, title=words.says("broken", language), text=text, hint=hint, status=400)


def _page(
    language: str,
    *,
    title: str,
    text: str = "",
    hint: str = "",
    asks: str = "",
    script: str = "",
    undo: str = "",
    status: int = 200,
) -> Response:
    context = {
        "lang": "zh-CN" if language == "zh" else "en", "title": title, "text": text, "hint": hint, "asks": asks,
        "script": script, "undo": undo, "undo_word": words.says("undo", language),
    }  # fmt: skip
    return HTMLResponse(template("answer.html.j2").render(context), status_code=status, headers=_HEADERS)
