"""How far two surfaces lie apart, in millimetres; overlap and volume are `metrics`.

The figures GateLens reports come from DeepMind's `surface-distance`; MONAI's stand beside them. The two answer
one question with different surfaces and weights, and `docs/evaluation.md` says how. Neither library is imported
before it is asked.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.grid import Box, Float3

PERCENT = 95.0

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SurfaceDistances:
    """The 95th percentile Hausdorff distance and the average symmetric surface distance, mm; NaN where undefined."""

    hd95_mm: float
    assd_mm: float


UNDEFINED = SurfaceDistances(math.nan, math.nan)


def surface_distances(mask: Mask, reference: Mask, spacing: Float3) -> SurfaceDistances:
    """The distances of two masks (z, y, x) with `spacing` in mm along z, y, x; NaN where either is empty.

    The surface runs through the corners between voxels; every element of it counts with its area in mm².
    HD95: the distance that 95 % of one surface's area lies within of the other, the larger of both directions.
    ASSD: the mean distance over the area of both surfaces together (Heimann et al. 2009). Both are symmetric.
    What lies outside the arrays is outside both masks.

    Raises:
        ValueError: if the shapes differ.
    """
    cropped = _cropped(mask, reference)
    if cropped is None:
        return UNDEFINED
    with warnings.catch_warnings():
        # surface-distance 0.1 names scipy.ndimage's functions by their old modules; nothing else is hidden.
        warnings.filterwarnings(
            "ignore", message=r"Please (use|import) .*scipy\.ndimage", category=DeprecationWarning
        )
        import surface_distance  # type: ignore[import-untyped]

        found = surface_distance.compute_surface_distances(cropped[1], cropped[0], spacing_mm=spacing)
    distances = np.concatenate([found["distances_gt_to_pred"], found["distances_pred_to_gt"]])
    areas = np.concatenate([found["surfel_areas_gt"], found["surfel_areas_pred"]])
    return SurfaceDistances(
        hd95_mm=float(surface_distance.compute_robust_hausdorff(found, PERCENT)),
        assd_mm=float((distances * areas).sum() / areas.sum()),
    )


def monai_distances(mask: Mask, reference: Mask, spacing: Float3) -> SurfaceDistances:
    """The same by `monai.metrics`: surface voxels instead of surface elements, each counted once.

    HD95 is `compute_hausdorff_distance(percentile=95)`, ASSD `compute_average_surface_distance(symmetric=True)`.
    Importing MONAI takes seconds, and torch with it.

    Raises:
        ValueError: if the shapes differ.
    """
    cropped = _cropped(mask, reference)
    if cropped is None:
        return UNDEFINED
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

    ours, theirs = (torch.from_numpy(array)[None, None] for array in cropped)
    spacing_zyx = list(spacing)
    with warnings.catch_warnings():
        # MONAI 1.6 passes an argument to itself that it has deprecated.
        warnings.filterwarnings(
            "ignore", message=r"monai\.metrics\.utils get_mask_edges", category=FutureWarning
        )
        hausdorff = compute_hausdorff_distance(
            ours, theirs, include_background=True, percentile=PERCENT, spacing=spacing_zyx
        )
        average = compute_average_surface_distance(
            ours, theirs, include_background=True, symmetric=True, spacing=spacing_zyx
        )
    return SurfaceDistances(float(hausdorff), float(average))


def margin(spacing: Sequence[float], mm: float) -> tuple[int, int, int]:
    """How many voxels along z, y, x hold `mm` millimetres, and one more."""
    z, y, x = (math.ceil(mm / step) + 1 for step in spacing)
    return z, y, x


def _cropped(mask: Mask, reference: Mask) -> tuple[Mask, Mask] | None:
    """Both masks in the box that holds them, with a voxel of margin; None where either is empty.

    Distances depend on nothing outside, and a small structure in a large scan is done in milliseconds.
    """
    if mask.shape != reference.shape:
        raise ValueError(f"masks of shapes {mask.shape} and {reference.shape} lie on different grids")
    boxes = Box.around(mask), Box.around(reference)
    if boxes[0] is None or boxes[1] is None:
        return None
    slices = boxes[0].joined(boxes[1]).grown((1, 1, 1)).clipped(mask.shape).slices
    return np.ascontiguousarray(mask[slices], dtype=bool), np.ascontiguousarray(reference[slices], dtype=bool)
