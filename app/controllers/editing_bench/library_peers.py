"""What cc3d, edt and SimpleITK do in the place of our tools; each imported when its sides are made.

Threads are the libraries' own choice, as their users have them. ITK's MorphologicalContourInterpolator is left out:
version 2.1.2 with ITK 5.4.7 damages the heap of the process it runs in, and it takes ten times as long as `edt.sdf`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from app.controllers.editing_bench.scene import Scene
from app.controllers.editing_bench.turns import Side
from model.grid import Box, Float3, Int3

BoolArray = npt.NDArray[np.bool_]

CC3D = ("connected-components-3d", "cc3d")
EDT = ("edt", "edt")
SITK = ("SimpleITK", "SimpleITK")
"""Package and module of each library."""

_RIM = 1e-5


# -- grow ------------------------------------------------------------------------------------------------------
def grow_cc3d(scene: Scene, low: float, high: float) -> list[Side]:
    """Threshold, components by faces, the seed's one: of the volume, and of the organ's box."""
    box = _around(scene.liver & _main_box(scene))
    return [
        Side(
            "cc3d of the threshold, whole volume",
            lambda: _grow_cc3d(scene, low, high, Box.whole(scene.shape)),
        ),
        Side("cc3d of the threshold, the organ's box known", lambda: _grow_cc3d(scene, low, high, box)),
    ]


def grow_cc3d_within(scene: Scene, low: float, high: float, radius_mm: float) -> list[Side]:
    """The same within a ball round the seed."""
    box, ball = _ball(scene, radius_mm)
    return [
        Side("cc3d of the threshold, the ball's box", lambda: _grow_cc3d(scene, low, high, box, ball)),
    ]


def _grow_cc3d(scene: Scene, low: float, high: float, box: Box, ball: BoolArray | None = None) -> BoolArray:
    import cc3d

    values = scene.values[box.slices]
    # cc3d takes whole arrays only; numbers in the values' own type compare quickest.
    allowed = (values >= values.dtype.type(low)) & (values <= values.dtype.type(high))
    if ball is not None:
        allowed &= ball
    pieces = cc3d.connected_components(allowed, connectivity=6, binary_image=True)
    found: BoolArray = pieces == pieces[_within(scene.seed, box)]
    return found


def grow_sitk(scene: Scene, low: float, high: float) -> list[Side]:
    """ConnectedThreshold of the volume, and of the organ's box."""
    box = _around(scene.liver & _main_box(scene))
    return [
        _grow_sitk(scene, low, high, Box.whole(scene.shape), "whole volume"),
        _grow_sitk(scene, low, high, box, "the organ's box known"),
    ]


def grow_sitk_within(scene: Scene, low: float, high: float, radius_mm: float) -> list[Side]:
    """The same in the box of a ball; it knows no ball."""
    box, _ = _ball(scene, radius_mm)
    return [_grow_sitk(scene, low, high, box, "the ball's box")]


def _grow_sitk(scene: Scene, low: float, high: float, box: Box, where: str) -> Side:
    import SimpleITK as sitk  # noqa: N813 - the name its users know

    image = sitk.GetImageFromArray(np.ascontiguousarray(scene.values[box.slices]))
    seed = [int(place) for place in reversed(_within(scene.seed, box))]
    return Side(
        f"SimpleITK ConnectedThreshold, {where}",
        lambda: sitk.ConnectedThreshold(image, seedList=[seed], lower=low, upper=high),
    )


def _ball(scene: Scene, radius_mm: float) -> tuple[Box, BoolArray]:
    voxel = _within(scene.seed, Box.whole(scene.shape))
    reach = [int(radius_mm / mm) for mm in scene.spacing]
    box = Box(voxel, (voxel[0] + 1, voxel[1] + 1, voxel[2] + 1)).grown(reach).clipped(scene.shape)
    z, y, x = (
        ((np.arange(a, b) - place) * mm) ** 2
        for a, b, place, mm in zip(box.start, box.stop, voxel, scene.spacing, strict=True)
    )
    return box, z[:, None, None] + y[:, None] + x <= radius_mm**2


def _main_box(scene: Scene) -> BoolArray:
    """The box of the drawn organ, as a mask: islands lie outside."""
    mask = np.zeros(scene.shape, np.bool_)
    mask[_around(scene.drawn).grown((6, 1, 1)).clipped(scene.shape).slices] = True
    return mask


