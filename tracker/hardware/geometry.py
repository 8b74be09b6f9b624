"""Wafers: gross dies with edge loss and scribe, yield by defect density, interposers by reticle multiples. Lengths in mm."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

WAFER_MM = 300.0


def wafer_area(diameter_mm: float = WAFER_MM) -> float:
    """Area of a wafer in mm2."""
    return math.pi * (diameter_mm / 2) ** 2


def reticle_area(width_mm: float = 26.0, height_mm: float = 33.0) -> float:
    """Largest exposure field in mm2."""
    return width_mm * height_mm


def interposer_area(reticles: float, field_mm2: float = 26.0 * 33.0) -> float:
    """Area of an interposer in mm2 from its multiple of the exposure field."""
    return reticles * field_mm2


def gross_dies_by_area(area_mm2: float, diameter_mm: float = WAFER_MM) -> float:
    """Area less edge: pi d^2 / 4S - pi d / sqrt(2S), the usual estimate when only the area is known."""
    return wafer_area(diameter_mm) / area_mm2 - math.pi * diameter_mm / math.sqrt(2 * area_mm2)


@cache
def gross_dies(
    width_mm: float, height_mm: float, *, diameter_mm: float = WAFER_MM, edge_mm: float = 3.0, scribe_mm: float = 0.1
) -> int:
    """Whole rectangular dies of one straight grid inside the usable circle; the best of 16 x 16 grid offsets.

    Columns stay aligned, as an exposure grid does: rows cannot be shifted one by one.
    """
    radius = diameter_mm / 2 - edge_mm
    step_x, step_y = width_mm + scribe_mm, height_mm + scribe_mm
    shift = np.arange(16) / 16
    reach = int(radius / min(step_x, step_y)) + 2
    index = np.arange(-reach, reach + 1)
    left = (index[None, :] + shift[:, None]) * step_x
    low = (index[None, :] + shift[:, None]) * step_y
    far_x = np.maximum(np.abs(left), np.abs(left + width_mm)) ** 2
    far_y = np.maximum(np.abs(low), np.abs(low + height_mm)) ** 2
    inside = far_x[:, None, :, None] + far_y[None, :, None, :] <= radius**2
    return int(inside.sum(axis=(2, 3)).max())


def murphy_yield(area_mm2: float, defects_per_cm2: float) -> float:
    """Murphy: ((1 - e^-AD) / AD)^2."""
    ad = area_mm2 / 100 * defects_per_cm2
    return 1.0 if ad == 0 else (-math.expm1(-ad) / ad) ** 2


def negative_binomial_yield(area_mm2: float, defects_per_cm2: float, alpha: float) -> float:
    """Negative binomial (clustered defects): (1 + AD / alpha)^-alpha."""
    return float((1 + area_mm2 / 100 * defects_per_cm2 / alpha) ** -alpha)


def packages_per_wafer(area_mm2: float, *, edge_mm: float = 3.0, scribe_mm: float = 0.1) -> int:
    """Interposers of an area on a 300 mm wafer, cut as near-squares (the assembly is not bound to one field)."""
    side = math.sqrt(area_mm2)
    return gross_dies(side, side, edge_mm=edge_mm, scribe_mm=scribe_mm)
