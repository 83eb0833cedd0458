"""One change of a mask: the box it touched, its values before and after, compressed. Kept by `history`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import zstandard

from model.grid import Box

Labels = npt.NDArray[np.unsignedinteger[Any]]
"""A mask: uint8, or uint16 where values go above 255."""

# Level 1 already shrinks masks a hundredfold; higher ones cost a stroke milliseconds and save bytes.
_LEVEL = 1

_OVERHEAD_BYTES = 650  # a patch's own objects, so that a million tiny strokes are not counted as nothing


@dataclass(frozen=True)
class Patch:
    """A change that can be applied and taken back exactly.

    Attributes:
        box: the voxels it covers; nothing outside changes.
        name: the step in words, "brush on pancreas".
        label: the label it was about; 0 where it was about the whole mask.
        before: the box's values before, in C order, zstandard-compressed; `after` likewise.
        voxels_added: voxels that became `label` (label 0: that changed to any label).
        voxels_removed: voxels that were `label` and are not any more (label 0: that were any other label).
    """

    box: Box
    name: str
    label: int
    before: bytes
    after: bytes
    voxels_added: int
    voxels_removed: int

    @property
    def nbytes(self) -> int:
        """Memory this patch takes."""
        return len(self.before) + len(self.after) + len(self.name.encode()) + _OVERHEAD_BYTES

    def apply(self, array: Labels) -> None:
        """Write the values after the change into the mask (z, y, x)."""
        array[self.box.slices] = self.values_after(array.dtype)

    def revert(self, array: Labels) -> None:
        """Write the values before the change into the mask (z, y, x)."""
        array[self.box.slices] = self.values_before(array.dtype)

    def values_before(self, dtype: npt.DTypeLike) -> Labels:
        """The box's values before the change (z, y, x), read-only."""
        return _unpack(self.before, self.box, dtype)

    def values_after(self, dtype: npt.DTypeLike) -> Labels:
        """The box's values after the change (z, y, x), read-only."""
        return _unpack(self.after, self.box, dtype)


def make_patch(name: str, label: int, box: Box, before: Labels, after: Labels) -> Patch | None:
    """The patch from `before` to `after`, both the values of `box` (z, y, x); None if they are equal.

    The patch's own box is only as large as what changed.
    """
    if before.shape != box.shape or after.shape != box.shape or before.dtype != after.dtype:
        raise ValueError(
            f"values of {before.shape} {before.dtype} and {after.shape} {after.dtype} "
            f"do not fit a box of {box.shape}"
        )
    inner = _changed(before, after)
    if inner is None:
        return None
    old, new = before[inner.slices], after[inner.slices]
    added, removed = gained_and_lost(label, old, new)
    return Patch(
        box=inner.moved(box.start),
        name=name,
        label=label,
        before=_pack(old),
        after=_pack(new),
        voxels_added=added,
        voxels_removed=removed,
    )


def gained_and_lost(label: int, before: Labels, after: Labels) -> tuple[int, int]:
    """Voxels that become `label` and that stop being it; label 0: that change to any label, and from any."""
    changed = before != after
    if label:
        added, removed = changed & (after == label), changed & (before == label)
    else:
        added, removed = changed & (after != 0), changed & (before != 0)
    return int(np.count_nonzero(added)), int(np.count_nonzero(removed))


def _changed(before: Labels, after: Labels) -> Box | None:
    """The smallest box that holds every difference; slice by slice, so that a whole mask takes no second copy."""
    slices = [index for index, plane in enumerate(before) if np.count_nonzero(plane != after[index])]
    if not slices:
        return None
    first, last = slices[0], slices[-1] + 1
    inner = Box.around(before[first:last] != after[first:last])
    assert inner is not None
    z, (_, y0, x0), (_, y1, x1) = first, inner.start, inner.stop
    return Box((z, y0, x0), (last, y1, x1))


def _pack(values: Labels) -> bytes:
    packed = zstandard.ZstdCompressor(level=_LEVEL).compress(np.ascontiguousarray(values).data)
    # What the library gives keeps the memory it was compressed into, as large as the voxels; a copy does not.
    return bytes(memoryview(packed))


def _unpack(packed: bytes, box: Box, dtype: npt.DTypeLike) -> Labels:
    """The values of a box; raises ValueError where the bytes do not hold exactly that many."""
    kind = np.dtype(dtype)
    expected = box.size * kind.itemsize
    try:
        # The frame's own size is checked first: damaged bytes must not make us allocate without bound.
        if zstandard.frame_content_size(packed) != expected:
            raise ValueError(f"a patch does not hold the {box.size} voxels of its box")
        content = zstandard.ZstdDecompressor().decompress(packed)
    except zstandard.ZstdError as error:
        raise ValueError(f"a patch cannot be unpacked: {error}") from error
    return np.frombuffer(content, kind).reshape(box.shape)
