"""Errors put into a mask on purpose, each from a seed: what a model or a colleague gets wrong, with the place known.

Each function takes a mask (z, y, x), a label of it, the spacing in mm and a random generator, and gives another mask;
what it does not change is the same. None needs the scan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from model.grid import Float3

Labels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Error = Callable[[Labels, int, Float3, np.random.Generator], Labels]


def leak(labels: Labels, label: int, spacing: Float3, rng: np.random.Generator) -> Labels:
    """The label runs out over its surface into the background: a chain of four balls that hangs on it."""
    inside = labels == label
    surface = np.argwhere(inside & ~ndimage.binary_erosion(inside))
    place = surface[rng.integers(len(surface))] * np.asarray(spacing)
    away = _unit(place - np.argwhere(inside).mean(axis=0) * spacing)
    radius = 0.45 * _size_mm(inside, spacing)
    place = place + 0.6 * radius * away
    run_out = np.zeros(labels.shape, np.bool_)
    for number in range(4):
        run_out |= _ball(labels.shape, spacing, place, radius * (1 - 0.12 * number))
        place = place + radius * _unit(away + 0.5 * rng.normal(size=3))
    return _joined(labels, run_out & (labels == 0), label)


def island(labels: Labels, label: int, spacing: Float3, rng: np.random.Generator) -> Labels:
    """A piece of the label, about round, in the background at least three voxels away from every label."""
    distance = ndimage.distance_transform_edt(labels == 0, sampling=spacing)
    radius = 0.5 * _size_mm(labels == label, spacing)
    free = distance - 3 * max(spacing)
    radius = min(radius, float(free.max()) * 0.9)
    inner = _away_from_border(labels.shape, spacing, radius)
    places = np.argwhere((free >= radius) & inner)
    if len(places) == 0:
        raise ValueError("there is no room for an island beside the labels")
    # Where readers find them: near the organ, not in the farthest corner.
    near = distance[tuple(places.T)]
    places = places[near <= np.quantile(near, 0.25)]
    place = places[rng.integers(len(places))] * np.asarray(spacing)
    blob = _ball(labels.shape, spacing, place, radius)
    blob |= _ball(labels.shape, spacing, place + 0.4 * radius * _unit(rng.normal(size=3)), 0.75 * radius)
    return _joined(labels, blob & (labels == 0), label)


def missing_lobe(labels: Labels, label: int, spacing: Float3, rng: np.random.Generator) -> Labels:
    """A quarter of the label at one end is background."""
    return _joined(labels, _lobe(labels == label, 0.25, spacing, rng), 0)


def missing_slices(labels: Labels, label: int, spacing: Float3, rng: np.random.Generator) -> Labels:
    """The label is missing on two runs of slices along z, each about an eighth of it and at least one slice."""
    inside = labels == label
    used = np.flatnonzero(inside.any(axis=(1, 2)))
    run = max(1, len(used) // 8)
    changed = labels.copy()
    for middle in (0.3, 0.68):
        start = int(used[0] + middle * len(used) + rng.integers(-1, 2) - run // 2)
        # The first and the last slice stay, so that what is missing lies between.
        start = min(max(start, int(used[0]) + 1), max(int(used[-1]) - run, int(used[0]) + 1))
        part = slice(start, min(start + run, int(used[-1])))
        changed[part][inside[part]] = 0
    return changed


def wrong_label(labels: Labels, label: int, spacing: Float3, rng: np.random.Generator) -> Labels:
    """A quarter of the label at one end has another label of the mask."""
    others = [int(value) for value in np.unique(labels) if value not in (0, label)]
    if not others:
        raise ValueError("a wrong label needs a second label in the mask")
    return _joined(labels, _lobe(labels == label, 0.25, spacing, rng), others[int(rng.integers(len(others)))])


def rough_surface(labels: Labels, label: int, spacing: Float3, rng: np.random.Generator) -> Labels:
    """The label's surface is ragged, by up to a voxel and a half outwards and inwards; other labels stay."""
    inside = labels == label
    depth = ndimage.distance_transform_edt(inside, sampling=spacing)
    depth -= ndimage.distance_transform_edt(~inside, sampling=spacing)
    noise = ndimage.gaussian_filter(rng.normal(size=labels.shape), 0.8)
    ragged = depth + noise / noise.std() * 0.75 * max(spacing) > 0
    near = np.abs(depth) <= 1.5 * max(spacing)
    changed = _joined(labels, near & inside & ~ragged, 0)
    return _joined(changed, near & ragged & (labels == 0), label)


