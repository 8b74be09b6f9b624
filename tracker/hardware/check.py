"""`tracker model check`: golden numbers against the model's own functions."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from tracker.hardware.catalogue import Catalogue
from tracker.hardware.golden import Model, answer

CHECK_SCHEMA: Final[dict[str, pl.DataType]] = {
    "id": pl.String(),
    "statement": pl.String(),
    "expected": pl.Float64(),
    "computed": pl.Float64(),
    "diff_pct": pl.Float64(),
    "tolerance_pct": pl.Float64(),
    "ok": pl.Boolean(),  # null: unreproduced, kept with its reason
    "by_construction": pl.Boolean(),  # an input was chosen to meet it: it proves nothing, and is not counted
    "unit": pl.String(),
    "note": pl.String(),
    "source": pl.String(),
}


def check(catalogue: Catalogue) -> pl.DataFrame:
    """CHECK_SCHEMA, one row a golden number. `ok` is false on a miss and null where the model has no way to the number."""
    model = Model(catalogue)
    return pl.DataFrame([_row(model, golden) for golden in catalogue.golden], schema=CHECK_SCHEMA)


def failed(checked: pl.DataFrame) -> pl.DataFrame:
    """The misses: `model check` exits 1 when there is one."""
    return checked.filter(pl.col("ok") == False)  # noqa: E712 - null is neither


def _row(model: Model, golden: dict[str, Any]) -> dict[str, Any]:
    computed, why = answer(model, golden["id"])
    expected, tolerance = float(golden["expected"]), float(golden["tolerance_pct"])
    diff = None if computed is None else 100 * (computed / expected - 1)
    excused = why.startswith("unreproduced")
    source = golden["source"]
    built = f"by construction: {golden['by_construction']}" if "by_construction" in golden else ""
    return {
        "id": golden["id"], "statement": golden["statement"], "unit": golden["unit"],
        "expected": expected, "computed": computed, "diff_pct": diff, "tolerance_pct": tolerance,
        "ok": None if excused else diff is not None and abs(diff) <= tolerance,
        "by_construction": "by_construction" in golden,
        "note": "; ".join(n for n in (why, built, golden.get("note", "")) if n),
        "source": " ".join(source) if isinstance(source, list) else source,
    }  # fmt: skip
