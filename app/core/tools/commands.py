"""From a tool and what lies before it to work that yields a proposal: read-only, without a session, for any thread.

Each function checks what can be told at once and raises `CannotEdit`; what takes time is in the callable it gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, cast

import numpy as np
import numpy.typing as npt

from app.core.messages import OUTSIDE, CannotEdit
from app.core.planes import SliceFrame
from app.core.tools.brush import BoolArray, Covered, Labels
from app.core.tools.cropping import cropped, voxel_at
from app.core.tools.fill_between import fill_between
from app.core.tools.fill_holes import holes
from app.core.tools.guard import Guard
from app.core.tools.islands import component_at, largest, smaller_than
from app.core.tools.margin import Ball, margin
from app.core.tools.parameters import Options
from app.core.tools.probability import at_least
from app.core.tools.proposal import Proposal, proposal_adding, proposal_removing, proposal_replacing
from app.core.tools.region_grow import grow
from app.core.tools.smooth import smoothed
from app.core.tools.take_prediction import slice_box, take
from app.core.tools.threshold import Values
from model.grid import Box, Float3
from model.progress import CancelCheck, Report, stop_if

NO_PREDICTION = "There is no prediction to take; press F5."

Compute = Callable[[Report, CancelCheck], Proposal]
"""Work that yields a proposal, or raises `CannotEdit` (nothing would change) or `Cancelled`."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What a tool looks at; its arrays are read-only views, so a result counts only if nothing changed meanwhile.

    Attributes:
        labels: the mask (z, y, x).
        values: the scan (z, y, x).
        spacing: mm between voxels along z, y, x.
        guard: what may change, and the active label (0: all labels).
        label: that label's name.
        name: what the step is to be called, "margin on pancreas".
        options: what was set on the tool.
        frame: the plane it is used in.
        place: where (continuous z, y, x).
        region: the region box, or None.
        source: the labels that may be taken (z, y, x), or None.
        probability: of the active label (uint8, z, y, x), or None.
        voxel_ml: the volume of a voxel.
    """

    labels: Labels
    values: Values
    spacing: Float3
    guard: Guard
    label: str
    name: str
    options: Options
    frame: SliceFrame
    place: Float3
    region: Box | None
    source: Labels | None
    probability: npt.NDArray[np.uint8] | None
    voxel_ml: float

    def mask(self, cancelled: CancelCheck) -> BoolArray:
        """The active label's voxels; raises `CannotEdit` where there are none."""
        stop_if(cancelled)
        mask: BoolArray = self.labels == self.guard.label
        if not mask.any():
            raise CannotEdit(f"{self.label} is empty; there is nothing to change.")
        return mask

    def slice_index(self) -> int:
        """The array index of the slice that holds the place, across the plane; raises `CannotEdit` outside."""
        axis = self.frame.slice_axis
        index = math.floor(self.place[axis] + 0.5)
        if not 0 <= index < self.labels.shape[axis]:
            raise CannotEdit(OUTSIDE)
        return index


def fill_holes(scene: Scene) -> Compute:
    """Fill what the label encloses; a volume of one slice, which encloses nothing, slice by slice."""
    single = next((axis for axis in range(3) if scene.labels.shape[axis] == 1), None)
    flat = scene.frame.slice_axis if scene.options.switch("in_slice") else single

    def work(report: Report, cancelled: CancelCheck) -> Proposal:
        found = holes(scene.mask(cancelled), flat_axis=flat)
        if found is None:
            raise CannotEdit(f"{scene.label} has no holes; nothing was changed.")
        return proposal_adding(scene.labels, found, scene.guard, scene.name)

    return work


def smooth(scene: Scene) -> Compute:
    """Smooth the label."""
    method = cast(Literal["median", "opening", "closing"], scene.options.choice("method"))
    radius_mm = scene.options.number("smooth_mm")
    refuse_under_a_voxel(radius_mm, scene.spacing)

    def work(report: Report, cancelled: CancelCheck) -> Proposal:
        mask = scene.mask(cancelled)
        found = smoothed(mask, method, radius_mm, scene.spacing, report=report, cancelled=cancelled)
        if found is None:
            raise CannotEdit(f"{scene.label} is as smooth as that already; nothing was changed.")
        return proposal_replacing(scene.labels, found, scene.guard, scene.name)

    return work


