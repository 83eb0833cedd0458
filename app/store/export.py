"""Datasets out of a workspace, in the layout of the Medical Segmentation Decathlon, for training anywhere.

    OUT/dataset.json  OUT/imagesTr/NAME.nii.gz  OUT/labelsTr/NAME.nii.gz  OUT/subjects.csv
    OUT/provenanceTr/NAME_provenance.nii.gz   where every voxel comes from (`app.core.provenance`), if asked for

Every image is written anew from its voxels and grid, so nothing else of a source's header comes along, and
cases from DICOM are named by their hash. Layout: Antonelli et al. 2022, "The Medical Segmentation Decathlon".
"""

from __future__ import annotations

import csv
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.core.labels import LabelTable
from app.core.patch import Labels
from app.core.provenance import Origin, origins
from app.store import durable
from app.store.adoption import clear_staging
from app.store.label_families import refuse_unnamed, union_table
from app.store.label_version import RESEARCH_USE
from app.store.processes import staging_name
from app.store.subjects import TABLE_NAME
from app.store.training_manifest import LeftOut, TrainingCase, training_manifest
from app.store.workspace import Workspace
from model.errors import WorkspaceError
from model.progress import CancelCheck, Report, never, silent, stop_if
from model.scan_io import read_scan, write_labels, write_scan

_MODALITIES = {"MR": "MRI"}
"""Names the Decathlon uses where they differ from DICOM's."""

_ORIGINS = {
    Origin.BACKGROUND: "background",
    Origin.MODEL: "the model's label stands",
    Origin.READER: "labelled by the reader alone",
    Origin.BOTH: "labelled by both, differently; the reader's label stands",
    Origin.REMOVED: "labelled by the model, taken away by the reader",
}


@dataclass(frozen=True)
class ExportReport:
    """What was exported.

    Attributes:
        folder: the dataset.
        cases: how many cases it holds.
        left_out: those it does not, with reasons.
    """

    folder: Path
    cases: int
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class _Item:
    name: str
    source: TrainingCase


def export_msd(
    workspace: Workspace,
    out: Path,
    report: Report = silent,
    cancelled: CancelCheck = never,
    *,
    reader: str = "",
    provenance: bool = False,
) -> ExportReport:
    """Write the accepted and corrected cases as a dataset; `out` must be missing or empty.

    All is made in a folder beside `out` that takes its name at the end; a cancel or an error leaves nothing.

    Args:
        workspace: a normal, personal or demo workspace.
        out: the folder to make.
        report: told the fraction done and the case.
        cancelled: asked between all files.
        reader: who exports, for the audit.
        provenance: beside the labels, where their voxels come from: each is compared with the prediction that was
            the case's when it was accepted.

    Raises:
        WorkspaceError: nothing to export, labels that disagree or have no name, a changed scan, a prediction that is
            missing where provenance is asked for, or the disk refuses.
        ScanError: a scan or its labels cannot be read.
        Cancelled: `cancelled` said so.
    """
    if workspace.kind == "tour":
        raise WorkspaceError(f"{workspace.name} is the copy a tour worked on; nothing of it is exported.")
    out = out.expanduser().resolve()
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise WorkspaceError(f"{out.name} exists and is not empty; name a new folder for the dataset.")
    manifest = training_manifest(workspace)
    if not manifest.cases:
        raise WorkspaceError(
            f"{workspace.name} has no accepted or corrected case to export; read and accept one first."
        )
    table = union_table(workspace, [chosen.case for chosen in manifest.cases])
    items = _named(manifest.cases)
    staging = out.parent / staging_name()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        clear_staging(out.parent)
        # Not among the labels: readers of the layout take every file there for the label of a scan.
        for folder in ("imagesTr", "labelsTr", "provenanceTr") if provenance else ("imagesTr", "labelsTr"):
            (staging / folder).mkdir(parents=True)
        modalities: set[str] = set()
        for number, item in enumerate(items):
            stop_if(cancelled)
            report(number / len(items), f"exporting {item.name} ({number + 1} of {len(items)})")
            modalities.add(_export_case(workspace, item, staging, cancelled, provenance=provenance))
        _write_dataset(staging / "dataset.json", workspace, table, items, modalities, provenance=provenance)
        _write_subjects(staging / TABLE_NAME, items)
        stop_if(cancelled)
        durable.fsync_folder(staging)
        if out.exists():
            out.rmdir()
        os.rename(staging, out)
        durable.fsync_folder(out.parent)
    except OSError as error:
        raise WorkspaceError(
            f"{out.name} cannot be written ({error.strerror or error}); check the folder and the free space."
        ) from error
    finally:
        durable.remove_tree(staging)
    workspace.audit.append(
        "export",
        details={
            "format": "msd",
            "folder": out.name,
            "cases": len(items),
            "reader": reader,
            "provenance": provenance,
        },
    )
    report(1.0, f"exported {len(items)} cases")
    return ExportReport(out, len(items), manifest.left_out)


