"""Labelled cases for training and evaluation: where they lie, what they are called, whose they are, how they split.

A source is a folder with `images/` and `labels/` (and optionally `subjects.csv`), a Medical Segmentation
Decathlon or nnU-Net raw folder, or generated abdomens, written `phantom:FIRST-LAST`.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.bundle import BundleLabel
from model.errors import DataError
from model.grid import Float3, Grid
from model.normalisation import Normalisation
from model.progress import CancelCheck, Report, never, silent, stop_if
from model.resampling import Resampling, resampling
from model.scan_io import read_labels, read_scan, scan_name
from model.volume import DisplayHints, Volume

_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd")
_PHANTOMS = re.compile(r"phantom:(\d+)-(\d+)")
_COLOURS = (
    (230, 80, 80),
    (70, 170, 230),
    (240, 190, 60),
    (110, 200, 110),
    (190, 120, 220),
    (240, 140, 60),
    (90, 210, 200),
)


@dataclass(frozen=True)
class CaseFile:
    """One labelled scan of a source, not read yet: its name, its subject, and where it comes from."""

    name: str
    subject: str
    image: Path | None
    label: Path | None
    phantom_seed: int | None = None


@dataclass(frozen=True, eq=False)
class Case:
    """One labelled scan ready for a network: normalised values and class indices (z, y, x), background 0."""

    name: str
    subject: str
    image: npt.NDArray[np.float32]
    classes: npt.NDArray[np.uint8]
    grid: Grid

    @cached_property
    def voxels_of_class(self) -> Mapping[int, npt.NDArray[np.int64]]:
        """Flat indices of the voxels of each foreground class that is present."""
        flat = self.classes.ravel()
        found = {value: np.flatnonzero(flat == value) for value in range(1, int(flat.max()) + 1)}
        return {value: voxels for value, voxels in found.items() if voxels.size}


@dataclass(frozen=True)
class Source:
    """The cases of a data source and the labels it names (empty where it names none)."""

    text: str
    files: tuple[CaseFile, ...]
    labels: tuple[BundleLabel, ...]


@dataclass(frozen=True)
class Preparation:
    """How a scan is brought to the network: the same as a bundle says and prediction does."""

    orientation: str
    spacing: Float3 | None
    intensity: Normalisation
    labels: tuple[BundleLabel, ...]


def open_source(source: str) -> Source:
    """The cases of `source`, in the order of their names; nothing is read but lists.

    Raises:
        DataError: if there is no such folder, it holds no labelled scan, or a label is missing.
    """
    if match := _PHANTOMS.fullmatch(source):
        first, last = int(match[1]), int(match[2])
        if last < first:
            raise DataError(f"{source} names no phantom; write phantom:FIRST-LAST with LAST at least FIRST.")
        seeds = range(first, last + 1)
        return Source(
            source, tuple(CaseFile(f"phantom_{s}", f"phantom_{s}", None, None, s) for s in seeds), ()
        )
    folder = Path(source)
    if not folder.is_dir():
        raise DataError(f"There is no data folder {source}; give a folder with images/ and labels/.")
    for images, labels in (("images", "labels"), ("imagesTr", "labelsTr")):
        if (folder / images).is_dir() and (folder / labels).is_dir():
            return Source(source, _pairs(folder, images, labels), named_labels(folder))
    raise DataError(
        f"{folder} holds neither images/ and labels/ nor imagesTr/ and labelsTr/; give a folder that does."
    )


def split_by_subject(
    files: Sequence[CaseFile], validation_share: float, seed: int
) -> tuple[tuple[CaseFile, ...], tuple[CaseFile, ...]]:
    """Training and validation cases: `validation_share` of the subjects, drawn by `seed`, never a part of one.

    Raises:
        DataError: if one side would be empty.
    """
    subjects = sorted({file.subject for file in files})
    count = round(len(subjects) * validation_share)
    if not 0 < count < len(subjects):
        raise DataError(
            f"{len(subjects)} subjects cannot be split, {validation_share:.0%} for validation: one side stays empty."
        )
    held_back = set(np.random.default_rng(seed).permutation(subjects)[:count].tolist())
    training = tuple(file for file in files if file.subject not in held_back)
    validation = tuple(file for file in files if file.subject in held_back)
    refuse_divided_subjects(training, validation)
    return training, validation


def part_of_subjects(files: Sequence[CaseFile], share: float, seed: int) -> tuple[CaseFile, ...]:
    """The cases of `share` of the subjects; for one seed a smaller share is part of every larger one.

    Raises:
        DataError: if no subject would be left.
    """
    subjects = sorted({file.subject for file in files})
    count = round(len(subjects) * share)
    if not 0 < count <= len(subjects):
        raise DataError(
            f"A share of {share:g} of {len(subjects)} training subjects is {max(0, count)}; take one that leaves some."
        )
    # Not the split's own draw over again: that of 80 % of the subjects would follow from the whole's.
    taken = set(np.random.default_rng((seed, 1)).permutation(subjects)[:count].tolist())
    return tuple(file for file in files if file.subject in taken)


def refuse_divided_subjects(training: Sequence[CaseFile], validation: Sequence[CaseFile]) -> None:
    """Refuse a split that has one subject on both sides, since its Dice would flatter.

    Raises:
        DataError: naming such a subject.
    """
    if shared := sorted({file.subject for file in training} & {file.subject for file in validation}):
        raise DataError(
            f"Subject {shared[0]} is on both sides of the split; put all scans of a subject on one side."
        )


def load_cases(
    files: Sequence[CaseFile], prepare: Preparation, report: Report = silent, cancelled: CancelCheck = never
) -> tuple[Case, ...]:
    """Read, orient, resample, normalise every case, and turn label values into class indices.

    Raises:
        DataError: if a label holds values the model has no class for.
        ScanError: if a file cannot be read, or scan and label lie on different grids.
    """
    cases = []
    for number, file in enumerate(files):
        stop_if(cancelled)
        report(number / len(files), f"reading {file.name}")
        volume, labels = read_case(file)
        cases.append(_prepared(file, volume, labels, prepare))
    return tuple(cases)


def read_case(file: CaseFile) -> tuple[Volume, npt.NDArray[np.generic]]:
    """The scan and its label values (z, y, x) as they are stored, on the scan's own grid."""
    if file.phantom_seed is not None:
        return _phantom(file.phantom_seed)
    if file.image is None or file.label is None:
        raise DataError(f"{file.name} has no scan or no label; remove it from the data folder.")
    volume = read_scan(file.image).volume
    return volume, read_labels(file.label, like=volume.grid).labels


