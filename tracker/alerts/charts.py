"""Small pictures for a mail, drawn with Pillow: transparent, in tones that stand on white as on black.

The same input gives the same bytes. Pictures carry no words: those stand beside them, in the reader's language.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw

from tracker.alerts.parts import Tightest

SPARK_SIZE: Final = (96, 28)  # as shown; drawn twice as large for dense screens
LEDGER_SIZE: Final = (560, 150)
DENSITY: Final = 2
_SMOOTH: Final = 2  # drawn larger still, then scaled down: smooth edges
UP: Final = (26, 138, 90)
DOWN: Final = (214, 69, 69)
FLAT: Final = (118, 131, 144)
DEMAND: Final = (208, 112, 24)
SUPPLY: Final = (20, 140, 126)
_AXIS: Final = (118, 131, 144)
_LEVELS: Final = 64  # of opacity: more are not seen
_LEVEL_OF: Final = [shade * _LEVELS // 256 for shade in range(256)]
_OPACITIES: Final = bytes(round(level * 255 / (_LEVELS - 1)) for level in range(_LEVELS))

Colour = tuple[int, int, int]


@lru_cache(maxsize=512)
def sparkline_png(values: tuple[float, ...]) -> bytes:
    """A line through the last values with a dot at its end; coloured by where it went."""
    scale = DENSITY * _SMOOTH
    width, height = (side * scale for side in SPARK_SIZE)
    ink = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(ink)
    moved = values[-1] - values[0] if values else 0.0
    colour = UP if moved > 0.0005 else DOWN if moved < -0.0005 else FLAT
    low, high = min(values, default=0.0), max(values, default=0.0)
    span = max(high - low, 0.01)  # a hundredth fills the height: smaller moves stay small
    pad = 4 * scale
    steps = max(len(values) - 1, 1)
    points = [
        (
            pad + i * (width - 2 * pad) / steps,
            height - pad - (v - low + (span - (high - low)) / 2) / span * (height - 2 * pad),
        )
        for i, v in enumerate(values)
    ]
    if len(points) == 1:
        points = [(pad, points[0][1]), (width - pad, points[0][1])]
    if points:
        draw.line(points, fill=255, width=round(1.8 * scale), joint="curve")
        x, y = points[-1]
        radius = 3 * scale
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return _one_colour_png(ink, colour)


def ledger_png(tightest: Tightest) -> bytes:
    """Demand beside supply by quarter; the current quarter on a band."""
    return _ledger_png(tuple(tightest.quarters), tightest.quarter)


@lru_cache(maxsize=64)
def _ledger_png(quarters: tuple[tuple[str, float | None, float | None], ...], current: str) -> bytes:
    image, draw, scale = _canvas(LEDGER_SIZE)
    width, height = (side * scale for side in LEDGER_SIZE)
    top = max((v for _, *both in quarters for v in both if v), default=1.0)
    floor = height - 3 * scale
    slot = width / max(1, len(quarters))
    for at, (name, demand, supply) in enumerate(quarters):
        left = at * slot
        if name == current:
            draw.rectangle((left + 2 * scale, 0, left + slot - 2 * scale, height), fill=(*_AXIS, 46))
        for shift, value, colour in ((0.2, demand, DEMAND), (0.52, supply, SUPPLY)):
            if value:
                x = left + shift * slot
                bar = (x, floor - value / top * (floor - 8 * scale), x + 0.28 * slot, floor)
                draw.rounded_rectangle(bar, radius=2 * scale, fill=(*colour, 255), corners=(True, True, False, False))
    draw.line(((0, floor), (width, floor)), fill=(*_AXIS, 255), width=scale)
    return _png(image, LEDGER_SIZE)


def _canvas(size: Sequence[int]) -> tuple[Image.Image, ImageDraw.ImageDraw, int]:
    scale = DENSITY * _SMOOTH
    image = Image.new("RGBA", (size[0] * scale, size[1] * scale), (*_AXIS, 0))
    return image, ImageDraw.Draw(image), scale


def _one_colour_png(ink: Image.Image, colour: Colour) -> bytes:
    """A picture of one colour from how much of it lies where: a palette of opacities. Every alert has one of its own, and
    this takes a tenth of the time that finding a palette does.
    """
    small = ink.reduce(_SMOOTH).point(_LEVEL_OF)
    picture = Image.frombytes("P", small.size, small.tobytes())
    picture.putpalette(bytes(colour) * _LEVELS)
    out = io.BytesIO()
    picture.save(out, "PNG", transparency=_OPACITIES)
    return out.getvalue()


def _png(image: Image.Image, size: Sequence[int]) -> bytes:
    small = image.resize((size[0] * DENSITY, size[1] * DENSITY), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.quantize(64, method=Image.Quantize.FASTOCTREE).save(out, "PNG", optimize=True)
    return out.getvalue()
