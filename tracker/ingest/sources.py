"""The sources file: where to look, how often, how much to trust it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jsonschema

from tracker import yaml_files
from tracker.errors import RuleError
from tracker.resources import data_dir
from tracker.yaml_files import YamlFile

_ALIASES: Final = {"atom": "rss", "csv_table": "csv"}  # both names are in use for one parser
_NEEDS_OPTIONS: Final = ("csv",)


@dataclass(frozen=True)
class Source:
    """One place that is polled."""

    id: str
    name: str
    kind: str
    url: str
    lang: str
    tier: int  # 1 primary or issuer, 2 trade press, 3 general news, 4 social
    poll_minutes: float
    entity: tuple[str, ...] = ()  # issuers it speaks for
    enabled: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)  # headers, body: see `request`

    @property
    def publisher(self) -> str:
        """What a reader calls it: the host."""
        return urlsplit(self.url).hostname or self.name

    @property
    def issuer(self) -> str | None:
        """The issuer of what it publishes, when it speaks for exactly one."""
        return self.entity[0] if len(self.entity) == 1 else None


def load_sources(paths: Sequence[Path]) -> list[Source]:
    """All sources of the files, in order. Raises RuleError with file:line for the first mistake."""
    found: dict[str, Source] = {}
    for path in paths:
        file = yaml_files.load(path)
        entries = file.data.get("sources") if isinstance(file.data, dict) else None
        if not isinstance(entries, list):
            raise RuleError(
                "has no list 'sources'", where=file.where(), hint="sources:\n  - {id: …, kind: rss, url: …}"
            )
        for number, entry in enumerate(entries):
            source = _source(file, number, entry)
            if source.id in found:
                raise RuleError(f"the id '{source.id}' stands twice", where=file.where("sources", number, "id"))
            found[source.id] = source
    return list(found.values())


def _source(file: YamlFile, number: int, entry: Any) -> Source:
    place = ("sources", number)
    if not isinstance(entry, dict):
        raise RuleError("a source is a mapping", where=file.where(*place), hint="- {id: …, kind: rss, url: …}")
    _check(file, place, entry, _schema())
    kind: str = _ALIASES.get(entry["kind"]) or entry["kind"]
    if "options" in entry or kind in _NEEDS_OPTIONS:
        options = {"$ref": f"#/$defs/{kind}", "$defs": _schema()["$defs"]}
        _check(file, (*place, "options"), entry.get("options", {}), options)
    entity = entry.get("entity") or ()
    return Source(
        id=entry["id"],
        name=entry.get("name") or entry["id"],
        kind=kind,
        url=entry["url"],
        lang=entry.get("lang", "en"),
        tier=entry.get("tier", 3),
        poll_minutes=float(entry.get("poll_minutes", 60)),
        entity=(entity,) if isinstance(entity, str) else tuple(entity),
        enabled=entry.get("enabled", True),
        options=entry.get("options", {}),
        request=entry.get("request", {}),
    )


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((data_dir("rules") / "schema" / "sources.json").read_text(encoding="utf-8"))
    return schema


def _check(file: YamlFile, place: tuple[str | int, ...], value: Any, schema: dict[str, Any]) -> None:
    """Raise RuleError with file:line for the first mistake, naming what is allowed or meant."""
    errors = sorted(_validator(json.dumps(schema)).iter_errors(value), key=lambda error: list(map(str, error.path)))
    if not errors:
        return
    # an unknown key first: it is usually the misspelt name of what another error misses
    error = next((e for e in errors if e.validator == "additionalProperties"), errors[0])
    key = (*place, *error.absolute_path)
    rules: Any = error.schema
    if error.validator == "additionalProperties":
        allowed = list(rules["properties"])
        unknown = next(name for name in error.instance if name not in allowed)
        raise RuleError(f"unknown key '{unknown}'", where=file.where(*key, unknown), hint=_meant(unknown, allowed))
    if error.validator == "required":
        name = next(name for name in rules["required"] if name not in error.instance)
        raise RuleError(f"{_named(place, value)} needs '{name}'", where=file.where(*key))
    if error.validator == "enum":
        raise RuleError(
            f"{error.absolute_path[-1]} cannot be {error.instance!r}",
            where=file.where(*key),
            hint=_meant(str(error.instance), [str(one) for one in rules["enum"]]),
        )
    raise RuleError(
        f"{'.'.join(map(str, error.absolute_path)) or 'options'}: {error.message}",
        where=file.where(*key),
        hint=rules.get("description"),
    )


@cache
def _validator(schema: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(schema))


def _named(place: tuple[str | int, ...], value: Any) -> str:
    return "options" if place[-1] == "options" else f"the source '{value['id']}'" if "id" in value else "a source"


def _meant(given: str, allowed: list[str]) -> str:
    near = get_close_matches(given, allowed, 1)
    return f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(allowed) or 'none'}"
