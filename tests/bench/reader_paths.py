"""Plans where a brush is led and which line is drawn, from a map of what a change would make right or wrong.

A brush is led along centres from which it touches nothing that is right; the line of a lasso runs between what is to
change and what is not, with room where that is nobody's. Plans are judged with an imaginary hand that shakes as the
real one does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import edt
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from app.core.tools.brush import Brush, sweep
from app.core.tools.lasso import inside_outline
from model.grid import Box, Float3
from tests.bench.reader_eye import Benefit, Mask
from tests.bench.reader_hand import Cost, Points, jittered, length_mm

Distances = npt.NDArray[np.float32]

STEP_MM = 3.0
"""A hand's path is a point every so many mm."""
_CENTRES, _TARGETS, _STOPS, _LOOKED_AT = 160, 500, 40, 10
_EIGHT = np.ones((3, 3), np.int8)


@dataclass(frozen=True, eq=False)
class StrokePlan:
    """A stroke of a brush: its path (n, 3; z, y, x), radius, whether it is a ball, and what it should come to.

    `leaves` is the share of the patch that it does not reach.
    """

    points: Points
    radius_mm: float
    ball: bool
    net: float
    path_mm: float
    leaves: float


@dataclass(frozen=True, eq=False)
class LinePlan:
    """A closed line (n, 3; z, y, x), what should come of it, and the share of the patch that it leaves outside."""

    points: Points
    net: float
    path_mm: float
    leaves: float


@dataclass(frozen=True, eq=False)
class Canvas:
    """A part of the volume as a planner sees it.

    Attributes:
        benefit: what a change makes of each voxel of `box`.
        box: the part.
        axis: the array axis across the slice that is drawn in.
        index: that slice, in the volume.
        spacing: mm along z, y, x.
    """

    benefit: Benefit
    box: Box
    axis: int
    index: int
    spacing: Float3

    @property
    def plane(self) -> Benefit:
        """The slice that is drawn in."""
        plane: Benefit = np.take(self.benefit, self.index - self.box.start[self.axis], axis=self.axis)
        return plane

    @property
    def in_plane(self) -> tuple[int, int]:
        """The other two axes."""
        first, second = (axis for axis in range(3) if axis != self.axis)
        return first, second

    def lift(self, places: npt.NDArray[np.float64]) -> Points:
        """Places (n, 2) in the slice as points of the volume."""
        points = np.empty((len(places), 3))
        points[:, self.axis] = self.index
        for column, axis in enumerate(self.in_plane):
            points[:, axis] = places[:, column] + self.box.start[axis]
        return points


def plan_strokes(
    canvas: Canvas,
    patch: Mask,
    radii_mm: Iterable[float],
    balls: Iterable[bool],
    rng: np.random.Generator,
) -> list[StrokePlan]:
    """The best stroke of each radius and shape; `patch` says which pixels of the slice it is about."""
    routes = []
    for ball in balls:
        away = _away(canvas, ball)
        for radius in radii_mm:
            for margin in (0.0, -0.7 * min(canvas.spacing)):
                route = _route(canvas, patch, away > radius + margin, radius, ball)
                if route is not None:
                    points = resampled(canvas.lift(route.centres), canvas.spacing)
                    seconds = Cost(1, length_mm(points, canvas.spacing)).seconds()
                    routes.append((route.covered / seconds, radius, ball, points))
    routes.sort(key=lambda route: -route[0])
    plans = []
    for _, radius, ball, points in routes[:_LOOKED_AT]:
        drawn = jittered(points, canvas.axis, canvas.spacing, rng)
        covered = _swept(canvas, drawn, radius, ball)
        net = float(canvas.benefit[covered].sum(dtype=np.int64))
        if net > 0:
            here = np.take(covered, canvas.index - canvas.box.start[canvas.axis], axis=canvas.axis)
            leaves = 1 - float(here[patch].mean())
            length = length_mm(drawn, canvas.spacing)
            plans.append(StrokePlan(points, radius, ball, net, length, leaves))
    return plans


