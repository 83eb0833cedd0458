"""What the simulated reader knows when it decides: a wrong region, the mask, what earlier tries came to.

And what a plan is. Which plans there are is `reader_tactics`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from app.core.planes import Plane
from model.grid import Box, Float3
from tests.bench.reader_eye import Benefit, Eye, Labels, Mask, Region
from tests.bench.reader_hand import Cost, Hand, Setting

LEFT_S = 3.0
"""Seconds that leaving a whole slice wrong counts: somebody has to come back to it."""
LEAK = 6.0
"""What a voxel weighs that a proposal would make wrong: what leaks is taken back by hand."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Something to do.

    Attributes:
        tool: which tool it is.
        setting: what must be set before.
        promise: by how many voxels fewer would be wrong.
        cost: of doing it, without the setting.
        act: does it.
        memory: what the experience with it is kept under; empty where the eye is sure.
        leaves: the share of the region's slice that it leaves wrong.
        first: done before the setting; its cost is in `cost`.
    """

    tool: str
    setting: Setting
    promise: float
    cost: Cost
    act: Callable[[Hand], None]
    memory: str = ""
    leaves: float = 0.0
    first: Callable[[Hand], None] | None = None

    def rate(self, hand: Hand, uses: float = 1.0) -> float:
        """Voxels a second, where a setting serves several uses; what is left of the slice will take more gestures."""
        seconds = self.cost.seconds() + Cost(hand.missing(self.setting)).seconds() / max(1.0, uses)
        seconds += LEFT_S * self.leaves
        return self.promise / max(seconds, 1e-6)


@dataclass
class Experience:
    """What tries of commands promised and came to, in one reading."""

    tries: dict[str, tuple[float, float]] = field(default_factory=dict)
    blocked: dict[str, int] = field(default_factory=dict)

    def promise(self, memory: str, thumb: float, gestures: int) -> float:
        """A rule of thumb corrected by experience; nothing where it failed less than 40 gestures ago."""
        if gestures < self.blocked.get(memory, -1):
            return 0.0
        promised, came = self.tries.get(memory, (0.0, 0.0))
        return thumb * (came + 30.0) / (promised + 30.0)

    def learn(self, memory: str, promised: float, came: float, gestures: int) -> None:
        """A try is over."""
        before = self.tries.get(memory, (0.0, 0.0))
        self.tries[memory] = (before[0] + promised, before[1] + max(0.0, came))
        if came <= 0:
            self.blocked[memory] = gestures + 40


@dataclass(eq=False)
class Situation:
    """Everything plans are made from: the mask as it is, a wrong region, an eye, and an imaginary hand."""

    hand: Hand
    eye: Eye
    region: Region
    experience: Experience
    imagined: np.random.Generator
    rate_otherwise: float = 0.0

    @property
    def labels(self) -> Labels:
        """The mask (z, y, x)."""
        return self.hand.session.labels

    @property
    def spacing(self) -> Float3:
        """Mm along z, y, x."""
        return self.hand.session.grid.spacing

    def plane(self, axis: int | None = None) -> Plane:
        """The plane across an array axis; None: the one in which the region is largest."""
        wanted = self.region.axis if axis is None else axis
        return next(p for p in Plane if self.hand.session.frame(p).slice_axis == wanted)

    def around(self, margin_mm: float, *, deep: bool = True) -> Box:
        """The region's box, larger by some mm; without `deep` only the slice in which it is largest."""
        region = self.region
        start, stop = list(region.box.start), list(region.box.stop)
        start[region.axis], stop[region.axis] = region.index, region.index + 1
        margin = [int(np.ceil(margin_mm / mm)) + 2 for mm in self.spacing]
        if not deep:
            margin[region.axis] = 0
        box = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
        return box.grown(margin).clipped(self.labels.shape)

    def patch(self, box: Box) -> Mask:
        """The region's pixels in the slice in which it is largest, as a slice of a box."""
        whole = np.zeros(box.shape, np.bool_)
        region = self.region
        overlap = Box(
            tuple(max(a, b) for a, b in zip(box.start, region.box.start, strict=True)),  # type: ignore[arg-type]
            tuple(min(a, b) for a, b in zip(box.stop, region.box.stop, strict=True)),  # type: ignore[arg-type]
        )
        whole[overlap.within(box).slices] = region.mask[overlap.within(region.box).slices]
        patch: Mask = np.take(whole, region.index - box.start[region.axis], axis=region.axis)
        return patch

    def net(self, spoilt: float = 1.0) -> float:
        """By how many voxels fewer would be wrong if the preview were taken; 0 where there is none.

        `spoilt` is what a voxel that would be made wrong weighs: what leaks has to be taken back by hand.
        """
        preview = self.hand.session.preview
        if preview is None:
            return 0.0
        gain = self.eye.benefit(self.labels, preview.box, preview.after, preview.changes)
        return float(np.count_nonzero(gain > 0) - spoilt * np.count_nonzero(gain < 0))


Writes = Callable[[Box], Benefit]
"""What writing to a box of voxels would make right or wrong there."""


def painting(now: Situation, label: int, protect: bool) -> Writes:
    """What painting a label does, over background alone where other labels are protected."""

    def writes(box: Box) -> Benefit:
        part = now.labels[box.slices]
        return now.eye.benefit(now.labels, box, label, part == 0 if protect else part != label)

    return writes


def erasing(now: Situation, label: int) -> Writes:
    """What taking a label away does."""
    return lambda box: now.eye.benefit(now.labels, box, 0, now.labels[box.slices] == label)
