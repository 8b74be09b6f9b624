"""YAML as the interface: values with the line they stand on, bounded in size, safe to load.

`load(path)` returns a `YamlFile`: plain Python values plus `line(*path)`, so that every complaint about a
rule, a source or a figure can name file:line. Anchors that would expand without bound are refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tracker.errors import RuleError, at

MAX_BYTES = 8_000_000  # the largest shipped file has 175 kB
MAX_NODES = 500_000  # after aliases are followed: a "billion laughs" file stops here

_PLAIN_TAGS = {"tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class YamlFile:
    """A loaded file: `data` as plain values, `lines` by path of keys and indices."""

    path: Path
    data: Any
    lines: dict[tuple[str | int, ...], int] = field(repr=False)

    def line(self, *key: str | int) -> int | None:
        """Line of the value at `key`, or of its nearest ancestor that has one."""
        for size in range(len(key), -1, -1):
            if (found := self.lines.get(tuple(key[:size]))) is not None:
                return found
        return None

    def where(self, *key: str | int) -> str:
        """`file:line` of the value at `key`."""
        return at(self.path, self.line(*key))


def load(path: Path) -> YamlFile:
    """Read one YAML file. Raises RuleError with file:line for anything that is not plain, finite YAML."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RuleError(
            f"cannot be read: {error.strerror}", where=str(path), hint="check the path and its permissions"
        ) from error
    if len(raw) > MAX_BYTES:
        raise RuleError(f"{len(raw):,} bytes, more than {MAX_BYTES:,}", where=str(path), hint="split the file")
    return loads(raw.decode("utf-8", errors="strict") if _is_utf8(raw) else _refuse_encoding(path), path)


def loads(text: str, path: Path) -> YamlFile:
    """The same for a text already in memory; `path` is only named in errors."""
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise RuleError(f"not YAML: {error.problem}", where=at(path, line)) from error
    except yaml.YAMLError as error:
        raise RuleError(f"not YAML: {error}", where=str(path)) from error
    lines: dict[tuple[str | int, ...], int] = {}
    builder = _Builder(path, lines)
    return YamlFile(path, builder.value(root, ()) if root is not None else None, lines)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _refuse_encoding(path: Path) -> str:
    raise RuleError("is not UTF-8", where=str(path), hint="save the file as UTF-8")


class _Builder:
    """Turns YAML nodes into values while noting lines; counts nodes so that aliases cannot explode."""

    def __init__(self, path: Path, lines: dict[tuple[str | int, ...], int]) -> None:
        self.path = path
        self.lines = lines
        self.count = 0
        self.open: set[int] = set()
        self.scalars = _Loader("")

    def value(self, node: yaml.Node, key: tuple[str | int, ...]) -> Any:
        self.count += 1
        line = node.start_mark.line + 1
        if self.count > MAX_NODES:
            raise RuleError(
                f"more than {MAX_NODES:,} values once aliases are followed",
                where=at(self.path, line),
                hint="do not nest aliases",
            )
        if id(node) in self.open:
            raise RuleError("an alias refers to itself", where=at(self.path, line))
        self.lines[key] = line
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, line)
        if node.tag not in _PLAIN_TAGS:
            raise RuleError(f"the tag {node.tag} is not plain YAML", where=at(self.path, line), hint="remove the tag")
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*key, i)) for i, item in enumerate(node.value)]
            return self._mapping(node, key)
        finally:
            self.open.discard(id(node))

    def _mapping(self, node: yaml.Node, key: tuple[str | int, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name_node, value_node in node.value:
            name = str(name_node.value)
            if name in result:
                raise RuleError(f"the key '{name}' stands twice", where=at(self.path, name_node.start_mark.line + 1))
            result[name] = self.value(value_node, (*key, name))
            self.lines[(*key, name)] = name_node.start_mark.line + 1
        return result

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        try:
            value = self.scalars.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            raise RuleError(
                f"not a plain value: {node.value!r}", where=at(self.path, line), hint="quote it, or remove the tag"
            ) from error
        if isinstance(value, str) and not node.style and _is_exponent(value):
            return float(value)  # YAML 1.1 reads 66e9 as text; every author means the number
        return value


def _is_exponent(text: str) -> bool:
    mantissa, e, exponent = text.lower().partition("e")
    if not e or not mantissa or not exponent:
        return False
    return mantissa.lstrip("+-").replace(".", "", 1).isdigit() and exponent.lstrip("+-").isdigit()
