"""The read-only pages: conviction over time, signals with their sentence in its document, ledger, sources, rules, SQL."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import duckdb
import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tracker.alerts.charts import sparkline_png
from tracker.alerts.content import tightest_of
from tracker.alerts.render import plain, safe_link
from tracker.alerts.words import LINKS, quarter_in_words
from tracker.cli.output import plain as jsonable
from tracker.errors import TrackerError
from tracker.kit import Kit
from tracker.web import data, plots

_TEMPLATES: Final = Path(__file__).with_name("templates")
Show = Callable[[duckdb.DuckDBPyConnection, Request, Kit], Response]


def routes(store_path: Path, kit: Callable[[], Kit]) -> list[Route]:
    """All pages; each opens the snapshot, in a thread, for itself."""

    def page(path: str, show: Show) -> Route:
        def made(request: Request) -> Response:
            try:
                with data.snapshot(store_path) as connection:
                    return show(connection, request, kit())
            except TrackerError as error:
                context = {"title": "Not now", "error": error.message, "hint": error.hint or ""}
                return html("error.html.j2", status=503, **context)

        async def answer(request: Request) -> Response:
            return await asyncio.to_thread(made, request)

        return Route(path, answer, methods=["GET"])

    shown: list[tuple[str, Show]] = [
        ("/", overview), ("/claims/{claim}", claim_page), ("/claims/{claim}/line.svg", claim_plot), ("/signals", signals_page),
        ("/signals.atom", atom), ("/signals/{signal_id}", signal_page), ("/ledger", ledger_page), ("/ledger.svg", ledger_plot),
        ("/sources", sources_page), ("/rules", rules_page), ("/sql", sql_page), ("/api/signals", api_signals),
        ("/api/signals/{signal_id}", api_signal), ("/api/conviction", api_conviction),
    ]  # fmt: skip
    return [page(path, show) for path, show in shown]


def overview(connection: duckdb.DuckDBPyConnection, request: Request, kit: Kit) -> Response:
    """Conviction of every claim, the thesis on top, and the newest signals."""
    rows = data.claims(connection)
    known = {row["claim"]: row | {"spark": spark(row["line"])} for row in rows}
    own = [(claim, known.get(claim.id)) for claim in kit.thesis.claims.values()]
    newest = data.signals(connection, limit=12)
    return html("overview.html.j2", thesis=known.get("THESIS"), claims=own, signals=newest, pillars=kit.thesis.pillars)


def claim_page(connection: duckdb.DuckDBPyConnection, request: Request, kit: Kit) -> Response:
    """One claim over time, and everything for and against it."""
    claim = kit.thesis.claims.get(request.path_params["claim"])
    if claim is None:
        return missing("There is no such claim.")
    latest = next((r for r in data.claims(connection) if r["claim"] == claim.id), None)
    sides = [data.signals(connection, claim=claim.id, direction=d, limit=60) for d in (1, -1)]
    return html("claim.html.j2", claim=claim, latest=latest, pro=sides[0], con=sides[1])


def claim_plot(connection: duckdb.DuckDBPyConnection, request: Request, kit: Kit) -> Response:
    """The line of a claim (or THESIS), as SVG."""
    return svg(plots.conviction_svg(data.history(connection, request.path_params["claim"])))


def signals_page(connection: duckdb.DuckDBPyConnection, request: Request, kit: Kit) -> Response:
    """Signals, newest first, narrowed by what the address asks for."""
    asked = filters(request)
    rows = data.signals(connection, **asked)
    return html("signals.html.j2", signals=rows, asked=asked, claims=list(kit.thesis.claims))


def signal_page(connection: duckdb.DuckDBPyConnection, request: Request, kit: Kit) -> Response:
    """One signal with each sentence it rests on, marked in its document."""
    found = data.signal(connection, request.path_params["signal_id"])
    if found is None:
        return missing("There is no such signal; it may have been retired.")
    rule = next((r for r in kit.thesis.rules if r.id == found["rule_id"]), None)
    return html("signal.html.j2", s=found, claim=kit.thesis.claims.get(found["claim"]), rule=rule)


def ledger_page(connection: duckdb.DuckDBPyConnection, request: Request, kit: Kit) -> Response:
    """Demand beside supply, and which link is tightest now."""
    frame = data.ledger(connection)
    now = tightest_of(frame.drop("as_of"), datetime.now(UTC).date(), "en")
    return html("ledger.html.j2", rows=frame.to_dicts(), tightest=now, links=LINKS["en"], quarter=quarter_in_words)


def ledger_plot(connection: duckdb.DuckDBPyConnection, request: Request, kit: Kit) -> Response:
    """The ledger as bars, as SVG."""
    return svg(plots.ledger_svg(data.ledger(connection).drop("as_of")))


def sources_page(connection: duckdb.DuckDBPyConnection, request: Request, kit: Kit) -> Response:
    """Where everything comes from, and whether it still comes."""
    return html("sources.html.j2", rows=data.sources(connection))


def rules_page(connection: duckdb.DuckDBPyConnection, request: Request, kit: Kit) -> Response:
    """The rules, how often each spoke, and what readers said of it."""
    counts = data.rule_counts(connection)
    rows = [(rule, counts.get(rule.id, {})) for rule in kit.thesis.rules]
    rows.sort(key=lambda pair: (-pair[1].get("signals", 0), pair[0].id))
    return html("rules.html.j2", rows=rows, problems=[str(p) for p in kit.thesis.problems])


def sql_page(connection: duckdb.DuckDBPyConnection, request: Request, kit: Kit) -> Response:
    """A question in SQL to the snapshot: read-only, cut off from files and network, at most 500 rows and ten seconds."""
    question = request.query_params.get("q", "")[:5000]
    frame, problem = None, ""
    if question.strip():
        try:
            frame = data.ask(connection, question)
        except TrackerError as error:
            problem = error.message
    return html("sql.html.j2", q=question, frame=frame, problem=problem, most=data.MOST_ROWS)


def atom(connection: duckdb.DuckDBPyConnection, request: Request, kit: Kit) -> Response:
    """The newest signals as an Atom feed."""
    rows = data.signals(connection, **filters(request))
    base = str(request.base_url).rstrip("/")
    page = template("signals.atom.j2").render(rows=rows, base=base, now=datetime.now(UTC))
    return Response(page, media_type="application/atom+xml")


def api_signals(connection: duckdb.DuckDBPyConnection, request: Request, kit: Kit) -> Response:
    """The newest signals as JSON: the same filters as the page."""
    return as_json({"signals": data.signals(connection, **filters(request))})


def api_signal(connection: duckdb.DuckDBPyConnection, request: Request, kit: Kit) -> Response:
    """One signal with its facts as JSON."""
    found = data.signal(connection, request.path_params["signal_id"])
    return as_json(found) if found else as_json({"error": "no such signal"}, status=404)


def api_conviction(connection: duckdb.DuckDBPyConnection, request: Request, kit: Kit) -> Response:
    """Latest conviction per claim as JSON."""
    return as_json({"conviction": data.claims(connection)})


def filters(request: Request) -> dict[str, Any]:
    """What the address asks for; whatever cannot be read is left out."""
    asked = request.query_params
    sides = {"for": 1, "against": -1}
    limit = asked.get("limit", "100")
    return {
        "claim": asked.get("claim", "")[:20],
        "entity": asked.get("entity", "")[:40],
        "rule": asked.get("rule", "")[:80],
        "direction": sides.get(asked.get("direction", ""), 0),
        "words": asked.get("words", "")[:100],
        "limit": int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 6 else 100,
    }


def missing(text: str) -> Response:
    """What is not there."""
    return html("error.html.j2", status=404, title="Not here", error=text, hint="")


def html(name: str, *, status: int = 200, **context: Any) -> Response:
    """A page."""
    return HTMLResponse(template(name).render(context), status_code=status)


def svg(picture: str) -> Response:
    """A picture."""
    return Response(picture, media_type="image/svg+xml")


def as_json(value: Any, *, status: int = 200) -> Response:
    """JSON with times in ISO 8601."""
    text = json.dumps(value, ensure_ascii=False, default=jsonable, allow_nan=False)
    return Response(text, media_type="application/json", status_code=status)


def spark(line: list[float]) -> str:
    """A sparkline as a data address; '' when there is nothing to draw."""
    if len(line) < 2:
        return ""
    return "data:image/png;base64," + base64.b64encode(sparkline_png(tuple(line[-30:]))).decode()


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "plain": plain,
        "link": safe_link,
        "pct": lambda p: f"{p * 100:.1f} %",
        "pp": lambda p: f"{p * 100:+.1f}".replace("+0.0", "0.0").replace("-0.0", "0.0").replace("-", "\u2212"),
        "count": lambda n: "" if n is None else f"{n:,.0f}",
        "day": lambda d: "" if d is None else f"{d:%Y-%m-%d}",
        "clock": lambda d: "" if d is None else f"{d:%Y-%m-%d %H:%M}",
    }
    return environment


def template(name: str) -> jinja2.Template:
    """A template of the web view."""
    return _environment().get_template(name)