# -- islands -----------------------------------------------------------------------------------------------------
def dust_cc3d(mask: BoolArray, voxels: int) -> list[Side]:
    """cc3d.dust of the volume, and of the mask's box."""
    import cc3d

    def cropped() -> BoolArray:
        found: BoolArray = cc3d.dust(
            np.ascontiguousarray(mask[_around(mask).slices]), threshold=voxels, connectivity=26
        )
        return found

    # It writes a mask that is read-only no more than we do, but refuses it.
    whole = mask.copy()
    return [
        Side("cc3d.dust, whole volume", lambda: cc3d.dust(whole, threshold=voxels, connectivity=26)),
        Side("cc3d.dust, on the mask's box", cropped),
    ]


def dust_sitk(mask: BoolArray, voxels: int) -> list[Side]:
    """Components and their relabelling by size, of the volume and of the mask's box."""
    import SimpleITK as sitk  # noqa: N813 - the name its users know

    def dust(image: sitk.Image) -> sitk.Image:
        pieces = sitk.ConnectedComponent(image, True)
        return sitk.RelabelComponent(pieces, minimumObjectSize=voxels, sortByObjectSize=False) != 0

    whole = sitk.GetImageFromArray(mask.astype(np.uint8))
    crop = _sitk_crop(mask, (0, 0, 0), whole)
    return [
        Side("SimpleITK RelabelComponent, whole volume", lambda: dust(whole)),
        Side("SimpleITK RelabelComponent, on the mask's box", lambda: dust(crop())),
    ]


# -- margin ------------------------------------------------------------------------------------------------------
def margin_edt(mask: BoolArray, mm: float, spacing: Float3, reach: Int3) -> list[Side]:
    """Distances to the mask, of the volume and of the box it grows to."""
    import edt

    def grown(box: Box) -> BoolArray:
        outside = np.logical_not(mask[box.slices], order="C")
        found: BoolArray = edt.edtsq(outside, anisotropy=spacing) <= mm**2 * (1 + _RIM)
        return found

    return [
        Side("edt.edtsq, whole volume", lambda: grown(Box.whole(mask.shape))),
        Side(
            "edt.edtsq, on the new mask's box", lambda: grown(_around(mask).grown(reach).clipped(mask.shape))
        ),
    ]


def margin_sitk(mask: BoolArray, mm: float, spacing: Float3, reach: Int3) -> list[Side]:
    """SimpleITK's exact distance map, and its dilation by a ball of whole voxels, on the box the mask grows to."""
    import SimpleITK as sitk  # noqa: N813 - the name its users know

    whole = sitk.GetImageFromArray(mask.astype(np.uint8))
    whole.SetSpacing([float(size) for size in reversed(spacing)])
    crop = _sitk_crop(mask, reach, whole)

    def distances() -> sitk.Image:
        found = sitk.SignedMaurerDistanceMap(
            crop(), insideIsPositive=False, squaredDistance=True, useImageSpacing=True
        )
        return found <= mm**2 * (1 + _RIM)

    radius = [int(count) for count in reversed(reach)]
    return [
        Side("SimpleITK SignedMaurerDistanceMap, on the new mask's box", distances),
        Side("SimpleITK BinaryDilate, on the new mask's box", lambda: sitk.BinaryDilate(crop(), radius)),
    ]


def _sitk_crop(mask: BoolArray, reach: Int3, whole: Any) -> Callable[[], Any]:
    """Finds the mask's box and cuts it out of its image, with `reach` voxels round it."""

    def crop() -> Any:
        box = _around(mask).grown(reach).clipped(mask.shape)
        z, y, x = box.slices
        return whole[x, y, z]

    return crop


# -- fill between slices -------------------------------------------------------------------------------------------
def between_edt(mask: BoolArray, spacing: Float3) -> list[Side]:
    """Signed distances of the slices beside each gap, their mean by distance; on the mask's box."""
    import edt

    def filled() -> BoolArray:
        box = _around(mask).grown((0, 1, 1)).clipped(mask.shape)
        stack = np.ascontiguousarray(mask[box.slices])
        drawn = [int(index) for index in np.flatnonzero(stack.any(axis=(1, 2)))]
        for lower, upper in pairwise(drawn):
            if upper - lower > 1:
                below, above = (edt.sdf(stack[index], anisotropy=spacing[1:]) for index in (lower, upper))
                for index in range(lower + 1, upper):
                    share = np.float32((index - lower) / (upper - lower))
                    stack[index] = (1 - share) * below + share * above > 0
        return stack

    return [Side("edt.sdf and means, on the mask's box", filled)]


def _around(mask: BoolArray) -> Box:
    box = Box.around(mask)
    assert box is not None  # the scene's masks are not empty, whatever its size
    return box


def _within(place: Float3, box: Box) -> Int3:
    z, y, x = (int(value) - first for value, first in zip(place, box.start, strict=True))
    return z, y, x