def label_palette(values: Sequence[int], names: dict[int, str] | None = None) -> tuple[BundleLabel, ...]:
    """Labels for `values` with names where they are known and distinguishable colours."""
    named = names or {}
    return tuple(
        BundleLabel(value, named.get(value, f"label {value}"), _COLOURS[i % len(_COLOURS)])
        for i, value in enumerate(sorted(set(values) - {0}))
    )


def named_labels(folder: Path) -> tuple[BundleLabel, ...]:
    """Labels of `dataset.json` in `folder` or its parent: {"1": "name"} in the Decathlon, {"name": 1} in nnU-Net.

    Raises:
        DataError: if that file names labels in neither way.
    """
    places = (folder, folder.parent)
    file = next((place / "dataset.json" for place in places if (place / "dataset.json").is_file()), None)
    if file is None:
        return ()
    try:
        table = json.loads(file.read_text(encoding="utf-8")).get("labels", {})
        names = {int(key): str(name) for key, name in table.items() if key.isdigit()}
        names |= {int(value): str(key) for key, value in table.items() if not key.isdigit()}
    except (json.JSONDecodeError, AttributeError, TypeError, ValueError) as error:
        raise DataError(
            f"{file} names no labels as the Decathlon or nnU-Net does; repair or remove it."
        ) from error
    return label_palette(list(names), names)


def label_files(folder: Path) -> dict[str, Path]:
    """Label files by case name: in `labels/`, in `labelsTr/`, in `folder`, or one `labels.nii.gz` per subfolder."""
    for inner in ("labels", "labelsTr"):
        if (folder / inner).is_dir():
            return label_files(folder / inner)
    if not folder.is_dir():
        return {}
    per_case = {child.name: child / "labels.nii.gz" for child in sorted(folder.iterdir()) if child.is_dir()}
    return {scan_name(path): path for path in _scans(folder)} | {
        n: p for n, p in per_case.items() if p.is_file()
    }


