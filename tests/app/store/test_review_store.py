"""Cases, decisions, label tables, the serving model and measurements."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import insert

from app.core.labels import LabelEntry, LabelTable
from app.core.review import CaseState, Decision
from app.store import schema
from app.store import workspace as workspaces
from app.store.decisions import DecisionRecord
from app.store.label_version import LabelVersion
from app.store.review_store import CaseRow, Measurement, NewCase, ServingModel
from app.store.scan_paths import absolute, relative_text
from app.store.verify import verify
from app.store.workspace import Workspace
from model.errors import WorkspaceError
from model.grid import Grid
from model.scan_io import ScanRead, ScanSource, read_scan, write_scan
from model.volume import Volume

AddCase = Callable[..., CaseRow]
Save = Callable[..., LabelVersion]


def test_a_case_is_named_by_its_voxels_and_keeps_what_is_known_of_it(add_case: AddCase) -> None:
    case = add_case(3, "knee", subject="S7")
    assert case.id == read_scan(case.path).volume.identity()
    assert (case.name, case.subject, case.modality, case.role, case.format) == (
        "knee",
        "S7",
        "MR",
        "read",
        "NIfTI",
    )
    assert (case.state, case.version, case.prediction_key, case.reader) == (CaseState.NEW, None, None, None)
    assert (case.shape, case.spacing) == ("6 × 5 × 4", "1.00 × 1.50 × 2.00 mm")


def test_the_same_scan_under_another_name_gives_the_row_that_is_there(
    workspace: Workspace, add_case: AddCase
) -> None:
    first = add_case(0, "one")
    assert add_case(0, "two") == first
    assert workspace.reviews.cases() == (first,)
    assert [row.kind for row in workspace.audit.rows()].count("case added") == 1


def test_cases_come_in_the_order_they_were_added(workspace: Workspace, add_case: AddCase) -> None:
    added = [add_case(seed).id for seed in (5, 2, 9)]
    assert [case.id for case in workspace.reviews.cases()] == added


def test_a_scan_that_is_gone_cannot_be_added(workspace: Workspace, tmp_path: Path, grid: Grid) -> None:
    new = NewCase("a" * 64, "x", tmp_path / "gone.nii.gz", "NIfTI", "S", grid.shape, grid.spacing)
    with pytest.raises(WorkspaceError, match=r"gone\.nii\.gz cannot be added"):
        workspace.reviews.add_case(new)


def test_an_unknown_case_is_a_sentence(workspace: Workspace) -> None:
    with pytest.raises(WorkspaceError, match="W has no case ffffffffffff"):
        workspace.reviews.case("f" * 64)


def test_a_dicom_case_is_not_named_after_its_folder(grid: Grid, tmp_path: Path) -> None:
    from numpy import zeros

    source = ScanSource(tmp_path / "DOE^JOHN", "DICOM", 4, "4711", "2026-01-02", "T1 axial")
    case = NewCase.from_scan(ScanRead(Volume(zeros(grid.shape, "int16"), grid), source), "P-1")
    assert "DOE" not in case.name
    assert case.name.startswith("T1 axial ")
    assert (case.study_date, case.series) == ("2026-01-02", "T1 axial")


# -- states ----------------------------------------------------------------------------------------------
def test_the_state_follows_the_newest_decision(workspace: Workspace, case: CaseRow, save: Save) -> None:
    reviews = workspace.reviews

    def now() -> tuple[CaseState, int | None, str | None, bool]:
        row = reviews.case(case.id)
        return row.state, row.version, row.reader, row.undone

    reviews.set_prediction(case.id, "ab" * 8, "c" * 64, "hippocampus-t1", "abdomen")
    assert now() == (CaseState.PREDICTED, None, None, True)
    assert reviews.case(case.id).model_name == "hippocampus-t1"
    reviews.record_decision(case.id, DecisionRecord(CaseState.LATER, "Ann"))
    assert now() == (CaseState.LATER, None, "Ann", True)
    save(case, "Bo", CaseState.ACCEPTED)
    assert now() == (CaseState.ACCEPTED, 1, "Bo", False)
    save(case, "Ann")
    assert now() == (CaseState.CORRECTED, 2, "Ann", False)
    reviews.record_decision(case.id, DecisionRecord(CaseState.REJECTED, "Bo", note="motion"))
    assert now() == (CaseState.REJECTED, 2, "Bo", False)
    assert reviews.case(case.id).note == "motion"
    # A newer prediction does not undo what a reader decided.
    reviews.set_prediction(case.id, "cd" * 8, "d" * 64, "other")
    assert now()[0] == CaseState.REJECTED


def test_what_accepting_amounts_to_becomes_the_record(workspace: Workspace, case: CaseRow) -> None:
    record = DecisionRecord.of(Decision(CaseState.ACCEPTED, 1, 2, 0.1, 0.2), "Ann", "fine", 4.5)
    workspace.reviews.record_decision(case.id, record, 7)
    (row,) = workspace.reviews.decisions(case.id)
    assert row.record == record
    assert (row.version, row.record.ml_removed, row.record.seconds) == (7, 0.2, 4.5)


def test_every_decision_is_kept_with_name_account_and_amount(
    workspace: Workspace, case: CaseRow, save: Save
) -> None:
    workspace.reviews.set_prediction(case.id, "ab" * 8, "c" * 64, "m")
    save(case)
    workspace.reviews.record_decision(case.id, DecisionRecord(CaseState.FLAGGED, "Bo", note="look again"))
    first, second = workspace.reviews.decisions(case.id)
    assert (first.version, first.prediction_key, second.version) == (1, "ab" * 8, None)
    assert (first.record.kind, first.record.voxels_added, first.record.ml_added) == (
        CaseState.CORRECTED,
        3,
        0.009,
    )
    assert (second.record.reader, second.record.note) == ("Bo", "look again")
    assert first.record.account != ""


STEPS = st.sampled_from(["predict", "save", "accept", "reject", "later", "open"])


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=7))
def test_any_sequence_of_work_leaves_the_state_of_its_last_decision(
    workspace: Workspace, add_case: AddCase, save: Save, steps: list[str]
) -> None:
    case = add_case(len(workspace.reviews.cases()))
    state, version, decisions = CaseState.NEW, None, 0
    for step in steps:
        if step == "predict":
            workspace.reviews.set_prediction(case.id, "ab" * 8, "c" * 64, "m")
            state = CaseState.PREDICTED if decisions == 0 else state
        elif step in ("save", "accept"):
            state = CaseState.CORRECTED if step == "save" else CaseState.ACCEPTED
            version = save(case, kind=state).number
        elif step in ("reject", "later"):
            state = CaseState.REJECTED if step == "reject" else CaseState.LATER
            workspace.reviews.record_decision(case.id, DecisionRecord(state, "Ann"))
        else:
            with workspaces.open(workspace.folder) as again:
                assert again.reviews.case(case.id) == workspace.reviews.case(case.id)
        decisions += step not in ("predict", "open")
        row = workspace.reviews.case(case.id)
        assert (row.state, row.version) == (state, version)
    assert len(workspace.reviews.decisions(case.id)) == decisions
    assert len(workspace.labels.versions(case.id)) == (version or 0)
    assert verify(workspace).ok


# -- label tables ----------------------------------------------------------------------------------------
def test_a_case_keeps_its_label_table(workspace: Workspace, case: CaseRow) -> None:
    workspace.reviews.take_table(case.id, "abdomen")
    workspace.reviews.take_table(case.id, "abdomen")
    with pytest.raises(WorkspaceError, match="labelled with the table 'abdomen', which a case keeps"):
        workspace.reviews.set_prediction(case.id, "ab" * 8, "c" * 64, "m", "brain")
    assert workspace.reviews.case(case.id).prediction_key is None


def test_labels_the_reader_adds_or_renames_replace_the_cases_table(
    workspace: Workspace, add_case: AddCase
) -> None:
    first, second = add_case(1), add_case(2)
    workspace.reviews.take_table(first.id, "abdomen")
    workspace.reviews.take_table(second.id, "abdomen~1")
    workspace.reviews.take_table(first.id, "abdomen~2")
    workspace.reviews.take_table(first.id, "abdomen~3")
    # A prediction that was begun before the labels were added is no reason to forget them.
    workspace.reviews.set_prediction(first.id, "ab" * 8, "c" * 64, "m", "abdomen")
    assert workspace.reviews.case(first.id).table_key == "abdomen~3"
    with pytest.raises(WorkspaceError, match="which a case keeps"):
        workspace.reviews.take_table(first.id, "brain~3")
    assert workspace.reviews.case(first.id).table_key == "abdomen~3"


def test_only_the_personal_workspace_mixes_tables(tmp_path: Path, grid: Grid) -> None:
    for kind, may in (("normal", False), ("personal", True)):
        with workspaces.create(tmp_path / kind, kind=kind) as workspace:  # type: ignore[arg-type]
            scan = tmp_path / "x"
            scan.write_bytes(b"")
            for number, key in enumerate(("abdomen", "brain")):
                new = NewCase(f"{number:064x}", "x", scan, "NIfTI", "S", grid.shape, grid.spacing)
                workspace.reviews.add_case(new)
                if number == 0 or may:
                    workspace.reviews.take_table(new.id, key)
                else:
                    with pytest.raises(WorkspaceError, match="make another workspace for 'brain'"):
                        workspace.reviews.take_table(new.id, key)


def test_a_label_table_outlives_the_program_and_its_key_is_not_reused(workspace: Workspace) -> None:
    table = LabelTable("brain", (LabelEntry(1, "hippocampus", (1, 2, 3), "SCT:5366008"),))
    workspace.add_label_table(table)
    workspace.add_label_table(table)
    with workspaces.open(workspace.folder) as again:
        assert again.label_table("brain") == table
        assert [found.key for found in again.label_tables] == ["abdomen", "brain"]
    with pytest.raises(WorkspaceError, match="exists with other labels"):
        workspace.add_label_table(LabelTable("brain", ()))
    with pytest.raises(WorkspaceError, match="has no label table 'x'"):
        workspace.label_table("x")


# -- the rest --------------------------------------------------------------------------------------------
def test_the_serving_model_is_the_newest_and_older_ones_stay_on_record(
    workspace: Workspace, tmp_path: Path
) -> None:
    assert workspace.reviews.serving_model() is None
    workspace.reviews.set_serving_model("a", "1" * 64, tmp_path / "shipped" / "a")
    workspace.reviews.set_serving_model("b", "2" * 64, workspace.folder / "models" / "b-22222222")
    found = workspace.reviews.serving_model()
    assert found == ServingModel("b", "2" * 64, workspace.folder / "models" / "b-22222222")
    assert [row.kind for row in workspace.audit.rows()].count("serving model") == 2


def test_measurements_carry_their_unit_and_are_replaced_by_key(workspace: Workspace, case: CaseRow) -> None:
    workspace.reviews.set_measurement(case.id, "volume liver", 1500.0, "mL")
    workspace.reviews.set_measurement(case.id, "dice", 0.5)
    workspace.reviews.set_measurement(case.id, "dice", 0.9)
    assert workspace.reviews.measurements(case.id) == (
        Measurement("dice", 0.9, ""),
        Measurement("volume liver", 1500.0, "mL"),
    )


def test_paths_are_relative_near_the_workspace_and_absolute_elsewhere(tmp_path: Path) -> None:
    workspace = tmp_path / "study" / "W"
    workspace.mkdir(parents=True)
    for scan, text in (
        (workspace / "scans" / "a.nii.gz", "scans/a.nii.gz"),
        (tmp_path / "study" / "images" / "b.nii.gz", "../images/b.nii.gz"),
        (tmp_path / "elsewhere" / "c.nii.gz", str(tmp_path / "elsewhere" / "c.nii.gz")),
    ):
        assert relative_text(scan, workspace) == text
        assert absolute(text, workspace) == scan


def test_a_study_moved_as_a_whole_still_finds_its_scans(tmp_path: Path, grid: Grid) -> None:
    study = tmp_path / "study"
    scan = study / "images" / "a.nii.gz"
    scan.parent.mkdir(parents=True)
    from numpy import ones

    write_scan(scan, Volume(ones(grid.shape, "int16"), grid))
    with workspaces.create(study / "W") as workspace:
        workspace.reviews.add_case(NewCase.from_scan(read_scan(scan), "S"))
    study.rename(tmp_path / "moved")
    with workspaces.open(tmp_path / "moved" / "W") as workspace:
        (case,) = workspace.reviews.cases()
        assert case.path == tmp_path / "moved" / "images" / "a.nii.gz"
        assert case.path.is_file()


def test_a_scan_that_moved_is_found_at_its_new_place(
    workspace: Workspace, case: CaseRow, tmp_path: Path
) -> None:
    new = case.path.rename(tmp_path / "new.nii.gz")
    assert workspace.reviews.move_case(case.id, new).path == new
    assert workspace.audit.rows(case.id)[-1].kind == "scan moved"


def test_five_hundred_cases_are_listed_at_once(workspace: Workspace) -> None:
    many = [
        {
            "id": f"{number:064x}", "name": f"scan{number}", "path": f"scans/{number}.nii.gz", "format": "NIfTI",
            "file_bytes": 1, "file_mtime_ns": 1, "subject": "S", "role": "read", "shape": "", "spacing": "",
            "added": "",
        }
        for number in range(500)
    ]  # fmt: skip
    made = [
        {
            "case_id": row["id"], "kind": "later", "reader": "Ann", "account": "a", "note": "", "voxels_added": 0,
            "voxels_removed": 0, "ml_added": 0.0, "ml_removed": 0.0, "seconds": 0.0, "created": "",
        }
        for row in many
        for _ in range(4)
    ]  # fmt: skip
    with workspace.database.write() as connection:
        connection.execute(insert(schema.cases), many)
        connection.execute(insert(schema.decisions), made)
    seconds = []
    for _ in range(5):
        start = time.process_time()
        rows = workspace.reviews.cases()
        seconds.append(time.process_time() - start)
    assert len(rows) == 500
    assert {row.state for row in rows} == {CaseState.LATER}
    # Of processor time, since the machine may be shared: about 10 ms, and a query that walks the tables takes more.
    assert min(seconds) < 0.04, seconds