def _export_case(
    workspace: Workspace, item: _Item, folder: Path, cancelled: CancelCheck, *, provenance: bool
) -> str:
    """Write image and labels of a case on one grid; gives the modality in the Decathlon's words."""
    case, version = item.source.case, item.source.version
    volume = read_scan(item.source.scan, cancelled=cancelled).volume
    stop_if(cancelled)
    if volume.identity() != case.id:
        raise WorkspaceError(
            f"{case.path.name} is not the scan that was labelled any more; put the original file back or add "
            "the new one as its own case."
        )
    labels = workspace.labels.load(case.id, version.number, volume.grid).labels
    refuse_unnamed(workspace, case, labels)
    stop_if(cancelled)
    write_scan(folder / "imagesTr" / f"{item.name}.nii.gz", volume)
    stop_if(cancelled)
    write_labels(folder / "labelsTr" / f"{item.name}.nii.gz", labels, volume.grid)
    if provenance:
        stop_if(cancelled)
        codes = origins(_predicted(workspace, item.source), labels)
        write_labels(folder / "provenanceTr" / f"{item.name}_provenance.nii.gz", codes, volume.grid)
    modality = case.modality or volume.hints.modality or "unknown"
    return _MODALITIES.get(modality, modality)


def _predicted(workspace: Workspace, source: TrainingCase) -> Labels | None:
    """The labels the reader was shown when the version was accepted; None where no model had predicted."""
    decided = [
        row for row in workspace.reviews.decisions(source.case.id) if row.version == source.version.number
    ]
    key = decided[-1].prediction_key if decided else None
    if key is None:
        return None
    return workspace.predictions.load(source.case.id, key, attention=False).labels


def _named(cases: tuple[TrainingCase, ...]) -> tuple[_Item, ...]:
    """Each case with a file name of its own that any system takes and no DICOM folder's name leaks into."""
    taken: set[str] = set()
    items = []
    for chosen in cases:
        if chosen.case.format == "DICOM":
            name = f"case_{chosen.case.id[:12]}"
        else:
            name = re.sub(r"[^A-Za-z0-9_.-]+", "_", chosen.case.name).strip("._-")[:80] or "case"
        if name.lower() in taken:
            name = f"{name}_{chosen.case.id[:12]}"
        taken.add(name.lower())
        items.append(_Item(name, chosen))
    return tuple(items)


def _write_dataset(
    path: Path,
    workspace: Workspace,
    table: LabelTable,
    items: tuple[_Item, ...],
    modalities: set[str],
    *,
    provenance: bool,
) -> None:
    labels = {"0": "background"} | {str(entry.value): entry.name for entry in table.entries}
    content: dict[str, object] = {
        "name": workspace.name,
        "description": f"Exported by GateLens. {RESEARCH_USE}",
        "reference": "",
        "licence": "that of the scans",
        "release": f"{datetime.now(UTC):%Y-%m-%d}",
        "tensorImageSize": "3D",
        "modality": {"0": "/".join(sorted(modalities))},
        "labels": labels,
        "numTraining": len(items),
        "numTest": 0,
        "training": [
            {"image": f"./imagesTr/{item.name}.nii.gz", "label": f"./labelsTr/{item.name}.nii.gz"}
            for item in items
        ],
        "test": [],
    }
    if provenance:
        content["provenance"] = {str(code.value): words for code, words in _ORIGINS.items()}
    durable.write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _write_subjects(path: Path, items: tuple[_Item, ...]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "subject"))
        for item in items:
            writer.writerow((f"{item.name}.nii.gz", item.source.case.subject))
