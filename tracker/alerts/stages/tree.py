"""The tree of routes: which one a signal takes. Pure.

A signal enters at the root and goes to the first child that matches, and so on down; a child with `continue: true` lets
its siblings look at the signal as well. What a route does not say it has from its parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl


@dataclass(frozen=True)
class Route:
    """One node, with everything it inherited filled in."""

    name: str  # path from the root
    where: str  # file:line
    match: pl.Expr
    to: tuple[str, ...]
    tell: str  # auto: by the recipient's severity | at_once | digest
    group_by: tuple[str, ...]  # labels; signals that agree in them share a message
    group_wait: timedelta  # how long the first of a group waits for others
    group_interval: timedelta  # at least between two messages of a group
    repeat_interval: timedelta | None  # an unacknowledged message is told again after this
    mute: tuple[str, ...]  # names of mute times
    when_muted: str  # digest | hold
    goes_on: bool = False
    children: tuple[Route, ...] = field(default_factory=tuple)

    def every(self) -> Iterator[Route]:
        """This route and all below it."""
        yield self
        for child in self.children:
            yield from child.every()


def walk(root: Route, labels: pl.DataFrame) -> list[tuple[Route, pl.DataFrame]]:
    """The leaf each signal ends at, with its signals (LABELS). A signal stands twice only past a `continue`."""
    inside = labels.filter(root.match)
    ends: list[tuple[Route, pl.DataFrame]] = []
    rest, told = inside, inside.clear()
    for child in root.children:
        taken = rest.filter(child.match)
        if taken.is_empty():
            continue
        ends += walk(child, taken)
        told = pl.concat([told, taken])
        if not child.goes_on:
            rest = rest.join(taken.select("signal_id"), on="signal_id", how="anti", maintain_order="left")
    own = inside.join(told.select("signal_id"), on="signal_id", how="anti", maintain_order="left")
    return [*ends, (root, own)] if own.height else ends
