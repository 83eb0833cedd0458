"""Smooth: a mask with its roughness taken off, by the median, opening or closing over a ball in mm.

The volume's border by itself changes nothing: the median takes the mask to go on beyond it as it ends, opening does
not round off a mask where the scan cuts it, closing does not pull it towards the border. None reaches beyond the
mask's own box.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from app.core.tools.brush import BoolArray, Covered
from app.core.tools.margin import Ball, over_ball, within_reach
from model.grid import Box, Float3, Int3
from model.progress import CancelCheck, Report, never, silent

Method = Literal["median", "opening", "closing"]


def smoothed(
    mask: BoolArray,
    method: Method,
    radius_mm: float,
    spacing: Float3,
    *,
    within: Covered | None = None,
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
        within: where it may change, with a brush; None for everywhere.
        report: told how far it is.
        cancelled: asked at least once a slice, but not while a distance transform runs.

    Returns:
        The new mask (not what changed) in the box of the old one, or of `within`. None where nothing would change:
        an empty mask, a radius under every spacing, a smooth mask.

    Raises:
        Cancelled: if `cancelled` says so.
    """
    box = Box.around(mask) if within is None else within.box
    ball = Ball.of(radius_mm, spacing)
    if box is None or box.size == 0 or ball.is_one_voxel:
        return None
    before = mask[box.slices]
    if method == "median":
        after = _median(mask, box, ball, report, cancelled)
    elif method == "opening":
        after = _opened(mask, box, ball, within is not None, report, cancelled)
    else:
        after = _closed(mask, box, ball, within is not None, report, cancelled)
    if within is not None:
        after = np.where(within.mask, after, before)
    return None if np.array_equal(before, after) else Covered(box, after)


def _median(mask: BoolArray, box: Box, ball: Ball, report: Report, cancelled: CancelCheck) -> BoolArray:
    region, outer = _region(mask, box, ball.reach, repeat=True)
    counted = np.int16 if ball.size < 2**15 else np.int32
    counts = over_ball(region, ball, counted, report, cancelled)[box.within(outer).slices]
    # A ball holds an odd number of voxels: no ties.
    return np.asarray(counts > ball.size // 2, np.bool_)


def _opened(
    mask: BoolArray, box: Box, ball: Ball, part: bool, report: Report, cancelled: CancelCheck
) -> BoolArray:
    # One ring of background round the whole mask is enough: a ball that reaches farther out meets it.
    wide = box.grown(_twice(ball.reach) if part else (1, 1, 1)).clipped(mask.shape)
    kept = ~within_reach(~mask[wide.slices], ball, _half(report, 0), cancelled)
    return within_reach(kept, ball, _half(report, 1), cancelled)[box.within(wide).slices]


def _closed(
    mask: BoolArray, box: Box, ball: Ball, part: bool, report: Report, cancelled: CancelCheck
) -> BoolArray:
    # Grown beyond the volume too, so that the border is not taken for more of the mask when it shrinks again.
    region, outer = _region(mask, box, _twice(ball.reach) if part else ball.reach, repeat=False)
    grown = within_reach(region, ball, _half(report, 0), cancelled)
    return ~within_reach(~grown, ball, _half(report, 1), cancelled)[box.within(outer).slices]


def _region(mask: BoolArray, box: Box, reach: Int3, *, repeat: bool) -> tuple[BoolArray, Box]:
    """The mask in a box grown by `reach`; beyond the volume its last voxels again, or nothing. And that box."""
    outer = box.grown(reach)
    known = outer.clipped(mask.shape)
    missing = [
        (a - b, d - c) for a, b, c, d in zip(known.start, outer.start, known.stop, outer.stop, strict=True)
    ]
    return np.pad(mask[known.slices], missing, mode="edge" if repeat else "constant"), outer


def _twice(reach: Int3) -> Int3:
    return 2 * reach[0], 2 * reach[1], 2 * reach[2]


def _half(report: Report, half: int) -> Report:
    return lambda fraction, text: report((half + fraction) / 2, text)
