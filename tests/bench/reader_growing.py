"""The plan of the simulated reader to grow a region from a click, where the scan shows its border."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from app.core.tools.threshold import Values
from model.grid import Float3
from tests.bench.reader_hand import Cost, Hand, Setting
from tests.bench.reader_paths import deepest, thickness_mm
from tests.bench.reader_situation import LEAK, Plan, Situation, painting


def grow(now: Situation) -> Iterator[Plan]:
    """Where a thick missing region differs in intensity from what lies just outside it."""
    region, label = now.region, now.region.want
    if not label or thickness_mm(region.mask, now.spacing) < 1.5 * min(now.spacing):
        return
    values, protect = now.hand.session.scan.volume.values, region.have == 0
    like, leak = _contrast(now, values, protect)
    if leak > 0.15:
        return
    click = np.array(deepest(region.mask, now.spacing)) + np.asarray(region.box.start)
    reach = np.linalg.norm((region.voxels - click) * np.asarray(now.spacing), axis=1)
    limit = float(max(5.0, np.ceil(np.quantile(reach, 0.8 if leak < 0.05 else 0.5) / 5) * 5))
    within = float(np.count_nonzero(reach <= limit))
    memory = f"grow {label}"
    promise = now.experience.promise(memory, 0.8 * within * (1 - 3 * leak), now.hand.spent.gestures)
    if promise < 1:
        return
    plane = now.plane()
    place: Float3 = (float(click[0]), float(click[1]), float(click[2]))

    def act(hand: Hand) -> None:
        hand.click(plane, place)
        if hand.tolerance is None:
            return
        _find_tolerance(now, hand, like)
        net = now.net(LEAK)
        if net > 0 and net / Cost(1).seconds() >= 0.5 * now.rate_otherwise:
            hand.release()
        else:
            hand.let_go()

    options = (("grow", "limit_mm", limit), ("grow", "in_slice", False), ("grow", "protect", protect))
    yield Plan("grow", Setting("grow", label, None, options), promise, Cost(4), act, memory)


def _contrast(now: Situation, values: Values, protect: bool) -> tuple[float, float]:
    """Half the range of most intensities of the region, and the share of what lies just outside that is in it."""
    region = now.region
    box = region.box.grown((2, 2, 2)).clipped(now.labels.shape)
    inner = np.zeros(box.shape, np.bool_)
    inner[region.box.within(box).slices] = region.mask
    low, high = np.quantile(values[box.slices][inner], (0.1, 0.9))
    spoilt = painting(now, region.want, protect)(box) < 0
    rim = ndimage.binary_dilation(inner, iterations=2) & spoilt
    outside = values[box.slices][rim]
    leak = float(np.mean((outside >= low) & (outside <= high))) if outside.size else 0.0
    return float(high - low) / 2, leak


def _find_tolerance(now: Situation, hand: Hand, like: float) -> None:
    """Drag to the tolerance that the eye expects, and a little to and fro while that is better; each look counts."""
    first = hand.tolerance
    assert first is not None
    best, best_at, shown = now.net(LEAK), first, now.net(LEAK)
    for tolerance in (like, 1.5 * like, 0.7 * like):
        if abs(tolerance - best_at) < 0.2 * best_at:
            continue
        hand.adjust(tolerance)
        shown = now.net(LEAK)
        if shown <= best and tolerance != like:
            break
        if shown > best:
            best, best_at = shown, tolerance
    if shown < best:
        hand.adjust(best_at)
