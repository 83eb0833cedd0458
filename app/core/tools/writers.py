"""What a stroke writes under the brush: paint, erase, paint within a range, take another mask's labels, smooth.

A writer decides, per stroke step, which voxels of a region change and to what; the brush's shape is `brush`, the way
along a path `app.core.stroke`. Where nothing could change it says why, for the cursor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from app.core.tools.brush import BoolArray, Labels
from app.core.tools.guard import Guard
from app.core.tools.margin import Ball
from app.core.tools.smooth import median_in
from app.core.tools.threshold import Values, in_range
from model.grid import Box, Int3

Before = Callable[[Box], Labels]
"""The values of a box within the volume (z, y, x) as they were before the stroke; not to be written."""
Naming = Callable[[int], str]
"""A label's name by its value."""


class Writer(Protocol):
    """What a stroke writes."""

    def write(self, region: Labels, box: Box, before: Before) -> tuple[BoolArray, Labels | int]:
        """Where the values of a box change, as a fresh array, and the value or values they change to.

        Args:
            region: the values of `box` as they are now (z, y, x).
            box: what the brush covers; perhaps not all of it.
            before: for those who look at what lies round the box, or at what the stroke has changed already.
        """

    def explain(self, met: tuple[int, ...], name: Naming) -> str:
        """Why nothing changed on a stroke that met other labels (lowest first); "" where the picture shows it."""


@dataclass(frozen=True)
class Painter:
    """Writes the guard's label."""

    guard: Guard

    def write(self, region: Labels, box: Box, before: Before) -> tuple[BoolArray, Labels | int]:
        """Wherever the guard lets it."""
        return self.guard.addable(region), self.guard.label

    def explain(self, met: tuple[int, ...], name: Naming) -> str:
        """The labels in the way."""
        return _in_the_way(self.guard, met, name)


@dataclass(frozen=True)
class Eraser:
    """Writes background."""

    guard: Guard

    def write(self, region: Labels, box: Box, before: Before) -> tuple[BoolArray, Labels | int]:
        """Wherever the guard lets it."""
        return self.guard.removable(region), 0

    def explain(self, met: tuple[int, ...], name: Naming) -> str:
        """What is here instead of the active label."""
        if not met:
            return ""
        if not self.guard.protect:
            return f"Nothing was erased: {_all(met, name)} is locked or hidden."
        return f"Nothing was erased: here is {_all(met, name)}, and the active label is {name(self.guard.label)}."


@dataclass(frozen=True, eq=False)
class RangePainter:
    """Writes the guard's label where the scan's intensity lies in a range, or outside it.

    Attributes:
        guard: what may change.
        values: the scan (z, y, x).
        low: the least intensity; `high` the greatest.
        high: see `low`.
        inverse: paint outside the range instead.
    """

    guard: Guard
    values: Values
    low: float
    high: float
    inverse: bool = False

    def write(self, region: Labels, box: Box, before: Before) -> tuple[BoolArray, Labels | int]:
        """Where both the guard and the intensity let it."""
        where = self.guard.addable(region)
        where &= in_range(self.values[box.slices], self.low, self.high, self.inverse)
        return where, self.guard.label

    def explain(self, met: tuple[int, ...], name: Naming) -> str:
        """The range, and the labels in the way."""
        side = "outside" if self.inverse else "within"
        told = f"no free voxel under the brush lies {side} {self.low:g} to {self.high:g}"
        return f"Nothing was painted: {told}" + (f", and {_all(met, name)} is protected." if met else ".")


@dataclass(frozen=True, eq=False)
class Restorer:
    """Writes the labels another mask has there: adds what it has, removes what it has not.

    Attributes:
        guard: what may change; its label 0: all labels are restored, else that one alone.
        source: the other mask (z, y, x): the prediction, another model's, another reader's version.
        text: what it is called, "the prediction".
    """

    guard: Guard
    source: Labels
    text: str

    def write(self, region: Labels, box: Box, before: Before) -> tuple[BoolArray, Labels | int]:
        """Where the masks differ and the guard lets it."""
        theirs = self.source[box.slices].astype(region.dtype, copy=False)
        label = self.guard.label
        if not label:
            return self.guard.exchangeable(region, theirs), theirs
        after = self.guard.replaced(region, theirs == label)
        return after != region, after

    def explain(self, met: tuple[int, ...], name: Naming) -> str:
        """That the masks agree, as far as the guard lets them."""
        what = name(self.guard.label) if self.guard.label else "the mask"
        stays = " or what differs is locked or protected" if self.guard.locked or self.guard.label else ""
        return f"Nothing was taken: {what} equals {self.text} here{stays}."


@dataclass(frozen=True)
class Smoother:
    """Writes the median of the guard's label over a ball: spikes go, clefts are filled.

    The mask before the stroke is what is smoothed, so that a stroke does the same however often the pointer was
    heard on its way, and a place that is passed twice is smoothed once.

    Attributes:
        guard: what may change.
        ball: what the median is taken over.
        shape: voxels of the volume along z, y, x.
    """

    guard: Guard
    ball: Ball
    shape: Int3

    def write(self, region: Labels, box: Box, before: Before) -> tuple[BoolArray, Labels | int]:
        """Where the median says otherwise and the guard lets it."""
        label = self.guard.label
        around = box.grown(self.ball.reach).clipped(self.shape)
        mask: BoolArray = before(around) == label
        if mask.all() or not mask.any():
            return np.zeros(box.shape, np.bool_), label
        median = median_in(lambda part: mask[part.within(around).slices], box, self.shape, self.ball)
        after = self.guard.replaced(region, median)
        return after != region, after

    def explain(self, met: tuple[int, ...], name: Naming) -> str:
        """That the label is smooth here, as far as the guard lets it be smoothed."""
        label = name(self.guard.label)
        protected = f", or ends at {_all(met, name)}, which is protected" if met else ""
        return f"Nothing was smoothed: {label} is as smooth as that here already, or not here{protected}."


def _in_the_way(guard: Guard, met: tuple[int, ...], name: Naming) -> str:
    if not met:
        return ""
    locked = tuple(value for value in met if value in guard.locked)
    if locked:
        return f"Nothing was painted: {_all(locked, name)} is locked or hidden."
    if guard.protect:
        return f"Nothing was painted: {_all(met, name)} is protected from being overwritten by {name(guard.label)}."
    return ""


def _all(values: tuple[int, ...], name: Naming) -> str:
    return " and ".join(name(value) for value in values)
