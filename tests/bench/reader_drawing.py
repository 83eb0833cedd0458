"""Plans of the simulated reader that are drawn: strokes of every brush, and closed lines.

A person sees where a stroke or a line would go; an imaginary hand that shakes says what should come of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from app.core.planes import Plane
from app.core.tools.parameters import Value
from app.core.tools.threshold import in_range, range_at
from model.grid import Box, Float3
from tests.bench.reader_eye import Benefit
from tests.bench.reader_hand import Cost, Hand, Points, Setting
from tests.bench.reader_paths import Canvas, deepest, plan_line, plan_strokes, thickness_mm
from tests.bench.reader_situation import Plan, Situation, Writes, erasing, painting

LARGEST_RADIUS_MM = 40.0


@dataclass(frozen=True, eq=False)
class Way:
    """A way to write with a brush or a line: the tool, its label, options, and what it does to a box of voxels."""

    tool: str
    label: int
    options: tuple[tuple[str, str, Value], ...]
    writes: Writes
    before: Callable[[Hand], None] | None = None


def ways(now: Situation) -> Iterator[Way]:
    """The brushes that could put the region right."""
    have, want = now.region.have, now.region.want
    session = now.hand.session
    if want:
        yield Way("brush", want, (("brush", "protect", have == 0),), painting(now, want, have == 0))
        yield from _threshold_way(now)
    else:
        yield Way("erase", have, (("erase", "protect", True),), erasing(now, have))
    if session.prediction is not None:
        taken = session.prediction.labels

        def restores(box: Box) -> Benefit:
            theirs = taken[box.slices]
            return now.eye.benefit(now.labels, box, theirs, now.labels[box.slices] != theirs)

        if (restores(now.region.box) > 0).any():
            yield Way("take-prediction", have or want, (), restores)


def _threshold_way(now: Situation) -> Iterator[Way]:
    """The threshold brush with the range sampled in the middle of the region, if that is not the range already."""
    region, values = now.region, now.hand.session.scan.volume.values
    place = tuple(
        float(a + b) for a, b in zip(deepest(region.mask, now.spacing), region.box.start, strict=True)
    )
    voxel: Float3 = (place[0], place[1], place[2])
    found = range_at(values, voxel, now.hand.session.radius_mm, now.spacing)
    if found is None:
        return
    options = now.hand.session.tools.options("threshold-brush")
    set_now = (options.number("low"), options.number("high"))
    label, protect = region.want, region.have == 0
    for low, high in dict.fromkeys((set_now, found)):
        sampled = (low, high) != set_now

        def writes(box: Box, low: float = low, high: float = high) -> Benefit:
            part = now.labels[box.slices]
            where = (part == 0 if protect else part != label) & in_range(values[box.slices], low, high)
            return now.eye.benefit(now.labels, box, label, where)

        def sample(hand: Hand) -> None:
            hand.sample(now.plane(), voxel)

        # Worth it where it takes nearly all of the region and leaves most of what is right beside it.
        near = now.around(6.0)
        plain, ranged = painting(now, label, protect)(near), writes(near)
        if (ranged > 0).sum() < 0.9 * (plain > 0).sum() or (ranged < 0).sum() > 0.5 * (plain < 0).sum():
            continue
        yield Way(
            "threshold-brush",
            label,
            (("threshold-brush", "protect", protect), ("threshold-brush", "inverse", False)),
            writes,
            sample if sampled else None,
        )


def strokes(now: Situation, way: Way, *, balls: bool) -> Iterator[Plan]:
    """The best strokes of a way to write, of several radii; with `balls` of both shapes."""
    region, spacing = now.region, now.spacing
    small = now.patch(now.around(0.0, deep=False))
    flat = tuple(spacing[axis] for axis in range(3) if axis != region.axis)
    thick = thickness_mm(small, flat)
    radii = {
        round(min(LARGEST_RADIUS_MM, max(0.5 * min(spacing), thick * f)), 1) for f in (0.7, 1.2, 2.0, 3.5)
    }
    radii.add(min(LARGEST_RADIUS_MM, now.hand.session.radius_mm))
    deep = balls and region.box.shape[region.axis] > 1
    box = now.around(max(radii))
    canvas = Canvas(way.writes(box), box, region.axis, region.index, spacing)
    patch = now.patch(box)
    plane = now.plane()
    for plan in plan_strokes(canvas, patch, sorted(radii), (False, True) if deep else (False,), now.imagined):

        def act(hand: Hand, points: Points = plan.points) -> None:
            hand.stroke(plane, points)

        setting = Setting(way.tool, way.label, plan.radius_mm, (*way.options, (way.tool, "ball", plan.ball)))
        cost = Cost(1 + (way.before is not None), plan.path_mm)
        yield Plan(way.tool, setting, plan.net, cost, act, leaves=plan.leaves, first=way.before)


def lines(now: Situation) -> Iterator[Plan]:
    """The lasso in the slice, and through all slices of the plane."""
    region = now.region
    if region.want:
        label, action, writes = region.want, "add", painting(now, region.want, region.have == 0)
    else:
        label, action, writes = region.have, "subtract", erasing(now, region.have)
    protect = region.have == 0 or region.want == 0
    for through in (False, True):
        box = now.around(12.0, deep=False)
        if through:
            start, stop = list(box.start), list(box.stop)
            start[region.axis], stop[region.axis] = 0, now.labels.shape[region.axis]
            whole = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
            benefit = writes(whole).sum(axis=region.axis, keepdims=True, dtype=np.int16)
        else:
            benefit = writes(box)
        canvas = Canvas(benefit, box, region.axis, region.index, now.spacing)
        line = plan_line(canvas, now.patch(box), now.imagined)
        if line is None or line.net <= 0:
            continue
        plane, points = now.plane(), line.points
        options = (
            ("lasso", "action", action),
            ("lasso", "through_all", through),
            ("lasso", "protect", protect),
        )
        setting = Setting("lasso", label, None, options)

        def act(hand: Hand, plane: Plane = plane, points: Points = points) -> None:
            hand.outline(plane, points)

        name = "lasso through all" if through else "lasso"
        yield Plan(name, setting, line.net, Cost(1, line.path_mm), act, leaves=line.leaves)
