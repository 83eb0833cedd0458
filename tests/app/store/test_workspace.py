"""Making, opening, refusing and copying workspaces, and those of older programs that must always open."""

from __future__ import annotations

import json
import os
import platform
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from app.core.history import History
from app.core.journal_format import replay
from app.core.review import CaseState
from app.store import locations, schema, workspace_file
from app.store import workspace as workspaces
from app.store.label_version import LabelVersion
from app.store.leases import Held, Lease
from app.store.review_store import CaseRow
from app.store.verify import verify
from app.store.workspace import Workspace
from model.errors import WorkspaceError
from model.scan_io import read_scan

Save = Callable[..., LabelVersion]


def test_a_new_workspace_has_the_files_of_the_design(workspace: Workspace) -> None:
    assert sorted(os.listdir(workspace.folder)) == [
        "cases",
        "models",
        "review.sqlite",
        "scans",
        "workspace.json",
    ]
    content = json.loads((workspace.folder / "workspace.json").read_text(encoding="utf-8"))
    assert (content["format"], content["kind"], content["id"]) == (1, "normal", workspace.id)
    assert len(content["salt"]) == 32
    assert content["label_tables"]["abdomen"][0]["name"] == "liver"
    assert "Research use only" in content["notice"]


def test_two_workspaces_have_their_own_id_and_salt(workspace: Workspace, tmp_path: Path) -> None:
    with workspaces.create(tmp_path / "other") as other:
        assert other.id != workspace.id
        assert other.salt != workspace.salt


def test_what_was_kept_is_there_after_opening_again(workspace: Workspace, case: CaseRow, save: Save) -> None:
    save(case)
    before = workspace.reviews.cases(), workspace.audit.rows()
    workspace.close()
    with workspaces.open(workspace.folder) as again:
        assert (again.reviews.cases(), again.audit.rows()) == before
        assert (again.id, again.salt, again.kind) == (workspace.id, workspace.salt, "normal")


@pytest.mark.parametrize("kind", ["personal", "demo", "tour"])
def test_the_kind_is_kept(tmp_path: Path, kind: workspace_file.Kind) -> None:
    workspaces.open_or_create(tmp_path / "W", kind).close()
    with workspaces.open_or_create(tmp_path / "W") as again:
        assert again.kind == kind


# -- refusals --------------------------------------------------------------------------------------------
def test_a_folder_that_is_no_workspace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    with pytest.raises(
        WorkspaceError, match=r"pictures is not a GateLens workspace \(it has no workspace\.json\)"
    ):
        workspaces.open(tmp_path / "pictures")
    with pytest.raises(WorkspaceError, match="missing is not a folder"):
        workspaces.open(tmp_path / "missing")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '{"format": 2}',
            r"W/workspace\.json has format 2, this GateLens reads up to 1; install the newer version",
        ),
        ("{", r"W/workspace\.json is damaged"),
        ("[]", r"W/workspace\.json is damaged"),
        ('{"format": 1, "id": "x"}', r"W/workspace\.json is damaged"),
        (
            '{"format": 1, "id": "", "salt": "", "kind": "odd", "created": "", "label_tables": {}}',
            "unknown kind 'odd'",
        ),
        (
            '{"format": 1, "id": "", "salt": "", "kind": "demo", "created": "", "label_tables": {"a": 3}}',
            "restore workspace.json from a copy",
        ),
    ],
)
def test_a_workspace_file_that_cannot_be_used_is_refused_in_a_sentence(
    workspace: Workspace, text: str, says: str
) -> None:
    (workspace.folder / "workspace.json").write_text(text, encoding="utf-8")
    with pytest.raises(WorkspaceError, match=says):
        workspaces.open(workspace.folder)


def test_a_lost_database_is_said(workspace: Workspace) -> None:
    workspace.close()
    (workspace.folder / "review.sqlite").unlink()
    with pytest.raises(WorkspaceError, match=r"W has lost its review\.sqlite"):
        workspaces.open(workspace.folder)


def test_an_empty_database_is_not_taken_for_an_empty_workspace(workspace: Workspace) -> None:
    workspace.close()
    (workspace.folder / "review.sqlite").write_bytes(b"")
    with pytest.raises(WorkspaceError, match=r"W/review\.sqlite is empty"):
        workspaces.open(workspace.folder)


