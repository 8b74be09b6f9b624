"""A rack drawn as its trays: every accelerator, CPU and switch chip a square, the counts and their spans beside it.

What was never published is left out and said to be so; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle

from tracker.hardware.derived import span_of
from tracker.pictures import new_figure, save

INK: Final = "#22302b"
QUIET: Final = "#6b746f"
GREEN: Final = "#0b6e4f"
BROWN: Final = "#b8741a"
BLUE: Final = "#3b6ea5"
_SHELL: Final = {"power": "#e7e2d6", "compute": "#e3efe9", "switch": "#f6e8d3"}
_MOST_TRAYS: Final = 60
_TABLE: Final = (
    ("Compute", (("accelerators", "accelerators", ""), ("dies", "dies", ""), ("cpus", "CPUs", ""),
                 ("dense_fp8_pflops", "dense FP8", "PFLOPS"), ("dense_fp4_pflops", "dense FP4", "PFLOPS"))),
    ("Scale-up", (("scale_up_domain_size", "domain", "accelerators"), ("scale_up_aggregate_tb_s", "bandwidth", "TB/s"),
                  ("switch_asics", "switch chips", ""), ("copper_cables", "copper cables", ""),
                  ("optical_modules", "optical modules", ""), ("scale_up_medium", "medium", ""))),
    ("Memory", (("hbm_total_tb", "HBM", "TB"), ("hbm_type", "kind", ""), ("hbm_bw_total_tb_s", "bandwidth", "TB/s"),
                ("lpddr_total_tb", "CPU memory", "TB"))),
    ("Site", (("rack_power_kw", "power", "kW"), ("kw_per_accelerator", "per accelerator", "kW"), ("cooling", "cooling", ""),
              ("weight_kg", "weight", "kg"), ("price_usd_m", "price", "USD million"))),
)  # fmt: skip


def rack_diagram(system: Mapping[str, Any], path: Path) -> None:
    """The cabinet of a system with its counts; a row of the catalogue (`Catalogue.system` or `show_system`)."""
    figure = new_figure(6.4)
    left, right = figure.subplots(1, 2, width_ratios=(1.05, 1))
    for axes in (left, right):
        axes.axis("off")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
    cabinets = float(system.get("racks_per_system") or 1)
    trays = _stack(system)
    if cabinets >= 2:
        _draw_cabinets(left, system, round(cabinets))
    elif trays:
        _draw_trays(left, trays, system)
    else:
        _draw_dots(left, system)
    _draw_table(right, system)
    figure.suptitle(str(system["name"]), fontsize=14, fontweight="bold", color=INK, x=0.02, ha="left")
    save(figure, path)


def _count(system: Mapping[str, Any], name: str) -> int:
    return round(float(system.get(name) or 0))


def _stack(system: Mapping[str, Any]) -> list[str]:
    """Shelves from top to bottom: power, upper compute, switches in the middle, lower compute, power."""
    compute, switches, power = (_count(system, n) for n in ("compute_trays", "switch_trays", "power_shelves"))
    if compute + switches > _MOST_TRAYS:
        return []
    upper, top = (compute + 1) // 2, (power + 1) // 2
    middle = ["compute"] * upper + ["switch"] * switches + ["compute"] * (compute - upper)
    return ["power"] * top + middle + ["power"] * (power - top)


def _draw_trays(axes: Axes, shelves: list[str], system: Mapping[str, Any]) -> None:
    _frame(axes, 0.06, 0.02, 0.62, 0.94)
    each = min(0.9 / len(shelves), 0.16)
    top = 0.94 - (0.9 - each * len(shelves)) / 2
    for at, shelf in enumerate(shelves):
        bottom = top - (at + 1) * each
        axes.add_patch(Rectangle((0.09, bottom + each * 0.08), 0.56, each * 0.84, facecolor=_SHELL[shelf]))
        _chips(axes, shelf, bottom + each * 0.5, each, system)
    for kind, words in _blocks(shelves, system):
        rows = [i for i, shelf in enumerate(shelves) if shelf == kind]
        middle = top - (sum(rows) / len(rows) + 0.5) * each
        if kind in ("compute", "power"):  # the block stands in two halves: name the upper one
            half = [i for i in rows if i <= rows[0] + len(rows) // 2]
            middle = top - (sum(half) / len(half) + 0.5) * each
        axes.text(0.71, middle, words, fontsize=8.5, color=INK, va="center", linespacing=1.35)
    _legend(axes)


def _chips(axes: Axes, shelf: str, middle: float, each: float, system: Mapping[str, Any]) -> None:
    """Squares of one tray: accelerators green, CPUs blue, switch chips brown."""
    side = min(each * 0.62, 0.055)
    parts: list[tuple[str, int]] = []
    if shelf == "compute":
        parts = [(BLUE, _count(system, "cpus_per_tray")), (GREEN, _count(system, "accelerators_per_tray"))]
        if not system.get("switch_trays"):
            parts.append((BROWN, _count(system, "switch_asics")))
    elif shelf == "switch":
        parts = [(BROWN, _count(system, "switch_asics_per_tray"))]
    squares = [colour for colour, n in parts for _ in range(n)]
    step = min(0.54 / max(1, len(squares)), 0.11)
    start = 0.37 - step * len(squares) / 2
    for i, colour in enumerate(squares):
        wide = min(step * 0.62, side * 2.2)
        axes.add_patch(
            Rectangle((start + (i + 0.5) * step - wide / 2, middle - side / 2), wide, side, facecolor=colour)
        )


def _blocks(shelves: list[str], system: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What stands beside each kind of shelf."""

    def inside(*fields: tuple[str, str]) -> str:
        parts = [
            f"{_count(system, f)} {what}{'s' if _count(system, f) > 1 else ''}" for f, what in fields if system.get(f)
        ]
        return f"\n{', '.join(parts)} each" if parts else ""

    words = {
        "compute": "compute tray" + inside(("accelerators_per_tray", "accelerator"), ("cpus_per_tray", "CPU")),
        "switch": "switch tray" + inside(("switch_asics_per_tray", "chip")),
        "power": "power shelf" + inside(("psus_per_shelf", "supply unit")),
    }
    found = []
    for kind, text in words.items():
        if (n := shelves.count(kind)) > 0:
            head, _, rest = text.partition("\n")
            plural = head.replace("shelf", "shelves") if head.endswith("shelf") else f"{head}s"
            found.append((kind, f"{n} {plural if n > 1 else head}" + (f"\n{rest}" if rest else "")))
    return found


