"""Reading `alerts.yaml`: checked against its schema and the thesis, every complaint with file:line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import time
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import jsonschema

from tracker import yaml_files
from tracker.alerts.recipients import EMAIL, EVERYONE
from tracker.alerts.routing import Channel, Names, Operators, Routing
from tracker.alerts.routing_tree import Place, TreeReader, duration, meant
from tracker.alerts.stages.mute import WEEKDAYS, MuteTime, known_calendar
from tracker.errors import RuleError
from tracker.resources import data_dir
from tracker.yaml_files import YamlFile


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
    reader = TreeReader(file, names, known, mute_times)
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
            hint=meant(name, available_timezones()),
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
    reader = TreeReader(file, names, [], {})
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
            f"unknown field '{unknown}'", where=file.where(*place, unknown), hint=meant(str(unknown), allowed)
        )
    hint = rules.get("description") if isinstance(rules, dict) else None
    if error.validator == "enum":
        hint = meant(str(error.instance), [str(one) for one in rules["enum"]])
    raise RuleError(
        f"{'.'.join(map(str, place)) or 'the file'}: {error.message[:300]}", where=file.where(*place), hint=hint
    )
