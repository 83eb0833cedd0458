"""Fill holes: the background that a mask encloses, in the volume or slice by slice. It knows a mask, no label.

Background hangs together by faces (six neighbours, four in a slice), the counterpart of islands that hang together by
corners too. What is open to the volume's border is no hole.
"""

from __future__ import annotations

import numpy as np

from app.core.tools.brush import BoolArray, Covered
from app.core.tools.cropping import cropped
from model.grid import Box
from model.progress import CancelCheck, Report, never, silent, stop_if


def holes(
    mask: BoolArray,
    *,
    flat_axis: int | None = None,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> Covered | None:
    """The voxels to add so that the mask encloses no background.

    Args:
        mask: (z, y, x).
        flat_axis: the array axis across slices that are filled one by one, also where the volume's holes are open;
            None for the volume.
        report: told how far it is.
        cancelled: asked before and after, with a flat axis once a slice.

    Returns:
        None where there is no hole.

    Raises:
        Cancelled: if `cancelled` says so.
    """
    import fill_voids

    stop_if(cancelled)
    box = Box.around(mask)
    if box is None:
        return None
    # The flat axis first, so that a slice lies in one piece.
    order = (0, 1, 2) if flat_axis is None else (flat_axis, *(axis for axis in range(3) if axis != flat_axis))
    before = np.ascontiguousarray(mask[box.slices].transpose(order))
    if flat_axis is None:
        report(0.1, "filling holes")
        after = fill_voids.fill(before)
        stop_if(cancelled)
    else:
        after = np.empty_like(before)
        for index, plane in enumerate(before):
            stop_if(cancelled)
            report(index / len(before), "filling holes")
            after[index] = fill_voids.fill(plane) if plane.any() else plane
    added = (after & ~before).transpose(np.argsort(order))
    return cropped(added, box)
