"""The sources file: where to look, how often, how much to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tracker import yaml_files
from tracker.errors import RuleError
from tracker.yaml_files import YamlFile

KINDS: Final = (
    "rss",
    "atom",
    "json_feed",
    "json_api",
    "edgar_submissions",
    "edgar_getcurrent",
    "xbrl_companyfacts",
    "html_list",
    "csv",
)
# Keys a person may write; those of the second line are for people and not read here.
_KEYS: Final = ("id", "name", "kind", "url", "lang", "tier", "poll_minutes", "entity", "enabled", "options")
_NOTES: Final = ("what", "etiquette", "terms", "confidence", "notes")


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
        raise RuleError("a source is a mapping", where=file.where(*place))
    for key in entry:
        if key not in _KEYS + _NOTES:
            near = get_close_matches(key, _KEYS + _NOTES, 1)
            raise RuleError(
                f"unknown key '{key}'",
                where=file.where(*place, key),
                hint=f"did you mean '{near[0]}'?" if near else None,
            )
    for key in ("id", "kind", "url"):
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise RuleError(f"a source needs '{key}'", where=file.where(*place))
    if entry["kind"] not in KINDS:
        near = get_close_matches(entry["kind"], KINDS, 1)
        raise RuleError(
            f"unknown kind '{entry['kind']}'",
            where=file.where(*place, "kind"),
            hint=f"did you mean '{near[0]}'?" if near else f"one of: {', '.join(KINDS)}",
        )
    if urlsplit(entry["url"]).scheme not in ("http", "https"):
        raise RuleError("the address is not http(s)", where=file.where(*place, "url"))
    tier, minutes = entry.get("tier", 3), entry.get("poll_minutes", 60)
    if tier not in (1, 2, 3, 4):
        raise RuleError("tier is 1, 2, 3 or 4", where=file.where(*place, "tier"))
    if not isinstance(minutes, int | float) or isinstance(minutes, bool) or not 0 < minutes <= 60 * 24 * 31:
        raise RuleError(
            "poll_minutes is a number of minutes, at most a month", where=file.where(*place, "poll_minutes")
        )
    entity = entry.get("entity") or ()
    return Source(
        id=entry["id"],
        name=str(entry.get("name") or entry["id"]),
        kind=entry["kind"],
        url=entry["url"],
        lang=str(entry.get("lang", "en")),
        tier=int(tier),
        poll_minutes=float(minutes),
        entity=(entity,) if isinstance(entity, str) else tuple(str(one) for one in entity),
        enabled=bool(entry.get("enabled", True)),
        options=entry.get("options") or {},
    )
