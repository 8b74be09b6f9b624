"""Bill of materials: one sparse long frame (system, item, unit, low, base, high, path); demand for any quantity is one join."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

import polars as pl

from tracker.hardware.catalogue import Catalogue
from tracker.hardware.derived import span_of
from tracker.hardware.figures import Interval

BILL_SCHEMA: Final[dict[str, pl.DataType]] = {
    "system": pl.String(),
    "item": pl.String(),
    "unit": pl.String(),
    "layer": pl.String(),
    "low": pl.Float64(),
    "base": pl.Float64(),
    "high": pl.Float64(),
    "path": pl.String(),
}


class Quantity(Protocol):
    """What the bill can be evaluated with: intervals for explanations, draws for percentiles."""

    def __mul__(self, other: Any) -> Any: ...
    def __truediv__(self, other: Any) -> Any: ...
    def __add__(self, other: Any) -> Any: ...


Q = TypeVar("Q", bound=Quantity)


def evaluate(catalogue: Catalogue, system: str, leaf: Callable[[str], Q | None]) -> dict[str, Q]:
    """Every item of one system. `leaf` gives the value of "system.FIELD" or "param.ID", None where there is none.

    An item with a missing factor is left out; a sum keeps the parts that exist.
    """
    row = catalogue.raw[system]
    values: dict[str, Q] = {}
    for item in catalogue.bom:
        if not _applies(item, row):
            continue
        if "sum" in item:
            parts = [values[name] for f in item["sum"] if (name := f.removeprefix("item.")) in values]
            if parts:
                values[item["id"]] = _sum(parts)
            continue
        top = [_factor(f, values, leaf, row) for f in item["multiply"]]
        bottom = [_factor(f, values, leaf, row) for f in item.get("divide", ())]
        if any(v is None for v in (*top, *bottom)):
            continue
        product: Any = top[0]
        for value in top[1:]:
            product = product * value
        for value in bottom:
            product = product / value
        values[item["id"]] = product
    return values


def _sum(parts: list[Q]) -> Q:
    total: Any = parts[0]
    for part in parts[1:]:
        total = total + part
    return total  # type: ignore[no-any-return]


def _factor(name: str, values: Mapping[str, Q], leaf: Callable[[str], Q | None], row: Mapping[str, Any]) -> Q | None:
    if name.startswith("item."):
        return values.get(name.removeprefix("item."))
    return leaf(name.format(hbm=str(row.get("hbm_type")).lower(), node=row.get("node")))


def _applies(item: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return all(text in str(row.get(field) or "") for field, text in item.get("where", {}).items())


def leaf_interval(catalogue: Catalogue, system: str, name: str) -> Interval | None:
    """Value of "system.FIELD" or "param.ID" for one system as an interval."""
    kind, _, key = name.partition(".")
    if kind == "param":
        return catalogue.figures[key].interval if key in catalogue.figures else None
    return span_of(catalogue.raw[system].get(key))


def items_of(catalogue: Catalogue, system: str) -> dict[str, Interval]:
    """The bill of one system as intervals by item."""
    return evaluate(catalogue, system, lambda name: leaf_interval(catalogue, system, name))


def bill(catalogue: Catalogue) -> pl.DataFrame:
    """BILL_SCHEMA: every item of every system per ONE system (not per cabinet); absent rows mean unknown, not zero."""
    about = {item["id"]: item for item in catalogue.bom}
    rows = [
        {
            "system": system,
            "item": name,
            "unit": about[name]["unit"],
            "layer": about[name].get("layer"),
            "low": value.low,
            "base": value.base,
            "high": value.high,
            "path": path_of(about[name]),
        }
        for system in catalogue.raw
        for name, value in items_of(catalogue, system).items()
    ]
    return pl.DataFrame(rows, schema=BILL_SCHEMA)


def path_of(item: Mapping[str, Any]) -> str:
    """How an item is made: "item.hbm_gb * param.price / param.yield", or the sum of its parts."""
    if "sum" in item:
        return " + ".join(item["sum"])
    return " / ".join([" * ".join(item["multiply"]), *item.get("divide", ())])


def demand(systems: pl.DataFrame, bill_frame: pl.DataFrame) -> pl.DataFrame:
    """Demand of a number of systems for every item: one join.

    systems: (system, count). Returns (item, unit, low, base, high) summed over the systems.
    """
    scaled = systems.join(bill_frame, on="system").with_columns(pl.col("low", "base", "high") * pl.col("count"))
    return scaled.group_by("item", "unit").agg(pl.col("low", "base", "high").sum()).sort("item")