def _prepared(file: CaseFile, volume: Volume, labels: npt.NDArray[np.generic], prepare: Preparation) -> Case:
    values = [label.value for label in prepare.labels]
    if unknown := sorted({int(v) for v in np.unique(labels)} - {0, *values}):
        raise DataError(f"The label of {file.name} holds the value {unknown[0]}; the model knows {values}.")
    reordering = volume.grid.reordering(prepare.orientation)
    volume, ordered = volume.reordered(prepare.orientation), reordering.apply(labels)
    if prepare.spacing is not None and (change := resampling(volume.grid, prepare.spacing)) is not None:
        ordered = _nearest(ordered, change)
        volume = Volume(change.apply(volume.values.astype(np.float32)), change.target, volume.hints)
    classes = np.zeros(ordered.shape, dtype=np.uint8)
    for index, value in enumerate(values, start=1):
        classes[ordered == value] = index
    image = prepare.intensity.apply(volume.values)
    return Case(file.name, file.subject, np.ascontiguousarray(image), classes, volume.grid)


def _nearest(labels: npt.NDArray[np.generic], change: Resampling) -> npt.NDArray[np.generic]:
    """Label values of the target grid: each voxel takes the one its centre lies in."""
    axes = [
        np.minimum(((np.arange(length) + 0.5) * ratio).astype(int), labels.shape[axis] - 1)
        for axis, (length, ratio) in enumerate(zip(change.target.shape, change.ratio, strict=True))
    ]
    return labels[np.ix_(*axes)]


def _pairs(folder: Path, images: str, labels: str) -> tuple[CaseFile, ...]:
    subjects = _subjects(folder)
    by_name = {scan_name(path): path for path in _scans(folder / labels)}
    files = []
    for image in _scans(folder / images):
        stem = scan_name(image)
        # nnU-Net numbers the channels of a case: NAME_0000 is the only one of a single-channel case.
        name = stem.removesuffix("_0000") if images == "imagesTr" else stem
        if name not in by_name:
            raise DataError(
                f"{image.name} in {folder} has no label of its name in {labels}/; add it or remove the scan."
            )
        subject = subjects.get(image.name, subjects.get(by_name[name].name, name))
        files.append(CaseFile(name, subject, image, by_name[name]))
    if not files:
        raise DataError(
            f"{folder / images} holds no scan; put scans there and labels of equal names into {labels}/."
        )
    return tuple(files)


def _scans(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.name.endswith(_SUFFIXES) and not p.name.startswith("."))


def _subjects(folder: Path) -> dict[str, str]:
    for place in (folder, folder.parent):
        if (place / "subjects.csv").is_file():
            with (place / "subjects.csv").open(newline="", encoding="utf-8") as stream:
                rows = csv.DictReader(stream)
                if rows.fieldnames is None or not {"file", "subject"} <= set(rows.fieldnames):
                    raise DataError(f"{place / 'subjects.csv'} lacks the columns file and subject; add them.")
                return {row["file"]: row["subject"] for row in rows}
    return {}


def _phantom(seed: int) -> tuple[Volume, npt.NDArray[np.generic]]:
    """A generated abdomen, kept on disk while the generator's code stays the same, since one takes seconds."""
    from model.phantoms import make_abdomen

    folder = _phantom_cache()
    kept = folder / f"{seed}.npz"
    if kept.is_file():
        with np.load(kept, allow_pickle=False) as arrays:
            values, labels = arrays["values"], arrays["labels"]
    else:
        made = make_abdomen(seed)
        values, labels = np.asarray(made.values), np.asarray(made.labels)
        folder.mkdir(exist_ok=True)
        partial = folder / f".{seed}.{os.getpid()}.partial.npz"  # two trainings may make one at once
        np.savez(partial, values=values, labels=labels)
        partial.replace(kept)
    grid = Grid(values.shape, (3.0, 3.0, 3.0))
    return Volume(values, grid, DisplayHints(modality="CT", synthetic=True)), labels


@cache
def _phantom_cache() -> Path:
    """The folder for abdomens of this generator; asked once, so a run never mixes two states of its code."""
    import model.phantoms

    code = hashlib.sha256()
    for file in sorted(Path(model.phantoms.__file__).parent.glob("*.py")):
        code.update(file.read_bytes())
    return Path(tempfile.gettempdir()) / f"gatelens-phantoms-{code.hexdigest()[:12]}"
