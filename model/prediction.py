"""What a prediction is and its folder on disk: masks, probabilities, entropy, attention, provenance.

How it is made is `model.inference`. Writing fills a folder file by file; making it appear at once is the
store's.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from model.attention import AttentionMap
from model.bundle import BundleLabel
from model.bundle_fields import Fields, read_json
from model.errors import BundleError, DataError, ScanError
from model.grid import Box, Float3, Grid
from model.scan_io import read_labels, read_map, write_labels, write_map
from model.scan_io.results import LabelArray

T = TypeVar("T")

SCHEMA = 1
DESCRIPTION_FILE, LABELS_FILE, ENTROPY_FILE = "prediction.json", "labels.nii.gz", "entropy.nii.gz"


@dataclass(frozen=True)
class Provenance:
    """Where a prediction comes from.

    Attributes:
        bundle_name: name of the model.
        bundle_hash: its identity, 64 hex digits.
        program_version: version of this program.
        device: in words, "CPU, 1 thread".
        backend: what computed, with its precision.
        region: the box of voxels (z, y, x of the scan) that was predicted; None is the whole scan.
        overridden: True where the model does not apply to the scan and a reader ran it all the same.
        seconds: wall-clock time, loading the model included.
        created: date and time in UTC, ISO 8601.
        objection: why the model does not apply, where that was overridden; else "".
    """

    bundle_name: str
    bundle_hash: str
    program_version: str
    device: str
    backend: str
    region: Box | None
    overridden: bool
    seconds: float
    created: str
    objection: str = ""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says of a scan, on the scan's own grid; all arrays are read-only.

    Attributes:
        grid: the scan's grid.
        labels: uint8 (uint16 where a label is above 255), z, y, x; 0 is background and outside the region.
        bundle_labels: the model's labels.
        probabilities: per label, in the same order, uint8 (z, y, x); 255 is certainty.
        entropy: of the class probabilities, uint8 (z, y, x); 255 is all classes equally likely.
        attention: the coefficients of every gate, each on its own grid, finest level first.
        provenance: where it comes from.
    """

    grid: Grid
    labels: LabelArray
    bundle_labels: tuple[BundleLabel, ...]
    probabilities: tuple[npt.NDArray[np.uint8], ...]
    entropy: npt.NDArray[np.uint8]
    attention: tuple[AttentionMap, ...]
    provenance: Provenance

    def __post_init__(self) -> None:
        if len(self.probabilities) != len(self.bundle_labels):
            raise ValueError(f"{len(self.probabilities)} probabilities for {len(self.bundle_labels)} labels")
        for array in (self.labels, self.entropy, *self.probabilities):
            if array.shape != self.grid.shape:
                raise ValueError(f"an array of shape {array.shape} does not fit a grid of {self.grid.shape}")
            array.flags.writeable = False


