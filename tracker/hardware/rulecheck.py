"""What must hold of the files in `rules/hardware/`: schema first, then rules between fields. All problems, each with file:line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

from tracker.errors import RuleError
from tracker.hardware.derived import TOTALS, cable_count, port_gbytes_per_s, total
from tracker.hardware.topology import TIERS
from tracker.resources import data_dir
from tracker.yaml_files import YamlFile, load

FILES: Final = ("racks", "parts", "parameters", "bom", "golden", "supply")
# A published total is rounded or counts differently (17 TB for 36 x 480 GB): this far and no further.
TOLERANCE: Final = 0.04
_EQUAL: Final = (  # trays x per tray = total
    ("compute_trays", "accelerators_per_tray", "accelerators"),
    ("compute_trays", "cpus_per_tray", "cpus"),
    ("switch_trays", "switch_asics_per_tray", "switch_asics"),
)


def read_files(directory: Path) -> tuple[dict[str, YamlFile], list[str]]:
    """Every file of the catalogue; problems of reading and of schema as "file:line: what"."""
    files: dict[str, YamlFile] = {}
    problems: list[str] = []
    for name in FILES:
        try:
            files[name] = load(directory / f"{name}.yaml")
        except RuleError as error:
            problems.append(str(error))
            continue
        problems += _schema_problems(files[name], data_dir("rules") / "schema" / f"{name}.json")
    return files, problems


def _schema_problems(file: YamlFile, schema: Path) -> list[str]:
    validator = Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    return [f"{file.where(*e.absolute_path)}: {_schema_message(e)}" for e in validator.iter_errors(file.data)]


def _schema_message(error: Any) -> str:
    place = ".".join(str(p) for p in error.absolute_path)
    return f"{place}: {error.message}"[:300]


def problems_in(files: Mapping[str, YamlFile]) -> list[str]:
    """Rules that no schema can say: sums, order, sources, references."""
    parts = files["parts"].data
    return [
        *_systems(files["racks"], files["parts"]),
        *_figures(files["parameters"]),
        *_references(files, parts),
        *_supply(files["supply"]),
    ]


def _systems(racks: YamlFile, parts: YamlFile) -> Iterator[str]:
    seen: set[str] = set()
    for i, row in enumerate(racks.data["systems"]):
        if row["id"] in seen:
            yield f"{racks.where('systems', i, 'id')}: system '{row['id']}' stands twice"
        seen.add(row["id"])
        merged = row | parts.data["systems"].get(row["id"], {})
        for field, conflict in _contradictions(merged):
            yield f"{racks.where('systems', i, field)}: {row['id']}: {conflict}"
        yield from _unsourced(racks, i, row)
        for field in ("rack_power_kw", "price_usd_m"):
            if message := _disorder(row[field]):
                yield f"{racks.where('systems', i, field)}: {row['id']}.{field}: {message}"


def _contradictions(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for trays, per_tray, whole in _EQUAL:
        a, b, c = row.get(trays), row.get(per_tray), row.get(whole)
        if a is not None and b is not None and c is not None and a * b != c:
            yield whole, f"{trays} x {per_tray} = {a} x {b} = {a * b:g}, but {whole} is {c:g}"
    domain, accelerators = row.get("scale_up_domain_size"), row.get("accelerators")
    if domain and accelerators and domain != accelerators:
        yield "scale_up_domain_size", f"the domain holds {domain} but the system has {accelerators} accelerators"
    checks = {name: total(row, name) for name in TOTALS} | {
        "copper_cables": cable_count(row),
        "scale_up_gbytes_per_s_per_accelerator": port_gbytes_per_s(row),
    }
    for name, value in checks.items():
        typed = row.get(name)
        if value is not None and typed is not None and abs(value - typed) > TOLERANCE * abs(value):
            yield name, f"{name} is typed as {typed:g}, but its parts make {value:g}"


def _unsourced(racks: YamlFile, i: int, row: Mapping[str, Any]) -> Iterator[str]:
    quiet = {"id", "name", "vendor", "status", "sources", "field_sources", "notes"}
    for field, value in row.items():
        empty = value is None or (isinstance(value, dict) and all(v is None for v in value.values()))
        if field in quiet or empty:
            continue
        source = row["field_sources"].get(field)
        if not source:
            yield f"{racks.where('systems', i, field)}: {row['id']}.{field} has no source (field_sources)"
        elif isinstance(source, list) and any(n < 1 or n > len(row["sources"]) for n in source):
            yield f"{racks.where('systems', i, 'field_sources', field)}: {row['id']}.{field} names a source that is not listed"


def _disorder(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    ends = [v for v in (value.get("low"), value.get("base"), value.get("high")) if v is not None]
    return None if ends == sorted(ends) else f"low <= base <= high does not hold: {ends}"


def _figures(file: YamlFile) -> Iterator[str]:
    seen: set[str] = set()
    for i, row in enumerate(file.data["figures"]):
        if row["id"] in seen:
            yield f"{file.where('figures', i, 'id')}: figure '{row['id']}' stands twice"
        seen.add(row["id"])
        if message := _disorder(row):
            yield f"{file.where('figures', i)}: {row['id']}: {message}"


def _references(files: Mapping[str, YamlFile], parts: Mapping[str, Any]) -> Iterator[str]:
    known = {row["id"] for row in files["racks"].data["systems"]}
    figures = {row["id"] for row in files["parameters"].data["figures"]}
    figures |= {f"optics_per_nic_port_tier{tiers}" for tiers in TIERS}  # computed from the share of copper
    file = files["parts"]
    for system, row in parts["systems"].items():
        if system not in known:
            yield f"{file.where('systems', system)}: unknown system '{system}'"
        if not row.get("source"):
            yield f"{file.where('systems', system)}: {system} has no source"
    for i, name in enumerate(parts["names"]):
        if name["system"] not in known:
            yield f"{file.where('names', i)}: unknown system '{name['system']}'"
    for product, system in parts["products"].items():
        if system not in known:
            yield f"{file.where('products', product)}: unknown system '{system}'"
    items: set[str] = set()
    for i, item in enumerate(files["bom"].data["items"]):
        for factor in (*item.get("multiply", ()), *item.get("divide", ()), *item.get("sum", ())):
            kind, _, name = str(factor).partition(".")
            if (kind == "param" and "{" not in name and name not in figures) or (kind == "item" and name not in items):
                yield f"{files['bom'].where('items', i)}: {item['id']}: unknown factor '{factor}'"
        items.add(item["id"])


def _supply(file: YamlFile) -> Iterator[str]:
    for i, row in enumerate(file.data["items"]):
        if message := _disorder(row):
            yield f"{file.where('items', i)}: {row['series']} {row['period']}: {message}"
