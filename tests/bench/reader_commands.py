"""Plans of the simulated reader that are commands: pieces that hang apart, and what is tried on a whole label.

A person sees which pieces hang apart. What a command does to a label nobody knows before: it is tried, seen and taken
back where it did not help, and each of these is a gesture. What a try promises is a rule of thumb, corrected by what
earlier tries of the same reading came to.
"""

from __future__ import annotations

from collections.abc import Iterator

import cc3d
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from app.core.tools.parameters import Value
from model.grid import Box, Float3
from tests.bench.reader_hand import Cost, Hand, Setting, box_mm
from tests.bench.reader_paths import deepest, thickness_mm
from tests.bench.reader_situation import Plan, Situation


def islands(now: Situation) -> Iterator[Plan]:
    """The clicked island, and all of them by size: a person sees which pieces hang apart."""
    region, label = now.region, now.region.have
    if region.want or not label:
        return
    box = Box.around(now.labels == label)
    if box is None:
        return
    mask = np.ascontiguousarray(now.labels[box.slices] == label)
    pieces = cc3d.connected_components(np.pad(mask, 1), connectivity=26)[1:-1, 1:-1, 1:-1]
    right = now.eye.reference[box.slices]
    sizes = np.bincount(pieces.ravel())
    good = np.bincount(pieces[right == 0], minlength=len(sizes)) - np.bincount(
        pieces[right == label], minlength=len(sizes)
    )
    good[0] = 0
    if len(sizes) < 3:
        return
    here = tuple(region.voxels[0] - np.asarray(box.start))
    piece = int(pieces[here])
    if good[piece] > 0:
        mask = pieces == piece
        inner = Box.around(mask)
        assert inner is not None
        z, y, x = deepest(mask[inner.slices], now.spacing)
        a, b, c = (float(p + q + r) for p, q, r in zip((z, y, x), inner.start, box.start, strict=True))
        voxel: Float3 = (a, b, c)
        plane = now.plane()
        setting = Setting("island", label, None, (("island", "action", "delete"),))
        yield Plan("island", setting, float(good[piece]), Cost(1), lambda hand: hand.click(plane, voxel))
    yield from _islands_by_size(now, label, sizes, good)


def relabelled(now: Situation) -> Iterator[Plan]:
    """A piece that has the wrong label and hangs apart from where that label belongs, or is mostly wrong."""
    region = now.region
    if not region.want or not region.have:
        return
    box = Box.around(now.labels == region.have)
    assert box is not None
    mask = np.ascontiguousarray(now.labels[box.slices] == region.have)
    pieces = cc3d.connected_components(np.pad(mask, 1), connectivity=26)[1:-1, 1:-1, 1:-1]
    piece = pieces == pieces[tuple(region.voxels[0] - np.asarray(box.start))]
    right = now.eye.reference[box.slices][piece]
    promise = float(np.count_nonzero(right == region.want) - np.count_nonzero(right == region.have))
    if promise <= 0:
        return
    inner = Box.around(piece)
    assert inner is not None
    middle = deepest(piece[inner.slices], now.spacing)
    z, y, x = (float(p + q + r) for p, q, r in zip(middle, inner.start, box.start, strict=True))
    plane = now.plane()
    setting = Setting("island", region.want, None, (("island", "action", "take"),))
    yield Plan("island (take)", setting, promise, Cost(1), lambda hand: hand.click(plane, (z, y, x)))


def _islands_by_size(
    now: Situation, label: int, sizes: npt.NDArray[np.int64], good: npt.NDArray[np.int64]
) -> Iterator[Plan]:
    numbers = np.arange(1, len(sizes))
    voxel_ml = now.hand.session.grid.voxel_mm3 / 1000
    others = numbers[numbers != 1 + int(sizes[1:].argmax())]
    choices: list[tuple[float, tuple[tuple[str, str, Value], ...]]] = [
        (float(good[others].sum()), (("islands", "keep", "largest"),))
    ]
    default = now.hand.session.tools.options("islands").number("least_ml")
    for least in dict.fromkeys((default, *(round(2.0**k, 2) for k in range(-4, 6)))):
        net = float(good[numbers[sizes[1:] * voxel_ml < least]].sum())
        choices.append((net, (("islands", "keep", "size"), ("islands", "least_ml", least))))
    net, options = max(choices, key=lambda choice: choice[0])
    if net > 0:
        plane = now.plane()
        setting = Setting(None, label, None, options)
        yield Plan("islands", setting, net, Cost(1), lambda hand: hand.command("islands", plane))


def _tried(
    now: Situation,
    tool: str,
    memory: str,
    thumb: float,
    setting: Setting,
    axis: int | None = None,
    *,
    preview: bool = False,
) -> Iterator[Plan]:
    promise = now.experience.promise(memory, thumb, now.hand.spent.gestures)
    if promise < 1:
        return
    plane = now.plane(axis)

    def act(hand: Hand) -> None:
        hand.command(tool, plane)
        if preview:
            _take_if_good(now, hand)

    yield Plan(tool, setting, promise, Cost(2 if preview else 1), act, memory)


def _take_if_good(now: Situation, hand: Hand) -> None:
    """Enter if the preview is worth its key, else Esc; nothing where no preview came."""
    if hand.session.preview is None:
        return
    net = now.net()
    if net > 0 and net / Cost(1).seconds() >= 0.5 * now.rate_otherwise:
        hand.accept()
    else:
        hand.let_go()


