"""`alerts.yaml` as the stages need it: read, checked against its schema and the thesis, every complaint with file:line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

import jsonschema

from tracker import yaml_files
from tracker.alerts.recipients import EMAIL, EVERYONE, Recipient, recipients_of
from tracker.alerts.stages.inhibit import Inhibition
from tracker.alerts.stages.match import compile_match, is_pattern
from tracker.alerts.stages.mute import WEEKDAYS, MuteTime, known_calendar
from tracker.alerts.stages.tree import Route
from tracker.config import MailSettings
from tracker.errors import RuleError
from tracker.resources import data_dir
from tracker.yaml_files import YamlFile

Place = tuple[str | int, ...]
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Operators:
    """Who hears of trouble, how often again, and what counts as trouble."""

    to: tuple[str, ...] = ()
    repeat_interval: timedelta = timedelta(hours=24)
    mute: tuple[str, ...] = ()
    silent_hours: float = 24
    digest_late_minutes: float = 60
    disk_free_percent: float = 5
    clock_jump_seconds: float = 90
    overdue_days: int = 5


@dataclass(frozen=True)
class Channel:
    """Where messages go besides mail: an Apprise address, or a webhook with the key its body is signed with."""

    id: str
    url: str = field(default="", repr=False)
    webhook: str = ""
    secret: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Routing:
    """The whole file."""

    root: Route
    recipients: tuple[Mapping[str, Any], ...] = ()
    channels: Mapping[str, Channel] = field(default_factory=dict)
    mute_times: Mapping[str, MuteTime] = field(default_factory=dict)
    inhibitions: tuple[Inhibition, ...] = ()
    operators: Operators = Operators()
    tests: tuple[Mapping[str, Any], ...] = ()
    test_lines: tuple[str, ...] = ()

    def readers(self, mail: MailSettings) -> list[Recipient]:
        """Recipients of the configuration and of the file together."""
        return recipients_of(mail, self.recipients)

    def mutes(self, names: Iterable[str]) -> list[MuteTime]:
        """Mute times by name."""
        return [self.mute_times[name] for name in names]


@dataclass(frozen=True)
class Names:
    """What a match may name: ids of the thesis and of the watchlist."""

    claims: frozenset[str]
    pillars: frozenset[str]
    entities: frozenset[str]
    layers: frozenset[str]
    rules: frozenset[str]


def load_routing(dirs: Sequence[Path], names: Names) -> Routing:
    """Routing of the last folder that has an `alerts.yaml`, else the built-in one. Raises RuleError with file:line."""
    own = [d / "alerts.yaml" for d in dirs if (d / "alerts.yaml").exists()]
    file = yaml_files.load(own[-1] if own else data_dir("rules") / "alerts.yaml")
    return read_routing(file, names if own else _anything(names))


def _anything(names: Names) -> Names:
    """The built-in file goes with every thesis: what it names may be missing there."""
    none: frozenset[str] = frozenset()
    return Names(none, none, none, none, none)


def read_routing(file: YamlFile, names: Names) -> Routing:
    """Check a loaded file and turn it into routes, mute times and inhibitions."""
    data = file.data
    _check_schema(file, data)
    mute_times: dict[str, MuteTime] = {}
    for i, entry in enumerate(data.get("mute_times", [])):
        _once(file, entry["id"], mute_times, ("mute_times", i, "id"))
        mute_times[entry["id"]] = _mute_time(file, i, entry)
    channels: dict[str, Channel] = {}
    for i, entry in enumerate(data.get("channels", [])):
        _once(file, entry["id"], {**channels, EMAIL: None}, ("channels", i, "id"))
        channels[entry["id"]] = _channel(file, i, entry)
    people = data.get("recipients", [])
    _check_recipients(file, people, channels, names)
    known = [EVERYONE, *(p["id"] for p in people)]
    reader = _Reader(file, names, known, mute_times)
    operators = data.get("operators", {})
    reader.check_names(operators.get("to", []), known[1:], ("operators", "to"), "recipient", addresses=True)
    reader.check_names(operators.get("mute", []), mute_times, ("operators", "mute"), "mute time")
    return Routing(
        root=reader.route(data["routes"], ("routes",), None),
        recipients=tuple(people),
        channels=channels,
        mute_times=mute_times,
        inhibitions=tuple(reader.inhibition(e, ("inhibit", i)) for i, e in enumerate(data.get("inhibit", []))),
        operators=_operators(operators),
        tests=tuple(data.get("tests", [])),
        test_lines=tuple(file.where("tests", i) for i in range(len(data.get("tests", [])))),
    )


@dataclass
class _Reader:
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
                raise RuleError(f"there is no {what} '{name}'", where=self.file.where(*place), hint=_meant(name, every))


_DEFAULTS: Final = Route(
    "", "", compile_match({}), (EVERYONE,), "auto", ("story",), timedelta(0), timedelta(0), None, (), "digest"
)


def duration(text: str) -> timedelta:
    """`30s`, `10m`, `4h` or `7d`."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


