"""The eye of the simulated reader: it sees where the mask is wrong, and what a tool would make right or wrong there.

This is the only place that reads the reference. It stands for a person who looks at the scan and knows anatomy.
"""

from __future__ import annotations

from dataclasses import dataclass

import cc3d
import numpy as np
import numpy.typing as npt

from model.grid import Box

Labels = npt.NDArray[np.unsignedinteger]
Mask = npt.NDArray[np.bool_]
Benefit = npt.NDArray[np.int8]
"""Per voxel: 1 where a change would make it right, −1 where it would make it wrong, 0 where neither (z, y, x)."""


@dataclass(frozen=True)
class Agreement:
    """How a mask compares with the reference: mean Dice over the reference's labels, voxels that are wrong."""

    dice: float
    per_label: tuple[float, ...]
    wrong: int


@dataclass(frozen=True, eq=False)
class Region:
    """A connected piece in which the mask has one label and should have another.

    Attributes:
        have: the value there; `want` the value that is right.
        want: see `have`.
        box: where it lies.
        mask: its voxels within the box.
        axis: the array axis across the plane in which it is largest.
        index: the slice along that axis in which it is largest.
    """

    have: int
    want: int
    box: Box
    mask: Mask
    axis: int
    index: int

    @property
    def size(self) -> int:
        """How many voxels."""
        return int(np.count_nonzero(self.mask))

    @property
    def voxels(self) -> npt.NDArray[np.int64]:
        """(n, 3) indices in the volume."""
        found: npt.NDArray[np.int64] = np.argwhere(self.mask) + np.asarray(self.box.start)
        return found


class Eye:
    """Compares masks with a reference (z, y, x)."""

    def __init__(self, reference: npt.NDArray[np.uint8]) -> None:
        self.reference = reference
        self.values = tuple(int(value) for value in np.unique(reference) if value)
        self._passed_over = np.zeros(reference.shape, np.bool_)

    def compare(self, labels: Labels) -> Agreement:
        """Dice per label of the reference and the voxels that differ."""
        count = int(max(self.reference.max(), labels.max())) + 1
        pairs = self.reference.astype(np.uint16) * count + labels
        table = np.bincount(pairs.ravel(), minlength=count * count).reshape(count, count)
        right = np.diagonal(table)
        dice = tuple(2.0 * right[v] / (table[v].sum() + table[:, v].sum()) for v in self.values)
        return Agreement(float(np.mean(dice)), dice, int(table.sum() - right.sum()))

    def largest(self, labels: Labels) -> Region | None:
        """The largest wrong region that was not passed over; None where nothing is left."""
        wrong = labels != self.reference
        wrong &= ~self._passed_over
        box = Box.around(wrong)
        if box is None:
            return None
        part = wrong[box.slices]
        have, want = labels[box.slices], self.reference[box.slices]
        codes = np.where(part, want.astype(np.uint32) * 256 + have + 1, 0).astype(np.uint32)
        pieces = cc3d.connected_components(codes, connectivity=6)
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        piece = pieces == int(sizes.argmax())
        inner = Box.around(piece)
        assert inner is not None
        mask = piece[inner.slices].copy()
        place = inner.moved(box.start)
        first = tuple(np.argwhere(mask)[0] + np.asarray(place.start))
        axis, index = _largest_slice(mask)
        return Region(
            int(labels[first]), int(self.reference[first]), place, mask, axis, index + place.start[axis]
        )

    def pass_over(self, region: Region, *, slice_only: bool) -> None:
        """Leave a region alone from now on, or its slice: nothing helped there."""
        part = self._passed_over[region.box.slices]
        if slice_only:
            at = [slice(None)] * 3
            at[region.axis] = slice(
                region.index - region.box.start[region.axis],
                region.index - region.box.start[region.axis] + 1,
            )
            part[tuple(at)] |= region.mask[tuple(at)]
        else:
            part |= region.mask

    def benefit(self, labels: Labels, box: Box, after: Labels | int, where: Mask) -> Benefit:
        """What writing `after` to some voxels of a box would do there."""
        before, right = labels[box.slices], self.reference[box.slices]
        gain = np.equal(after, right).astype(np.int8) - np.equal(before, right).astype(np.int8)
        return np.where(where, gain, 0).astype(np.int8)


def _largest_slice(mask: Mask) -> tuple[int, int]:
    """Axis and index of the slice that holds the most voxels."""
    best = (-1, 0, 0)
    for axis in range(3):
        counts = mask.sum(axis=tuple(other for other in range(3) if other != axis))
        index = int(counts.argmax())
        if int(counts[index]) > best[0]:
            best = (int(counts[index]), axis, index)
    return best[1], best[2]
