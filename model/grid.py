"""Where voxels lie: the one type for geometry, and boxes of voxels.

Array order is z, y, x everywhere. World points are LPS millimetres in the order L, P, S, as in SimpleITK and
DICOM PS3.3 C.7.6.2.1.1. A voxel's position is that of its centre. This module knows no file and no values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

Int3 = tuple[int, int, int]
Float3 = tuple[float, float, float]
FloatArray = npt.NDArray[np.float64]

_POSITIVE = "LPS"
_NEGATIVE = "RAI"


@dataclass(frozen=True)
class Box:
    """A half-open box of voxels: `start` is inside, `stop` is not; both in z, y, x."""

    start: Int3
    stop: Int3

    @classmethod
    def whole(cls, shape: Sequence[int]) -> Box:
        """The box that covers an array of `shape` (z, y, x)."""
        return cls((0, 0, 0), (int(shape[0]), int(shape[1]), int(shape[2])))

    @classmethod
    def around(cls, mask: npt.NDArray[np.generic]) -> Box | None:
        """The smallest box round the non-zero voxels of `mask` (z, y, x); None if there are none."""
        slices = np.flatnonzero(mask.any(axis=(1, 2)))
        if slices.size == 0:
            return None
        z0, z1 = int(slices[0]), int(slices[-1]) + 1
        # One pass over the volume for both other axes: what is seen from above.
        shadow = np.logical_or.reduce(mask[z0:z1], axis=0)
        rows, columns = np.flatnonzero(shadow.any(axis=1)), np.flatnonzero(shadow.any(axis=0))
        return cls((z0, int(rows[0]), int(columns[0])), (z1, int(rows[-1]) + 1, int(columns[-1]) + 1))

    @property
    def shape(self) -> Int3:
        """Voxels along z, y, x; never negative."""
        z, y, x = (max(0, b - a) for a, b in zip(self.start, self.stop, strict=True))
        return z, y, x

    @property
    def size(self) -> int:
        """How many voxels lie in the box."""
        return math.prod(self.shape)

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Indices that cut this box out of an array in z, y, x."""
        z, y, x = (slice(a, b) for a, b in zip(self.start, self.stop, strict=True))
        return z, y, x

    def clipped(self, shape: Sequence[int]) -> Box:
        """The part of the box inside an array of `shape` (z, y, x); may be empty."""
        start = tuple(min(max(0, a), n) for a, n in zip(self.start, shape, strict=True))
        stop = tuple(min(max(s, b), n) for s, b, n in zip(start, self.stop, shape, strict=True))
        return Box(_int3(start), _int3(stop))

    def moved(self, voxels: Sequence[int]) -> Box:
        """The box so many voxels (z, y, x) further along."""
        return Box(
            _int3(a + n for a, n in zip(self.start, voxels, strict=True)),
            _int3(b + n for b, n in zip(self.stop, voxels, strict=True)),
        )

    def within(self, outer: Box) -> Box:
        """The same voxels as an array that covers `outer` counts them."""
        return self.moved([-a for a in outer.start])

    def joined(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(
            _int3(min(a, b) for a, b in zip(self.start, other.start, strict=True)),
            _int3(max(a, b) for a, b in zip(self.stop, other.stop, strict=True)),
        )

    def grown(self, voxels: Sequence[int]) -> Box:
        """The box with a margin of `voxels` (z, y, x) on every side."""
        return Box(
            _int3(a - n for a, n in zip(self.start, voxels, strict=True)),
            _int3(b + n for b, n in zip(self.stop, voxels, strict=True)),
        )


@dataclass(frozen=True)
class Grid:
    """A regular grid of voxels in space.

    Attributes:
        shape: voxels along z, y, x.
        spacing: millimetres between voxel centres along z, y, x.
        origin: LPS millimetres (L, P, S) of the centre of voxel (0, 0, 0).
        direction: three unit vectors (L, P, S), those along which z, y and x grow, in this order.
        orientation_known: False where a file says nothing of orientation; then no letters are drawn.
    """

    shape: Int3
    spacing: Float3 = (1.0, 1.0, 1.0)
    origin: Float3 = (0.0, 0.0, 0.0)
    direction: tuple[Float3, Float3, Float3] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    orientation_known: bool = True

    def __post_init__(self) -> None:
        if min(self.shape) < 1:
            raise ValueError(f"a grid needs at least one voxel along every axis, not {self.shape}")
        if not all(math.isfinite(mm) and mm > 0 for mm in self.spacing):
            raise ValueError(f"a grid needs positive spacings in mm, not {self.spacing}")

    @classmethod
    def from_xyz(
        cls,
        size_xyz: Sequence[int],
        spacing_xyz: Sequence[float],
        origin_lps: Sequence[float],
        direction_xyz: Sequence[float],
        *,
        orientation_known: bool = True,
    ) -> Grid:
        """A grid from SimpleITK's layout: sizes x, y, z; nine direction cosines by rows (L, P, S)."""
        matrix = np.asarray(direction_xyz, dtype=float).reshape(3, 3)
        return cls(
            shape=_int3(reversed(list(size_xyz))),
            spacing=_float3(reversed(list(spacing_xyz))),
            origin=_float3(origin_lps),
            direction=(_float3(matrix[:, 2]), _float3(matrix[:, 1]), _float3(matrix[:, 0])),
            orientation_known=orientation_known,
        )

    # -- the same facts in the order of files ------------------------------------------------------------
    @property
    def size_xyz(self) -> Int3:
        """Voxels along x, y, z."""
        return _int3(reversed(self.shape))

    @property
    def spacing_xyz(self) -> Float3:
        """Millimetres between voxel centres along x, y, z."""
        return _float3(reversed(self.spacing))

    @property
    def direction_xyz(self) -> tuple[float, ...]:
        """Nine cosines row by row as SimpleITK takes them: rows L, P, S; columns x, y, z."""
        return tuple(float(value) for value in self._columns()[:, ::-1].ravel())

    # -- between voxels and millimetres ------------------------------------------------------------------
    def _columns(self) -> FloatArray:
        columns: FloatArray = np.asarray(self.direction, dtype=float).T
        return columns

    @property
    def affine(self) -> FloatArray:
        """4×4: voxel index (z, y, x, 1) to LPS mm (L, P, S, 1)."""
        matrix = np.eye(4)
        matrix[:3, :3] = self._columns() * np.asarray(self.spacing)
        matrix[:3, 3] = self.origin
        return matrix

    def to_mm(self, voxel: npt.ArrayLike) -> FloatArray:
        """LPS mm (…, 3) of voxel indices (…, 3) in z, y, x; fractions lie between centres."""
        affine = self.affine
        points: FloatArray = np.asarray(voxel, dtype=float) @ affine[:3, :3].T + affine[:3, 3]
        return points

    def to_voxel(self, mm: npt.ArrayLike) -> FloatArray:
        """Fractional voxel indices (…, 3) in z, y, x of LPS mm (…, 3)."""
        inverse = np.linalg.inv(self.affine)
        voxels: FloatArray = np.asarray(mm, dtype=float) @ inverse[:3, :3].T + inverse[:3, 3]
        return voxels

    def corners_mm(self) -> FloatArray:
        """LPS mm (8, 3) of the centres of the eight corner voxels."""
        return self.to_mm(list(product(*((0, n - 1) for n in self.shape))))

    @property
    def voxel_mm3(self) -> float:
        """The volume of one voxel in mm³."""
        return math.prod(self.spacing) * abs(float(np.linalg.det(self._columns())))

    @property
    def extent_mm(self) -> Float3:
        """Size in mm along z, y, x, counting whole voxels."""
        return _float3(n * mm for n, mm in zip(self.shape, self.spacing, strict=True))

    # -- orientation -------------------------------------------------------------------------------------
    @property
    def axis_codes(self) -> str:
        """The patient direction each index grows to, in z, y, x: "SPL" for an identity direction."""
        letters = []
        columns = self._columns()
        for axis, world in enumerate(_nearest_axes(columns)):
            letters.append((_POSITIVE if columns[world, axis] > 0 else _NEGATIVE)[world])
        return "".join(letters)

    @property
    def axis_codes_xyz(self) -> str:
        """As `axis_codes`, in the file's order x, y, z: "LPS" for an identity direction."""
        return self.axis_codes[::-1]

    @property
    def is_left_handed(self) -> bool:
        """True where x, y, z form a left-handed system (determinant −1 in SimpleITK's layout)."""
        return float(np.linalg.det(self._columns()[:, ::-1])) < 0

    @property
    def obliquity_degrees(self) -> float:
        """The largest angle between a voxel axis and the patient axis it is named after."""
        columns = self._columns()
        cosines = [abs(columns[world, axis]) for axis, world in enumerate(_nearest_axes(columns))]
        return math.degrees(math.acos(min(1.0, max(-1.0, min(cosines)))))

    # -- grids made from this one ------------------------------------------------------------------------
    def sub(self, box: Box) -> Grid:
        """The grid of the voxels in `box` (it may reach outside this grid)."""
        return replace(self, shape=box.shape, origin=_float3(self.to_mm(box.start)))

    def coarser(self, factor: Sequence[int], shape: Sequence[int] | None = None) -> Grid:
        """The grid whose voxels each cover a block of `factor` (z, y, x) voxels, starting at voxel (0, 0, 0).

        `shape` defaults to as many blocks as are needed to cover this grid.
        """
        if shape is None:
            shape = [-(-n // f) for n, f in zip(self.shape, factor, strict=True)]
        return replace(
            self,
            shape=_int3(shape),
            spacing=_float3(mm * f for mm, f in zip(self.spacing, factor, strict=True)),
            origin=_float3(self.to_mm([(f - 1) / 2 for f in factor])),
        )

    def close_to(self, other: Grid, tolerance_mm: float = 1e-3) -> bool:
        """True if both have one shape and no corner voxel is further apart than `tolerance_mm`."""
        if self.shape != other.shape:
            return False
        return bool(np.abs(self.corners_mm() - other.corners_mm()).max() <= tolerance_mm)

    def reordering(self, codes_xyz: str) -> Reordering:
        """How to bring an array on this grid to axis codes in x, y, z order, e.g. "LPS".

        Axes are permuted and flipped, never resampled, so an oblique grid stays oblique.
        """
        wanted = codes_xyz.upper()[::-1]
        have = self.axis_codes
        pairs = enumerate(zip(_POSITIVE, _NEGATIVE, strict=True))
        world_of = {letter: world for world, pair in pairs for letter in pair}
        if sorted(world_of.get(letter, -1) for letter in wanted) != [0, 1, 2]:
            raise ValueError(f"axis codes name each of L/R, P/A and S/I once, not {codes_xyz!r}")
        source = [[world_of[h] for h in have].index(world_of[w]) for w in wanted]
        flips = tuple(have[axis] != letter for axis, letter in zip(source, wanted, strict=True))
        return Reordering(self, _int3(source), (flips[0], flips[1], flips[2]))


@dataclass(frozen=True)
class Reordering:
    """A permutation and flips of array axes: exact, and undone exactly.

    Attributes:
        grid: the grid before.
        source: for each new axis (z, y, x) the old axis it comes from.
        flipped: for each new axis whether it runs against the old one.
    """

    grid: Grid
    source: Int3
    flipped: tuple[bool, bool, bool]

    def apply(self, array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """A view of `array` (z, y, x) in the new order."""
        return array.transpose(self.source)[self._flip()]

    def undo(self, array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """A view of an array in the new order, back in the old order."""
        return array[self._flip()].transpose(np.argsort(self.source))

    def apply_grid(self, grid: Grid) -> Grid:
        """A grid with the old axes (this one, or one coarser than it), described in the new order."""
        first = [0, 0, 0]
        for axis, flip in zip(self.source, self.flipped, strict=True):
            if flip:
                first[axis] = grid.shape[axis] - 1
        return replace(
            grid,
            shape=_int3(grid.shape[axis] for axis in self.source),
            spacing=_float3(grid.spacing[axis] for axis in self.source),
            origin=_float3(grid.to_mm(first)),
            direction=self._directions(grid),
        )

    def undo_grid(self, grid: Grid) -> Grid:
        """A grid in the new order (of any shape and spacing), described in the old order."""
        inverse = [int(axis) for axis in np.argsort(self.source)]
        flipped = tuple(self.flipped[axis] for axis in inverse)
        return Reordering(grid, _int3(inverse), (flipped[0], flipped[1], flipped[2])).apply_grid(grid)

    def apply_box(self, box: Box) -> Box:
        """A box of the old array, in the new order."""
        start, stop = [0, 0, 0], [0, 0, 0]
        for new, (old, flip) in enumerate(zip(self.source, self.flipped, strict=True)):
            length = self.grid.shape[old]
            start[new] = length - box.stop[old] if flip else box.start[old]
            stop[new] = length - box.start[old] if flip else box.stop[old]
        return Box(_int3(start), _int3(stop))

    def _flip(self) -> tuple[slice, slice, slice]:
        z, y, x = (slice(None, None, -1) if flip else slice(None) for flip in self.flipped)
        return z, y, x

    def _directions(self, grid: Grid) -> tuple[Float3, Float3, Float3]:
        z, y, x = (
            _float3((-v if flip else v) for v in grid.direction[axis])
            for axis, flip in zip(self.source, self.flipped, strict=True)
        )
        return z, y, x


def _nearest_axes(columns: FloatArray) -> Int3:
    """For each voxel axis the patient axis (0 L, 1 P, 2 S) nearest to it, each patient axis taken once."""
    weights = np.abs(columns)
    return max(
        ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)),
        key=lambda order: sum(weights[world, axis] for axis, world in enumerate(order)),
    )


def _int3(values: object) -> Int3:
    z, y, x = (int(value) for value in values)  # type: ignore[attr-defined]
    return z, y, x


def _float3(values: object) -> Float3:
    z, y, x = (float(value) for value in values)  # type: ignore[attr-defined]
    return z, y, x
