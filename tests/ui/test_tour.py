"""The tour: the whole job in the real window, off screen, on a copy; what it writes is held against the disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.composition import open_window
from app.controllers.starting import TourRequest, WindowStart
from app.store import workspace as workspaces
from model.errors import WorkspaceError
from model.scan_io import read_labels, read_scan

pytestmark = pytest.mark.usefixtures("qapp")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_tour_does_the_whole_job_on_a_copy(workspace_folder: Path, tmp_path: Path) -> None:
    out, before = tmp_path / "tour", contents(workspace_folder)

    code = open_window(WindowStart(tour=TourRequest(workspace_folder, out, cases=2)))

    told = json.loads((out / "tour.json").read_text(encoding="utf-8"))
    assert [step for step in told["steps"] if not step["ok"]] == []
    assert (code, told["ok"], told["problem"]) == (0, True, None)
    assert contents(workspace_folder) == before
    pictures = sorted(out.glob("*.png"))
    assert [path.name for path in pictures] == [step["picture"] for step in told["steps"]]
    assert len({path.read_bytes() for path in pictures}) == len(pictures)
    assert len(told["cases"]) == 2
    with workspaces.open(out / "workspace") as copy:
        assert copy.kind == "tour"
        for case in told["cases"]:
            row = next(row for row in copy.reviews.cases() if row.name == case["case"])
            assert (row.state.value, row.reader) == ("corrected", "tour")
            saved = read_labels(out / case["saved_label"], like=read_scan(row.path).volume.grid)
            assert row.prediction_key is not None
            predicted = copy.predictions.load(row.id, row.prediction_key).labels
            assert (
                np.count_nonzero(saved.labels != predicted)
                == case["changed_voxels"]
                == case["painted_voxels"]
                > 0
            )
    assert told["changed_voxels"] == sum(case["changed_voxels"] for case in told["cases"])
    assert set(told["heartbeat_ms"]["predict"]) == {"p50", "p99", "max"}


def test_a_tour_that_cannot_predict_says_so_and_fails(workspace_folder: Path, tmp_path: Path) -> None:
    with workspaces.open(workspace_folder) as workspace:
        for row in workspace.reviews.cases()[1:]:
            row.path.write_bytes(b"gone")

    code = open_window(WindowStart(tour=TourRequest(workspace_folder, tmp_path / "tour", cases=2)))

    told = json.loads((tmp_path / "tour" / "tour.json").read_text(encoding="utf-8"))
    assert (code, told["ok"]) == (1, False)
    assert told["problem"]


def test_a_tour_does_not_write_over_a_workspace_of_its_own(workspace_folder: Path, tmp_path: Path) -> None:
    with workspaces.create(tmp_path / "tour" / "workspace"):
        pass
    with pytest.raises(WorkspaceError):
        open_window(WindowStart(tour=TourRequest(workspace_folder, tmp_path / "tour", cases=1)))
    assert workspaces.is_workspace(tmp_path / "tour" / "workspace")
