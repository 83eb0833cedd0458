"""A stroke while it is drawn: sweeps a brush over the mask, lets its writer write, remembers what was there."""

from __future__ import annotations

import numpy as np

from app.core.patch import Labels, Patch, make_patch
from app.core.tools.brush import Brush, sweep
from app.core.tools.writers import Writer
from model.grid import Box, Float3

# The remembered box grows by at least a quarter, so that a long stroke is not copied again and again.
_GROWTH = 4


class Stroke:
    """One stroke from press to release; the mask changes at once, the patch is made at the end."""

    def __init__(
        self, writer: Writer, brush: Brush, label: int, name: str, start: Float3, spacing: Float3
    ) -> None:
        self.writer = writer
        self.brush = brush
        self.label = label
        self.name = name
        self.changed: Box | None = None
        self.in_volume = False
        self.met: tuple[int, ...] = ()
        """Other labels the stroke came across before it changed anything, lowest first."""
        self._spacing = spacing
        self._last = start
        self._drawn = False
        self._kept: Box | None = None
        self._before: Labels | None = None

    def extend(self, labels: Labels, voxel: Float3) -> Box | None:
        """Go on to a point (continuous z, y, x); gives the box of voxels that changed, None if none did."""
        voxel = self._flattened(voxel)
        start, self._last = self._last, voxel
        self._drawn = True
        shape = (labels.shape[0], labels.shape[1], labels.shape[2])
        covered = sweep(self.brush, start, voxel, self._spacing, shape)
        if covered is None:
            return None
        self.in_volume = True
        region = labels[covered.box.slices]
        write, value = self.writer.write(region, covered.box, lambda box: self._original(labels, box))
        write &= covered.mask
        inner = Box.around(write)
        if inner is None:
            if self.changed is None:
                others = np.flatnonzero(np.bincount(region[covered.mask]))
                self.met = tuple(sorted({*self.met, *(int(v) for v in others if v not in (0, self.label))}))
            return None
        box = inner.moved(covered.box.start)
        self._remember(labels, box)
        np.copyto(region, region.dtype.type(value) if isinstance(value, int) else value, where=write)
        self.changed = box if self.changed is None else self.changed.joined(box)
        return box

    def finish(self, labels: Labels) -> Patch | None:
        """The patch of the whole stroke; None if it changed nothing."""
        if not self._drawn:
            self.extend(labels, self._last)
        if self.changed is None:
            return None
        return make_patch(
            self.name, self.label, self.changed, self._was(self.changed), labels[self.changed.slices]
        )

    def cancel(self, labels: Labels) -> Box | None:
        """Put everything back as it was; gives the box that had changed."""
        if self.changed is not None:
            labels[self.changed.slices] = self._was(self.changed)
        return self.changed

    def _flattened(self, voxel: Float3) -> Float3:
        """The point, moved into the slice the stroke began in where the brush is flat."""
        axis = self.brush.flat_axis
        if axis is None:
            return voxel
        moved = list(voxel)
        moved[axis] = self._last[axis]
        return moved[0], moved[1], moved[2]

    def _original(self, labels: Labels, box: Box) -> Labels:
        """The values of a box as they were before the stroke; a copy."""
        values = labels[box.slices].copy()
        if self._kept is not None and self._before is not None:
            known = self._kept.within(box).clipped(box.shape)
            values[known.slices] = self._before[known.moved(box.start).within(self._kept).slices]
        return values

    def _remember(self, labels: Labels, box: Box) -> None:
        """Keep the values of `box` as they were before the stroke; called before anything in it changes."""
        kept = self._kept
        if kept is None or self._before is None:
            self._kept, self._before = box, labels[box.slices].copy()
            return
        joined = kept.joined(box)
        if joined == kept:
            return
        # Outside what is kept nothing has changed yet, so the mask itself still says what was there.
        margin = [-(-n // _GROWTH) if n > m else 0 for n, m in zip(joined.shape, kept.shape, strict=True)]
        joined = joined.grown(margin).clipped(labels.shape)
        before = labels[joined.slices].copy()
        before[kept.within(joined).slices] = self._before
        self._kept, self._before = joined, before

    def _was(self, box: Box) -> Labels:
        assert self._kept is not None
        assert self._before is not None
        return self._before[box.within(self._kept).slices]
