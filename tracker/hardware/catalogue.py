"""The catalogue of scale-up systems with every sourced factor beside it: read, checked as a whole, then frozen.

Files of `rules/hardware/`: racks.yaml (systems as published), parts.yaml (inputs of derived figures, packages, names),
parameters.yaml (factors), bom.yaml (bill of materials), golden.yaml (published totals), supply.yaml (series).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from tracker.errors import RuleError
from tracker.hardware.derived import INTERVAL_FIELDS, derive, span_of
from tracker.hardware.figures import Figure, Interval, span
from tracker.hardware.rulecheck import problems_in, read_files
from tracker.hardware.topology import TIERS, modules_per_port
from tracker.yaml_files import YamlFile

REFERENCE = "gb200_nvl72"  # the rack every equivalent is counted in


@dataclass(frozen=True)
class Name:
    """What people write, the system meant, and what a bare number before it counts: racks, systems, gpus, half."""

    name: str
    system: str
    counts: str
    noun: str


@dataclass(frozen=True)
class Catalogue:
    """Systems, factors, names and bill of materials; nothing in it changes after loading."""

    raw: Mapping[str, dict[str, Any]]  # id -> published fields, parts and derived figures
    figures: Mapping[str, Figure]
    names: Mapping[str, Name]  # by folded name
    products: Mapping[str, str]  # lexicon product id -> system
    packages: Mapping[str, dict[str, Any]]
    bom: tuple[dict[str, Any], ...]
    golden: tuple[dict[str, Any], ...]
    supply: pl.DataFrame  # series, period, entity, low, base, high, unit, basis, published, source, note
    reference: str = REFERENCE

    @cached_property
    def systems(self) -> pl.DataFrame:
        """One row a system: fields of racks.yaml and derived ones; an interval field also as `_low` and `_high`."""
        return pl.DataFrame([_flat(row) for row in self.raw.values()], infer_schema_length=None)

    def system(self, name: str) -> dict[str, Any]:
        """Every catalogued and derived field of a system, by id or by what people call it. RuleError when unknown."""
        return dict(self.raw[self.resolve(name)])

    def resolve(self, name: str) -> str:
        """System id of an id, lexicon product or spoken name ("GB200 NVL72", "NVL144"). RuleError when unknown."""
        if name in self.raw:
            return name
        if name in self.products:
            return self.products[name]
        if (known := self.names.get(fold(name))) is not None:
            return known.system
        raise RuleError(f"unknown system '{name}'", hint=f"known: {', '.join(self.raw)}")

    def field(self, system: str, name: str) -> Interval | None:
        """One field of a system as an interval; null stays None."""
        return span_of(self.raw[system].get(name))

    def figure(self, figure_id: str) -> Interval:
        """One factor of parameters.yaml. RuleError when it is not there."""
        if figure_id not in self.figures:
            raise RuleError(f"no figure '{figure_id}' in parameters.yaml", hint="add it with low, base, high, source")
        return self.figures[figure_id].interval

    def supply_value(self, series: str, period: str, entity: str | None = None) -> float:
        """Base value of one published series and period (the first where it stands twice)."""
        rows = self.supply.filter((pl.col("series") == series) & (pl.col("period") == period))
        if entity is not None:
            rows = rows.filter(pl.col("entity") == entity)
        rows = rows.drop_nulls("base")
        if rows.is_empty():
            raise RuleError(f"no value of {series} for {period}", hint="see rules/hardware/supply.yaml")
        return float(rows["base"][0])


def fold(name: str) -> str:
    """Letters and digits only, lower case: "GB200 NVL-72" and "gb200nvl72" are one name."""
    return re.sub(r"[\W_]+", "", name.casefold())


def load_catalogue(directory: Path) -> Catalogue:
    """Read and check the files of `rules/hardware/`. RuleError names every problem with file:line."""
    files = checked_files(directory)
    data = {name: file.data for name, file in files.items()}
    return build_catalogue(data, where=lambda i: files["parameters"].where("figures", i))


def checked_files(directory: Path) -> dict[str, YamlFile]:
    """The files of the catalogue as read; RuleError names every problem with file:line."""
    files, problems = read_files(directory)
    problems = problems or problems_in(files)
    if problems:
        raise RuleError(
            f"{len(problems)} problem(s) in the hardware catalogue:\n" + "\n".join(problems),
            where=str(directory),
            hint="mend the lines named; every figure needs a unit and a source",
        )
    return files


def build_catalogue(data: Mapping[str, Any], where: Callable[[int], str] = lambda i: "") -> Catalogue:
    """A catalogue from the plain values of its files by name; `where` gives file:line of the i-th figure."""
    parts = data["parts"]
    figures = {f["id"]: _figure(f, where(i)) for i, f in enumerate(data["parameters"]["figures"])}
    figures |= _topology(figures)
    raw = {}
    for row in data["racks"]["systems"]:
        part = parts["systems"].get(row["id"], {})
        published = {k: v for k, v in row.items() if k not in ("sources", "field_sources")}
        extra = {k: v for k, v in part.items() if k != "source"}
        raw[row["id"]] = derive(published | extra, parts["packages"], figures) | {
            "sources": row["sources"],
            "field_sources": row["field_sources"],
            "parts_source": part.get("source"),
        }
    return Catalogue(
        raw=raw,
        figures=figures,
        packages=parts["packages"],
        products=parts["products"],
        names={fold(n["name"]): Name(**n) for n in parts["names"]},
        bom=tuple(data["bom"]["items"]),
        golden=tuple(data["golden"]["golden"]),
        supply=supply_frame(data["supply"]["items"]),
    )


def _topology(figures: Mapping[str, Figure]) -> dict[str, Figure]:
    """Optical modules per port by tiers, computed from the share of copper: `optics_per_nic_port_tier2` and `_tier3`."""
    share = figures["server_link_copper_share"]
    found = {}
    for tiers in TIERS:
        value = modules_per_port(tiers, share.interval)
        name = f"optics_per_nic_port_tier{tiers}"
        source = (
            f"derived: non-blocking fat tree of {tiers} tiers, two modules a link less copper server links ({share.id})"
        )
        found[name] = replace(
            share, id=name, low=value.low, base=value.base, high=value.high, unit="modules", source=source
        )
    return found


def supply_frame(items: list[dict[str, Any]]) -> pl.DataFrame:
    """supply.yaml as a frame; several sources are joined by a space."""
    columns = ("series", "period", "entity", "low", "base", "high", "unit", "basis", "published", "source", "note")
    rows: list[dict[str, Any]] = [{c: item.get(c) for c in columns} for item in items]
    for row in rows:
        row["period"] = str(row["period"])
        row["source"] = " ".join(row["source"]) if isinstance(row["source"], list) else row["source"]
        for end in ("low", "base", "high"):
            value = row[end]
            row[end] = None if value is None else float(value)
    schema = {c: pl.Float64() if c in ("low", "base", "high") else pl.String() for c in columns}
    return pl.DataFrame(rows, schema=schema)


def show_system(catalogue: Catalogue, name: str) -> dict[str, Any]:
    """Every catalogued and derived figure of one system under the field names of racks.yaml, ready for JSON.

    A derivable field holds the computed value; the typed total of the publication stands under `published`.
    """
    return {k: _plain(v) for k, v in catalogue.system(name).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Interval):
        return {"low": value.low, "base": value.base, "high": value.high}
    return value


def _figure(row: dict[str, Any], where: str) -> Figure:
    fields: dict[str, Any] = {k: (float(v) if k in ("low", "base", "high") else v) for k, v in row.items()}
    return Figure(**fields, where=where)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if key in ("sources", "field_sources", "published"):
            continue
        if key in INTERVAL_FIELDS or isinstance(value, dict | Interval):
            known = value if isinstance(value, Interval) else span(value)
            flat[key] = known.base if known else None
            flat[f"{key}_low"] = known.low if known else None
            flat[f"{key}_high"] = known.high if known else None
        else:
            flat[key] = float(value) if isinstance(value, int | float) else value
    return flat
