"""Datasets out of a workspace: what goes in, what never does, and that nothing half-made is left."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from app.core.base import Base
from app.core.review import CaseState
from app.store import workspace as workspaces
from app.store.decisions import DecisionRecord
from app.store.export import export_msd
from app.store.label_version import LabelVersion, VersionInfo
from app.store.review_store import CaseRow, NewCase
from app.store.training_manifest import training_manifest
from app.store.workspace import Workspace
from model.errors import Cancelled, ScanError, WorkspaceError
from model.grid import Grid
from model.prediction import Prediction
from model.scan_io import read_labels, read_scan, write_scan
from model.training.data import open_source
from model.volume import Volume

AddCase = Callable[..., CaseRow]
Save = Callable[..., LabelVersion]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_layout_is_that_of_the_decathlon(
    workspace: Workspace, add_case: AddCase, save: Save, labels: np.ndarray, grid: Grid, tmp_path: Path
) -> None:
    for seed in (1, 2):
        save(add_case(seed))
    out = tmp_path / "Task42"
    report = export_msd(workspace, out, reader="Ann")
    assert (report.folder, report.cases, report.left_out) == (out, 2, ())
    assert files(out) == [
        "dataset.json", "imagesTr/scan1.nii.gz", "imagesTr/scan2.nii.gz",
        "labelsTr/scan1.nii.gz", "labelsTr/scan2.nii.gz", "subjects.csv",
    ]  # fmt: skip
    content = json.loads((out / "dataset.json").read_text(encoding="utf-8"))
    assert content["labels"] == {"0": "background", "1": "liver", "2": "spleen"}
    assert content["modality"] == {"0": "MRI"}
    assert (content["numTraining"], content["numTest"], content["tensorImageSize"]) == (2, 0, "3D")
    assert content["training"][0] == {"image": "./imagesTr/scan1.nii.gz", "label": "./labelsTr/scan1.nii.gz"}
    assert "Research use only, not for diagnosis." in content["description"]
    with open(out / "subjects.csv", newline="", encoding="utf-8") as table:
        assert list(csv.DictReader(table)) == [
            {"file": "scan1.nii.gz", "subject": "S1"}, {"file": "scan2.nii.gz", "subject": "S2"},
        ]  # fmt: skip
    assert np.array_equal(read_labels(out / "labelsTr" / "scan1.nii.gz", grid).labels, labels)
    assert read_scan(out / "imagesTr" / "scan1.nii.gz").volume.identity() == workspace.reviews.cases()[0].id
    assert workspace.audit.rows()[-1].kind == "export"


def test_another_program_reads_image_and_labels_on_one_grid(
    workspace: Workspace, case: CaseRow, save: Save, tmp_path: Path
) -> None:
    save(case)
    export_msd(workspace, tmp_path / "out")
    image = nibabel.load(tmp_path / "out" / "imagesTr" / "scan0.nii.gz")
    mask = nibabel.load(tmp_path / "out" / "labelsTr" / "scan0.nii.gz")
    assert image.shape == mask.shape == (6, 5, 4)
    assert np.array_equal(image.affine, mask.affine)
    assert mask.get_data_dtype() == np.uint8


def test_only_what_a_reader_accepted_is_exported(
    workspace: Workspace, add_case: AddCase, save: Save, tmp_path: Path
) -> None:
    good = [add_case(1, "accepted"), add_case(2, "corrected"), add_case(3, "empty")]
    for case, kind in zip(good, (CaseState.ACCEPTED, CaseState.CORRECTED, CaseState.EMPTY), strict=True):
        save(case, kind=kind)
    add_case(4, "new")
    workspace.reviews.set_prediction(add_case(5, "predicted").id, "ab" * 8, "c" * 64, "m")
    for seed, kind in ((6, CaseState.REJECTED), (7, CaseState.FLAGGED), (8, CaseState.LATER)):
        case = add_case(seed, kind.value)
        save(case)
        workspace.reviews.record_decision(case.id, DecisionRecord(kind, "Ann"))
    save(add_case(9, "toured"), "tour")
    save(add_case(10, "testing", role="test"))
    report = export_msd(workspace, tmp_path / "out")
    assert [path.name for path in sorted((tmp_path / "out" / "imagesTr").iterdir())] == [
        "accepted.nii.gz", "corrected.nii.gz", "empty.nii.gz",
    ]  # fmt: skip
    assert {left.case.name: left.reason for left in report.left_out} == {
        "new": "not read yet", "predicted": "not read yet", "rejected": "rejected", "flagged": "flagged",
        "later": "later", "toured": "labels made by the tour", "testing": "kept for testing",
    }  # fmt: skip
    assert training_manifest(workspace).left_out == report.left_out


def test_the_newest_version_is_exported(
    workspace: Workspace,
    case: CaseRow,
    save: Save,
    info: Callable[..., VersionInfo],
    grid: Grid,
    tmp_path: Path,
) -> None:
    save(case)
    newer = np.full(grid.shape, 2, np.uint8)
    workspace.labels.save(case.id, newer, grid, info())
    export_msd(workspace, tmp_path / "out")
    assert np.array_equal(read_labels(tmp_path / "out" / "labelsTr" / "scan0.nii.gz").labels, newer)


def test_provenance_tells_of_every_voxel_who_labelled_it(
    workspace: Workspace,
    add_case: AddCase,
    info: Callable[..., VersionInfo],
    save: Save,
    prediction: Prediction,
    grid: Grid,
    tmp_path: Path,
) -> None:
    shown, drawn = add_case(1, "shown"), add_case(2, "drawn")
    model = np.zeros(grid.shape, np.uint8)
    model[0, 0, :4] = (1, 1, 1, 2)
    workspace.predictions.save(shown.id, "ab" * 8, replace(prediction, labels=model))
    workspace.reviews.set_prediction(shown.id, "ab" * 8, "0" * 64, "m")
    labels = np.zeros(grid.shape, np.uint8)
    labels[0, 0, :6] = (1, 2, 0, 2, 1, 0)
    workspace.reviews.take_table(shown.id, "abdomen")
    workspace.labels.save(shown.id, labels, grid, info())
    save(drawn)
    # What is predicted later was not shown to whoever accepted.
    workspace.reviews.set_prediction(shown.id, "cd" * 8, "1" * 64, "n")
    export_msd(workspace, tmp_path / "out", provenance=True)
    folder = tmp_path / "out" / "provenanceTr"
    assert files(folder) == ["drawn_provenance.nii.gz", "shown_provenance.nii.gz"]
    codes = read_labels(folder / "shown_provenance.nii.gz", grid).labels
    # model and reader agree; both, differently; taken away; agree; reader alone; nobody
    assert codes[0, 0].tolist() == [1, 3, 4, 1, 2, 0]
    assert not codes[1:].any()
    alone = read_labels(folder / "drawn_provenance.nii.gz", grid).labels
    assert np.array_equal(alone, 2 * (workspace.labels.load(drawn.id, 1).labels != 0))
    content = json.loads((tmp_path / "out" / "dataset.json").read_text(encoding="utf-8"))
    assert list(content["provenance"]) == ["0", "1", "2", "3", "4"]
    assert len(open_source(str(tmp_path / "out")).files) == 2


def test_provenance_needs_the_prediction_and_leaves_nothing_without_it(
    workspace: Workspace, case: CaseRow, save: Save, tmp_path: Path
) -> None:
    workspace.reviews.set_prediction(case.id, "ab" * 8, "0" * 64, "m")
    save(case)
    with pytest.raises(WorkspaceError, match="predict the case again"):
        export_msd(workspace, tmp_path / "deep" / "out", provenance=True)
    assert os.listdir(tmp_path / "deep") == []


def test_names_that_are_equal_or_odd_stay_apart(
    workspace: Workspace, add_case: AddCase, save: Save, tmp_path: Path
) -> None:
    for seed, name in ((1, "a b"), (2, "a?b"), (3, "A_B"), (4, "..x")):
        save(add_case(seed, name))
    export_msd(workspace, tmp_path / "out")
    exported = [path.name for path in (tmp_path / "out" / "imagesTr").iterdir()]
    assert len({name.lower() for name in exported}) == 4
    assert all(
        set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
        for name in exported
    )
    assert not any(name.startswith(".") for name in exported)


def test_training_takes_the_export_with_its_labels_and_subjects(
    workspace: Workspace, add_case: AddCase, save: Save, tmp_path: Path
) -> None:
    for seed in (1, 2):
        save(add_case(seed, subject="one person"))
    source = open_source(str(export_msd(workspace, tmp_path / "out").folder))
    assert [(file.name, file.subject) for file in source.files] == [
        ("scan1", "one person"),
        ("scan2", "one person"),
    ]
    assert [(label.value, label.name) for label in source.labels] == [(1, "liver"), (2, "spleen")]


# -- refusals --------------------------------------------------------------------------------------------
def test_nothing_to_export_is_refused(workspace: Workspace, case: CaseRow, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="W has no accepted or corrected case to export"):
        export_msd(workspace, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_tour_is_never_exported(workspace: Workspace, case: CaseRow, save: Save, tmp_path: Path) -> None:
    save(case)
    with (
        workspaces.copy(workspace, tmp_path / "copy", "tour") as toured,
        pytest.raises(WorkspaceError, match="nothing of it is exported"),
    ):
        export_msd(toured, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_not_touched(
    workspace: Workspace, case: CaseRow, save: Save, tmp_path: Path
) -> None:
    save(case)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(WorkspaceError, match="out exists and is not empty"):
        export_msd(workspace, tmp_path / "out")
    assert files(tmp_path / "out") == ["mine.txt"]


def test_a_scan_that_was_replaced_is_refused_and_nothing_is_left(
    workspace: Workspace, case: CaseRow, save: Save, grid: Grid, tmp_path: Path
) -> None:
    save(case)
    write_scan(case.path, Volume(np.zeros(grid.shape, np.int16), grid))
    with pytest.raises(WorkspaceError, match=r"scan0\.nii\.gz is not the scan that was labelled"):
        export_msd(workspace, tmp_path / "deep" / "out")
    assert os.listdir(tmp_path / "deep") == []
    case.path.unlink()
    with pytest.raises(ScanError):
        export_msd(workspace, tmp_path / "deep" / "out")
    assert os.listdir(tmp_path / "deep") == []


@pytest.mark.parametrize("at", range(6))
def test_a_cancel_at_any_moment_leaves_nothing(
    workspace: Workspace, add_case: AddCase, save: Save, tmp_path: Path, at: int
) -> None:
    for seed in (1, 2):
        save(add_case(seed))
    asked = iter(range(1000))
    rows = len(workspace.audit.rows())
    with pytest.raises(Cancelled):
        export_msd(workspace, tmp_path / "deep" / "out", cancelled=lambda: next(asked) >= at)
    assert os.listdir(tmp_path / "deep") == []
    assert len(workspace.audit.rows()) == rows


def test_the_dataset_appears_only_when_it_is_whole(
    workspace: Workspace, add_case: AddCase, save: Save, tmp_path: Path
) -> None:
    for seed in (1, 2):
        save(add_case(seed))
    (tmp_path / "deep" / "out").mkdir(parents=True)
    told: list[float] = []

    def report(fraction: float, text: str) -> None:
        told.append(fraction)
        whole = files(tmp_path / "deep" / "out")
        assert whole == [] if fraction < 1 else len(whole) == 6

    export_msd(workspace, tmp_path / "deep" / "out", report)
    assert told == [0.0, 0.5, 1.0]
    assert os.listdir(tmp_path / "deep") == ["out"]


# -- DICOM -----------------------------------------------------------------------------------------------
IDENTITY = {
    "PatientName": "Doe^Jane",
    "PatientID": "MRN-4711",
    "PatientBirthDate": "19610203",
    "StudyDate": "20260102",
}


def dicom_series(folder: Path, grid: Grid) -> Path:
    folder.mkdir()
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    for z in range(grid.shape[0]):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, MRImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        item = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        for name, value in IDENTITY.items():
            setattr(item, name, value)
        item.SOPClassUID, item.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
        item.Modality, item.SeriesDescription, item.SeriesInstanceUID = "MR", "T1 axial", series
        item.StudyInstanceUID, item.FrameOfReferenceUID, item.InstanceNumber = study, frame, z + 1
        item.Rows, item.Columns = grid.shape[1], grid.shape[2]
        item.PixelSpacing = [grid.spacing[1], grid.spacing[2]]
        item.SliceThickness = grid.spacing[0]
        item.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        item.ImagePositionPatient = [0, 0, z * grid.spacing[0]]
        item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
        item.BitsAllocated, item.BitsStored, item.HighBit, item.PixelRepresentation = 16, 16, 15, 0
        pixels = np.arange(grid.shape[1] * grid.shape[2], dtype=np.uint16) + 10 * z
        item.PixelData = pixels.tobytes()
        pydicom.dcmwrite(folder / f"IM{z:03d}", item, enforce_file_format=True)
    return folder


def test_nothing_of_a_dicom_identity_reaches_an_export(
    workspace: Workspace, save: Save, grid: Grid, tmp_path: Path
) -> None:
    folder = dicom_series(tmp_path / "Doe_Jane", grid)
    scan = read_scan(folder)
    subject = workspace.subjects.find(folder, scan.source.subject)
    case = workspace.reviews.add_case(NewCase.from_scan(scan, subject))
    workspace.reviews.take_table(case.id, "abdomen")
    mask = np.zeros(scan.volume.grid.shape, np.uint8)
    mask[0, 0, 0] = 1
    decision = DecisionRecord(CaseState.CORRECTED, "Ann")
    info = VersionInfo("Ann", Base("empty", "", ""), decision=decision)
    workspace.labels.save(case.id, mask, scan.volume.grid, info)
    out = tmp_path / "out"
    export_msd(workspace, out)
    (name,) = os.listdir(out / "imagesTr")
    assert name == f"case_{case.id[:12]}.nii.gz"
    everything = b"".join(
        path.read_bytes() for path in out.rglob("*") if path.is_file() and path.suffix != ".gz"
    )
    headers = b"".join(nibabel.load(path).header.binaryblock for path in out.rglob("*.nii.gz"))
    for word in (*IDENTITY.values(), "Doe", "4711", "2026-01-02", "T1 axial"):
        assert word.encode() not in everything + headers, word
    assert subject.startswith("P-")
    assert read_scan(out / "imagesTr" / name).volume.identity() == case.id
    # Nor does the workspace keep the id itself.
    kept = b"".join(path.read_bytes() for path in workspace.folder.rglob("*") if path.is_file())
    assert b"4711" not in kept
    assert b"19610203" not in kept
