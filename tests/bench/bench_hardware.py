"""Speed of the hardware model: a million facts to racks, and the Monte Carlo over the whole bill of materials."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from tracker.hardware.bom import items_of
from tracker.hardware.catalogue import Catalogue, load_catalogue
from tracker.hardware.equivalents import Converter, add_racks
from tracker.hardware.families import built_in_entities, built_in_families
from tracker.hardware.figures import Interval
from tracker.hardware.uncertainty import percentiles, sample_bill
from tracker.resources import data_dir
from tracker.vocabulary import FACTS_SCHEMA, KINDS, UNITS, conform

FACTS = 1_000_000
SCALAR_FACTS = 20_000
DRAWS = 100_000
SCALAR_DRAWS = 300


def random_facts(count: int, seed: int = 7) -> pl.DataFrame:
    """Facts with every kind, unit, entity and product at equal odds: far more combinations than real news has."""
    rng = np.random.default_rng(seed)

    def pick(values: list[Any]) -> pl.Series:
        return pl.Series(values).gather(rng.integers(0, len(values), count))

    value = rng.lognormal(5, 3, count)
    frame = pl.DataFrame(
        {
            "fact_id": np.arange(count).astype(str),
            "kind": pick(list(KINDS)),
            "entity": pick(sorted({row[1] for row in built_in_entities()})),
            "product": pick([*built_in_families(), *[None] * 40]),
            "value_low": value,
            "value_high": value * 1.1,
            "unit": pick(list(UNITS)),
            "currency": pick(["USD", "TWD", "CNY"]),
            "period": pick(["CY2025", "FY2026Q1", None]),
            "quote": pick(["orders for racks rose", "1 GW of IT load under contract", None]),
        }
    )
    return conform(frame, FACTS_SCHEMA)


def entities_frame() -> pl.DataFrame:
    """(id, layer) of the built-in watchlist."""
    pairs = sorted({(row[1], row[2]) for row in built_in_entities()})
    return pl.DataFrame(pairs, schema=["id", "layer"], orient="row")


def best_cpu(run: Callable[[], object], times: int = 3) -> float:
    """Fewest CPU seconds of some runs: other processes of the machine do not count."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return min(taken)


def scalar_racks(facts: pl.DataFrame, catalogue: Catalogue, entities: pl.DataFrame) -> list[float | None]:
    """The same conversion, one fact after another in Python."""
    converter = Converter(catalogue, built_in_families())
    layers = dict(entities.iter_rows())
    found = []
    for row in facts.iter_rows(named=True):
        buyer = row["entity"] if row["kind"] == "capex" and f"ai_share_{row['entity']}" in catalogue.figures else None
        rate = converter.rate(
            row["unit"], kind=row["kind"], product=row["product"], layer=layers.get(row["entity"]), buyer=buyer,
            currency=row["currency"], it_power="IT load" in (row["quote"] or ""),
        )  # fmt: skip
        found.append(None if rate.racks is None else (row["value_low"] + row["value_high"]) / 2 * rate.racks.base)
    return found


def twenty_systems(catalogue: Catalogue) -> tuple[Catalogue, list[str]]:
    """The catalogue with variants of known systems under new ids, so that twenty distinct systems are drawn."""
    raw = dict(catalogue.raw)
    for base in ("gb300_nvl72", "vr_nvl72", "helios"):
        if len(raw) < 20:
            raw[f"{base}_next"] = raw[base] | {"id": f"{base}_next"}
    return replace(catalogue, raw=raw), list(raw)[:20]


def scalar_draws(catalogue: Catalogue, systems: list[str], draws: int) -> float:
    """The bill drawn one sample after another in Python; returns something so that nothing is skipped."""
    rng = random.Random(3)
    total = 0.0
    for _ in range(draws):
        figures = {
            name: replace(f, low=x, base=x, high=x)
            for name, f in catalogue.figures.items()
            if (x := rng.triangular(f.low, f.high, f.base)) is not None
        }
        drawn = replace(catalogue, figures=figures)
        for system in systems:
            total += sum(Interval.__mul__(v, 1.0).base for v in items_of(drawn, system).values())
    return total


def main() -> None:
    """Print one line a measurement: `bench NAME VALUE UNIT ...`."""
    catalogue = load_catalogue(data_dir("rules") / "hardware")
    entities = entities_frame()
    facts = random_facts(FACTS)
    cold = best_cpu(lambda: add_racks(facts, catalogue, entities), 1)  # the first call of the process
    seconds = best_cpu(lambda: add_racks(facts, catalogue, entities))
    head = facts.head(SCALAR_FACTS)
    scalar = best_cpu(lambda: scalar_racks(head, catalogue, entities), 1) * FACTS / SCALAR_FACTS
    print(
        f"bench racks_per_million_facts {seconds:.3f} cpu_s cold {cold:.3f} cpu_s scalar {scalar:.2f} cpu_s ratio {scalar / seconds:.1f}"
    )
    wide, systems = twenty_systems(catalogue)
    seconds = best_cpu(lambda: percentiles(sample_bill(wide, systems, DRAWS)))
    scalar = best_cpu(lambda: scalar_draws(wide, systems, SCALAR_DRAWS), 1) * DRAWS / SCALAR_DRAWS
    print(
        f"bench monte_carlo_{DRAWS}x{len(systems)}_systems {seconds:.3f} cpu_s "
        f"scalar {scalar:.0f} cpu_s ratio {scalar / seconds:.0f}"
    )


if __name__ == "__main__":
    main()