def islands(scene: Scene) -> Compute:
    """Remove what hangs apart: all but the largest, or what is smaller than a size."""
    keep, least = scene.options.choice("keep"), scene.options.number("least_ml")

    def work(report: Report, cancelled: CancelCheck) -> Proposal:
        mask = scene.mask(cancelled)
        if keep == "largest":
            found, told = largest(mask, report=report, cancelled=cancelled), "is one piece already"
        else:
            found = smaller_than(mask, least / scene.voxel_ml, report=report, cancelled=cancelled)
            told = f"has no island under {least:g} mL"
        if found is None:
            raise CannotEdit(f"{scene.label} {told}; nothing was changed.")
        return proposal_removing(scene.labels, found, scene.guard, scene.name)

    return work


def island(scene: Scene) -> Compute:
    """Delete the clicked island of the label, or all others; or give one of another label this label."""
    keep = scene.options.choice("action") == "keep"
    voxel = voxel_at(scene.place, scene.labels.shape)
    if voxel is None:
        raise CannotEdit(OUTSIDE)
    if scene.options.choice("action") == "take":
        return _taken_island(scene, int(scene.labels[voxel]))
    if int(scene.labels[voxel]) != scene.guard.label:
        raise CannotEdit(f"Here is no {scene.label}; click one of its islands.")

    def work(report: Report, cancelled: CancelCheck) -> Proposal:
        mask = scene.mask(cancelled)
        found = component_at(mask, scene.place, report=report, cancelled=cancelled)
        if found is not None and keep:
            mask[found.box.slices] &= ~found.mask
            found = cropped(mask, Box.whole(mask.shape))
            if found is None:
                raise CannotEdit(f"{scene.label} is one piece already; nothing was changed.")
        return proposal_removing(scene.labels, found, scene.guard, scene.name)

    return work


def _taken_island(scene: Scene, value: int) -> Compute:
    """The clicked island of another label, which has this value, becomes the active label."""
    if value in (0, scene.guard.label):
        raise CannotEdit(f"Here is no other label to become {scene.label}; click an island of one.")
    if value in scene.guard.locked:
        raise CannotEdit(f"What you clicked is locked or hidden, so it does not become {scene.label}.")
    # The reader names the very island, so the protection of labels from one another does not hold for it.
    guard = replace(scene.guard, protect=False)

    def work(report: Report, cancelled: CancelCheck) -> Proposal:
        mask = scene.labels == value
        found = component_at(mask, scene.place, report=report, cancelled=cancelled)
        return proposal_adding(scene.labels, found, guard, scene.name)

    return work


def grow_margin(scene: Scene) -> Compute:
    """Grow the label by a distance, or shrink it."""
    mm = scene.options.number("mm")
    refuse_under_a_voxel(abs(mm), scene.spacing)

    def work(report: Report, cancelled: CancelCheck) -> Proposal:
        mask = scene.mask(cancelled)
        found = margin(mask, mm, scene.spacing, report=report, cancelled=cancelled)
        if found is None:
            raise CannotEdit(f"A margin of {mm:g} mm leaves {scene.label} as it is.")
        return proposal_replacing(scene.labels, found, scene.guard, scene.name)

    return work


def between_slices(scene: Scene) -> Compute:
    """Fill the slices between those that are labelled, in the plane of the view."""
    axis = scene.frame.slice_axis
    if scene.labels.shape[axis] < 3:
        raise CannotEdit("There are fewer than three slices in this plane, so none lies between two others.")

    def work(report: Report, cancelled: CancelCheck) -> Proposal:
        mask = scene.mask(cancelled)
        found = fill_between(mask, axis, scene.spacing, report=report, cancelled=cancelled)
        if found is None:
            raise CannotEdit(
                f"No slice without {scene.label} lies between two with it in this plane; draw it on two that "
                "are apart."
            )
        return proposal_adding(scene.labels, found, scene.guard, scene.name)

    return work