def _draw_cabinets(axes: Axes, system: Mapping[str, Any], cabinets: int) -> None:
    """A system of many cabinets: one box each, and what an average one holds."""
    columns = max(1, round((cabinets * 1.4) ** 0.5))
    rows = -(-cabinets // columns)
    width, height = 0.86 / columns, min(0.84 / rows, 0.4)
    for i in range(cabinets):
        x, y = 0.06 + (i % columns) * width, 0.95 - (i // columns + 1) * height
        axes.add_patch(
            Rectangle((x + width * 0.1, y + height * 0.08), width * 0.8, height * 0.84, facecolor=_SHELL["compute"],
                      edgecolor=GREEN, linewidth=0.8)
        )  # fmt: skip
    each = float(system["accelerators"]) / cabinets
    words = f"{cabinets:,} cabinets, {each:,.3g} accelerators in each on average"
    axes.text(0.06, 0.04, words, fontsize=9, color=INK)


def _draw_dots(axes: Axes, system: Mapping[str, Any]) -> None:
    """A rack whose trays were not published: its accelerators as squares."""
    count = _count(system, "accelerators")
    per_square = max(1, -(-count // 576))
    squares = -(-count // per_square)
    columns = max(1, round((squares * 0.62) ** 0.5))
    rows = -(-squares // columns)
    step = min(0.56 / columns, 0.84 / rows)
    _frame(axes, 0.06, 0.08, 0.62, 0.88)
    for i in range(squares):
        x, y = 0.37 + (i % columns - columns / 2) * step, 0.93 - (i // columns + 1) * step
        axes.add_patch(Rectangle((x + step * 0.15, y + step * 0.15), step * 0.7, step * 0.7, facecolor=GREEN))
    words = "a square is an accelerator" if per_square == 1 else f"a square is {per_square} accelerators"
    axes.text(0.06, 0.02, f"{words}; trays not published", fontsize=9, color=QUIET)


def _frame(axes: Axes, x: float, y: float, width: float, height: float) -> None:
    axes.add_patch(
        FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0,rounding_size=0.012", fill=False, edgecolor=INK,
                       linewidth=1.6)
    )  # fmt: skip


def _legend(axes: Axes) -> None:
    for i, (colour, name) in enumerate(((GREEN, "accelerator"), (BLUE, "CPU"), (BROWN, "switch chip"))):
        axes.add_patch(Rectangle((0.71, 0.1 - i * 0.035), 0.02, 0.02, facecolor=colour))
        axes.text(0.745, 0.11 - i * 0.035, name, fontsize=8, color=QUIET, va="center")


def _draw_table(axes: Axes, system: Mapping[str, Any]) -> None:
    lines = [(head, _rows(system, fields)) for head, fields in _TABLE]
    lines = [(head, rows) for head, rows in lines if rows]
    height = sum(len(rows) + 1.45 for _, rows in lines)
    step, y = min(0.94 / max(1.0, height), 0.05), 0.97
    for head, rows in lines:
        axes.text(0.0, y, head, fontsize=10, fontweight="bold", color=GREEN, va="top")
        axes.plot([0, 1], [y - step * 0.95] * 2, color="#d5dad7", linewidth=0.8)
        y -= step * 1.15
        for name, value, band in rows:
            axes.text(0.0, y, name, fontsize=9, color=QUIET, va="top")
            axes.text(0.66 if band else 1.0, y, value, fontsize=9, color=INK, va="top", ha="right")
            axes.text(1.0, y, band, fontsize=8, color=QUIET, va="top", ha="right")
            y -= step
        y -= step * 0.3


def _rows(system: Mapping[str, Any], fields: tuple[tuple[str, str, str], ...]) -> list[tuple[str, str, str]]:
    """(name, value with unit, band) of what is known."""
    rows = []
    for field, name, unit in fields:
        value = system.get(field)
        interval = span_of(value)
        if interval is not None:
            text = (
                f"{interval.base:,.4g} {unit}".strip()
                if interval.base < 1e4
                else f"{interval.base:,.0f} {unit}".strip()
            )
            band = f"{interval.low:,.3g} to {interval.high:,.3g}" if interval.low < interval.high else ""
            rows.append((name, text, band))
        elif isinstance(value, str):
            rows.append((name, value if len(value) <= 36 else f"{value[:35]}…", ""))
    return rows
