"""Label versions: the order in which one comes into being, that none changes, and what a crash leaves."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sqlalchemy import event

from app.core.base import labels_sha256
from app.core.review import CaseState
from app.store import commit, durable
from app.store import workspace as workspaces
from app.store.checksums import file_sha256
from app.store.commit import STEPS
from app.store.decisions import DecisionRecord
from app.store.label_version import LabelVersion, VersionFile, VersionInfo
from app.store.processes import ProcessIdentity, staging_name, this_process
from app.store.review_store import CaseRow
from app.store.verify import verify
from app.store.workspace import Workspace
from model.errors import WorkspaceError
from model.grid import Grid

Mask = npt.NDArray[np.uint8]
Info = Callable[..., VersionInfo]
Save = Callable[..., LabelVersion]

GONE = ProcessIdentity(this_process().host, 2**22 + 1, 1.0)


def names(workspace: Workspace, case: CaseRow) -> list[str]:
    folder = workspace.labels.folder(case.id)
    return sorted(os.listdir(folder)) if folder.exists() else []


# -- the order --------------------------------------------------------------------------------------------
def test_the_order_is_write_fsync_read_back_compare_link_fsync_folder_commit(
    workspace: Workspace, case: CaseRow, labels: Mask, grid: Grid, info: Info, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    folder = workspace.labels.folder(case.id)

    def recorded(name: Callable[..., str], real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            result = real(*arguments)
            seen.append(name(*arguments))
            return result

        return call

    def short(path: Path) -> str:
        return "folder" if path == folder else "case" if path == folder.parent else path.name[:8]

    monkeypatch.setattr(commit, "write_labels", recorded(lambda *_: "write", commit.write_labels))
    monkeypatch.setattr(
        durable, "fsync_file", recorded(lambda path: f"fsync {path.name}", durable.fsync_file)
    )
    monkeypatch.setattr(commit, "read_labels", recorded(lambda path: f"read {path.name}", commit.read_labels))
    monkeypatch.setattr(np, "array_equal", recorded(lambda *_: "compare", np.array_equal))
    monkeypatch.setattr(os, "link", recorded(lambda _, target: f"link {target.name}", os.link))
    monkeypatch.setattr(
        durable, "fsync_folder", recorded(lambda path: f"fsync {short(path)}", durable.fsync_folder)
    )
    event.listen(workspace.database._engine, "commit", lambda _: seen.append("commit"))

    workspace.labels.save(case.id, labels, grid, info())

    wanted = [
        "write", "fsync labels.nii.gz", "read labels.nii.gz", "compare",
        "link v0001.nii.gz", "link v0001.json", "fsync folder", "commit",
    ]  # fmt: skip
    places = [seen.index(step, seen.index("write") if step == "commit" else 0) for step in wanted]
    assert places == sorted(places), seen
    # The reading before the save is a transaction too; after the files there is exactly one.
    assert seen[places[0] :].count("commit") == 1
    assert seen.count("compare") == 1


def test_the_hook_is_called_after_every_step_in_order(
    workspace: Workspace, case: CaseRow, labels: Mask, grid: Grid, info: Info
) -> None:
    steps: list[str] = []
    workspace.labels.save(case.id, labels, grid, info(), steps.append)
    assert tuple(steps) == STEPS


def test_row_decision_and_audit_stand_or_fall_together(
    workspace: Workspace, case: CaseRow, labels: Mask, grid: Grid, info: Info
) -> None:
    def fail(step: str) -> None:
        if step == "rows added":
            raise RuntimeError(step)

    before = workspace.audit.head()
    with pytest.raises(RuntimeError):
        workspace.labels.save(case.id, labels, grid, info(), fail)
    assert workspace.labels.versions(case.id) == ()
    assert workspace.reviews.decisions(case.id) == ()
    assert workspace.audit.head() == before
    assert names(workspace, case) == []


@pytest.mark.parametrize("failing", STEPS[:-1])
def test_an_error_at_any_step_leaves_no_file_and_the_next_save_works(
    workspace: Workspace, case: CaseRow, labels: Mask, grid: Grid, info: Info, failing: str
) -> None:
    def fail(step: str) -> None:
        if step == failing:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(WorkspaceError, match="No space left on device"):
        workspace.labels.save(case.id, labels, grid, info(), fail)
    assert names(workspace, case) == []
    assert workspace.labels.save(case.id, labels, grid, info()).number == 1
    assert workspace.audit.verify().ok


def test_a_disk_that_gives_back_other_labels_is_found_out(
    workspace: Workspace, case: CaseRow, labels: Mask, grid: Grid, info: Info, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = commit.write_labels

    def flipped(path: Path, values: Mask, where: Grid) -> None:
        wrong = values.copy()
        wrong[0, 0, 0] ^= 1
        real(path, wrong, where)

    monkeypatch.setattr(commit, "write_labels", flipped)
    with pytest.raises(WorkspaceError, match="did not give back"):
        workspace.labels.save(case.id, labels, grid, info())
    assert names(workspace, case) == []


# -- what a version is -----------------------------------------------------------------------------------
def test_a_version_reads_back_with_its_grid_and_names_its_hashes(
    workspace: Workspace, case: CaseRow, labels: Mask, grid: Grid, info: Info
) -> None:
    said = info(session="s9", journal_bytes=120)
    version = workspace.labels.save(case.id, labels, grid, said)
    read = workspace.labels.load(case.id, 1)
    assert np.array_equal(read.labels, labels)
    assert read.grid.close_to(grid)
    assert version.sha256 == labels_sha256(labels) == labels_sha256(read.labels)
    assert version.base.kind == "version"
    assert workspace.labels.versions(case.id) == (version,)
    text = version.path.with_name("v0001.json").read_text(encoding="utf-8")
    assert VersionFile.from_json("v0001.json", text).info == said
    assert "Research use only" in text


def test_wide_labels_that_fit_are_kept_narrow_so_that_hashes_agree(
    workspace: Workspace, case: CaseRow, labels: Mask, grid: Grid, info: Info
) -> None:
    narrow = workspace.labels.save(case.id, labels.astype(np.uint16), grid, info())
    wide_labels = labels.astype(np.uint16) * 300
    wide = workspace.labels.save(case.id, wide_labels, grid, info())
    for version in (narrow, wide):
        assert labels_sha256(workspace.labels.load(case.id, version.number).labels) == version.sha256


def test_a_version_never_changes_and_a_correction_takes_the_next_number(
    workspace: Workspace, case: CaseRow, labels: Mask, save: Save, grid: Grid
) -> None:
    first = save(case)
    bytes_before = first.path.read_bytes()
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o444
    assert stat.S_IMODE(first.path.with_name("v0001.json").stat().st_mode) == 0o444
    with pytest.raises(FileExistsError):
        durable.publish(workspace.folder / "workspace.json", first.path)
    second = save(case)
    assert (first.number, second.number) == (1, 2)
    assert first.path.read_bytes() == bytes_before
    assert workspace.reviews.case(case.id).version == 2


def test_a_number_taken_in_between_is_passed_over(
    workspace: Workspace, case: CaseRow, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(case)
    monkeypatch.setattr(commit, "next_number", lambda _: 1)
    assert save(case).number == 2


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP])
def test_without_links_the_name_is_created_exclusively(
    workspace: Workspace, case: CaseRow, save: Save, labels: Mask, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert [save(case).number, save(case).number] == [1, 2]
    assert np.array_equal(workspace.labels.load(case.id, 2).labels, labels)
    with pytest.raises(FileExistsError):
        durable.publish(
            workspace.folder / "workspace.json", workspace.labels.folder(case.id) / "v0001.nii.gz"
        )


def test_an_unknown_case_is_refused(workspace: Workspace, labels: Mask, grid: Grid, info: Info) -> None:
    with pytest.raises(WorkspaceError, match="no case ffffffffffff"):
        workspace.labels.save("f" * 64, labels, grid, info())


def test_a_missing_version_is_a_sentence(workspace: Workspace, case: CaseRow, save: Save) -> None:
    with pytest.raises(WorkspaceError, match="has no version 1"):
        workspace.labels.load(case.id, 1)
    durable.remove_file(save(case).path)
    with pytest.raises(WorkspaceError, match=r"v0001.nii.gz of case .* is missing"):
        workspace.labels.load(case.id, 1)


# -- what a crash leaves ---------------------------------------------------------------------------------
def crashed(
    workspace: Workspace, case: CaseRow, labels: Mask, grid: Grid, info: VersionInfo, at: str
) -> Path:
    """The files as a process that is gone left them at a step; gives the case's labels folder."""
    folder = workspace.labels.folder(case.id)
    kept = folder.parent / "kept"

    def keep(step: str) -> None:
        if step == at:
            shutil.copytree(folder, kept)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workspace.labels.save(case.id, labels, grid, info, keep)
    folder.rmdir()
    kept.rename(folder)
    me = this_process()
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.suffix == ".json":
            path.chmod(0o644)
            path.write_text(path.read_text().replace(f'"pid": {me.pid},', f'"pid": {GONE.pid},'))
        if path.is_dir():
            path.rename(path.with_name(path.name.replace(f"-{me.pid}-", f"-{GONE.pid}-")))
    return folder