def prediction_key(bundle_hash: str, region: Box | None, spacing: Float3 | None, settings: str = "") -> str:
    """The name of a prediction's folder: 16 hex digits that change with whatever changes the result.

    `spacing` is the one the model asks for (mm; z, y, x), None where it takes the scan as it is.
    """
    facts = {
        "bundle": bundle_hash,
        "region": None if region is None else [*region.start, *region.stop],
        "spacing": None if spacing is None else [round(mm, 6) for mm in spacing],
        "settings": settings,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def write_prediction(folder: Path, prediction: Prediction) -> None:
    """Write every file of a prediction into `folder` (made where it is missing), the description last."""
    folder.mkdir(parents=True, exist_ok=True)
    names = _probability_files(prediction.bundle_labels)
    write_labels(folder / LABELS_FILE, prediction.labels, prediction.grid)
    write_labels(folder / ENTROPY_FILE, prediction.entropy, prediction.grid)
    for name, probability in zip(names, prediction.probabilities, strict=True):
        write_labels(folder / name, probability, prediction.grid)
    for found in prediction.attention:
        write_map(folder / _attention_file(found.level, found.gate), found.values, found.grid, 1 / 65535)
    text = json.dumps(_description(prediction, names), indent=1, ensure_ascii=False)
    (folder / DESCRIPTION_FILE).write_text(text + "\n", encoding="utf-8")


def read_prediction(folder: Path, *, attention: bool = True) -> Prediction:
    """The prediction in `folder`; without its attention maps where `attention` is False.

    Raises:
        DataError: if the folder holds no whole prediction, in a sentence that names the file.
    """
    return _described(folder, lambda fields: _read(folder, fields, attention))


def read_prediction_labels(folder: Path) -> tuple[BundleLabel, ...]:
    """The labels of the prediction in `folder`, from its description alone; errors as `read_prediction`."""
    return _described(folder, _labels)


def read_provenance(folder: Path) -> Provenance:
    """Where the prediction in `folder` comes from, from its description alone; errors as `read_prediction`."""
    return _described(folder, lambda fields: _read_provenance(fields.inside("provenance")))


def _described(folder: Path, read: Callable[[Fields], T]) -> T:
    """What `read` makes of a prediction's description."""
    file = folder / DESCRIPTION_FILE
    if not file.is_file():
        raise DataError(f"{folder} holds no prediction: it lacks {DESCRIPTION_FILE}; predict the scan again.")
    try:
        fields = read_json(file)
        if (schema := fields.integer("schema")) != SCHEMA:
            raise DataError(
                f"{file} has schema {schema}, this program reads {SCHEMA}; predict the scan again."
            )
        return read(fields)
    except (BundleError, ScanError, ValueError) as error:
        raise DataError(
            f"The prediction in {folder} is damaged; delete the folder and predict again."
        ) from error


def _labels(fields: Fields) -> tuple[BundleLabel, ...]:
    return tuple(_read_label(entry) for entry in fields.each("labels"))


def _read(folder: Path, fields: Fields, attention: bool) -> Prediction:
    mask = read_labels(folder / LABELS_FILE)
    labels = _labels(fields)
    return Prediction(
        grid=mask.grid,
        labels=mask.labels,
        bundle_labels=labels,
        probabilities=tuple(_read_uint8(folder / name, mask.grid) for name in _probability_files(labels)),
        entropy=_read_uint8(folder / ENTROPY_FILE, mask.grid),
        attention=tuple(_read_attention(folder, entry) for entry in fields.each("attention"))
        if attention
        else (),
        provenance=_read_provenance(fields.inside("provenance")),
    )


def _read_uint8(file: Path, grid: Grid) -> npt.NDArray[np.uint8]:
    values = read_labels(file, like=grid).labels
    if values.dtype != np.uint8:
        raise DataError(f"{file} holds {values.dtype}, not uint8; delete the folder and predict again.")
    return values.view(np.uint8)


def _read_attention(folder: Path, fields: Fields) -> AttentionMap:
    level, gate = fields.integer("level"), fields.integer("gate")
    values, _, grid = read_map(folder / _attention_file(level, gate))
    return AttentionMap(level, gate, grid, values)


def _read_label(fields: Fields) -> BundleLabel:
    red, green, blue = fields.integers("colour", 3)
    return BundleLabel(fields.integer("value"), fields.text("name"), (red, green, blue), fields.text("term"))


def _read_provenance(fields: Fields) -> Provenance:
    region = None
    if not fields.flag("whole_scan"):
        region = _box(fields.integers("region_start_zyx", 3), fields.integers("region_stop_zyx", 3))
    return Provenance(
        bundle_name=fields.text("bundle_name"),
        bundle_hash=fields.text("bundle_hash"),
        program_version=fields.text("program_version"),
        device=fields.text("device"),
        backend=fields.text("backend"),
        region=region,
        overridden=fields.flag("overridden"),
        seconds=fields.number("seconds"),
        created=fields.text("created"),
        objection=fields.text("objection"),
    )


def _box(start: Sequence[int], stop: Sequence[int]) -> Box:
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _description(prediction: Prediction, probability_files: tuple[str, ...]) -> dict[str, object]:
    origin = prediction.provenance
    region = origin.region or Box.whole(prediction.grid.shape)
    return {
        "schema": SCHEMA,
        "note": "Research use only, not for diagnosis.",
        "labels": [
            {
                "value": label.value,
                "name": label.name,
                "colour": label.colour,
                "term": label.term,
                "file": name,
            }
            for label, name in zip(prediction.bundle_labels, probability_files, strict=True)
        ],
        "attention": [
            {"level": found.level, "gate": found.gate, "file": _attention_file(found.level, found.gate)}
            for found in prediction.attention
        ],
        "provenance": {
            "bundle_name": origin.bundle_name,
            "bundle_hash": origin.bundle_hash,
            "program_version": origin.program_version,
            "device": origin.device,
            "backend": origin.backend,
            "whole_scan": origin.region is None,
            "region_start_zyx": region.start,
            "region_stop_zyx": region.stop,
            "overridden": origin.overridden,
            "objection": origin.objection,
            "seconds": round(origin.seconds, 3),
            "created": origin.created,
        },
    }


def _attention_file(level: int, gate: int) -> str:
    return f"attention_level{level}_gate{gate}.nii.gz"


def _probability_files(labels: Sequence[BundleLabel]) -> tuple[str, ...]:
    """File names from label names; where two labels come to one name, the values keep them apart."""
    plain = [
        re.sub(r"[^a-z0-9]+", "-", label.name.lower()).strip("-") or str(label.value) for label in labels
    ]
    return tuple(
        f"probability_{name if plain.count(name) == 1 else f'{name}-{label.value}'}.nii.gz"
        for name, label in zip(plain, labels, strict=True)
    )
