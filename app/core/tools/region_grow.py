"""Grow: the connected voxels of similar intensity round a seed. It knows values and a seed, no label.

Voxels are connected by their faces: six neighbours in the volume, four in a slice. The flood goes from run to run, a
run being neighbouring voxels in range along x: each line of voxels is looked at once, when the flood first comes by,
and nothing of the volume's size is made. It is compiled by numba where that can be imported, else scipy does it; both
give the same voxels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from app.core.tools.brush import BoolArray, Covered
from app.core.tools.cropping import cropped, index_in, one_voxel, voxel_at
from app.core.tools.runs import compiled
from app.core.tools.threshold import Range, Values, in_range, likely_range, limits_in
from model.grid import Box, Float3, Int3
from model.progress import CancelCheck, Report, never, silent, stop_if

IntArray = npt.NDArray[np.int64]
Kernels = tuple[Callable[..., None], Callable[..., None]]

_RUNS_A_TURN = 20_000
"""Runs the compiled flood fills before it lets itself be cancelled: some ten milliseconds."""
_FIRST_ROOM = 1 << 15
_COMPILED_FOR = tuple(np.dtype(name) for name in ("int16", "int32", "int64", "float32", "float64"))


def neighbourhood_range(
    values: Values, seed: Float3, radius_voxels: int = 1, flat_axis: int | None = None
) -> Range | None:
    """The range to start from: `likely_range` of the cube of voxels round the seed.

    Args:
        values: the scan (z, y, x).
        seed: the clicked place (continuous z, y, x).
        radius_voxels: half the cube's side, 1 for 3 × 3 × 3 voxels.
        flat_axis: where growing stays in a slice, the axis across it; then the neighbourhood does too.

    Returns:
        Low and high, or None outside the volume or where the seed is not a number.
    """
    voxel = voxel_at(seed, values.shape)
    if voxel is None:
        return None
    reach = [0 if axis == flat_axis else max(0, radius_voxels) for axis in range(3)]
    box = one_voxel(voxel).grown(reach).clipped(values.shape)
    return likely_range(values[box.slices], float(values[voxel]))


def grow(
    values: Values,
    seed: Float3,
    low: float,
    high: float,
    *,
    spacing: Float3,
    radius_mm: float | None = None,
    flat_axis: int | None = None,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> Covered | None:
    """The voxels in [low, high] that hang together with the seed.

    Args:
        values: the scan (z, y, x), of any number type.
        seed: the clicked place (continuous z, y, x).
        low: the least value; `high` the greatest.
        high: see `low`.
        spacing: mm between voxels along z, y, x.
        radius_mm: how far from the seed's voxel a voxel's centre may lie; None for no limit.
        flat_axis: the axis across the slice growing stays in; None for the volume.
        report: told the share of the box that is filled.
        cancelled: asked every few ten milliseconds.

    Returns:
        None where the seed lies outside the volume or its value outside the range.

    Raises:
        Cancelled: if `cancelled` says so.
    """
    voxel = voxel_at(seed, values.shape)
    if voxel is None or not in_range(values[one_voxel(voxel).slices], low, high).all():
        return None
    box = _reachable(voxel, values.shape, spacing, radius_mm, flat_axis)
    region = values[box.slices]
    start = index_in(voxel, box)
    bounds = _line_bounds(region.shape, start, spacing, radius_mm)
    kernels = _compiled()
    if kernels is None:
        stop_if(cancelled)
        return cropped(_flood_plainly(region, start, low, high, bounds), box)
    found = _flood(kernels, region, start, low, high, bounds, report, cancelled)
    return Covered(found.box.moved(box.start), found.mask)


def _reachable(
    voxel: Int3, shape: tuple[int, ...], spacing: Float3, radius_mm: float | None, flat_axis: int | None
) -> Box:
    """The box growing can fill: round the seed with a radius, and one slice thick with a flat axis."""
    reach = []
    for axis in range(3):
        if axis == flat_axis:
            reach.append(0)
        elif radius_mm is None:
            reach.append(shape[axis])
        else:
            reach.append(min(shape[axis], math.floor(max(0.0, radius_mm) / spacing[axis] + 1e-6)))
    return one_voxel(voxel).grown(reach).clipped(shape)


def _line_bounds(
    shape: tuple[int, ...], start: Int3, spacing: Float3, radius_mm: float | None
) -> tuple[IntArray, IntArray]:
    """The first and the last voxel of each line along x (z, y) that lies within the radius; 0 and −1 for none."""
    depth, rows, columns = shape
    if radius_mm is None:
        return np.zeros((depth, rows), np.int64), np.full((depth, rows), columns - 1, np.int64)
    z = (np.arange(depth)[:, None] - start[0]) * spacing[0]
    y = (np.arange(rows)[None, :] - start[1]) * spacing[1]
    # A voxel centre exactly on the rim counts, whatever the last bits of its distance.
    left = max(0.0, radius_mm) ** 2 * (1 + 1e-9) - (z**2 + y**2)
    half = np.floor(np.sqrt(np.maximum(left, 0.0)) / spacing[2] + 1e-9).astype(np.int64)
    first, last = np.maximum(start[2] - half, 0), np.minimum(start[2] + half, columns - 1)
    beyond = left < 0
    first[beyond], last[beyond] = 0, -1
    return first, last


def _flood_plainly(
    region: Values, start: Int3, low: float, high: float, bounds: tuple[IntArray, IntArray]
) -> BoolArray:
    """The flood through scipy: the component of the seed among all voxels in range and reach."""
    from scipy import ndimage

    allowed = in_range(region, low, high)
    x = np.arange(region.shape[2])
    allowed &= (x >= bounds[0][..., None]) & (x <= bounds[1][..., None])
    components, _ = ndimage.label(allowed)
    found: BoolArray = components == components[start]
    return found


def _flood(
    kernels: Kernels,
    region: Values,
    start: Int3,
    low: float,
    high: float,
    bounds: tuple[IntArray, IntArray],
    report: Report,
    cancelled: CancelCheck,
) -> Covered:
    """The flood through the compiled kernels, some runs at a time; the box is counted within the region."""
    flood, paint = kernels
    region = _plain(region)
    limits = limits_in(region.dtype, low, high)
    assert limits is not None  # the seed's value lies within
    depth, rows, columns = region.shape
    # Every second voxel of each of the four lines beside a run may be a run of its own.
    most = 4 * (columns // 2 + 1)
    known = np.full((depth, rows, 2), -1, np.int32)
    runs = np.empty((_FIRST_ROOM + most, 2), np.int32)
    taken = np.zeros(len(runs), np.bool_)
    stack = np.empty((_FIRST_ROOM + most, 3), np.int32)
    # How many wait, how many runs and voxels there are; the first and the last voxel taken along z, y, x.
    state = np.array([-1, 0, 0, *start, *start], np.int64)
    while state[0]:
        stop_if(cancelled)
        flood(region, *limits, *bounds, known, runs, taken, stack, state, most, _RUNS_A_TURN)
        report(min(1.0, float(state[2]) / region.size), "growing")
        if state[1] + most > len(runs):
            runs = np.concatenate([runs, np.empty_like(runs)])
            taken = np.concatenate([taken, np.zeros_like(taken)])
        if state[0] + most > len(stack):
            stack = np.concatenate([stack, np.empty_like(stack)])
    z, y, x, last_z, last_y, last_x = (int(place) for place in state[3:])
    box = Box((z, y, x), (last_z + 1, last_y + 1, last_x + 1))
    mask = np.zeros(box.shape, np.bool_)
    paint(known, runs, taken, z, y, x, mask)
    return Covered(box, mask)


def _plain(region: Values) -> Values:
    """The same values as the kernel takes them, so that it is compiled for few types, a second once for each.

    Contiguous (after a crop the copy is small), in the machine's byte order, read-only; rare types in a wider one.
    """
    kind = region.dtype.newbyteorder("=")
    kind = next((wider for wider in _COMPILED_FOR if np.can_cast(kind, wider, "safe")), kind)
    plain = np.ascontiguousarray(region, dtype=kind).view()
    plain.flags.writeable = False
    return plain


@cache
def _compiled() -> Kernels | None:
    """The kernels compiled by numba, the flood and the painting; None where numba cannot be imported."""
    try:
        return compiled(_flood_runs), compiled(_paint_runs)
    except ImportError:
        return None


def _flood_runs(
    values: Values,
    low: Any,
    high: Any,
    first: IntArray,
    last: IntArray,
    known: npt.NDArray[np.int32],
    runs: npt.NDArray[np.int32],
    taken: BoolArray,
    stack: npt.NDArray[np.int32],
    state: IntArray,
    most: int,
    turns: int,
) -> None:
    """Go on with a flood for up to `turns` runs; compiled, so written in the few words numba knows.

    Args:
        values: (z, y, x); in range from `low` to `high`, limits of the same type.
        low: see `values`.
        high: see `values`.
        first: (z, y): the first voxel along x within reach; `last` the last one.
        last: see `first`.
        known: (z, y, 2): where a line's runs begin and end in `runs`; −1 for one not looked at yet.
        runs: (n, 2): first and last voxel along x, those of a line in order.
        taken: (n,): whether the flood was there.
        stack: (n, 3): z, y and number of the runs to go on from.
        state: how many of those wait (−1 at the start), how many runs are known, how many voxels were taken, the first
            and the last of these along z, y, x; at the start all six are the seed's.
        most: how many runs, and places of the stack, one run may add; the flood pauses where they might not fit.
        turns: how many runs at most.
    """
    depth, rows, _ = values.shape
    waiting, used, filled = state[0], state[1], state[2]
    z0, y0, x0, z1, y1, x1 = state[3], state[4], state[5], state[6], state[7], state[8]
    begins = waiting < 0
    if begins:
        waiting = 1
    while waiting > 0 and turns > 0 and used + most <= runs.shape[0] and waiting + most <= stack.shape[0]:
        turns -= 1
        waiting -= 1
        sides = 4
        if begins:
            # The seed's own line, as if a run beside it had come to the seed.
            z, y, begin, end = z0, y0, x0, x0
            sides = 1
        else:
            z, y = np.int64(stack[waiting, 0]), np.int64(stack[waiting, 1])
            begin, end = np.int64(runs[stack[waiting, 2], 0]), np.int64(runs[stack[waiting, 2], 1])
            filled += end - begin + 1
            z0, y0, x0 = min(z0, z), min(y0, y), min(x0, begin)
            z1, y1, x1 = max(z1, z), max(y1, y), max(x1, end)
        for side in range(sides):
            near_z, near_y = z, y
            if not begins:
                near_z = z + (side == 0) - (side == 1)
                near_y = y + (side == 2) - (side == 3)
            if near_z < 0 or near_z >= depth or near_y < 0 or near_y >= rows:
                continue
            if known[near_z, near_y, 0] < 0:
                known[near_z, near_y, 0] = used
                line = values[near_z, near_y]
                place, stop = first[near_z, near_y], last[near_z, near_y] + 1
                while place < stop:
                    while place < stop and not (low <= line[place] <= high):
                        place += 1
                    if place == stop:
                        break
                    runs[used, 0] = place
                    while place < stop and low <= line[place] <= high:
                        place += 1
                    runs[used, 1] = place - 1
                    used += 1
                known[near_z, near_y, 1] = used
            # The first run that ends at `begin` or later, by halving; then all that begin by `end`.
            run, after = np.int64(known[near_z, near_y, 0]), np.int64(known[near_z, near_y, 1])
            beyond = after
            while run < beyond:
                middle = (run + beyond) // 2
                if runs[middle, 1] < begin:
                    run = middle + 1
                else:
                    beyond = middle
            while run < after and runs[run, 0] <= end:
                if not taken[run]:
                    taken[run] = True
                    stack[waiting, 0], stack[waiting, 1], stack[waiting, 2] = near_z, near_y, run
                    waiting += 1
                run += 1
        begins = False
    state[0], state[1], state[2] = waiting, used, filled
    state[3], state[4], state[5], state[6], state[7], state[8] = z0, y0, x0, z1, y1, x1


def _paint_runs(
    known: npt.NDArray[np.int32],
    runs: npt.NDArray[np.int32],
    taken: BoolArray,
    z0: int,
    y0: int,
    x0: int,
    mask: BoolArray,
) -> None:
    """Mark the runs taken in a mask that begins at a voxel of the region; arguments as of `_flood_runs`."""
    for z in range(mask.shape[0]):
        for y in range(mask.shape[1]):
            line = mask[z, y]
            for run in range(known[z0 + z, y0 + y, 0], known[z0 + z, y0 + y, 1]):
                if taken[run]:
                    line[runs[run, 0] - x0 : runs[run, 1] + 1 - x0] = True
