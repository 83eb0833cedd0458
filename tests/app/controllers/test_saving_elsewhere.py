"""The mask saved elsewhere: whole, never torn, over nothing that is needed, and no stroke is lost by it."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from app.controllers import saving_elsewhere
from app.controllers.conditions import Condition
from app.core.planes import Plane
from model.scan_io import read_labels
from tests.app.controllers.conftest import Bench

MIDDLE = (10.0, 12.0, 14.0)


@pytest.fixture
def painted(bench: Bench, workspace_folder: Path) -> Bench:
    bench.open(workspace_folder)
    bench.desk.session.radius_mm = 5.0
    bench.stroke(MIDDLE)
    bench.messages.clear()
    return bench


def save(bench: Bench, path: Path) -> str:
    """Save to a path; gives what is said."""
    bench.messages.clear()
    bench.controllers.elsewhere.save_elsewhere(path)
    bench.wait()
    return bench.texts[-1]


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha"])
def test_the_mask_is_written_on_its_grid_and_says_where(painted: Bench, tmp_path: Path, suffix: str) -> None:
    session, path = painted.desk.session, tmp_path / f"mine{suffix}"
    said = save(painted, path)
    assert said == f"The mask of blob_1 was saved as mine{suffix}; Accept still keeps it in the workspace."
    assert np.array_equal(read_labels(path, session.grid).labels, session.labels)
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


def test_a_name_without_a_suffix_gets_one_and_then_replaces_nothing(painted: Bench, tmp_path: Path) -> None:
    assert painted.controllers.elsewhere.suggested_name == "blob_1_mask.nii.gz"
    save(painted, tmp_path / "mine")
    before = (tmp_path / "mine.nii.gz").read_bytes()
    painted.stroke((4.0, 4.0, 4.0))
    assert (
        save(painted, tmp_path / "mine") == "mine.nii.gz is there already; choose another name for the mask."
    )
    assert (tmp_path / "mine.nii.gz").read_bytes() == before
    assert "was saved" in save(painted, tmp_path / "mine.nii.gz")
    assert (tmp_path / "mine.nii.gz").read_bytes() != before


def test_nothing_in_the_workspace_and_no_scan_is_written_over(
    painted: Bench, scans: Path, tmp_path: Path
) -> None:
    painted.controllers.opening.after_opening = lambda: None
    painted.controllers.reviewing.accept()
    painted.wait()
    workspace = painted.desk.workspace
    (version,) = workspace.folder.rglob("v0001.nii.gz")
    other_scan = scans / "blob_2.nii.gz"
    link = tmp_path / "link.nii.gz"
    link.symlink_to(version)
    before = version.read_bytes(), other_scan.read_bytes()
    for path in (version, workspace.folder / "new.nii.gz", link):
        assert "would lie inside the workspace" in save(painted, path)
    assert save(painted, other_scan) == (
        "blob_2.nii.gz is a scan of the worklist; choose another name for the mask."
    )
    assert (version.read_bytes(), other_scan.read_bytes()) == before
    assert not (workspace.folder / "new.nii.gz").exists()


def test_a_folder_that_takes_nothing_is_a_sentence_and_the_mask_and_its_strokes_stay(
    painted: Bench, tmp_path: Path
) -> None:
    session = painted.desk.session
    before = session.labels.copy()
    said = save(painted, tmp_path / "nowhere" / "mine.nii.gz")
    assert said == (
        "mine.nii.gz cannot be written (No such file or directory); check the folder and the free space."
    )
    assert painted.messages[-1].kind == "error"
    assert (session.labels == before).all()
    assert session.history.depth == 1
    assert not painted.desk.saving
    assert painted.desk.is_on(Condition.CAN_EDIT)


def test_the_mask_stands_still_only_while_it_is_copied_and_strokes_go_on_while_it_is_written(
    painted: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go_on = threading.Event(), threading.Event()
    real = saving_elsewhere.write_labels

    def slow(*args: object) -> None:
        writing.set()
        assert go_on.wait(10)
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(saving_elsewhere, "write_labels", slow)
    session, editing = painted.desk.session, painted.controllers.editing
    asked = session.labels.copy()
    painted.controllers.elsewhere.save_elsewhere(tmp_path / "mine.nii.gz")
    editing.set_tool("brush")
    editing.begin_stroke(Plane.AXIAL, (4.0, 4.0, 4.0))
    assert not session.stroke_active
    assert painted.texts == ["The mask is being saved; paint again in a moment."]
    assert (session.labels == asked).all()
    painted.wait(writing.is_set)
    painted.mailbox.pump()
    assert not painted.desk.saving
    painted.stroke((4.0, 4.0, 4.0))
    assert session.history.depth == 2
    go_on.set()
    painted.wait()
    assert np.array_equal(read_labels(tmp_path / "mine.nii.gz").labels, asked)


def test_a_stroke_or_another_save_comes_first(painted: Bench, tmp_path: Path) -> None:
    editing = painted.controllers.editing
    editing.begin_stroke(Plane.AXIAL, (4.0, 4.0, 4.0))
    assert save(painted, tmp_path / "mine.nii.gz") == "Finish the stroke first, then save the mask."
    editing.end_stroke()
    painted.desk.saving = True
    assert "is being saved already" in save(painted, tmp_path / "mine.nii.gz")
    painted.desk.saving = False
    painted.controllers.opening.close_case()
    assert "Open a case first" in save(painted, tmp_path / "mine.nii.gz")
    assert not (tmp_path / "mine.nii.gz").exists()


def test_a_read_only_case_can_be_saved_elsewhere(painted: Bench, tmp_path: Path) -> None:
    painted.desk.session.read_only_reason = "It is open in another window."
    assert "was saved as" in save(painted, tmp_path / "mine.nii.gz")


def test_closing_waits_until_it_is_written(painted: Bench, tmp_path: Path) -> None:
    painted.controllers.elsewhere.save_elsewhere(tmp_path / "mine.nii.gz")
    painted.wait(lambda: not painted.desk.saving)
    painted.controllers.shutdown()
    assert read_labels(tmp_path / "mine.nii.gz").labels.any()


def test_an_accept_that_fails_offers_to_save_elsewhere(
    painted: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from model.errors import WorkspaceError

    def full(*args: object, **options: object) -> None:
        raise WorkspaceError("v0001.nii.gz cannot be saved (No space left on device); make room.")

    monkeypatch.setattr(painted.desk.workspace.labels, "save", full)
    painted.controllers.reviewing.accept()
    painted.wait()
    assert painted.texts[-1].endswith("or save the mask elsewhere (Ctrl+Shift+S).")
    assert not painted.desk.saving
