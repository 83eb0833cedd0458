"""Subjects, settings, thumbnails, predictions, and the check of a whole workspace."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from app.store import durable, locations, settings, thumbnails
from app.store.prediction_store import PredictionStore
from app.store.review_store import CaseRow
from app.store.settings import Settings
from app.store.subjects import Subjects, hashed_subject
from app.store.verify import verify
from app.store.workspace import Workspace
from model.errors import ScanError, WorkspaceError
from model.prediction import Prediction

KEY = "0123456789abcdef"


# -- subjects --------------------------------------------------------------------------------------------
def scan(folder: Path, name: str = "knee_01.nii.gz") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"")
    return folder / name


@pytest.mark.parametrize("where", ["images", "."])
@pytest.mark.parametrize("listed", ["knee_01.nii.gz", "knee_01"])
def test_the_table_beside_the_scans_or_above_names_the_subject(
    tmp_path: Path, where: str, listed: str
) -> None:
    path = scan(tmp_path / "images")
    (tmp_path / where / "subjects.csv").write_text(f"file,subject,age\nother.nii.gz,S1,3\n{listed}, S2 ,4\n")
    assert Subjects("salt").find(path, "4711") == "S2"


def test_without_a_table_it_is_the_hashed_patient_id_then_the_file_name(tmp_path: Path) -> None:
    path = scan(tmp_path / "images")
    subjects = Subjects("salt")
    assert subjects.find(path, None) == "knee_01"
    assert subjects.find(path, " ") == "knee_01"
    assert subjects.find(path, "4711") == hashed_subject("4711", "salt")


def test_a_folder_without_a_patient_id_is_hashed_since_it_may_be_a_name(tmp_path: Path) -> None:
    (tmp_path / "Doe_Jane").mkdir()
    assert Subjects("salt").find(tmp_path / "Doe_Jane") == hashed_subject("Doe_Jane", "salt")


def test_the_hash_is_one_for_a_person_and_differs_between_workspaces() -> None:
    assert hashed_subject("4711", "a") == hashed_subject(" 4711 ", "a")
    assert hashed_subject("4711", "a") != hashed_subject("4711", "b")
    assert hashed_subject("4711", "a") != hashed_subject("4712", "a")
    assert "4711" not in hashed_subject("4711", "a")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name,person\n", "needs the columns file and subject"),
        (b"file,subject\n\xff\xfe", "save it as UTF-8"),
    ],
)
def test_a_table_that_cannot_be_used_is_a_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    path = scan(tmp_path)
    (tmp_path / "subjects.csv").write_bytes(content)
    with pytest.raises(ScanError, match=says):
        Subjects("salt").find(path)


# -- settings --------------------------------------------------------------------------------------------
def test_settings_outlive_the_program(gatelens_home: Path) -> None:
    assert settings.load() == Settings()
    chosen = Settings(reader="Änne", last_workspace="/w", window_geometry="AAA=")
    settings.save(chosen)
    assert settings.load() == chosen
    assert locations.settings_file() == gatelens_home.resolve() / "settings.json"
    assert os.listdir(gatelens_home) == ["settings.json"]


def test_unknown_and_odd_entries_are_left_out(gatelens_home: Path) -> None:
    (gatelens_home / "settings.json").write_text('{"reader": "Ann", "last_workspace": 7, "later": "x"}')
    assert settings.load() == Settings(reader="Ann")
    (gatelens_home / "settings.json").write_text("[]")
    assert settings.load() == Settings()


@pytest.mark.expected_log("settings.json cannot be read")
def test_broken_settings_are_put_aside_and_the_program_starts(gatelens_home: Path) -> None:
    (gatelens_home / "settings.json").write_text("{")
    assert settings.load() == Settings()
    assert sorted(os.listdir(gatelens_home)) == ["settings.broken.json"]


# -- thumbnails ------------------------------------------------------------------------------------------
def test_a_thumbnail_is_kept_and_a_damaged_one_is_none(workspace: Workspace, case: CaseRow) -> None:
    assert workspace.load_thumbnail(case.id) is None
    image = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64).astype(np.uint8)
    workspace.save_thumbnail(case.id, image)
    found = workspace.load_thumbnail(case.id)
    assert found is not None
    assert np.array_equal(found, image)
    path = workspace.case_folder(case.id) / "thumbnail.npy"
    for damage in (b"", path.read_bytes()[:100], b"\x80\x04."):
        path.write_bytes(damage)
        assert workspace.load_thumbnail(case.id) is None
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert workspace.load_thumbnail(case.id) is None


def test_a_picture_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="64×64 of uint8"):
        thumbnails.save(tmp_path, np.zeros((32, 64), np.uint8))


# -- predictions -----------------------------------------------------------------------------------------
def test_a_prediction_comes_back_as_it_was(
    workspace: Workspace, case: CaseRow, prediction: Prediction
) -> None:
    store = workspace.predictions
    assert not store.has(case.id, KEY)
    folder = store.save(case.id, KEY, prediction)
    assert folder == workspace.folder / "cases" / case.id / "predictions" / KEY
    assert store.has(case.id, KEY)
    found = store.load(case.id, KEY)
    assert np.array_equal(found.labels, prediction.labels)
    assert np.array_equal(found.attention[0].values, prediction.attention[0].values)
    assert store.load(case.id, KEY, attention=False).attention == ()
    assert os.listdir(folder.parent) == [KEY]


def test_a_prediction_that_is_there_stays(
    workspace: Workspace, case: CaseRow, prediction: Prediction
) -> None:
    folder = workspace.predictions.save(case.id, KEY, prediction)
    before = (folder / "prediction.json").stat().st_mtime_ns
    workspace.predictions.save(case.id, KEY, prediction)
    assert (folder / "prediction.json").stat().st_mtime_ns == before


def test_a_prediction_that_fails_while_it_is_written_leaves_nothing(
    workspace: Workspace, case: CaseRow, prediction: Prediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(folder: Path, _: Prediction) -> None:
        (folder / "labels.nii.gz").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.store.prediction_store.write_prediction", half)
    with pytest.raises(WorkspaceError, match="No space left on device"):
        workspace.predictions.save(case.id, KEY, prediction)
    assert os.listdir(workspace.case_folder(case.id) / "predictions") == []
    assert not workspace.predictions.has(case.id, KEY)


def test_a_missing_prediction_and_an_odd_key_are_sentences(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    with pytest.raises(WorkspaceError, match="predict the case again"):
        store.load("ab" * 32, KEY)
    with pytest.raises(WorkspaceError, match="does not name a prediction"):
        store.has("ab" * 32, "../../../etc")


# -- verify ----------------------------------------------------------------------------------------------
def test_a_whole_workspace_verifies(workspace: Workspace, case: CaseRow, save: object) -> None:
    assert callable(save)
    save(case)
    found = verify(workspace)
    assert (found.ok, found.versions, found.audit_rows) == (True, 1, 4)
    assert found.head == workspace.audit.head()


def test_changed_and_missing_versions_are_named(workspace: Workspace, case: CaseRow, save: object) -> None:
    assert callable(save)
    first, second = save(case), save(case)
    first.path.chmod(0o644)
    first.path.write_bytes(first.path.read_bytes() + b"\0")
    durable.remove_file(second.path)
    assert verify(workspace).problems == (
        f"Version 1 of {case.name} (case {case.id[:12]}) was changed on disk; "
        f"restore cases/{case.id}/labels/v0001.nii.gz from a copy.",
        f"Version 2 of {case.name} (case {case.id[:12]}) is missing on disk; "
        f"restore cases/{case.id}/labels/v0002.nii.gz from a copy.",
    )
