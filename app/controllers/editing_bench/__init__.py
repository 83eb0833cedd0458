"""How fast editing is, against napari and the libraries others use, both sides in one run (`gatelens bench edit`).

It lives here and not in `model.bench` because what it measures is the tools and the session of `app.core`. What a
window does with an edit is measured by the window's own side (`MeasureRepaint`), which is handed in.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from types import MappingProxyType

from app.controllers.editing_bench import strokes, volume_tools
from app.controllers.editing_bench.scene import Scene, make_scene
from app.controllers.editing_bench.table import Beside, EditRow, EditTable
from app.core.session import Session
from model.bench.rows import Machine, load_average, processor_name
from model.grid import Int3
from model.progress import CancelCheck, Report, never, silent, stop_if

_REPAINT_AIM_MS = 4.0
_BESIDE_THE_ORGAN = (0.5, 0.78, 0.6)
"""A place with room to paint, in parts of the volume along z, y, x."""
_FULL_SIZE: Int3 = (300, 512, 512)
_QUICK_SIZE: Int3 = (96, 160, 160)


@dataclass(frozen=True)
class Setting:
    """What is measured.

    Attributes:
        size: voxels (z, y, x) of the generated scan.
        repeats: measured runs of each side; medians are taken.
        strokes: of which the memory is measured.
        rows: names of `ROWS`; empty for all.
    """

    size: Int3 = _FULL_SIZE
    repeats: int = 9
    strokes: int = 1000
    rows: tuple[str, ...] = ()


QUICK = Setting(_QUICK_SIZE, repeats=3, strokes=100)
"""A look whether everything runs; its figures say little of a whole scan."""


@dataclass(frozen=True)
class RepaintTimes:
    """Medians in ms from a mouse event to the end of the repaint it caused; `views` tells the panes' pixels."""

    one_view: float
    three_views: float
    views: str


MeasureRepaint = Callable[[Session, int], RepaintTimes]
"""Paints on a case in a real window, so many moves of the mouse in one view and in three; where there is no window,
there is no such function either."""

_Compared = Callable[[Scene, int, CancelCheck], list[EditRow]]
_COMPARED: Mapping[str, _Compared] = MappingProxyType(
    {
        "brush-step": strokes.brush_steps,
        "undo": strokes.undo,
        "region-grow": volume_tools.region_grow,
        "islands": volume_tools.islands,
        "margin": volume_tools.margins,
        "fill-between": volume_tools.between,
    }
)
ROWS = (*_COMPARED, "commit", "memory", "repaint")
"""What `rows` may name: the comparisons, and the figures beside them."""


def measure(
    setting: Setting,
    repaint: MeasureRepaint | None,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> EditTable:
    """All rows of `setting`, or those it names; `report` is told before each.

    Raises:
        ValueError: if it names a row that is none.
        Cancelled: between two runs.
    """
    if unknown := [name for name in setting.rows if name not in ROWS]:
        raise ValueError(f"there is no row {unknown[0]}; there are {', '.join(ROWS)}")
    wanted = [name for name in ROWS if not setting.rows or name in setting.rows]
    machine = _machine()
    report(0.0, "making the scan")
    scene = make_scene(setting.size)
    rows: list[EditRow] = []
    beside: list[Beside] = []
    for number, name in enumerate(wanted):
        stop_if(cancelled)
        report(number / len(wanted), name)
        if name in _COMPARED:
            rows += _COMPARED[name](scene, setting.repeats, cancelled)
        elif name == "commit":
            beside += strokes.commit(scene, setting.repeats, cancelled)
        elif name == "memory":
            beside += strokes.memory(scene, setting.strokes, cancelled)
        else:
            beside += _repainted(scene, repaint, setting.repeats)
    return EditTable(machine, setting.size, tuple(rows), tuple(beside))


def _repainted(scene: Scene, repaint: MeasureRepaint | None, repeats: int) -> Sequence[Beside]:
    names = ("repaint of one view", "repaint of three views")
    if repaint is None:
        note = "there is no window here to measure it in"
        return [Beside(name, None, "ms", _REPAINT_AIM_MS, {}, note) for name in names]
    session = scene.session(scene.labels())
    session.radius_mm = strokes.radius_mm(scene)
    session.sphere = True
    z, y, x = (share * (n - 1) for share, n in zip(_BESIDE_THE_ORGAN, scene.shape, strict=True))
    session.move_crosshair((round(z), round(y), round(x)))
    times = repaint(session, 10 * repeats)
    note = f"from a move of a ball of radius {strokes.RADIUS_VOXELS} to the end of the repaint, {times.views}"
    return [
        Beside(name, value, "ms", _REPAINT_AIM_MS, {}, note)
        for name, value in zip(names, (times.one_view, times.three_views), strict=True)
    ]


def _machine() -> Machine:
    cores = os.cpu_count() or 1
    return Machine(
        processor=processor_name(),
        cores=cores,
        threads=cores,
        device="CPU",
        precision="none",
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        torch=version("torch"),
        load_average=load_average(),
    )