ERRORS: Mapping[str, Error] = MappingProxyType(
    {
        "wrong label": wrong_label,
        "missing lobe": missing_lobe,
        "missing slices": missing_slices,
        "rough surface": rough_surface,
        "leak": leak,
        "island": island,
    }
)


@dataclass(frozen=True, eq=False)
class Injected:
    """A mask with errors, and where each lies.

    Attributes:
        labels: the mask (z, y, x).
        names: the errors, in the order they were made.
        where: 0 where nothing was changed, else 1 + the index in `names` of the last error there (z, y, x).
    """

    labels: Labels
    names: tuple[str, ...]
    where: npt.NDArray[np.uint8]


def inject(labels: Labels, spacing: Float3, seed: int, names: tuple[str, ...] = tuple(ERRORS)) -> Injected:
    """Put errors into a mask (z, y, x), one of each name, on labels that the seed deals out in turn.

    An error that finds no room (no second label, nowhere for an island) is left out of `names`.
    """
    rng = np.random.default_rng([seed, 11])
    values = rng.permutation([int(value) for value in np.unique(labels) if value])
    changed, where = labels.copy(), np.zeros(labels.shape, np.uint8)
    made: list[str] = []
    for number, name in enumerate(names):
        try:
            after = ERRORS[name](changed, int(values[number % len(values)]), spacing, rng)
        except ValueError:
            continue
        made.append(name)
        where[after != changed] = len(made)
        changed = after
    where[changed == labels] = 0
    return Injected(changed, tuple(made), where)


def _joined(labels: Labels, where: Mask, value: int) -> Labels:
    changed = labels.copy()
    changed[where] = value
    return changed


def _lobe(inside: Mask, share: float, spacing: Float3, rng: np.random.Generator) -> Mask:
    """The voxels of a mask that lie farthest in some direction: `share` of them."""
    voxels = np.argwhere(inside)
    along = voxels * np.asarray(spacing) @ _unit(rng.normal(size=3))
    far = voxels[along >= np.quantile(along, 1 - share)]
    lobe = np.zeros(inside.shape, np.bool_)
    lobe[tuple(far.T)] = True
    return lobe


def _size_mm(inside: Mask, spacing: Float3) -> float:
    """The radius in mm of a ball of the same volume, 30 at most."""
    volume = np.count_nonzero(inside) * float(np.prod(spacing))
    return min(30.0, float((volume * 3 / 4 / np.pi) ** (1 / 3)))


def _ball(
    shape: tuple[int, ...], spacing: Float3, place_mm: npt.NDArray[np.float64], radius_mm: float
) -> Mask:
    squared = np.zeros((1, 1, 1))
    for axis, (count, mm, middle) in enumerate(zip(shape, spacing, place_mm, strict=True)):
        offsets = np.arange(count) * mm - middle
        squared = squared + (offsets**2).reshape([-1 if other == axis else 1 for other in range(3)])
    within: Mask = squared <= max(radius_mm, max(spacing)) ** 2
    return within


def _away_from_border(shape: tuple[int, ...], spacing: Float3, radius_mm: float) -> Mask:
    inner = np.zeros(shape, np.bool_)
    margins = [int(np.ceil(radius_mm / mm)) + 1 for mm in spacing]
    inner[tuple(slice(margin, count - margin) for margin, count in zip(margins, shape, strict=True))] = True
    return inner


def _unit(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
