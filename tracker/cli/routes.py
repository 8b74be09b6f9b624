"""`tracker alerts routes`: the tree, its check and tests, and where a signal would go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import polars as pl
import typer

from tracker.alerts import dispatch
from tracker.alerts.check import STAND_IN, describe, run_tests
from tracker.alerts.route import Decision, candidates, decide, labels_of, quiet_past
from tracker.alerts.stages.match import LABELS
from tracker.alerts.stages.tree import Route
from tracker.cli.mail import readable
from tracker.cli.options import ConfigOption, DbOption, JsonOption, RulesOption, settings_from
from tracker.cli.output import console, errors, print_json
from tracker.config import Settings
from tracker.errors import UsageError
from tracker.kit import Kit

app = typer.Typer(no_args_is_help=False, invoke_without_command=True, help="Where signals go, by alerts.yaml.")
_ASKED = "SELECT * FROM v_signals WHERE signal_id IN (SELECT unnest(string_split($ids, chr(31))))"


@app.callback()
def routes(
    context: typer.Context, as_json: JsonOption = False, config: ConfigOption = None, rules: RulesOption = None
) -> None:
    """The tree of routes, one line a node, with what each inherited filled in."""
    if context.invoked_subcommand is None:
        kit = Kit.load(settings_from(config, None, rules).rules_dirs)
        rows = [_node(route) for route in kit.routing.root.every()]
        if as_json:
            print_json(rows)
            return
        for row in rows:
            name = row.pop("route")
            console.print(f"{'  ' * name.count('/')}[bold]{name}[/]", highlight=False)
            console.print("  ".join(f"{k} {v}" for k, v in row.items()), markup=False, highlight=False)


def _node(route: Route) -> dict[str, Any]:
    return {
        "route": route.name,
        "to": ", ".join(route.to),
        "tell": route.tell,
        "group_by": ", ".join(route.group_by) or "everything",
        "wait": str(route.group_wait),
        "interval": str(route.group_interval),
        "repeat": str(route.repeat_interval or "never"),
        "mute": ", ".join(route.mute) or "-",
        "where": route.where,
    }


@app.command()
def check(as_json: JsonOption = False, config: ConfigOption = None, rules: RulesOption = None) -> None:
    """Check alerts.yaml and run its tests. Exit code 4 when the file is broken, 1 when a test fails."""
    kit = Kit.load(settings_from(config, None, rules).rules_dirs)
    pillars = {c.id: c.pillar for c in kit.thesis.claims.values()}
    outcomes = run_tests(kit.routing, pillars, kit.lexicon.layers)
    failed = [o for o in outcomes if not o.ok]
    if as_json:
        print_json({"tests": len(outcomes), "failed": [vars(o) for o in failed]})
    else:
        for one in failed:
            errors.print(f"{one.where}: {one.name}: {one.message}", markup=False, highlight=False, soft_wrap=True)
        console.print(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    if failed:
        raise typer.Exit(1)


@app.command("test")
def where_to(
    signals: Annotated[
        list[str],
        typer.Argument(metavar="SIGNAL...", help="Signal ids, or labels such as claim=D1,severity=high,entity=META."),
    ],
    at: Annotated[str | None, typer.Option(help="Moment to ask for, e.g. 2026-11-28T23:30Z; default now.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """Where signals would go if they came now, to whom, in what group, and why. Nothing is sent or kept."""
    settings = settings_from(config, db, rules)
    kit = Kit.load(settings.rules_dirs)
    now = _moment(at)
    described = [s for s in signals if "=" in s]
    made = _described(described, kit, settings, now) if described else []
    if ids := [s for s in signals if "=" not in s]:
        made += _known(ids, kit, settings, now)
    if as_json:
        print_json([_told(d) for d in made])
        return
    for one in made:
        console.print(_sentence(one), markup=False, highlight=False, soft_wrap=True)
    if not made:
        console.print("nobody: no route leads to a recipient")


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("is not a moment such as 2026-11-28T23:30Z", param_hint="--at") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _described(texts: list[str], kit: Kit, settings: Settings, now: datetime) -> list[Decision]:
    pillars = {c.id: c.pillar for c in kit.thesis.claims.values()}
    rows = []
    for number, text in enumerate(texts):
        labels: dict[str, Any] = dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)
        unknown = set(labels) - {*LABELS, "age"}
        if unknown:
            raise UsageError(f"there is no label '{min(unknown)}'", hint=f"labels: {', '.join(LABELS)}, age")
        try:
            labels |= {"tier": int(labels["tier"])} if "tier" in labels else {}
            row = describe(labels, 0, now, pillars, kit.lexicon.layers) | {"signal_id": f"signal-{number + 1}"}
            rows.append(pl.DataFrame([row], schema=LABELS))
        except (ValueError, KeyError) as error:
            raise UsageError(f"'{text}' does not describe a signal: {error}") from error
    people = kit.routing.readers(settings.mail) or [STAND_IN]
    found = candidates(pl.concat(rows), kit.routing, people, now)
    return decide(found, kit.routing, quiet_past(), now)


def _known(ids: list[str], kit: Kit, settings: Settings, now: datetime) -> list[Decision]:
    people = kit.routing.readers(settings.mail) or [STAND_IN]
    with readable(settings) as store:
        signals = store.read(_ASKED, {"ids": "\x1f".join(ids)})
        missing = set(ids) - set(signals["signal_id"])
        if missing:
            raise UsageError(f"there is no signal '{min(missing)}'", hint="'tracker signals' shows them")
        labels = labels_of(signals, kit.lexicon.layers, dispatch.tiers(store, signals))
        return dispatch.explain(store, kit, labels, people, now)


def _sentence(one: Decision) -> str:
    how = {"at_once": "at once", "hold": f"held until {one.due_at:%Y-%m-%d %H:%M} UTC", "digest": "in the digest"}[
        one.how
    ]
    if one.how == "at_once":
        how += f" by {', '.join(one.recipient.channels)}, {one.due_at:%Y-%m-%d %H:%M:%S} UTC, group {one.group}"
    return f"{one.signal_id} -> {one.recipient.name}: {how}; route {one.route.name} ({one.route.where}); {one.reason}"


def _told(decision: Decision) -> dict[str, Any]:
    return {
        "signal": decision.signal_id,
        "to": decision.recipient.name,
        "how": decision.how,
        "channels": ", ".join(decision.recipient.channels),
        "route": decision.route.name,
        "group": decision.group,
        "due": decision.due_at if decision.how != "digest" else None,
        "why": decision.reason,
    }
