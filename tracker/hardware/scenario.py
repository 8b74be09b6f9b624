"""Scenarios: the model with some of its inputs changed, laid beside the model as it is; and which input matters most.

A scenario is a YAML file (`rules/schema/scenario.json`). Changes of figures, series and systems are made in the plain values
of the catalogue's files before anything is derived from them, so that every consequence follows by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any, Final

import polars as pl

from tracker.errors import RuleError
from tracker.hardware.bom import bill
from tracker.hardware.catalogue import REFERENCE, Catalogue, build_catalogue
from tracker.hardware.equivalents import add_racks
from tracker.hardware.figures import Interval, span
from tracker.hardware.interconnect import Interconnect, fabric
from tracker.hardware.ledger import Ledger, build_ledger, pair_sides
from tracker.hardware.ledger_rules import LedgerRules, check_schema, quarter_at, quarter_index
from tracker.hardware.supply_links import Flow, Flows
from tracker.yaml_files import YamlFile, load

ENDS: Final = ("low", "base", "high")
CHANGED_SCHEMA: Final = {
    "quarter": pl.String(), "link": pl.String(), "side": pl.String(), "before": pl.Float64(), "after": pl.Float64(),
    "change": pl.Float64(),
}  # fmt: skip
TORNADO_SCHEMA: Final = {
    "input": pl.String(), "at_low": pl.Float64(), "base": pl.Float64(), "at_high": pl.Float64(), "swing": pl.Float64(),
}  # fmt: skip


@dataclass(frozen=True)
class Model:
    """Everything a ledger is built from; a scenario makes another one of it."""

    data: Mapping[str, Any]  # plain values of the catalogue's files by name
    rules: LedgerRules
    net: Interconnect
    facts: pl.DataFrame  # SCORED_FACTS
    entities: pl.DataFrame
    as_of: datetime

    def catalogue(self) -> Catalogue:
        """The catalogue of this model's data."""
        return build_catalogue(self.data)

    def ledger(self, alter: Callable[[Flows], Flows] | None = None) -> Ledger:
        """The ledger of this model; facts are turned into racks by its own catalogue."""
        catalogue = self.catalogue()
        racks = [c for c in self.facts.columns if not c.startswith("racks_")]
        facts = add_racks(self.facts.select(racks), catalogue, self.entities) if self.facts.height else self.facts
        return build_ledger(
            facts, catalogue.supply, catalogue, self.as_of, entities=self.entities, rules=self.rules, alter=alter
        )


@dataclass(frozen=True)
class Scenario:
    """A read and checked scenario file."""

    name: str
    why: str
    quarter: str | None
    changes: tuple[Mapping[str, Any], ...]
    where: tuple[str, ...]  # file:line of each change


@dataclass(frozen=True)
class Outcome:
    """What a scenario changes: ledger rows, tightest links, bill of materials."""

    before: Ledger
    after: Ledger
    rows: pl.DataFrame  # CHANGED_SCHEMA, rows that moved
    tightest: pl.DataFrame  # quarter, link_before, gap_before, link_after, gap_after
    items: pl.DataFrame  # system, item, unit, before, after, change: base values of the bill that moved


def load_scenario(path: Path) -> Scenario:
    """Read a scenario. RuleError names file:line and what may stand there."""
    file: YamlFile = load(path)
    check_schema(file, "scenario")
    changes = file.data["changes"]
    return Scenario(
        name=file.data["name"],
        why=file.data.get("why", ""),
        quarter=file.data.get("quarter"),
        changes=tuple(changes),
        where=tuple(file.where("changes", i) for i in range(len(changes))),
    )


def run_scenario(model: Model, scenario: Scenario) -> Outcome:
    """The model with and without the changes. RuleError names the line of a change that finds nothing to change."""
    changed, alter = changed_model(model, scenario)
    before, after = model.ledger(), changed.ledger(alter)
    return Outcome(
        before, after, _moved(before, after), _tightest(before, after), _bill_moved(model, changed)
    )  # fmt: skip


