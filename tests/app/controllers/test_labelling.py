"""Labels through the controllers: added, accepted, opened again, predicted again, used in other cases, exported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.controllers.labelling import LabellingController
from app.controllers.models import find_model
from app.controllers.predicting import check_labels_fit
from app.controllers.workspaces import make_workspace
from app.core.labels import LabelEntry, LabelTable
from app.core.session import Session
from app.store import workspace as workspaces
from app.store.export import export_msd
from model.bundle import BundleLabel
from model.errors import CannotPredict, WorkspaceError
from tests.app.controllers.conftest import Bench, write_blob_scan

CASES = ("blob_1", "blob_2", "blob_3")
MIDDLE = (10.0, 12.0, 14.0)


@pytest.fixture
def reading(bench: Bench, workspace_folder: Path) -> Bench:
    """A reader at the first case, predicted."""
    bench.open(workspace_folder)
    bench.predict()
    bench.messages.clear()
    return bench


def labelling(bench: Bench) -> LabellingController:
    return bench.controllers.labelling


def session_of(bench: Bench) -> Session:
    assert bench.desk.session is not None
    return bench.desk.session


def go_to(bench: Bench, name: str) -> Session:
    row = next(row for row in bench.desk.cases if row.name == name)
    bench.controllers.opening.open_case(row.id)
    bench.wait()
    assert session_of(bench).case.name == name
    return session_of(bench)


def accept(bench: Bench) -> None:
    """Save the case; the next one opens."""
    name = session_of(bench).case.name
    bench.controllers.reviewing.accept()
    bench.wait()
    assert any(text.startswith(f"{name}: version ") for text in bench.texts), bench.texts


def paint(bench: Bench, value: int) -> None:
    """A dab of a label, whatever was there."""
    session = session_of(bench)
    labelling(bench).set_active(value)
    session.protect = False
    bench.stroke(MIDDLE)
    assert (session.labels == value).any(), bench.texts


def test_an_added_label_is_accepted_comes_back_and_the_model_still_fits(reading: Bench) -> None:
    value = labelling(reading).add("cyst", term="SCT:41699000")
    assert value == 3
    paint(reading, value)
    labelling(reading).change(1, name="tumour")
    accept(reading)
    session = go_to(reading, CASES[0])
    assert session.base.kind == "version"
    assert [(entry.value, entry.name) for entry in session.table.entries] == [
        (1, "tumour"), (2, "rim"), (3, "cyst"),
    ]  # fmt: skip
    assert session.table.family == "tiny"
    reading.messages.clear()
    reading.predict()
    assert reading.texts[-1].startswith("Predicted in "), reading.texts
    workspace = reading.desk.workspace
    assert workspace.reviews.case(session.case.id).table_key == session.table.key
    assert {row.kind for row in workspace.audit.rows()} >= {"label table changed"}


def test_labels_added_before_the_first_prediction_fit_it_too(bench: Bench, workspace_folder: Path) -> None:
    bench.open(workspace_folder)
    case = session_of(bench).case.id
    paint(bench, labelling(bench).add("cyst"))
    labelling(bench).change(2, name="shell")
    # Accepted without any prediction: what the table began as is kept all the same.
    accept(bench)
    workspace = bench.desk.workspace
    assert [table.name(2) for table in workspace.label_tables] == ["rim", "shell"]
    go_to(bench, CASES[0])
    bench.predict()
    assert session_of(bench).table.name(2) == "shell"
    assert workspace.reviews.case(case).table_key == session_of(bench).table.key


def test_a_prediction_of_a_case_with_unsaved_labels_is_no_reason_to_forget_them(
    bench: Bench, workspace_folder: Path
) -> None:
    bench.open(workspace_folder)
    paint(bench, labelling(bench).add("cyst"))
    labelling(bench).change(2, name="shell")
    bench.predict()
    assert [entry.name for entry in session_of(bench).table.entries] == ["core", "shell", "cyst"]
    assert bench.desk.workspace.reviews.case(session_of(bench).case.id).table_key == "tiny"
    accept(bench)
    assert go_to(bench, CASES[0]).table.name(3) == "cyst"


def test_the_same_name_gets_the_same_value_in_every_case_and_they_are_exported_together(
    reading: Bench, tmp_path: Path
) -> None:
    labelling(reading).add("vein")
    value = labelling(reading).add("cyst", (9, 8, 7), "SCT:41699000")
    paint(reading, value)
    accept(reading)
    session = go_to(reading, CASES[1])
    reading.predict()
    assert labelling(reading).add("artery") == 5
    assert labelling(reading).label_to_be("CYST") == LabelEntry(4, "CYST", (9, 8, 7), "SCT:41699000")
    assert labelling(reading).add("Cyst") == 4
    assert session.table.entry(4).colour == (9, 8, 7)
    paint(reading, 4)
    accept(reading)
    with workspaces.open(reading.desk.workspace.folder) as there:
        export_msd(there, tmp_path / "out")
    said = json.loads((tmp_path / "out" / "dataset.json").read_text())["labels"]
    assert said == {"0": "background", "1": "core", "2": "rim", "3": "vein", "4": "cyst", "5": "artery"}


def test_a_rename_in_one_case_is_warned_of_and_keeps_them_from_being_exported_together(
    reading: Bench, tmp_path: Path
) -> None:
    accept(reading)
    go_to(reading, CASES[1])
    reading.predict()
    labelling(reading).change(1, name="tumour")
    assert reading.messages[-1].kind == "warning"
    assert reading.texts[-1] == (
        "Label 1 is core elsewhere in this workspace. Only cases that agree can be exported together."
    )
    accept(reading)
    workspace = reading.desk.workspace
    with pytest.raises(
        WorkspaceError, match=r"Label 1 is \w+ in blob_\d but \w+ in blob_\d; rename it in one"
    ):
        export_msd(workspace, tmp_path / "out")
    go_to(reading, CASES[1])
    reading.messages.clear()
    labelling(reading).change(1, name="core")
    assert reading.texts == []
    accept(reading)
    export_msd(workspace, tmp_path / "out")


def test_undo_after_accept_gives_the_case_its_former_table_again(reading: Bench) -> None:
    labelling(reading).change(1, name="tumour")
    accept(reading)
    session = go_to(reading, CASES[0])
    labelling(reading).change(1, name="core")
    accept(reading)
    assert go_to(reading, CASES[0]).table.name(1) == "core"
    assert session.table.family == "tiny"


def test_a_model_of_other_labels_is_refused_whatever_the_case_has_renamed(reading: Bench) -> None:
    labelling(reading).change(1, name="lesion")
    accept(reading)
    workspace, bundle = reading.desk.workspace, reading.desk.bundle
    row = next(row for row in workspace.reviews.cases() if row.name == CASES[0])
    check_labels_fit(workspace, row, bundle)
    check_labels_fit(workspace, row, replace(bundle, name="tiny-further"))
    other = (BundleLabel(1, "lesion", (200, 80, 80)), BundleLabel(2, "rim", (80, 160, 220)))
    with pytest.raises(
        CannotPredict, match="blob_1 has the labels of tiny, which new does not make; choose tiny"
    ):
        check_labels_fit(workspace, row, replace(bundle, name="new", labels=other))


def test_a_model_trained_further_goes_on_with_the_tables_of_its_predecessor(reading: Bench) -> None:
    accept(reading)
    workspace = reading.desk.workspace
    reading.desk.bundle = replace(reading.desk.bundle, name="tiny-further")
    go_to(reading, CASES[1])
    reading.predict()
    assert workspace.reviews.case(session_of(reading).case.id).table_key == "tiny"
    assert [table.key for table in workspace.label_tables] == ["tiny"]


def test_labels_drawn_without_a_model_are_kept_and_a_model_that_makes_others_is_refused(
    bench: Bench, tiny_bundle: Path, tmp_path: Path
) -> None:
    make_workspace(tmp_path / "bare", [write_blob_scan(tmp_path / "blob_7.nii.gz", 7)], None)
    bench.open(tmp_path / "bare")
    assert session_of(bench).table.entries == ()
    bench.stroke(MIDDLE)
    assert bench.texts[-1] == "There is no label to draw with; add or choose one in the list of labels."
    assert labelling(bench).add("lesion") == 1
    paint(bench, 1)
    accept(bench)
    workspace = bench.desk.workspace
    (row,) = workspace.reviews.cases()
    assert workspace.label_table(row.table_key).family == "none"
    bundle = find_model(str(tiny_bundle))
    with pytest.raises(
        CannotPredict, match="blob_7 has labels that were made without a model, and tiny makes"
    ):
        check_labels_fit(workspace, row, bundle)
    check_labels_fit(workspace, row, replace(bundle, labels=(BundleLabel(1, "lesion", (1, 2, 3)),)))
    unsaved = LabelTable("none", ()).with_entry(LabelEntry(1, "vein", (1, 1, 1)))
    with pytest.raises(CannotPredict, match="made without a model"):
        check_labels_fit(workspace, replace(row, table_key=None), bundle, unsaved)


def test_a_value_without_a_name_is_listed_and_named(reading: Bench) -> None:
    session = session_of(reading)
    session.labels[0, 0, :3] = 7
    session.rebase(session.labels.copy(), session.base)
    (unnamed,) = session.unnamed_ml()
    assert (unnamed.value, unnamed.voxels) == (7, 3)
    assert labelling(reading).add("vessel", value=7) == 7
    assert session.unnamed_ml() == ()
    reading.controllers.editing.undo()
    assert [volume.value for volume in session.unnamed_ml()] == [7]


def test_clearing_says_that_undo_brings_the_label_back(reading: Bench) -> None:
    session = session_of(reading)
    before = session.labels.copy()
    labelling(reading).clear(1)
    reading.wait()
    assert not (session.labels == 1).any()
    assert reading.texts[-1].startswith("Done: clear core, ")
    assert reading.texts[-1].endswith(" mL. Undo takes it back.")
    reading.controllers.editing.undo()
    assert np.array_equal(session.labels, before)
    labelling(reading).set_locked(1, True)
    labelling(reading).clear(1)
    assert reading.texts[-1] == "core is locked; unlock it in the list of labels to change it."


def test_what_a_label_would_be_is_said_and_changes_nothing(reading: Bench) -> None:
    session = session_of(reading)
    made = labelling(reading).label_to_be("cyst")
    assert isinstance(made, LabelEntry)
    assert made.value == 3
    assert labelling(reading).label_to_be("Core") == "There is a label core already; choose another name."
    assert labelling(reading).label_to_be("  ") == "A label needs a name."
    assert session.history.next_undo is None
    assert reading.texts == []
    assert labelling(reading).change(1, name="rim") is False
    assert labelling(reading).change(1, name="core") is True
    reading.controllers.opening.close_case()
    assert labelling(reading).label_to_be("cyst") == "Open a case first."
    assert labelling(reading).change(1, name="x") is False