def plan_line(canvas: Canvas, patch: Mask, rng: np.random.Generator) -> LinePlan | None:
    """The line round a patch of the slice; where the canvas is a projection, the benefit is a sum over slices."""
    plane = canvas.plane
    good, bad = plane > 0, plane < 0
    spacing = tuple(canvas.spacing[axis] for axis in canvas.in_plane)
    to_good = _distance(~good, spacing)
    to_bad = _distance(~bad, spacing)
    room = good | ((to_good < to_bad) & (to_good <= 1.5 * max(spacing)))
    inside = _piece_at(room, patch & good)
    if inside is None:
        return None
    inside = ndimage.binary_fill_holes(inside)
    corners = _outline_of(inside)
    if len(corners) < 3:
        return None
    points = resampled(np.vstack([canvas.lift(corners), canvas.lift(corners[:1])]), canvas.spacing)[:-1]
    if len(points) < 3:
        return None
    drawn = jittered(points, canvas.axis, canvas.spacing, rng)
    first, second = canvas.in_plane
    places = drawn[:, [first, second]] - np.array([canvas.box.start[first], canvas.box.start[second]])
    row, column, enclosed = inside_outline(places, *plane.shape)
    net = float(plane[row : row + enclosed.shape[0], column : column + enclosed.shape[1]][enclosed].sum())
    reached = np.zeros(plane.shape, np.bool_)
    reached[row : row + enclosed.shape[0], column : column + enclosed.shape[1]] = enclosed
    length = length_mm(np.vstack([drawn, drawn[:1]]), canvas.spacing)
    return LinePlan(points, net, length, 1 - float(reached[patch].mean()))


def resampled(points: Points, spacing: Float3, step_mm: float = STEP_MM) -> Points:
    """A path with a point about every `step_mm`; its ends stay."""
    legs = np.linalg.norm(np.diff(points, axis=0) * np.asarray(spacing), axis=1)
    along = np.concatenate([[0.0], np.cumsum(legs)])
    if along[-1] <= 0:
        return points[:1]
    places = np.linspace(0.0, along[-1], max(2, math.ceil(along[-1] / step_mm) + 1))
    return np.stack([np.interp(places, along, points[:, axis]) for axis in range(points.shape[1])], axis=1)


def deepest(mask: Mask, spacing: Float3) -> tuple[int, int, int]:
    """The voxel of a mask that lies farthest from its surface: where a hand that shakes would click."""
    depth = edt.edt(np.ascontiguousarray(mask), anisotropy=spacing, black_border=True)
    z, y, x = np.unravel_index(int(depth.argmax()), mask.shape)
    return int(z), int(y), int(x)


def thickness_mm(mask: npt.NDArray[np.bool_], spacing: tuple[float, ...]) -> float:
    """The radius in mm of the largest disc or ball that fits into a mask."""
    return float(edt.edt(np.ascontiguousarray(mask), anisotropy=spacing, black_border=True).max())


def _away(canvas: Canvas, ball: bool) -> Distances:
    """Per pixel of the slice, the mm to the nearest voxel that would be made wrong; a ball minds other slices too."""
    if not ball:
        return _distance(canvas.plane >= 0, tuple(canvas.spacing[axis] for axis in canvas.in_plane))
    distance = _distance(canvas.benefit >= 0, canvas.spacing)
    away: Distances = np.take(distance, canvas.index - canvas.box.start[canvas.axis], axis=canvas.axis)
    return away


def _distance(free: npt.NDArray[np.bool_], spacing: tuple[float, ...]) -> Distances:
    """Mm to the nearest voxel that is not free; large where there is none."""
    if free.all():
        return np.full(free.shape, 1e6, np.float32)
    return np.asarray(edt.edt(np.ascontiguousarray(free), anisotropy=spacing), np.float32)


@dataclass(frozen=True, eq=False)
class _Route:
    """Centres (n, 2) in the slice that a brush is led through, and about how many wrong voxels it covers."""

    centres: npt.NDArray[np.float64]
    covered: float


def _route(canvas: Canvas, patch: Mask, allowed: Mask, radius: float, ball: bool) -> _Route | None:
    """Leads a brush from one centre to the next without touching what is right."""
    targets = canvas.lift(np.argwhere(canvas.plane > 0).astype(np.float64))
    if ball:
        targets = np.argwhere(canvas.benefit > 0).astype(np.float64) + canvas.box.start
    near = _distance(~patch, tuple(canvas.spacing[axis] for axis in canvas.in_plane)) <= radius
    begin = np.argwhere(allowed & near).astype(np.float64)
    if len(begin) == 0 or len(targets) == 0:
        return None
    some = _thinned(targets, _TARGETS)
    begin = _thinned(begin, _CENTRES)
    first = begin[int(_covers(canvas, begin, some, radius).sum(axis=1).argmax())]
    pieces, _ = ndimage.label(allowed, structure=_EIGHT)
    piece = pieces == pieces[tuple(first.astype(int))]
    candidates = np.vstack([first[None], _thinned(np.argwhere(piece).astype(np.float64), _CENTRES)])
    covers = _covers(canvas, candidates, some, radius)
    chosen, left = [0], ~covers[0]
    total = int(covers[0].sum())
    while len(chosen) < _STOPS:
        gains = (covers & left).sum(axis=1)
        best = int(gains.argmax())
        if gains[best] < max(1, 0.05 * total):
            break
        total += int(gains[best])
        chosen.append(best)
        left &= ~covers[best]
    centres = _chained(candidates[chosen], piece, canvas)
    return _Route(centres, total * len(targets) / len(some))