def changed_model(model: Model, scenario: Scenario) -> tuple[Model, Callable[[Flows], Flows]]:
    """The model with the changes made, and what they do to the supply of links."""
    data = {name: deepcopy(value) for name, value in model.data.items()}
    rules = model.rules
    shifts: list[Mapping[str, Any]] = []
    for change, where in zip(scenario.changes, scenario.where, strict=True):
        if "figure" in change:
            rules = _figure(data, rules, change, where)
        elif "series" in change:
            _series(data, change, where)
        elif "generations" in change:
            rules = _generations(rules, change, where, known=[row["id"] for row in data["racks"]["systems"]])
        elif "scale_up_medium" in change:
            _medium(data, model, change, where)
        elif "system" in change:
            _system(data, change, where)
        else:
            known = [link.id for link in rules.links]
            if change["link"] not in known:
                raise RuleError(f"no link '{change['link']}'", where=where, hint=f"known: {', '.join(known)}")
            shifts.append(change)
    return replace(model, data=data, rules=rules), lambda flows: _shifted(flows, shifts, rules.quarters[0])


def _figure(data: dict[str, Any], rules: LedgerRules, change: Mapping[str, Any], where: str) -> LedgerRules:
    name = change["figure"]
    if name in rules.figures:
        return replace(rules, figures={**rules.figures, name: _changed(rules.figures[name], change)})
    for row in data["parameters"]["figures"]:
        if row["id"] == name:
            row |= _as_row(_changed(Interval(row["low"], row["base"], row["high"]), change))
            return rules
    known = [*rules.figures, *(row["id"] for row in data["parameters"]["figures"])]
    raise RuleError(f"no figure '{name}'", where=where, hint=f"known: {', '.join(known)}")


def _generations(rules: LedgerRules, change: Mapping[str, Any], where: str, *, known: list[str]) -> LedgerRules:
    """Other shares of a year's racks; every estimate of that year is replaced."""
    year, shares = str(change["generations"]), change["set"]
    if unknown := [system for system in shares if system not in known]:
        raise RuleError(f"unknown system '{unknown[0]}'", where=where, hint=f"known: {', '.join(known)}")
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise RuleError(f"shares of {year} sum to {sum(shares.values()):g}, not to 1", where=where)
    mixes = tuple(replace(m, shares=shares) if m.year == year else m for m in rules.mixes)
    if mixes == rules.mixes and all(m.year != year for m in mixes):
        years = ", ".join(sorted({m.year for m in mixes}))
        raise RuleError(f"no generations for {year}", where=where, hint=f"known: {years}")
    return replace(rules, mixes=mixes)


def _series(data: dict[str, Any], change: Mapping[str, Any], where: str) -> None:
    found = [row for row in data["supply"]["items"] if row["series"] == change["series"]]
    for key in ("period", "entity"):
        if key in change:
            found = [row for row in found if str(row.get(key)) == change[key]]
    if not found:
        names = sorted({row["series"] for row in data["supply"]["items"]})
        raise RuleError("no series with this name, period and entity", where=where, hint=f"series: {', '.join(names)}")
    for row in found:
        if (value := span({end: row.get(end) for end in ENDS})) is not None:
            row |= _as_row(_changed(value, change))


def _system(data: dict[str, Any], change: Mapping[str, Any], where: str) -> None:
    row, field = _row(data, change["system"], where), change["field"]
    part = data["parts"]["systems"].get(change["system"], {})
    holder = row if row.get(field) is not None else part if part.get(field) is not None else None
    value = span(holder[field]) if holder is not None else None
    if holder is None or value is None:
        known = sorted(k for k, v in {**row, **part}.items() if span(v) is not None)
        raise RuleError(f"{change['system']} has no figure '{field}'", where=where, hint=f"known: {', '.join(known)}")
    new = _changed(value, change)
    holder[field] = _as_row(new) if isinstance(holder[field], dict) else new.base


def _medium(data: dict[str, Any], model: Model, change: Mapping[str, Any], where: str) -> None:
    """The scale-up links of a system in another medium: their power and price come on top, the copper goes."""
    row = _row(data, change["system"], where)
    try:
        links = {r["medium"]: r for r in fabric(model.net, model.catalogue(), change["system"]).iter_rows(named=True)}
    except RuleError as error:
        raise RuleError(error.message, where=where, hint=error.hint) from error
    new, old = links.get(change["scale_up_medium"]), links["passive_copper"]
    if new is None:
        raise RuleError(f"no medium '{change['scale_up_medium']}'", where=where, hint=f"known: {', '.join(links)}")
    for field, name, scale in (("rack_power_kw", "kw", 1.0), ("price_usd_m", "usd", 1e-6)):
        value = span(row.get(field))
        if value is not None:
            extra = {end: (new[f"{name}_{end}"] - old[f"{name}_{end}"]) * scale for end in ENDS}
            row[field] = {end: getattr(value, end) + extra[end] for end in ENDS}
    if new["medium"] != "passive_copper":
        row["copper_cables"], row["scale_up_medium"] = 0, change["scale_up_medium"]
        data["parts"]["systems"].get(change["system"], {})["pairs_per_link"] = 0


