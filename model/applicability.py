"""Whether a model applies to a scan, how sure that is, and why; every reason is one sentence for the reader.

Decided from the modality where a file names one, else from spacing, size and values. An override is not here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.bundle_fields import Fields
from model.grid import Box, Float3
from model.volume import Volume

# Air is −1000 HU and fills the corners of a CT; no other modality has such values there.
_AIR_BELOW = -300.0
_AIR_SHARE = 0.01


@dataclass(frozen=True)
class AppliesTo:
    """Numeric rules beside the modality.

    Attributes:
        description: in words, what the model is for.
        spacing_mm: lowest and highest spacing of any axis.
        extent_mm: lowest and highest size of the scan, or of the region predicted, along any axis.
        synthetic_only: True where the model has seen generated scans alone.
    """

    description: str
    spacing_mm: tuple[float, float]
    extent_mm: tuple[float, float]
    synthetic_only: bool = False

    @classmethod
    def from_fields(cls, fields: Fields) -> AppliesTo:
        """The rules as `bundle.json` holds them."""
        low, high = fields.numbers("spacing_mm", 2)
        shortest, longest = fields.numbers("extent_mm", 2)
        return cls(
            fields.text("description"), (low, high), (shortest, longest), fields.flag("synthetic_only")
        )

    def to_json(self) -> dict[str, object]:
        """The rules as `bundle.json` holds them."""
        return {
            "description": self.description,
            "spacing_mm": self.spacing_mm,
            "extent_mm": self.extent_mm,
            "synthetic_only": self.synthetic_only,
        }


@dataclass(frozen=True)
class Applicability:
    """The verdict: whether the model applies, how sure that is ("certain", "likely"), and the reason in a sentence."""

    applies: bool
    certainty: str
    reason: str


def judge(
    model: str,
    modality: str,
    rules: AppliesTo,
    volume: Volume,
    known_modality: str | None,
    region: Box | None,
) -> Applicability:
    """Whether `model`, made for `modality` under `rules`, applies to `volume` or to `region` (z, y, x) of it."""
    found, certainty, source = _modality(volume, known_modality)
    made_for = f"Model {model} is for {rules.description}"
    if found is not None and found != modality:
        return Applicability(False, certainty, f"{made_for}; this scan {source}.")
    if rules.synthetic_only and not volume.hints.synthetic:
        return Applicability(False, "certain", f"{made_for}; this scan is not marked as generated.")
    if found is None and modality == "CT":
        return Applicability(
            False, "likely", f"{made_for}; this scan shows no air of negative value, as a CT does."
        )

    box = Box.whole(volume.grid.shape) if region is None else region.clipped(volume.grid.shape)
    what = "this scan" if region is None else "the region"
    if box.size == 0:
        return Applicability(False, "certain", f"{made_for}; the region holds no voxel of the scan.")
    grid = volume.grid.sub(box)
    if not _within(grid.spacing, rules.spacing_mm):
        low, high = rules.spacing_mm
        return Applicability(
            False,
            "certain",
            f"{made_for} with voxels of {low:g} to {high:g} mm; those of this scan are {_by(grid.spacing)} mm.",
        )
    shortest, longest = rules.extent_mm
    if not _within(grid.extent_mm, rules.extent_mm):
        advice = (
            "; draw a region box round the part" if region is None and max(grid.extent_mm) > longest else ""
        )
        return Applicability(
            False,
            "certain",
            f"{made_for}, {shortest:g} to {longest:g} mm along each axis; "
            f"{what} measures {_by(grid.extent_mm)} mm{advice}.",
        )
    if rules.synthetic_only:
        return Applicability(True, "certain", f"Model {model} applies: it is for {rules.description}.")
    if found is None:
        return Applicability(
            True,
            "likely",
            f"Model {model} probably applies: size and values fit {rules.description}; the file names no modality.",
        )
    return Applicability(
        True, certainty, f"Model {model} applies: size and modality fit {rules.description}."
    )


def looks_like_ct(volume: Volume) -> bool:
    """True where more than one voxel in a hundred is as negative as air in HU (every fourth voxel is looked at)."""
    sample = np.asarray(volume.values[::4, ::4, ::4], dtype=np.float32)
    return float(np.mean(sample < _AIR_BELOW)) > _AIR_SHARE


def _modality(volume: Volume, known: str | None) -> tuple[str | None, str, str]:
    """The scan's modality if it can be told, how sure that is, and how it shows."""
    if known is not None:
        return known, "certain", f"is {known}, as its file says"
    if looks_like_ct(volume):
        return "CT", "likely", "looks like CT (air of negative value)"
    return None, "likely", "names no modality"


def _within(values: Float3, limits: tuple[float, float]) -> bool:
    low, high = limits
    return low - 1e-3 <= min(values) and max(values) <= high + 1e-3


def _by(values: Float3) -> str:
    return " × ".join(f"{value:.3g}" for value in reversed(values))