def _covers(
    canvas: Canvas,
    centres: Points,
    targets: Points,
    radius: float,
) -> npt.NDArray[np.bool_]:
    """Which targets each centre covers: (centres, targets)."""
    spacing = np.asarray(canvas.spacing)
    from_mm = canvas.lift(centres) * spacing
    to_mm = targets * spacing
    squared = (from_mm**2).sum(1)[:, None] + (to_mm**2).sum(1)[None] - 2 * from_mm @ to_mm.T
    covered: npt.NDArray[np.bool_] = squared <= radius**2 + 1e-6
    return covered


def _thinned(places: Points, most: int) -> Points:
    """Some of them, `most` at most, drawn at random: a regular choice would fall in step with the rows of voxels."""
    if len(places) <= most:
        return places
    return places[np.sort(np.random.default_rng(len(places)).choice(len(places), most, replace=False))]


def _chained(stops: npt.NDArray[np.float64], allowed: Mask, canvas: Canvas) -> npt.NDArray[np.float64]:
    """The stops in an order in which each is reached from the one before; what cannot be reached is left out."""
    mm = np.array([canvas.spacing[axis] for axis in canvas.in_plane])
    start = int((((stops - stops[0]) * mm) ** 2).sum(axis=1).argmax())
    order, rest = [start], [index for index in range(len(stops)) if index != start]
    while rest:
        here = stops[order[-1]]
        rest.sort(key=lambda index: float((((stops[index] - here) * mm) ** 2).sum()))
        reached = next((index for index in rest if _clear(here, stops[index], allowed)), None)
        if reached is None:
            break
        order.append(reached)
        rest.remove(reached)
    return stops[order]


def _clear(start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], allowed: Mask) -> bool:
    steps = int(np.abs(end - start).max() * 2) + 1
    places = np.rint(start + np.linspace(0, 1, steps + 1)[:, None] * (end - start)).astype(np.int64)
    return bool(allowed[places[:, 0], places[:, 1]].all())


def _swept(canvas: Canvas, path: Points, radius: float, ball: bool) -> Mask:
    """The voxels of the canvas that a path covers."""
    brush = Brush(radius, None if ball else canvas.axis)
    covered = np.zeros(canvas.benefit.shape, np.bool_)
    local = path - np.asarray(canvas.box.start)
    legs = pairwise(local) if len(local) > 1 else ((local[0], local[0]),)
    for start, end in legs:
        z, y, x = (float(v) for v in start)
        to_z, to_y, to_x = (float(v) for v in end)
        found = sweep(brush, (z, y, x), (to_z, to_y, to_x), canvas.spacing, canvas.benefit.shape)
        if found is not None:
            covered[found.box.slices] |= found.mask
    return covered


def _piece_at(room: Mask, patch: Mask) -> Mask | None:
    """The piece of `room` that holds most of the patch."""
    pieces, _ = ndimage.label(room)
    found = np.bincount(pieces[patch])
    if len(found) < 2:
        return None
    found[0] = 0
    piece: Mask = pieces == int(found.argmax())
    return piece


def _outline_of(mask: Mask) -> npt.NDArray[np.float64]:
    """The outer line round a piece without holes: (n, 2), through the middles of its border edges, in order."""
    padded = np.pad(mask, 1)
    follow: dict[tuple[int, int], list[tuple[int, int]]] = {}
    rows, columns = np.nonzero(padded)
    for r, c in zip(rows.tolist(), columns.tolist(), strict=True):
        # Edges between corners, the piece always on the right of the way.
        for dr, dc, start, end in (
            (-1, 0, (r, c), (r, c + 1)),
            (0, 1, (r, c + 1), (r + 1, c + 1)),
            (1, 0, (r + 1, c + 1), (r + 1, c)),
            (0, -1, (r + 1, c), (r, c)),
        ):
            if not padded[r + dr, c + dc]:
                follow.setdefault(start, []).append(end)
    longest: list[tuple[int, int]] = []
    while follow:
        corner = next(iter(follow))
        loop = [corner]
        while corner in follow:
            ends = follow[corner]
            nearest = ends.pop()
            if not ends:
                del follow[corner]
            corner = nearest
            loop.append(corner)
        if len(loop) > len(longest):
            longest = loop
    corners = np.array(longest, np.float64)
    if len(corners) < 2:
        return np.zeros((0, 2))
    # Corner (r, c) of the padded mask lies half a pixel before pixel r − 1 of the mask.
    return (corners[1:] + corners[:-1]) / 2 - 1.5
