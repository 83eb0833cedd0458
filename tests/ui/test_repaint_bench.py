"""The time from the mouse to the repaint is measured in a real window, on moves that change what is shown."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QPaintEvent
from pytestqt.qtbot import QtBot

from app.composition import measure_repaint
from app.controllers.editing_bench.scene import make_scene
from app.core.planes import Plane
from app.ui.slice_view import SliceView


def test_moves_are_timed_in_three_views_and_in_one_and_leave_the_case_as_it_was(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make_scene((40, 64, 64)).session()
    session.radius_mm, session.sphere = 16.4, True
    made: list[tuple[Plane, bool, int]] = []
    paint = SliceView.paintEvent

    def noted(view: SliceView, event: QPaintEvent) -> None:
        made.append(
            (view.plane, view._stale or view._part is not None, int(np.count_nonzero(session.labels)))
        )
        paint(view, event)

    monkeypatch.setattr(SliceView, "paintEvent", noted)

    times = measure_repaint(session, 5)

    assert times.one_view > 0
    assert times.three_views > 0
    assert times.views.startswith("one view of ")
    assert times.views.count("×") == 4
    # Each of the five moves of a stroke changed voxels, and every view then drew its slice anew.
    drawn = {(plane, voxels) for plane, stale, voxels in made if stale and voxels}
    for plane in Plane:
        assert len({voxels for other, voxels in drawn if other is plane}) >= 5
    assert not session.labels.any()