def test_a_workspace_is_not_made_over_anything(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="W is a workspace already"):
        workspaces.create(workspace.folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.doc").write_text("x")
    with pytest.raises(WorkspaceError, match="full holds other files"):
        workspaces.create(tmp_path / "full")
    with pytest.raises(WorkspaceError, match=r"thesis\.doc is a file"):
        workspaces.create(tmp_path / "full" / "thesis.doc")


def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(WorkspaceError, match=r"A workspace cannot be made in W \(Permission denied\)"):
        workspaces.create(tmp_path / "W")


def test_making_a_workspace_that_was_interrupted_can_be_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(workspace_file.WorkspaceFile, "write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            workspaces.create(tmp_path / "W")
    assert not workspaces.is_workspace(tmp_path / "W")
    with workspaces.create(tmp_path / "W") as workspace:
        assert workspace.audit.verify().rows == 1


def test_temporary_files_of_a_crash_are_cleared(workspace: Workspace, case: CaseRow) -> None:
    folder = workspace.case_folder(case.id)
    folder.mkdir(parents=True)
    dead, alive = 2**22 + 1, os.getpid()
    for where, name in ((workspace.folder, ".workspace.json"), (folder, ".thumbnail.npy")):
        for pid in (dead, alive):
            (where / f"{name}.{pid}.tmp").write_text("half")
    staging = folder / "predictions" / f".writing-{dead}-1-{platform.node()}-0123abcd"
    staging.mkdir(parents=True)
    workspaces.open(workspace.folder).close()
    left = sorted(path.name for path in workspace.folder.rglob(".*"))
    assert left == [f".thumbnail.npy.{alive}.tmp", f".workspace.json.{alive}.tmp"]


def test_a_case_id_from_a_file_cannot_leave_the_workspace(workspace: Workspace) -> None:
    for bad in ("../../etc", "", "ABCDEF00", "a/b"):
        with pytest.raises(WorkspaceError, match="does not name a case"):
            workspace.case_folder(bad)


def test_the_data_folder_is_the_one_that_is_named(
    gatelens_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert locations.data_home() == gatelens_home.resolve()
    for place in (locations.personal_workspace(), locations.demo_workspace(), locations.log_folder()):
        assert place.parent == locations.data_home()
    monkeypatch.delenv("GATELENS_HOME")
    assert locations.data_home().name == "GateLens"


# -- copies ----------------------------------------------------------------------------------------------
def test_a_copy_has_everything_but_leases_and_the_source_is_unchanged(
    workspace: Workspace, case: CaseRow, save: Save, tmp_path: Path
) -> None:
    version = save(case)
    workspace.reviews.lease(case.id, "s1", "Ann")
    journal = workspace.journals.folder(case.id) / "s1.journal"
    journal.parent.mkdir()
    journal.write_bytes(b"x")
    before = {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for path in workspace.folder.rglob("*")
        if path.is_file()
    }
    with workspaces.copy(workspace, tmp_path / "out" / "deep" / "copy", "tour") as copied:
        assert (copied.kind, copied.salt) == ("tour", workspace.salt)
        assert copied.id != workspace.id
        (row,) = copied.reviews.cases()
        assert (row.state, row.version) == (CaseState.CORRECTED, 1)
        # The scan lay beside the source, so it is found there still.
        assert row.path == case.path
        assert (copied.labels.folder(case.id) / "v0001.nii.gz").read_bytes() == version.path.read_bytes()
        assert not copied.journals.folder(case.id).exists()
        assert isinstance(copied.reviews.lease(case.id, "s2", "tour"), Lease)
        assert copied.audit.rows()[-1].kind == "workspace copied"
        assert verify(copied).ok
        save_in = copied.labels.versions(case.id)[0]
        assert stat.S_IMODE(save_in.path.stat().st_mode) == 0o444
    after = {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for path in workspace.folder.rglob("*")
        if path.is_file()
    }
    assert after == before
    assert isinstance(workspace.reviews.lease(case.id, "s2", "Bo"), Held)


def test_scans_kept_inside_a_workspace_are_copied_with_it(
    workspace: Workspace, case: CaseRow, tmp_path: Path
) -> None:
    inside = workspace.folder / "scans" / case.path.name
    shutil.copy(case.path, inside)
    workspace.reviews.move_case(case.id, inside)
    with workspaces.copy(workspace, tmp_path / "elsewhere" / "copy", "tour") as copied:
        assert copied.reviews.case(case.id).path == tmp_path / "elsewhere" / "copy" / "scans" / case.path.name
        assert copied.reviews.case(case.id).path.is_file()


# -- older tables ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("version", "read_how"), [("v1", (0.0, None, None)), ("v2", (41.25, 7.5, 0.75))])
def test_a_workspace_of_an_older_program_opens_with_all_it_holds(
    repository: Path, tmp_path: Path, version: str, read_how: tuple[float, float | None, float | None]
) -> None:
    shutil.copytree(repository / "tests" / "fixtures" / f"workspace_{version}", tmp_path / "W")
    with workspaces.open(tmp_path / "W") as workspace:
        assert workspace.database.schema_version() == schema.SCHEMA_VERSION
        assert verify(workspace).ok
        assert workspace.audit.rows()[0].kind == "workspace created"
        assert [entry.name for entry in workspace.label_table("abdomen").entries] == ["liver", "spleen"]
        read, painted, flagged = workspace.reviews.cases()
        assert [case.state for case in (read, painted, flagged)] == [
            CaseState.CORRECTED, CaseState.NEW, CaseState.FLAGGED,
        ]  # fmt: skip
        assert (read.version, read.reader, read.subject, flagged.note) == (2, "Ann", "S1", "odd contrast")
        record = workspace.reviews.decisions(read.id)[-1].record
        assert (record.seconds, record.idle_seconds, record.seen_share) == read_how
        assert read.seen_share == read_how[2]
        volume = read_scan(read.path).volume
        assert volume.identity() == read.id
        labels = workspace.labels.load(read.id, 2, volume.grid).labels
        assert np.bincount(labels.ravel()).tolist() == [101, 18, 1]
        (journal,) = workspace.journals.open_journals(painted.id)
        assert journal.journal is not None
        mask: npt.NDArray[np.uint8] = np.zeros(volume.grid.shape, np.uint8)
        replay(journal.journal, mask, History())
        assert int(mask.sum()) == 4
        served = workspace.reviews.serving_model()
        assert served is not None
        assert served.name == "phantom-abdomen"
        assert workspace.reviews.measurements(read.id)[0].unit == "mL"