def fill_between(now: Situation) -> Iterator[Plan]:
    """Where the label is missing from whole slices between others, in any plane."""
    region, label = now.region, now.region.want
    if not label or region.have:
        return
    mask = now.labels == label
    missing = (now.eye.reference == label) & (now.labels == 0)
    for axis in range(3):
        other = tuple(a for a in range(3) if a != axis)
        if not mask.any(axis=other)[region.box.start[axis] : region.box.stop[axis]].all():
            used = np.flatnonzero(mask.any(axis=other))
            if len(used) < 2:
                continue
            empty = np.ones(mask.shape[axis], np.bool_)
            empty[used] = False
            empty[: used[0]] = empty[used[-1] :] = False
            found = float(missing.sum(axis=other)[empty].sum())
            setting = Setting(None, label, None, (("fill-between", "protect", True),))
            memory = f"fill-between {label} {axis}"
            yield from _tried(now, "fill-between", memory, 0.8 * found, setting, axis, preview=True)


def fill_holes(now: Situation) -> Iterator[Plan]:
    """Where a missing region has the label all round it."""
    region, label = now.region, now.region.want
    if not label or region.have:
        return
    box = region.box.grown((1, 1, 1)).clipped(now.labels.shape)
    inner = np.zeros(box.shape, np.bool_)
    inner[region.box.within(box).slices] = region.mask
    rim = ndimage.binary_dilation(inner) & ~inner
    if (now.labels[box.slices][rim] == label).all():
        setting = Setting(None, label, None, (("fill-holes", "in_slice", False),))
        yield from _tried(now, "fill-holes", f"fill-holes {label}", float(region.size), setting)


def smooth(now: Situation) -> Iterator[Plan]:
    """Where the label's surface is ragged: many of its voxels differ from most of their neighbours."""
    label = now.region.want or now.region.have
    box = Box.around(now.labels == label)
    if box is None or thickness_mm(now.region.mask, now.spacing) > 1.5 * max(now.spacing):
        return
    part = box.grown((2, 2, 2)).clipped(now.labels.shape).slices
    mask, right = now.labels[part] == label, now.eye.reference[part] == label
    ragged = (ndimage.uniform_filter(mask.astype(np.float32), 3) > 0.5) != mask
    # Jags that should not be there; where most of them are right, as on a thin organ, nobody would smooth.
    found = int(np.count_nonzero(ragged & (mask != right)))
    if found < 0.7 * np.count_nonzero(ragged):
        return
    voxel_mm = max(now.spacing)
    for size in (3.0 if voxel_mm <= 3.0 else round(voxel_mm, 1), round(1.5 * voxel_mm, 1)):
        options = (("smooth", "method", "median"), ("smooth", "smooth_mm", size))
        setting = Setting(None, label, None, options)
        yield from _tried(now, "smooth", f"smooth {label} {size}", 0.6 * found, setting)


def margin(now: Situation) -> Iterator[Plan]:
    """Where more than half of the label's rim is missing all round, or too much."""
    label = now.region.want or now.region.have
    box = Box.around(now.labels == label)
    if box is None or (now.region.have and now.region.want):
        return
    box = box.grown((2, 2, 2)).clipped(now.labels.shape)
    mask, right = now.labels[box.slices] == label, now.eye.reference[box.slices] == label
    if now.region.want:
        shell = ndimage.binary_dilation(mask) & (now.labels[box.slices] == 0)
        wrong = int(np.count_nonzero(shell & right))
    else:
        shell = mask & ~ndimage.binary_erosion(mask)
        wrong = int(np.count_nonzero(shell & ~right))
    thumb = 2.0 * wrong - np.count_nonzero(shell)
    by_mm = round(max(now.spacing), 1) * (1 if now.region.want else -1)
    setting = Setting(None, label, None, (("margin", "mm", by_mm), ("margin", "protect", True)))
    yield from _tried(now, "margin", f"margin {label} {by_mm}", thumb, setting)


def probability(now: Situation) -> Iterator[Plan]:
    """The model's probabilities at another threshold in a box round the region."""
    region = now.region
    if now.hand.session.prediction is None or (region.have and region.want):
        return
    label, missing = region.want or region.have, bool(region.want)
    predicted = now.hand.session.prediction
    known = [b.value for b in predicted.bundle_labels]
    if label not in known:
        return
    # The program shows what the model thought possible; where it was sure of its error no threshold helps.
    percent = predicted.probabilities[known.index(label)][tuple(region.voxels.T)] / 2.55
    doubtful = np.count_nonzero((percent > 20) & (percent < 80))
    memory = f"probability {label} {missing}"
    promise = now.experience.promise(memory, 0.5 * doubtful, now.hand.spent.gestures)
    if promise < 1:
        return
    box = region.box.grown((1, 1, 1)).clipped(now.labels.shape)
    plane = now.plane()
    thresholds = (40.0, 30.0, 20.0) if missing else (60.0, 70.0, 80.0)

    def act(hand: Hand) -> None:
        hand.draw_box(box)
        best, best_at, shown = 0.0, thresholds[0], 0.0
        for percent in thresholds:
            hand.prepare(Setting(None, label, None, (("probability", "threshold", percent),)))
            hand.command("probability", plane)
            shown = now.net()
            if shown <= best:
                break
            best, best_at = shown, percent
        if shown < best:
            hand.prepare(Setting(None, None, None, (("probability", "threshold", best_at),)))
            hand.command("probability", plane)
        _take_if_good(now, hand)

    yield Plan(
        "probability", Setting("region", label), promise, Cost(5, box_mm(box, now.spacing)), act, memory
    )
