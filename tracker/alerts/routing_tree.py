"""Reading the tree of routes and the inhibitions of `alerts.yaml`: every name is known, every complaint has file:line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, Final

from tracker.alerts.recipients import EVERYONE
from tracker.alerts.routing import Names
from tracker.alerts.stages.inhibit import Inhibition
from tracker.alerts.stages.match import compile_match, is_pattern
from tracker.alerts.stages.mute import MuteTime
from tracker.alerts.stages.tree import Route
from tracker.errors import RuleError
from tracker.yaml_files import YamlFile

Place = tuple[str | int, ...]
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass
class TreeReader:
    """Walks the tree of the file; knows what may be named."""

    file: YamlFile
    names: Names
    recipients: list[str]
    mute_times: Mapping[str, MuteTime]

    def route(self, entry: Mapping[str, Any], place: Place, parent: Route | None) -> Route:
        """One node with all below it; fields it does not have come from its parent."""
        base = parent or _DEFAULTS
        name = entry.get("name") or (str(place[-1]) if parent else "all")
        self.check_match(entry.get("match", {}), (*place, "match"))
        self.check_names(entry.get("to", []), self.recipients, (*place, "to"), "recipient", addresses=True)
        self.check_names(entry.get("mute", []), self.mute_times, (*place, "mute"), "mute time")
        repeat = entry.get("repeat_interval")
        node = Route(
            name=f"{parent.name}/{name}" if parent else name,
            where=self.file.where(*place),
            match=compile_match(entry.get("match", {})),
            to=tuple(entry.get("to", base.to)),
            tell=entry.get("tell", base.tell),
            group_by=tuple(entry.get("group_by", base.group_by)),
            group_wait=_duration(entry.get("group_wait"), base.group_wait),
            group_interval=_duration(entry.get("group_interval"), base.group_interval),
            repeat_interval=base.repeat_interval if repeat is None else None if repeat == "never" else duration(repeat),
            mute=tuple(entry.get("mute", base.mute)),
            when_muted=entry.get("when_muted", base.when_muted),
            goes_on=entry.get("continue", False),
        )
        children = tuple(self.route(e, (*place, "routes", i), node) for i, e in enumerate(entry.get("routes", [])))
        twice = {c.name for i, c in enumerate(children) if c.name in {o.name for o in children[:i]}}
        if twice:
            raise RuleError(f"two routes are called '{min(twice)}'", where=self.file.where(*place, "routes"))
        return Route(**{**vars(node), "children": children})

    def inhibition(self, entry: Mapping[str, Any], place: Place) -> Inhibition:
        """One rule of `inhibit`."""
        for side in ("source", "target"):
            self.check_match(entry.get(side, {}), (*place, side))
        return Inhibition(
            entry["name"],
            compile_match(entry["source"]),
            compile_match(entry.get("target", {})),
            tuple(entry["same"]),
            _duration(entry.get("for"), timedelta(hours=24)),
            entry.get("louder", True),
        )

    def check_match(self, match: Mapping[str, Any], place: Place) -> None:
        """Every id a match names must exist, every pattern must mean something."""
        if "not" in match:
            self.check_match(match["not"], (*place, "not"))
        for label, known in (
            ("claim", self.names.claims), ("pillar", self.names.pillars), ("entity", self.names.entities),
            ("layer", self.names.layers), ("rule", self.names.rules),
        ):  # fmt: skip
            wanted = match.get(label, [])
            named = [n for n in ([wanted] if isinstance(wanted, str) else wanted) if not is_pattern(n)]
            if known:
                self.check_names(named, known, (*place, label), label)

    def check_names(
        self, given: Iterable[str], known: Iterable[str], place: Place, what: str, *, addresses: bool = False
    ) -> None:
        """Complain about a name nobody knows; recipients of the configuration may be named by address."""
        every = set(known)
        for name in given:
            if name not in every and not (addresses and "@" in name):
                raise RuleError(f"there is no {what} '{name}'", where=self.file.where(*place), hint=meant(name, every))


_DEFAULTS: Final = Route(
    "", "", compile_match({}), (EVERYONE,), "auto", ("story",), timedelta(0), timedelta(0), None, (), "digest"
)


def duration(text: str) -> timedelta:
    """`30s`, `10m`, `4h` or `7d`."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


def _duration(text: str | None, otherwise: timedelta) -> timedelta:
    return otherwise if text is None else duration(text)


def meant(name: str, known: Iterable[str]) -> str:
    every = sorted(known)
    near = get_close_matches(name, every, 1)
    return f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(every[:40]) or 'none'}"