def test_a_whole_version_without_a_row_is_adopted_with_its_decision(
    workspace: Workspace, case: CaseRow, labels: Mask, grid: Grid, info: Info
) -> None:
    crashed(workspace, case, labels, grid, info(), "staging removed")
    with workspaces.open(workspace.folder) as again:
        assert [(found.case_id, found.number) for found in again.adopted] == [(case.id, 1)]
        row = again.reviews.case(case.id)
        assert (row.state, row.version, row.reader) == (CaseState.CORRECTED, 1, "Ann")
        assert again.audit.rows(case.id)[-2].kind == "version adopted"
        assert again.audit.verify().ok
    with workspaces.open(workspace.folder) as third:
        assert third.adopted == ()
        assert len(third.reviews.decisions(case.id)) == 1


def test_an_adopted_version_stands_in_the_audit_as_a_saved_one_does(
    workspace: Workspace,
    add_case: Callable[..., CaseRow],
    labels: Mask,
    grid: Grid,
    info: Info,
) -> None:
    first, second = add_case(1), add_case(2)
    read = DecisionRecord(CaseState.CORRECTED, "Ann", seconds=41.5, idle_seconds=3.25, seen_share=0.6)
    told = replace(info(), decision=read, model_hash="5" * 64, program_version="0.0.9")
    workspace.labels.save(first.id, labels, grid, told)
    folder = crashed(workspace, second, labels, grid, told, "staging removed")
    with workspaces.open(workspace.folder) as again:
        assert verify(again).problems == ()
        saved, adopted = (
            [(row.kind, json.loads(row.details)) for row in again.audit.rows(case.id)[1:]]
            for case in (first, second)
        )
    assert [kind for kind, _ in (*saved, *adopted)] == [
        "version saved",
        "decision",
        "version adopted",
        "decision",
    ]
    assert adopted[0][1].pop("json") == file_sha256(folder / "v0001.json")
    assert saved[0][1].pop("json") == file_sha256(workspace.labels.folder(first.id) / "v0001.json")
    assert [said for _, said in adopted] == [said for _, said in saved]
    for _, said in saved:
        wanted = ("Ann", "5" * 64, "0.0.9", 41.5, 3.25, 0.6)
        assert (
            tuple(
                said[name] for name in ("reader", "model", "program", "seconds", "idle_seconds", "seen_share")
            )
            == wanted
        )


