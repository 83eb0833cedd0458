"""Runs: a mask as stretches of voxels along x, and which of them hang together by faces, edges and corners.

An organ of five million voxels is some ten thousand runs, so that joining runs costs next to nothing beside reading the
mask once. Compiled by numba; `compiled` is for the other kernels too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt

from app.core.tools.brush import BoolArray, Covered
from model.grid import Box, Int3
from model.progress import CancelCheck, Report, never, silent, stop_if

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]
Kernel = TypeVar("Kernel", bound=Callable[..., object])

_ALL_SET = np.uint64(0x0101010101010101)
"""Eight voxels of a mask side by side, all of them set."""


def compiled(kernel: Kernel) -> Kernel:
    """A kernel compiled by numba; raises ImportError where that cannot be imported."""
    import numba

    try:
        return cast(Kernel, numba.njit(nogil=True, cache=True)(kernel))
    except RuntimeError:
        # Installed where nothing can be written, and no cache folder either: compiled anew at each start.
        return cast(Kernel, numba.njit(nogil=True)(kernel))


@dataclass(frozen=True, eq=False)
class RunPieces:
    """The pieces of a mask, numbered from 0 in the order of their first voxels (z, then y, then x).

    Attributes:
        shape: of the mask (z, y, x).
        runs: (n, 2): first voxel along x and the one after the last.
        starts: where the runs of each line (z, y) begin in `runs`, and as the last entry how many there are.
        numbers: (n,): the piece of each run.
        sizes: voxels of each piece.
    """

    shape: Int3
    runs: Places
    starts: Ints
    numbers: Places
    sizes: Ints

    def number_at(self, voxel: Int3) -> int:
        """The piece that holds a voxel of the mask."""
        line = voxel[0] * self.shape[1] + voxel[1]
        first, last = int(self.starts[line]), int(self.starts[line + 1])
        run = first + int(np.searchsorted(self.runs[first:last, 1], voxel[2], side="right"))
        return int(self.numbers[run])

    def covered(self, chosen: BoolArray) -> Covered | None:
        """The voxels of the chosen pieces, one answer for each, in their box; None if there are none."""
        wanted = chosen[self.numbers]
        if not wanted.any():
            return None
        lines = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))[wanted]
        z, y = np.divmod(lines, self.shape[1])
        runs = self.runs[wanted]
        start = int(z[0]), int(y.min()), int(runs[:, 0].min())
        box = Box(start, (int(z[-1]) + 1, int(y.max()) + 1, int(runs[:, 1].max())))
        mask = np.zeros(box.shape, np.bool_)
        _kernels().paint(z - start[0], y - start[1], runs - start[2], mask)
        return Covered(box, mask)


def pieces_by_runs(mask: BoolArray, report: Report = silent, cancelled: CancelCheck = never) -> RunPieces:
    """The pieces of a mask (z, y, x).

    Raises:
        ImportError: numba cannot be imported.
        Cancelled: if `cancelled` says so; it is asked once a slice.
    """
    kernels = _kernels()
    depth, rows, columns = mask.shape
    plain = np.ascontiguousarray(mask)
    voxels = plain.view(np.uint8)
    # Eight voxels at once where lines are whole numbers of eight.
    words = plain.view(np.uint64) if columns % 8 == 0 else np.zeros((depth, rows, 0), np.uint64)
    most = rows * (columns // 2 + 1)
    runs, joined = np.empty((2 * most, 2), np.int32), np.empty(2 * most, np.int32)
    starts = np.zeros(depth * rows + 1, np.int64)
    count = 0
    for z in range(depth):
        stop_if(cancelled)
        report(0.9 * z / depth, "finding islands")
        if count + most > len(runs):
            runs, joined = (np.concatenate([array, np.empty_like(array)]) for array in (runs, joined))
        count = kernels.find(voxels, words, z, runs, starts, count)
        kernels.join(z, rows, runs, starts, joined)
    runs, joined = runs[:count], joined[:count]
    stop_if(cancelled)
    sizes = np.zeros(count, np.int64)
    found = kernels.number(runs, joined, sizes)
    return RunPieces((depth, rows, columns), runs, starts, joined, sizes[:found])


@dataclass(frozen=True)
class _Kernels:
    find: Callable[..., int]
    join: Callable[..., None]
    number: Callable[..., int]
    paint: Callable[..., None]


@cache
def _kernels() -> _Kernels:
    return _Kernels(compiled(_find), compiled(_join), compiled(_number), compiled(_paint))


# -- compiled, so written in the few words numba knows ------------------------------------------------------------
def _find(
    voxels: npt.NDArray[np.uint8],
    words: npt.NDArray[np.uint64],
    z: int,
    runs: Places,
    starts: Ints,
    count: int,
) -> int:
    """Write the runs of a slice after the first `count`; gives how many there are then."""
    rows, columns = voxels.shape[1], voxels.shape[2]
    by_words = words.shape[2] > 0
    for y in range(rows):
        line = voxels[z, y]
        place = 0
        while place < columns:
            while place < columns and line[place] == 0:
                if by_words and place % 8 == 0 and words[z, y, place // 8] == 0:
                    place += 8
                else:
                    place += 1
            if place >= columns:
                break
            runs[count, 0] = place
            while place < columns and line[place] != 0:
                if by_words and place % 8 == 0 and words[z, y, place // 8] == _ALL_SET:
                    place += 8
                else:
                    place += 1
            runs[count, 1] = place
            count += 1
        starts[z * rows + y + 1] = count
    return count


def _join(z: int, rows: int, runs: Places, starts: Ints, joined: Places) -> None:
    """Join the runs of a slice with those they touch before them: `joined` leads to an earlier one, or to itself."""
    for y in range(rows):
        line = z * rows + y
        for run in range(starts[line], starts[line + 1]):
            joined[run] = run
        for side in range(4):
            # The line before in the slice, and the three lines beside this one in the slice before.
            near_z, near_y = z - (side > 0), y + (side - 2 if side > 0 else -1)
            if near_z < 0 or near_y < 0 or near_y >= rows:
                continue
            near = near_z * rows + near_y
            ours, theirs = starts[line], starts[near]
            while ours < starts[line + 1] and theirs < starts[near + 1]:
                if runs[ours, 0] <= runs[theirs, 1] and runs[theirs, 0] <= runs[ours, 1]:
                    a, b = ours, theirs
                    while joined[a] != a:
                        joined[a] = joined[joined[a]]
                        a = joined[a]
                    while joined[b] != b:
                        joined[b] = joined[joined[b]]
                        b = joined[b]
                    if a < b:
                        joined[b] = a
                    else:
                        joined[a] = b
                if runs[ours, 1] < runs[theirs, 1]:
                    ours += 1
                else:
                    theirs += 1


def _number(runs: Places, joined: Places, sizes: Ints) -> int:
    """Turn what each run is joined with into the number of its piece, and count voxels; gives how many there are."""
    count = 0
    for run in range(len(joined)):
        if joined[run] == run:
            joined[run] = count
            count += 1
        else:
            # An earlier run, whose number is known already.
            joined[run] = joined[joined[run]]
        sizes[joined[run]] += runs[run, 1] - runs[run, 0]
    return count


def _paint(z: Ints, y: Ints, runs: Places, mask: BoolArray) -> None:
    """Mark runs in a mask."""
    for run in range(len(runs)):
        line = mask[z[run], y[run]]
        line[runs[run, 0] : runs[run, 1]] = True
