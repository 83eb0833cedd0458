"""Grow, islands, margin and fill between slices against the libraries that do the same.

Each library is used as its own users would, and on the mask's box where that is quicker; finding the box then counts
for both sides. SimpleITK gets its images ready made: turning arrays into images does not count.
"""

from __future__ import annotations

import numpy as np

from app.controllers.editing_bench import library_peers as libraries
from app.controllers.editing_bench.library_peers import CC3D, EDT, SITK
from app.controllers.editing_bench.peers import OURS, Peer, compare
from app.controllers.editing_bench.scene import LIVER_HU, Scene
from app.controllers.editing_bench.table import EditRow
from app.controllers.editing_bench.turns import Side
from app.core.tools.fill_between import fill_between
from app.core.tools.islands import smaller_than
from app.core.tools.margin import Ball, margin
from app.core.tools.region_grow import grow
from model.grid import Box
from model.progress import CancelCheck

_TARGET = 1.1
_MARGIN_MM = 3.0
_LIMIT_MM = 50.0
"""How far grow reaches where a reader sets nothing."""
_LEAST_VOXELS = 5000


def region_grow(scene: Scene, repeats: int, cancelled: CancelCheck) -> list[EditRow]:
    """Grow from a click in the organ: in the whole volume, and within 50 mm as the tool is set at first."""
    low, high = LIVER_HU
    found = grow(scene.values, scene.seed, low, high, spacing=scene.spacing)
    grown = 0 if found is None else int(np.count_nonzero(found.mask))
    whole = compare(
        "region-grow",
        Side(OURS, lambda: grow(scene.values, scene.seed, low, high, spacing=scene.spacing)),
        [
            Peer(*CC3D, lambda: libraries.grow_cc3d(scene, low, high)),
            Peer(*SITK, lambda: libraries.grow_sitk(scene, low, high)),
        ],
        target=_TARGET,
        note=f"{grown:,} voxels from one click, nothing limits it; cc3d and SimpleITK in the whole volume, and told "
        "the organ's box beforehand, which a click does not know",
        repeats=repeats,
        cancelled=cancelled,
    )
    limited = compare(
        "region-grow 50 mm",
        Side(
            OURS,
            lambda: grow(scene.values, scene.seed, low, high, spacing=scene.spacing, radius_mm=_LIMIT_MM),
        ),
        [
            Peer(*CC3D, lambda: libraries.grow_cc3d_within(scene, low, high, _LIMIT_MM)),
            Peer(*SITK, lambda: libraries.grow_sitk_within(scene, low, high, _LIMIT_MM)),
        ],
        target=_TARGET,
        note=f"as the tool is set at first; cc3d in the box of {_LIMIT_MM:g} mm, the ball cut out before; SimpleITK in "
        "the box alone",
        repeats=repeats,
        cancelled=cancelled,
    )
    return [whole, limited]


def islands(scene: Scene, repeats: int, cancelled: CancelCheck) -> list[EditRow]:
    """Remove islands under a size, all over the volume, and where they lie near the organ."""
    rows = []
    near = Box.around(scene.drawn)
    assert near is not None
    close = np.zeros_like(scene.liver)
    wide = near.grown((8, 8, 8)).clipped(scene.shape)
    close[wide.slices] = scene.liver[wide.slices]
    for name, mask, words in (
        ("islands", scene.liver, "islands all over the volume, so its box is all of it"),
        ("islands in a box", close, "islands near the organ alone"),
    ):
        least = min(_LEAST_VOXELS, int(np.count_nonzero(mask)) // 10)
        rows.append(
            compare(
                name,
                Side(OURS, lambda mask=mask, least=least: smaller_than(mask, least)),  # type: ignore[misc]
                [
                    Peer(*CC3D, lambda mask=mask, least=least: libraries.dust_cc3d(mask, least)),  # type: ignore[misc]
                    Peer(*SITK, lambda mask=mask, least=least: libraries.dust_sitk(mask, least)),  # type: ignore[misc]
                ],
                target=_TARGET,
                note=f"those under {least:,} voxels go; {words}; 26 neighbours on all sides",
                repeats=repeats,
                cancelled=cancelled,
            )
        )
    return rows


def margins(scene: Scene, repeats: int, cancelled: CancelCheck) -> list[EditRow]:
    """Grow the organ by 3 mm."""
    reach = Ball.of(_MARGIN_MM, scene.spacing).reach
    mask = scene.drawn
    return [
        compare(
            "margin",
            Side(OURS, lambda: margin(mask, _MARGIN_MM, scene.spacing)),
            [
                Peer(*EDT, lambda: libraries.margin_edt(mask, _MARGIN_MM, scene.spacing, reach)),
                Peer(*SITK, lambda: libraries.margin_sitk(mask, _MARGIN_MM, scene.spacing, reach)),
            ],
            target=_TARGET,
            note=f"{_MARGIN_MM:g} mm round {int(np.count_nonzero(mask)):,} voxels; ours, edt and SimpleITK's distance "
            "map are exact, SimpleITK's dilation rounds the ball to voxels",
            repeats=repeats,
            cancelled=cancelled,
        )
    ]


def between(scene: Scene, repeats: int, cancelled: CancelCheck) -> list[EditRow]:
    """Fill the slices that are missing."""
    mask = scene.drawn
    drawn = [index for index, plane in enumerate(mask) if plane.any()]
    empty = drawn[-1] - drawn[0] + 1 - len(drawn)
    return [
        compare(
            "fill-between",
            Side(OURS, lambda: fill_between(mask, 0, scene.spacing)),
            [
                Peer(*EDT, lambda: libraries.between_edt(mask, scene.spacing)),
            ],
            target=_TARGET,
            note=f"{empty} slices filled between {len(drawn)} drawn ones; edt.sdf of the two slices "
            "beside each gap and their mean by distance, on the mask's box",
            repeats=repeats,
            cancelled=cancelled,
        )
    ]