def test_how_a_mask_was_read_is_left_out_of_the_json_where_nobody_measured_it(
    workspace: Workspace, case: CaseRow, labels: Mask, grid: Grid, info: Info
) -> None:
    read = DecisionRecord(CaseState.CORRECTED, "Ann", idle_seconds=0.0, seen_share=1.0)
    for number, decision in enumerate((DecisionRecord(CaseState.CORRECTED, "Ann"), read), start=1):
        workspace.labels.save(case.id, labels, grid, replace(info(), decision=decision))
        text = (workspace.labels.folder(case.id) / f"v{number:04d}.json").read_text(encoding="utf-8")
        assert ("seen_share" in text, "idle_seconds" in text) == (decision is read, decision is read)
        file = VersionFile.from_json("v.json", text)
        assert (file.info.decision, file.to_json()) == (decision, text)


@pytest.mark.parametrize("at", ["written", "described", "linked"])
def test_an_unfinished_version_is_cleared(
    workspace: Workspace, case: CaseRow, labels: Mask, grid: Grid, info: Info, at: str
) -> None:
    crashed(workspace, case, labels, grid, info(), at)
    assert names(workspace, case) != []
    with workspaces.open(workspace.folder) as again:
        assert again.adopted == ()
        assert names(again, case) == []


@pytest.mark.parametrize("marker_bytes", [None, 0, 100])
def test_half_a_copy_where_there_are_no_links_is_cleared(
    workspace: Workspace, case: CaseRow, labels: Mask, grid: Grid, info: Info, marker_bytes: int | None
) -> None:
    folder = crashed(workspace, case, labels, grid, info(), "linked")
    staging = next(path for path in folder.iterdir() if path.is_dir())
    if marker_bytes is None:
        half = (staging / "labels.nii.gz").read_bytes()[:20]
        durable.remove_file(folder / "v0001.nii.gz")
        (folder / "v0001.nii.gz").write_bytes(half)
    else:
        (folder / "v0001.json").write_bytes((staging / "version.json").read_bytes()[:marker_bytes])
    with workspaces.open(workspace.folder):
        assert names(workspace, case) == []


