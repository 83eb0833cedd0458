"""Makes a picture of every tool in use for `docs/tools.md`, in the real window on a generated scan: `make pictures`.

Left what the tool shows while it is used, right what came of it. The scan is a phantom; none shows a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPointF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication
from scipy import ndimage

from app.core.labels import LabelEntry, LabelTable
from app.core.planes import Plane
from app.core.tools import TOOLS, Gesture
from app.core.tools.parameters import Value
from model.grid import Float3, Grid
from model.phantoms import make_abdomen
from model.volume import DisplayHints, Volume
from tests.ui.robots import Robot, prediction_of, rgb

pytestmark = [pytest.mark.pictures, pytest.mark.timeout(900)]

Mask = npt.NDArray[np.bool_]
PANEL_PX = 238
GAP_PX = 4
ACROSS_MM = 84
MOST_BYTES = 60_000
SPACING_MM = 1.5
ORGANS = LabelTable(
    "pictures", (LabelEntry(1, "kidney", (230, 159, 0)), LabelEntry(2, "liver", (86, 180, 233)))
)


@dataclass(frozen=True)
class Anatomy:
    """The generated scan, its kidney and its liver (z, y, x), and the middle of the kidney."""

    volume: Volume
    kidney: Mask
    liver: Mask
    middle: tuple[int, int, int]


@dataclass(frozen=True)
class Shot:
    """What is wrong with the kidney before the tool is used, and where, in voxels from its middle, it is used.

    Attributes:
        spoil: gives the kidney as it is found, from the true one.
        path: places in the slice (rows, columns from the middle) that the pointer goes through.
        options: what is set on the tool.
        seen: the plane it is pictured in; it is used in the axial one.
        radius_mm: of the brush.
    """

    spoil: Callable[[Anatomy], Mask]
    path: tuple[tuple[float, float], ...] = ((0.0, 0.0),)
    options: tuple[tuple[str, Value], ...] = ()
    seen: Plane = Plane.AXIAL
    radius_mm: float = 6.0


def ball(anatomy: Anatomy, offset: tuple[int, int, int], radius: float) -> Mask:
    """A ball about a place so many voxels from the middle of the kidney."""
    z, y, x = np.ogrid[tuple(slice(n) for n in anatomy.kidney.shape)]
    at = np.add(anatomy.middle, offset)
    return np.asarray((z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2 <= radius**2)


def sound(anatomy: Anatomy) -> Mask:
    return anatomy.kidney.copy()


def bitten(anatomy: Anatomy) -> Mask:
    return anatomy.kidney & ~ball(anatomy, (0, 8, -10), 9)


def bitten_at_the_fat(anatomy: Anatomy) -> Mask:
    return anatomy.kidney & ~ball(anatomy, (0, -3, 7), 8)


def leaking(anatomy: Anatomy) -> Mask:
    return anatomy.kidney | (ball(anatomy, (0, 6, 15), 6) & ~anatomy.liver)


def rough(anatomy: Anatomy) -> Mask:
    chance = np.random.default_rng(3)
    rim = ndimage.binary_dilation(anatomy.kidney, iterations=2) ^ ndimage.binary_erosion(
        anatomy.kidney, iterations=2
    )
    flipped = rim & (ndimage.gaussian_filter(chance.standard_normal(anatomy.kidney.shape), 0.8) > 0.1)
    return np.asarray((anatomy.kidney ^ flipped) & ~anatomy.liver)


def with_crumbs(anatomy: Anatomy) -> Mask:
    crumbs = ball(anatomy, (0, 14, 19), 3.2) | ball(anatomy, (0, -1, 22), 2.6)
    return np.asarray(anatomy.kidney | (crumbs & ~anatomy.liver))


def with_holes(anatomy: Anatomy) -> Mask:
    filled = ndimage.binary_closing(anatomy.kidney, iterations=8)
    return np.asarray(
        filled & ~ball(anatomy, (0, -4, -4), 4.2) & ~ball(anatomy, (0, 5, 3), 3.2) & ~anatomy.liver
    )


def every_sixth_slice(anatomy: Anatomy) -> Mask:
    kidney = ndimage.binary_closing(anatomy.kidney, iterations=8) & ~anatomy.liver
    kidney[np.arange(kidney.shape[0]) % 6 != anatomy.middle[0] % 6] = False
    return np.asarray(kidney)


def missing(anatomy: Anatomy) -> Mask:
    return np.zeros_like(anatomy.kidney)


SHOTS: dict[str, Shot] = {
    "crosshair": Shot(sound, ((-12.0, -12.0), (8.0, 9.0))),
    "brush": Shot(bitten, ((2.0, -14.0), (3.0, -6.0), (9.0, -5.0), (9.5, -10.0), (8.0, -13.0)), radius_mm=8.0),
    "erase": Shot(leaking, ((0.0, 18.0), (6.0, 18.0), (12.0, 16.5)), radius_mm=7.0),
    "threshold-brush": Shot(
        bitten_at_the_fat, ((-8.0, 4.0), (-2.0, 3.0), (3.0, 5.0), (1.0, 8.0)), (("low", 115), ("high", 300)),
        radius_mm=8.0,
    ),
    "take-prediction": Shot(leaking, ((0.0, 17.0), (6.0, 17.0), (12.0, 16.0)), radius_mm=8.0),
    "smooth-brush": Shot(rough, ((16.0, -8.0), (15.0, 2.0), (9.0, 11.0)), (("smooth_mm", 4.0),), radius_mm=8.0),
    "lasso": Shot(leaking, ((-3.0, 13.0), (-3.0, 20.0), (6.0, 23.0), (15.0, 20.0), (15.0, 13.0)),
                  (("action", "subtract"),)),
    "polygon": Shot(bitten, ((-2.0, -19.0), (9.0, -19.0), (15.5, -11.0), (15.5, 1.0), (-2.0, -2.0))),
    "grow": Shot(missing, ((8.0, -13.0), (2.0, -13.0)), (("limit_mm", 60.0),)),
    "island": Shot(with_crumbs, ((14.0, 19.0),)),
    "region": Shot(sound, ((-19.0, -18.0), (17.0, 19.0))),
    "probability": Shot(lambda anatomy: ndimage.binary_erosion(anatomy.kidney, iterations=3)),
    "fill-between": Shot(every_sixth_slice, seen=Plane.CORONAL),
    "fill-holes": Shot(with_holes),
    "smooth": Shot(rough, options=(("smooth_mm", 4.0),)),
    "islands": Shot(with_crumbs),
    "margin": Shot(sound, options=(("mm", 4.5),)),
    "take-slice": Shot(leaking),
    "take-label": Shot(bitten),
    "clear-label": Shot(sound),
}  # fmt: skip


@pytest.fixture(scope="module")
def anatomy() -> Anatomy:
    """Half an abdomen of finer voxels than the demo's."""
    made = make_abdomen(300040, (72, 160, 176), SPACING_MM)
    volume = Volume(
        made.values, Grid(made.values.shape, (SPACING_MM,) * 3), DisplayHints(modality="CT", synthetic=True)
    )
    kidney = made.labels == 4
    kidney[..., kidney.shape[2] // 2 :] = False
    z, y, x = (round(float(place.mean())) for place in np.nonzero(kidney))
    return Anatomy(volume, kidney, made.labels == 2, (z, y, x))


def show(robot: Robot, anatomy: Anatomy, shot: Shot) -> None:
    """Open the case as the tool finds it, and bring the kidney near."""
    true = np.where(anatomy.kidney, 1, np.where(anatomy.liver, 2, 0)).astype(np.uint8)
    found = np.where(anatomy.liver, 2, 0).astype(np.uint8)
    found[shot.spoil(anatomy) & ~anatomy.liver] = 1
    session = robot.show_case(anatomy.volume, found, predicted=True)
    session.table, session.prediction = ORGANS, prediction_of(anatomy.volume, true)
    robot.desk.look = replace(robot.desk.look, level=60.0, width=420.0)
    robot.go_to((float(anatomy.middle[0]), float(anatomy.middle[1]), float(anatomy.middle[2])))
    for view in robot.window.views.values():
        view.fit()
        view.zoom_by(PANEL_PX / (ACROSS_MM * view.px_per_mm()), QPointF(view.rect().center()))
        view.pan_by(QPointF(view.rect().center()) - view.point_of(session.crosshair))
    robot.controllers.editing.set_radius_mm(shot.radius_mm)


def size_the_views(robot: Robot) -> None:
    """Make the window as large as makes each view a panel."""
    for _ in range(3):
        view = robot.view(Plane.AXIAL)
        wide, high = PANEL_PX - view.width(), PANEL_PX - view.height()
        robot.window.resize(robot.window.width() + 2 * wide, robot.window.height() + 2 * high)
        robot.settle()


def panel(robot: Robot, plane: Plane) -> QImage:
    """A view as it is on the screen."""
    robot.settle()
    return robot.view(plane).grab().toImage()


def beside(left: QImage, right: QImage) -> QImage:
    """Two panels side by side."""
    both = QImage(left.width() + GAP_PX + right.width(), left.height(), QImage.Format.Format_RGB32)
    both.fill(QColor("#ffffff"))
    painter = QPainter(both)
    painter.drawImage(0, 0, left)
    painter.drawImage(left.width() + GAP_PX, 0, right)
    painter.end()
    return both


def save_small(image: QImage, path: Path) -> None:
    """Write a PNG of 250 colours, without the grain that dithering would add."""
    picture = Image.fromarray(rgb(image)).quantize(250, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)


def use(robot: Robot, name: str, shot: Shot) -> QImage:
    """Use a tool by mouse and keys; gives what is seen before it has done its work."""
    tool, plane, view = TOOLS[name], Plane.AXIAL, robot.view(Plane.AXIAL)
    frame = robot.session.frame(plane)
    index, row, column = frame.from_voxel(robot.session.crosshair)
    voxels: list[Float3] = [frame.to_voxel(index, row + down, column + right) for down, right in shot.path]
    points = [view.point_of(voxel) for voxel in voxels]
    robot.window.actions_set.trigger(f"{'mask' if tool.gesture is Gesture.COMMAND else 'tool'}.{name}")
    for option, value in shot.options:
        robot.controllers.editing.set_option(name, option, value)
    match tool.gesture:
        case Gesture.COMMAND:
            robot.wheel(plane, 1)
            robot.wheel(plane, -1)
            robot.window.actions_set.trigger(f"mask.{name}")
            robot.settle()
            before = panel(robot, shot.seen)
            robot.window.tools.run.click()
            robot.computed()
            if tool.preview:
                before = panel(robot, shot.seen)
                robot.press("Return", view)
        case Gesture.POLYGON:
            view.setFocus()
            for voxel in voxels[:-1]:
                robot.click(plane, voxel)
            robot.hover(plane, voxels[-1])
            before = panel(robot, shot.seen)
            robot.click(plane, voxels[-1])
            robot.press("Return", view)
        case _ if name == "island":
            robot.hover(plane, voxels[0])
            before = panel(robot, shot.seen)
            robot.click(plane, voxels[0])
            robot.wait(lambda: robot.session.history.can_undo)
        case Gesture.STROKE:
            robot.hover(plane, voxels[0])
            before = panel(robot, shot.seen)
            robot.drag_points(plane, *points)
        case _:
            before = panel(robot, shot.seen)
            robot.drag_points(plane, *points, drop=False)
            robot.computed()
            if tool.gesture in (Gesture.OUTLINE, Gesture.POINT):
                before = panel(robot, shot.seen)
            robot._mouse(plane, QEvent.Type.MouseButtonRelease, points[-1])
    robot.computed()
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    return before


@pytest.mark.parametrize("name", list(TOOLS))
def test_every_tool_is_pictured_in_use(robot: Robot, anatomy: Anatomy, repository: Path, name: str) -> None:
    shot = SHOTS[name]
    show(robot, anatomy, shot)
    size_the_views(robot)
    show(robot, anatomy, shot)
    before = use(robot, name, shot)
    after = panel(robot, shot.seen)
    assert before != after
    path = repository / "docs" / "pictures" / "tools" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_small(beside(before, after), path)
    assert path.stat().st_size <= MOST_BYTES
