"""What lies under the cursor: position, intensity, label and attention, as values; a position in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.core.labels import LabelEntry, LabelTable
from app.core.patch import Labels
from model.attention import AttentionMap
from model.grid import Float3, Int3
from model.volume import Volume


@dataclass(frozen=True)
class ReadOut:
    """The values at one place.

    Attributes:
        voxel: the voxel (z, y, x) that holds the place.
        position_mm: LPS millimetres (L, P, S) of the place.
        value: the scan's value of that voxel.
        label_value: the mask's value; `label` is what it means, None for background and unknown values.
        attention: the coefficient, 0–1, between the map's own voxels; None without a map or outside it.
    """

    voxel: Int3
    position_mm: Float3
    value: float
    label_value: int
    label: LabelEntry | None
    attention: float | None


def read_out(
    volume: Volume, labels: Labels, table: LabelTable, place: Float3, attention: AttentionMap | None
) -> ReadOut | None:
    """The values at a place (continuous z, y, x); None outside the scan."""
    z, y, x = (math.floor(part + 0.5) for part in place)
    if not all(0 <= index < count for index, count in zip((z, y, x), volume.grid.shape, strict=True)):
        return None
    left, posterior, superior = (float(mm) for mm in volume.grid.to_mm(place))
    coefficient: float | None = None
    if attention is not None:
        found = float(attention.at_mm((left, posterior, superior)))
        coefficient = None if math.isnan(found) else found
    label_value = int(labels[z, y, x])
    return ReadOut(
        voxel=(z, y, x),
        position_mm=(left, posterior, superior),
        value=float(volume.values[z, y, x]),
        label_value=label_value,
        label=table.entry(label_value),
        attention=coefficient,
    )


def position_text(position_mm: Float3, orientation_known: bool = True) -> str:
    """LPS millimetres in words: "L 12.3  A 4.0  S 101.5 mm"; bare numbers where orientation is unknown."""
    if not orientation_known:
        return "  ".join(f"{mm:.1f}" for mm in position_mm) + " mm"
    parts = []
    for mm, positive, negative in zip(position_mm, tuple("LPS"), tuple("RAI"), strict=True):
        rounded = round(mm, 1)
        parts.append(f"{negative if rounded < 0 else positive} {abs(rounded):.1f}")
    return "  ".join(parts) + " mm"
