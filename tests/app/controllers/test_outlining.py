"""The polygon that is being drawn, without a window: one journal record when it is closed, and none before."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.controllers.outlining import Outlining
from app.core.planes import Plane
from tests.app.controllers.conftest import Bench

CORNERS = ((1.0, 1.0), (1.0, 5.0), (5.0, 5.0), (5.0, 1.0))


@pytest.fixture
def outlining(bench: Bench, workspace_folder: Path) -> Outlining:
    """The polygon tool in the hand, on the axial slice 3 of a case."""
    bench.open(workspace_folder)
    assert bench.desk.session is not None
    frame = bench.desk.session.frame(Plane.AXIAL)
    bench.controllers.looking.move_crosshair(frame.to_voxel(3, 6, 6))
    bench.controllers.editing.set_tool("polygon")
    bench.messages.clear()
    return bench.controllers.editing.outlining


def test_closing_is_one_step_and_nothing_changes_before(bench: Bench, outlining: Outlining) -> None:
    session, heard = bench.desk.session, []
    assert session is not None
    outlining.changed.subscribe(heard.append)
    for corner in CORNERS:
        outlining.add_corner(Plane.AXIAL, 3, corner)
    assert (len(heard), int(session.labels.sum()), session.history.depth) == (4, 0, 0)
    outlining.close()
    assert (len(heard), int((session.labels == 1).sum()), session.history.depth) == (5, 16, 1)
    assert bench.controllers.editing.undo_name.startswith("polygon on core")
    assert outlining.polygon is None
    outlining.close()
    outlining.remove_corner()
    assert len(heard) == 5


def test_a_label_that_cannot_change_is_refused_at_the_first_corner(
    bench: Bench, outlining: Outlining
) -> None:
    bench.controllers.labelling.set_locked(1, True)
    outlining.add_corner(Plane.AXIAL, 3, CORNERS[0])
    assert outlining.polygon is None
    assert bench.texts[-1].startswith("core is locked")


def test_while_the_mask_is_saved_no_corner_is_set_and_an_open_polygon_waits(
    bench: Bench, outlining: Outlining
) -> None:
    for corner in CORNERS:
        outlining.add_corner(Plane.AXIAL, 3, corner)
    bench.desk.saving = True
    outlining.add_corner(Plane.AXIAL, 3, CORNERS[0])
    outlining.close()
    bench.desk.saving = False
    assert outlining.polygon is not None
    assert len(outlining.polygon.corners) == 4
    assert bench.texts == ["The mask is being saved; paint again in a moment."] * 2
    outlining.close()
    assert outlining.polygon is None


def test_another_case_drops_it(bench: Bench, outlining: Outlining) -> None:
    outlining.add_corner(Plane.AXIAL, 3, CORNERS[0])
    bench.controllers.opening.close()
    assert outlining.polygon is None
