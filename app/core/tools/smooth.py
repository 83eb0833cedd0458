"""Smooth: a mask with its roughness taken off, by the median, opening or closing over a ball in mm.

The volume's border by itself changes nothing: the median takes the mask to go on beyond it as it ends, opening does
not round off a mask where the scan cuts it, closing does not pull it towards the border. None reaches beyond the
mask's own box. The brush that smooths (`writers`) takes the median of the places it covers alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from app.core.tools.brush import BoolArray, Covered
from app.core.tools.margin import Ball, over_ball, within_reach
from model.grid import Box, Float3, Int3
from model.progress import CancelCheck, Report, never, silent

Method = Literal["median", "opening", "closing"]
Cut = Callable[[Box], BoolArray]
"""The part of a mask in a box, which lies within the volume."""


def smoothed(
    mask: BoolArray,
    method: Method,
    radius_mm: float,
    spacing: Float3,
    *,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> Covered | None:
    """The mask smoothed.

    Median: a voxel belongs where most of the ball round it does. Opening: what a ball within the mask covers, so that
    thin bridges and spikes go. Closing: what no ball outside the mask covers, so that clefts and pits are filled.

    Args:
        mask: (z, y, x).
        method: how.
        radius_mm: the ball's radius.
        spacing: mm between voxels along z, y, x.
        report: told how far it is.
        cancelled: asked at least once a slice, but not while a distance transform runs.

    Returns:
        The new mask (not what changed) in the box of the old one. None where nothing would change: an empty mask, a
        radius under every spacing, a smooth mask.

    Raises:
        Cancelled: if `cancelled` says so.
    """
    box = Box.around(mask)
    ball = Ball.of(radius_mm, spacing)
    if box is None or ball.is_one_voxel:
        return None
    before = mask[box.slices]
    if method == "median":
        after = median_in(lambda part: mask[part.slices], box, mask.shape, ball, report, cancelled)
    elif method == "opening":
        after = _opened(mask, box, ball, report, cancelled)
    else:
        after = _closed(mask, box, ball, report, cancelled)
    return None if np.array_equal(before, after) else Covered(box, after)


def median_in(
    cut: Cut,
    box: Box,
    shape: tuple[int, ...],
    ball: Ball,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> BoolArray:
    """Where in `box` most of the ball round a voxel belongs to a mask.

    Args:
        cut: gives the mask; asked for the box and what the ball reaches round it.
        box: within a volume of `shape`.
        shape: voxels along z, y, x.
        ball: the ball.
        report: told how far it is.
        cancelled: asked at least once a slice.

    Raises:
        Cancelled: if `cancelled` says so.
    """
    region, outer = _region(cut, box, ball.reach, shape, repeat=True)
    counted = np.int16 if ball.size < 2**15 else np.int32
    counts = over_ball(region, ball, counted, report, cancelled)[box.within(outer).slices]
    # A ball holds an odd number of voxels: no ties.
    return np.asarray(counts > ball.size // 2, np.bool_)


def _opened(mask: BoolArray, box: Box, ball: Ball, report: Report, cancelled: CancelCheck) -> BoolArray:
    # One ring of background round the mask is enough: a ball that reaches farther out meets it.
    wide = box.grown((1, 1, 1)).clipped(mask.shape)
    kept = ~within_reach(~mask[wide.slices], ball, _half(report, 0), cancelled)
    return within_reach(kept, ball, _half(report, 1), cancelled)[box.within(wide).slices]


def _closed(mask: BoolArray, box: Box, ball: Ball, report: Report, cancelled: CancelCheck) -> BoolArray:
    # Grown beyond the volume too, so that the border is not taken for more of the mask when it shrinks again.
    region, outer = _region(lambda part: mask[part.slices], box, ball.reach, mask.shape, repeat=False)
    grown = within_reach(region, ball, _half(report, 0), cancelled)
    return ~within_reach(~grown, ball, _half(report, 1), cancelled)[box.within(outer).slices]


def _region(
    cut: Cut, box: Box, reach: Int3, shape: tuple[int, ...], *, repeat: bool
) -> tuple[BoolArray, Box]:
    """The mask in a box grown by `reach`; beyond the volume its last voxels again, or nothing. And that box."""
    outer = box.grown(reach)
    known = outer.clipped(shape)
    missing = [
        (a - b, d - c) for a, b, c, d in zip(known.start, outer.start, known.stop, outer.stop, strict=True)
    ]
    return np.pad(cut(known), missing, mode="edge" if repeat else "constant"), outer


def _half(report: Report, half: int) -> Report:
    return lambda fraction, text: report((half + fraction) / 2, text)