def _row(data: Mapping[str, Any], system: str, where: str) -> dict[str, Any]:
    for row in data["racks"]["systems"]:
        if row["id"] == system:
            return row  # type: ignore[no-any-return]
    known = ", ".join(row["id"] for row in data["racks"]["systems"])
    raise RuleError(f"unknown system '{system}'", where=where, hint=f"known: {known}")


def _changed(value: Interval, change: Mapping[str, Any]) -> Interval:
    if "multiply" in change:
        return value * float(change["multiply"])
    new = span(change["set"])
    assert new is not None
    return new


def _as_row(value: Interval) -> dict[str, float]:
    return {"low": value.low, "base": value.base, "high": value.high}


def _shifted(flows: Flows, shifts: list[Mapping[str, Any]], first: str) -> Flows:
    """Flows multiplied or coming later from a quarter on; while a delay lasts the quarter before it repeats."""
    for shift in shifts:
        start, delay = quarter_index(shift.get("from", first)), int(shift.get("delay_quarters", 0))
        factor = float(shift.get("multiply", 1.0))
        done: Flows = {}
        for (quarter, link), flow in flows.items():
            at = quarter_index(quarter)
            if link != shift["link"] or at < start:
                done[quarter, link] = flow
                continue
            source = flows.get((quarter_at(at - delay), link)) if at - delay >= start else None
            source = source or flows.get((quarter_at(start - 1), link)) if delay else flow
            done[quarter, link] = _scaled(source or flow, factor, delay)
        flows = done
    return flows


def _scaled(flow: Flow, factor: float, delay: int) -> Flow:
    notes = [f"x {factor:g}" if factor != 1 else "", f"{delay} quarter(s) late" if delay else ""]
    return replace(
        flow, racks=flow.racks * factor, method=", ".join([flow.method, *(n for n in notes if n)])
    )  # fmt: skip


def _moved(before: Ledger, after: Ledger) -> pl.DataFrame:
    keys = ["quarter", "link", "side"]
    sides = [x.ledger.select(*keys, pl.col("racks_base").alias(n)) for x, n in ((before, "before"), (after, "after"))]
    joined = sides[0].join(sides[1], on=keys, how="full", coalesce=True)
    relative = pl.when(pl.col("before") > 0).then(pl.col("after") / pl.col("before") - 1)
    moved = (pl.col("after") - pl.col("before")).abs() > 1e-9 * pl.col("before").abs() + 1e-12
    told = joined.with_columns(change=relative).filter(moved.fill_null(True))
    return told.select(pl.col(c).cast(t) for c, t in CHANGED_SCHEMA.items()).sort(keys)


def _tightest(before: Ledger, after: Ledger) -> pl.DataFrame:
    sides = [
        x.tightest.select("quarter", pl.col("link").alias(f"link_{n}"), pl.col("gap_base").alias(f"gap_{n}"))
        for x, n in ((before, "before"), (after, "after"))
    ]
    return sides[0].join(sides[1], on="quarter", how="full", coalesce=True).sort("quarter")


def _bill_moved(model: Model, changed: Model) -> pl.DataFrame:
    bills = [
        bill(m.catalogue()).select("system", "item", "unit", pl.col("base").alias(n))
        for m, n in ((model, "before"), (changed, "after"))
    ]
    joined = bills[0].join(bills[1], on=["system", "item", "unit"], how="full", coalesce=True)
    moved = (pl.col("after") - pl.col("before")).abs() > 1e-9 * pl.col("before").abs()
    return (
        joined.filter(moved.fill_null(True))
        .with_columns(change=pl.when(pl.col("before") > 0).then(pl.col("after") / pl.col("before") - 1))
        .sort("system", "item")
    )


