"""Grow: the connected voxels of similar intensity round a seed. It knows values and a seed, no label.

Voxels are connected by their faces: six neighbours in the volume, four in a slice. The flood runs along whole lines of
voxels (a scanline fill), compiled by numba where it can be imported, else through scipy; both give the same voxels.
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
from app.core.tools.threshold import Range, Values, in_range, likely_range, limits_in
from model.grid import Box, Float3, Int3
from model.progress import CancelCheck, Report, never, silent, stop_if

IntArray = npt.NDArray[np.int64]

_LINES_A_TURN = 50_000
"""Lines of voxels the compiled flood fills before it lets itself be cancelled: some ten milliseconds."""
_FIRST_STACK = 1 << 16
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
    kernel = _compiled()
    if kernel is None:
        stop_if(cancelled)
        found = _flood_plainly(region, start, low, high, bounds)
    else:
        found = _flood(kernel, region, start, low, high, bounds, report, cancelled)
    return cropped(found, box)


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
    kernel: Callable[..., tuple[int, int]],
    region: Values,
    start: Int3,
    low: float,
    high: float,
    bounds: tuple[IntArray, IntArray],
    report: Report,
    cancelled: CancelCheck,
) -> BoolArray:
    """The flood through the compiled kernel, some lines at a time."""
    region = _plain(region)
    limits = limits_in(region.dtype, low, high)
    assert limits is not None  # the seed's value lies within
    found = np.zeros(region.shape, np.bool_)
    # One line adds at most two places for every two voxels in each of four neighbouring lines.
    one_line = 2 * region.shape[2] + 4
    stack = np.empty((_FIRST_STACK + one_line, 3), np.int32)
    stack[0] = start
    waiting, filled = 1, 0
    while waiting:
        stop_if(cancelled)
        waiting, count = kernel(region, *limits, *bounds, found, stack, waiting, _LINES_A_TURN, one_line)
        filled += count
        report(min(1.0, filled / found.size), "growing")
        if waiting + one_line > len(stack):
            stack = np.concatenate([stack, np.empty_like(stack)])
    return found


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
def _compiled() -> Callable[..., tuple[int, int]] | None:
    """The kernel compiled by numba; None where numba cannot be imported."""
    try:
        import numba
    except ImportError:
        return None
    try:
        kernel: Callable[..., tuple[int, int]] = numba.njit(nogil=True, cache=True)(_fill_lines)
    except RuntimeError:
        # Installed where nothing can be written, and no cache folder either: compiled anew at each start.
        kernel = numba.njit(nogil=True)(_fill_lines)
    return kernel


def _fill_lines(
    values: Values,
    low: Any,
    high: Any,
    first: IntArray,
    last: IntArray,
    found: BoolArray,
    stack: npt.NDArray[np.int32],
    waiting: int,
    lines: int,
    one_line: int,
) -> tuple[int, int]:
    """Fill up to `lines` lines from the stack; compiled, so written in the few words numba knows.

    Args:
        values: (z, y, x); in range from `low` to `high`, limits of the same type.
        low: see `values`.
        high: see `values`.
        first: (z, y): the first voxel along x within reach; `last` the last one.
        last: see `first`.
        found: (z, y, x), written.
        stack: (n, 3) places to fill from, `waiting` of them; it is left early where it might overflow.
        waiting: see `stack`.
        lines: how many lines at most.
        one_line: how many places one line may add.

    Returns:
        How many places still wait, and how many voxels were filled.
    """
    depth, rows, _ = values.shape
    filled = 0
    while waiting > 0 and lines > 0 and waiting + one_line <= stack.shape[0]:
        lines -= 1
        waiting -= 1
        z, y, x = stack[waiting, 0], stack[waiting, 1], stack[waiting, 2]
        if found[z, y, x]:
            continue
        # Views of one line: an index in three numbers is worked out anew, and looked at for its sign, each time.
        line, seen = values[z, y], found[z, y]
        begin, end = x, x
        while begin > first[z, y] and not seen[begin - 1] and low <= line[begin - 1] <= high:
            begin -= 1
        while end < last[z, y] and not seen[end + 1] and low <= line[end + 1] <= high:
            end += 1
        seen[begin : end + 1] = True
        filled += end - begin + 1
        for side in range(4):
            near_z = z + (side == 0) - (side == 1)
            near_y = y + (side == 2) - (side == 3)
            if near_z < 0 or near_z >= depth or near_y < 0 or near_y >= rows:
                continue
            line, seen = values[near_z, near_y], found[near_z, near_y]
            inside = False
            for place in range(max(begin, first[near_z, near_y]), min(end, last[near_z, near_y]) + 1):
                fits = not seen[place] and low <= line[place] <= high
                if fits and not inside:
                    stack[waiting, 0], stack[waiting, 1], stack[waiting, 2] = near_z, near_y, place
                    waiting += 1
                inside = fits
    return waiting, filled