def _duration(text: str | None, otherwise: timedelta) -> timedelta:
    return otherwise if text is None else duration(text)


def _operators(entry: Mapping[str, Any]) -> Operators:
    values = dict(entry)
    if "repeat_interval" in values:
        values["repeat_interval"] = duration(values["repeat_interval"])
    for name in ("to", "mute"):
        values[name] = tuple(values.get(name, ()))
    return Operators(**values)


def _mute_time(file: YamlFile, i: int, entry: Mapping[str, Any]) -> MuteTime:
    place = ("mute_times", i)
    for calendar in entry.get("holidays", []):
        if not known_calendar(calendar):
            raise RuleError(
                f"there is no calendar '{calendar}'",
                where=file.where(*place, "holidays"),
                hint="an exchange such as NYSE or XTAI, or country:DE",
            )
    start, end = (time.fromisoformat(entry.get(side, "00:00")) for side in ("from", "to"))
    days = frozenset(WEEKDAYS.index(day) for day in entry.get("days", WEEKDAYS))
    if "holidays" in entry and "days" in entry:
        raise RuleError(
            "a mute time has days or holidays, not both", where=file.where(*place), hint="write two mute times"
        )
    return MuteTime(entry["id"], start, end, days, tuple(entry.get("holidays", ())), _zone(file, entry, place))


def _zone(file: YamlFile, entry: Mapping[str, Any], place: Place) -> ZoneInfo | None:
    name = entry.get("timezone")
    if name is None:
        return None
    if name not in available_timezones():
        raise RuleError(
            f"'{name}' is not a time zone",
            where=file.where(*place, "timezone"),
            hint=_meant(name, available_timezones()),
        )
    return ZoneInfo(name)


def _channel(file: YamlFile, i: int, entry: Mapping[str, Any]) -> Channel:
    def secret(key: str) -> str:
        if key not in entry:
            return ""
        path = file.path.parent / entry[key]
        try:
            return str(path.read_text(encoding="utf-8").strip())
        except OSError as error:
            raise RuleError(f"{path} cannot be read: {error.strerror}", where=file.where("channels", i, key)) from error

    url = entry.get("url") or secret("url_file")
    return Channel(entry["id"], url, entry.get("webhook", ""), secret("secret_file").encode())


def _check_recipients(
    file: YamlFile, people: Sequence[Mapping[str, Any]], channels: Mapping[str, Channel], names: Names
) -> None:
    seen: set[str] = set()
    reader = _Reader(file, names, [], {})
    for i, entry in enumerate(people):
        place = ("recipients", i)
        _once(file, entry["id"], {EVERYONE: None, **dict.fromkeys(seen)}, (*place, "id"))
        seen.add(entry["id"])
        _zone(file, entry, place)
        own = [EMAIL, *channels] if "email" in entry else list(channels)
        for key in ("channels", "digest_channels"):
            reader.check_names(entry.get(key, []), own, (*place, key), "channel")
        if names.pillars:
            reader.check_names(entry.get("pillars", []), names.pillars, (*place, "pillars"), "pillar")
        if "email" not in entry and not entry.get("channels"):
            raise RuleError(f"the recipient '{entry['id']}' has neither email nor channels", where=file.where(*place))


def _once(file: YamlFile, name: str, known: Mapping[str, object], place: Place) -> None:
    if name in known:
        raise RuleError(f"the id '{name}' stands twice or is taken", where=file.where(*place))


def _meant(name: str, known: Iterable[str]) -> str:
    every = sorted(known)
    near = get_close_matches(name, every, 1)
    return f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(every[:40]) or 'none'}"


@cache
def _validator() -> jsonschema.Draft202012Validator:
    text = (data_dir("rules") / "schema" / "alerts.json").read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def _check_schema(file: YamlFile, data: Any) -> None:
    """Raise RuleError for the first mistake: an unknown field before all others, for it explains them."""
    errors = sorted(_validator().iter_errors(data), key=lambda e: list(map(str, e.absolute_path)))
    if not errors:
        return
    error = next((e for e in errors if e.validator == "additionalProperties"), errors[0])
    place = tuple(error.absolute_path)
    rules: Any = error.schema
    if error.validator == "additionalProperties":
        allowed = list(rules["properties"])
        unknown = next(key for key in error.instance if key not in allowed)
        raise RuleError(
            f"unknown field '{unknown}'", where=file.where(*place, unknown), hint=_meant(str(unknown), allowed)
        )
    hint = rules.get("description") if isinstance(rules, dict) else None
    if error.validator == "enum":
        hint = _meant(str(error.instance), [str(one) for one in rules["enum"]])
    raise RuleError(
        f"{'.'.join(map(str, place)) or 'the file'}: {error.message[:300]}", where=file.where(*place), hint=hint
    )