def tornado(
    model: Model, quarter: str, link: str, *, alter: Callable[[Flows], Flows] | None = None, most: int = 12
) -> Iterator[tuple[int, int, pl.DataFrame]]:
    """(done, all, TORNADO_SCHEMA so far): the gap of a link in a quarter with each input at its low and at its high.

    The inputs are the figures and series the two ledger rows rest on and every parameter; one moves at a time, widest
    swing first in the frame. RuleError when the quarter has no two sides of the link.
    """
    whole = model.ledger(alter)
    base = _gap(whole, quarter, link)
    if base is None:
        have = ", ".join(f"{q} {n}" for q, n in pair_sides(whole.ledger).select("quarter", "link").iter_rows())
        raise RuleError(f"{quarter} has not both sides of '{link}'", hint=f"there are: {have}")
    rows: list[dict[str, Any]] = []
    inputs = _inputs(model, whole, quarter, link)
    for done, (name, at_end) in enumerate(inputs, start=1):
        ends = [_gap(at_end(end).ledger(alter), quarter, link) for end in ("low", "high")]
        if None not in ends and ends != [base, base]:
            low, high = (float(e) for e in ends if e is not None)
            rows.append({"input": name, "at_low": low, "base": base, "at_high": high, "swing": abs(high - low)})
        frame = pl.DataFrame(rows, schema=TORNADO_SCHEMA).sort(["swing", "input"], descending=[True, False])
        yield done, len(inputs), frame.filter(pl.col("swing") > 0).head(most)


def _gap(ledger: Ledger, quarter: str, link: str) -> float | None:
    row = pair_sides(ledger.ledger).filter((pl.col("quarter") == quarter) & (pl.col("link") == link))
    return None if row.is_empty() else float(row.item(0, "demand_base") - row.item(0, "supply_base"))


Collapse = Callable[[str], Model]


def _inputs(model: Model, whole: Ledger, quarter: str, link: str) -> list[tuple[str, Collapse]]:
    """(name, model with this input at one end) of everything with a width that could move the gap."""
    named = whole.ledger.filter((pl.col("quarter") == quarter) & (pl.col("link") == link))["inputs"].explode().unique()
    found: list[tuple[str, Collapse]] = []
    for name in sorted(set(named.drop_nulls())):
        kind, _, key = name.partition(":")
        if kind == "ledger" and _wide(model.rules.figures.get(key)):
            found.append((name, lambda end, key=key: _rules_at(model, key, end)))  # type: ignore[misc]
        if kind == "supply":
            series, _, rest = key.partition(":")
            entity, _, period = rest.rpartition(":")
            found.append((name, lambda end, s=series, e=entity, p=period: _series_at(model, s, e, p, end)))  # type: ignore[misc]
    for i, row in enumerate(model.data["parameters"]["figures"]):
        if row["low"] < row["high"]:
            found.append((f"param:{row['id']}", lambda end, i=i: _parameter_at(model, i, end)))  # type: ignore[misc]
    mixes = {m.id: m for m in model.rules.mixes}
    systems = {REFERENCE} | {s for name in named if name in mixes for s in mixes[name].shares}
    for system, field in product(sorted(systems), ("price_usd_m", "rack_power_kw")):
        if _wide(span(_row(model.data, system, "").get(field))):
            found.append((f"system:{system}.{field}", lambda end, s=system, f=field: _system_at(model, s, f, end)))  # type: ignore[misc]
    return found


def _wide(value: Interval | None) -> bool:
    return value is not None and value.low < value.high


def _rules_at(model: Model, key: str, end: str) -> Model:
    value = getattr(model.rules.figures[key], end)
    figures = {**model.rules.figures, key: Interval(value, value, value)}
    return replace(model, rules=replace(model.rules, figures=figures))


def _with_rows(model: Model, file: str, part: str, rows: list[Any]) -> Model:
    """The model with one list of one file replaced; nothing else is copied."""
    return replace(model, data={**model.data, file: {**model.data[file], part: rows}})


def _at(row: Mapping[str, Any], end: str) -> dict[str, Any]:
    value = span({e: row.get(e) for e in ENDS})
    return dict(row) if value is None else {**row, **dict.fromkeys(ENDS, getattr(value, end))}


def _series_at(model: Model, series: str, entity: str, period: str, end: str) -> Model:
    def meant(row: Mapping[str, Any]) -> bool:
        return (
            row["series"] == series
            and str(row["period"]) == period
            and (not entity or str(row.get("entity")) == entity)
        )

    rows = [_at(row, end) if meant(row) else row for row in model.data["supply"]["items"]]
    return _with_rows(model, "supply", "items", rows)


def _parameter_at(model: Model, i: int, end: str) -> Model:
    rows = list(model.data["parameters"]["figures"])
    rows[i] = _at(rows[i], end)
    return _with_rows(model, "parameters", "figures", rows)


def _system_at(model: Model, system: str, field: str, end: str) -> Model:
    rows = [
        {**row, field: _at(row[field], end)} if row["id"] == system and isinstance(row[field], dict) else row
        for row in model.data["racks"]["systems"]
    ]
    return _with_rows(model, "racks", "systems", rows)