def test_what_is_not_ours_is_left_alone(workspace: Workspace, case: CaseRow, save: Save) -> None:
    save(case)
    folder = workspace.labels.folder(case.id)
    (folder / "v0007.nii.gz").write_bytes(b"someone put this here")
    (folder / "notes.txt").write_text("mine")
    with workspaces.open(workspace.folder) as again:
        assert again.adopted == ()
        assert names(again, case) == ["notes.txt", "v0001.json", "v0001.nii.gz", "v0007.nii.gz"]
        assert again.labels.versions(case.id)[-1].number == 1
    assert save(case).number == 8


def test_the_work_of_a_process_that_lives_is_not_touched(
    workspace: Workspace, case: CaseRow, labels: Mask, grid: Grid, info: Info
) -> None:
    def look(step: str) -> None:
        if step in ("written", "linked", "marked", "staging removed"):
            before = names(workspace, case)
            with workspaces.open(workspace.folder) as other:
                assert other.adopted == ()
            assert names(workspace, case) == before

    assert workspace.labels.save(case.id, labels, grid, info(), look).number == 1


def test_a_version_whose_labels_were_changed_is_not_adopted(
    workspace: Workspace, case: CaseRow, labels: Mask, grid: Grid, info: Info
) -> None:
    folder = crashed(workspace, case, labels, grid, info(), "staging removed")
    (folder / "v0001.nii.gz").chmod(0o644)
    (folder / "v0001.nii.gz").write_bytes(b"other")
    with workspaces.open(workspace.folder) as again:
        assert again.adopted == ()


def test_a_staging_folder_of_another_host_is_left_for_two_minutes(
    workspace: Workspace, case: CaseRow
) -> None:
    folder = workspace.labels.folder(case.id)
    name = staging_name().replace(this_process().host, "elsewhere")
    (folder / name).mkdir(parents=True)
    with workspaces.open(workspace.folder):
        assert names(workspace, case) == [name]
    old = (folder / name).stat().st_mtime - 121
    os.utime(folder / name, (old, old))
    with workspaces.open(workspace.folder):
        assert names(workspace, case) == []


# -- two at once -----------------------------------------------------------------------------------------
_WORKER = """
import sys, time
from pathlib import Path
import numpy as np
from app.core.base import Base
from app.core.review import CaseState
from app.store import workspace as workspaces
from app.store.decisions import DecisionRecord
from app.store.label_version import VersionInfo
from model.grid import Grid
folder, case, who, shape = Path(sys.argv[1]), sys.argv[2], sys.argv[3], eval(sys.argv[4])
with workspaces.open(folder) as w:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(6):
        w.reviews.record_decision(case, DecisionRecord(CaseState.LATER, who, note=str(number)))
        if number % 3 == 0:
            labels = np.full(shape, number + (100 if who == "Bo" else 0), np.uint8)
            decision = DecisionRecord(CaseState.CORRECTED, who, note="v")
            w.labels.save(case, labels, Grid(shape), VersionInfo(who, Base("empty", "", ""), who, decision))
"""


def test_two_processes_deciding_and_saving_at_once_lose_nothing(
    workspace: Workspace, case: CaseRow, grid: Grid, repository: Path
) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(workspace.folder), case.id, who, str(grid.shape)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=repository,
            text=True,
        )
        for who in ("Ann", "Bo")
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.communicate("\n", timeout=60)
        assert worker.returncode == 0
    notes = sorted((row.record.reader, row.record.note) for row in workspace.reviews.decisions(case.id))
    assert notes == sorted((who, note) for who in ("Ann", "Bo") for note in [*map(str, range(6)), *["v"] * 2])
    versions = workspace.labels.versions(case.id)
    assert [version.number for version in versions] == list(range(1, 5))
    for version in versions:
        value = int(workspace.labels.load(case.id, version.number).labels[0, 0, 0])
        assert (value >= 100) == (version.reader == "Bo")
    assert workspace.audit.verify().ok