def take_slice(scene: Scene) -> Compute:
    """The prediction's labels in the slice that holds the place."""
    source = scene.source
    if source is None:
        raise CannotEdit(NO_PREDICTION)
    box = slice_box(scene.labels.shape, scene.frame.slice_axis, scene.slice_index())
    return lambda report, cancelled: take(scene.labels, source, box, scene.guard, scene.name)


def take_label(scene: Scene) -> Compute:
    """The prediction's voxels of the active label, everywhere."""
    source = scene.source
    if source is None:
        raise CannotEdit(NO_PREDICTION)
    box = Box.whole(scene.labels.shape)
    return lambda report, cancelled: take(scene.labels, source, box, scene.guard, scene.name)


def clear_label(scene: Scene) -> Compute:
    """The active label taken away everywhere."""

    def work(report: Report, cancelled: CancelCheck) -> Proposal:
        mask = scene.mask(cancelled)
        return proposal_removing(scene.labels, cropped(mask, Box.whole(mask.shape)), scene.guard, scene.name)

    return work


def probability(scene: Scene) -> Compute:
    """The active label cut anew from the model's probabilities, within the region box."""
    probabilities = scene.probability
    if scene.source is None:
        raise CannotEdit(NO_PREDICTION)
    if probabilities is None:
        raise CannotEdit(f"The model gives no probability of {scene.label}; choose one of its labels.")
    box = (scene.region or Box.whole(scene.labels.shape)).clipped(scene.labels.shape)
    percent = scene.options.number("threshold")

    def work(report: Report, cancelled: CancelCheck) -> Proposal:
        stop_if(cancelled)
        return proposal_replacing(
            scene.labels, at_least(probabilities, percent, box), scene.guard, scene.name
        )

    return work


def grown(scene: Scene, low: float, high: float) -> Compute:
    """The voxels from `low` to `high` that hang together with the place, within the tool's limit."""
    flat = scene.frame.slice_axis if scene.options.switch("in_slice") else None
    limit_mm = scene.options.number("limit_mm")

    def work(report: Report, cancelled: CancelCheck) -> Proposal:
        found = grow(
            scene.values, scene.place, low, high, spacing=scene.spacing, radius_mm=limit_mm, flat_axis=flat,
            report=report, cancelled=cancelled,
        )  # fmt: skip
        return proposal_adding(scene.labels, found, scene.guard, scene.name)

    return work


def outlined(scene: Scene, covered: Covered | None) -> Proposal:
    """What a closed line encloses, added to the label or removed from it; quick, so done at once."""
    if covered is None:
        raise CannotEdit("The line encloses no voxel of the scan; draw it round what is meant.")
    if scene.options.choice("action") == "add":
        return proposal_adding(scene.labels, covered, scene.guard, scene.name)
    return proposal_removing(scene.labels, covered, scene.guard, scene.name)


COMMANDS: Mapping[str, Callable[[Scene], Compute]] = MappingProxyType(
    {
        "probability": probability,
        "fill-between": between_slices,
        "fill-holes": fill_holes,
        "smooth": smooth,
        "islands": islands,
        "island": island,
        "margin": grow_margin,
        "take-slice": take_slice,
        "take-label": take_label,
        "clear-label": clear_label,
    }
)
"""By the tools' names in `TOOLS`: every command, and the island that is clicked."""


def refuse_under_a_voxel(radius_mm: float, spacing: Float3) -> None:
    """Raise `CannotEdit` where a ball of this radius reaches no neighbour of a voxel."""
    if Ball.of(radius_mm, spacing).is_one_voxel:
        raise CannotEdit(
            f"{radius_mm:g} mm is less than a voxel, which is {min(spacing):.2g} mm; choose more."
        )
