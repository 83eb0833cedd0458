"""A model on disk: `bundle.json`, `weights.safetensors`, `validation.json`, and the attention history.

Reading checks everything that can be checked without torch and executes nothing; a pickle under any name is
refused. `load_network` alone imports torch. Where a bundle applies is decided here; predicting is not.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from model.applicability import Applicability, AppliesTo, judge
from model.bundle_fields import Fields, read_json
from model.errors import BundleError
from model.grid import Box, Float3, Int3
from model.networks import NAMES
from model.normalisation import Normalisation as Normalisation  # part of a bundle: imported from here
from model.safetensors_header import FLOAT_TYPES, read_header
from model.validation_table import NOT_VALIDATED, Validation, read_validation
from model.volume import Volume

if TYPE_CHECKING:
    from torch import Tensor

    from model.networks.network import SegmentationNetwork

SCHEMA = 1
DESCRIPTION_FILE, WEIGHTS_FILE, VALIDATION_FILE = "bundle.json", "weights.safetensors", "validation.json"
HISTORY_FOLDER = "attention_history"
_AXIS_OF = {"L": "x", "R": "x", "P": "y", "A": "y", "S": "z", "I": "z"}


@dataclass(frozen=True)
class BundleLabel:
    """One foreground label: the value in masks, its name, its colour (red, green, blue), its coded term."""

    value: int
    name: str
    colour: tuple[int, int, int]
    term: str = ""


@dataclass(frozen=True)
class HistoryMap:
    """One attention map of the reference case, kept while training: uint8 (z, y, x), 255 is a coefficient of 1."""

    file: str
    step: int
    level: int
    gate: int


@dataclass(frozen=True)
class Bundle:
    """A model as described by its folder; `path` is the folder, `hash` its identity (64 hex digits).

    Attributes:
        widths: channels per scale, finest first.
        classes: output channels, background included: class i + 1 is `labels[i]`.
        orientation: axis codes in x, y, z order the network was trained in, e.g. "LPS".
        target_spacing: mm along z, y, x the scan is resampled to first; None takes it as it is.
        window_size: voxels along z, y, x of a prediction window, multiples of the coarsest stride.
        parent: hash of the bundle this one was refined from, or "".
        command: the `gatelens` command that made it.
    """

    name: str
    architecture: str
    widths: tuple[int, ...]
    channels: int
    classes: int
    deep_supervision: bool
    labels: tuple[BundleLabel, ...]
    orientation: str
    target_spacing: Float3 | None
    intensity: Normalisation
    window_size: Int3
    modality: str
    applies_to: AppliesTo
    training_data: str
    licence: str
    command: str
    seed: int
    parent: str = ""
    attention_history: tuple[HistoryMap, ...] = ()
    validation: Validation = NOT_VALIDATED
    path: Path = Path()
    hash: str = ""

    @property
    def coarsest_stride(self) -> int:
        """Voxels of the input per voxel of the bottleneck."""
        return int(2 ** (len(self.widths) - 1))

    def check_scan(
        self, volume: Volume, modality: str | None = None, *, region: Box | None = None
    ) -> Applicability:
        """Whether this model applies to a scan, or to a `region` (z, y, x) of it, how sure that is, and why.

        `modality` stands in where the volume's own hints name none.
        """
        known = volume.hints.modality or modality
        return judge(self.name, self.modality, self.applies_to, volume, known, region)

    def read_history(self, entry: HistoryMap) -> npt.NDArray[np.uint8]:
        """The kept attention map of one checkpoint, uint8 (z, y, x).

        Raises:
            BundleError: if the file is not what it claims.
        """
        file = self.path / HISTORY_FOLDER / entry.file
        try:
            values = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise BundleError(
                f"{file.name} in model {self.name} is no attention map; copy the model again."
            ) from error
        if not isinstance(values, np.ndarray) or values.dtype != np.uint8 or values.ndim != 3:
            raise BundleError(f"{file.name} in model {self.name} is no uint8 volume; copy the model again.")
        return values


def find_bundles(*folders: Path) -> tuple[Bundle, ...]:
    """Every bundle that lies directly in one of `folders`, by name; folders without `bundle.json` are passed over.

    Raises:
        BundleError: for a folder that holds a `bundle.json` but is no whole bundle.
    """
    found = [
        read_bundle(child)
        for folder in folders
        if folder.is_dir()
        for child in sorted(folder.iterdir())
        if (child / DESCRIPTION_FILE).is_file()
    ]
    return tuple(sorted(found, key=lambda bundle: bundle.name))


def read_bundle(path: Path) -> Bundle:
    """The bundle in folder `path`, checked: its fields, the weights' header and size, and that nothing else is there.

    Raises:
        BundleError: in a sentence that names the file and what is wrong with it.
    """
    if not path.is_dir():
        raise BundleError(f"There is no model folder {path}; give a folder that holds {DESCRIPTION_FILE}.")
    for name in (DESCRIPTION_FILE, WEIGHTS_FILE):
        if not (path / name).is_file():
            raise BundleError(f"{path.name} is no model: it lacks {name}. Copy the whole folder.")
    bundle = _read_description(path / DESCRIPTION_FILE)
    tensors = read_header(path / WEIGHTS_FILE)
    if unfit := sorted(name for name, tensor in tensors.items() if tensor.dtype not in FLOAT_TYPES):
        raise BundleError(
            f"{WEIGHTS_FILE} in {path.name} holds '{unfit[0]}' of another type than fp16 or fp32."
        )
    _refuse_foreign_files(path, {entry.file for entry in bundle.attention_history})
    validation = (
        read_validation(path / VALIDATION_FILE) if (path / VALIDATION_FILE).is_file() else NOT_VALIDATED
    )
    return replace(bundle, path=path, hash=bundle_hash(path), validation=validation)


def bundle_hash(path: Path) -> str:
    """sha256 over `bundle.json` and `weights.safetensors`, each preceded by its length (8 bytes, little endian)."""
    digest = hashlib.sha256()
    for name in (DESCRIPTION_FILE, WEIGHTS_FILE):
        file = path / name
        digest.update(file.stat().st_size.to_bytes(8, "little"))
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def load_network(bundle: Bundle, device: str = "cpu") -> SegmentationNetwork:
    """The bundle's network with its weights in fp32 on `device`, in eval mode, without gradients.

    Raises:
        BundleError: if a weight is missing, unknown, of another shape, or not finite.
    """
    import torch
    from safetensors.torch import load_file

    from model.networks import build

    network = build(
        bundle.architecture,
        widths=bundle.widths,
        classes=bundle.classes,
        channels=bundle.channels,
        deep_supervision=bundle.deep_supervision,
    )
    where = f"{WEIGHTS_FILE} in {bundle.path.name}"
    wanted = floating_state(network.state_dict())
    stored = load_file(bundle.path / WEIGHTS_FILE)
    if missing := sorted(set(wanted) - set(stored)):
        raise BundleError(
            f"{where} lacks '{missing[0]}', which a {bundle.architecture} has; copy the model again."
        )
    if unknown := sorted(set(stored) - set(wanted)):
        raise BundleError(f"{where} holds '{unknown[0]}', which a {bundle.architecture} does not have.")
    for name, tensor in stored.items():
        if tensor.shape != wanted[name].shape:
            raise BundleError(
                f"{where}: '{name}' has shape {tuple(tensor.shape)}, not {tuple(wanted[name].shape)}."
            )
        if not bool(torch.isfinite(tensor).all()):
            raise BundleError(f"{where}: '{name}' holds values that are not finite; the file is damaged.")
        wanted[name].copy_(tensor)
    return network.eval().requires_grad_(False).to(device)


def floating_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights and running statistics of a state dict, without BatchNorm's step counters."""
    return {name: tensor.detach() for name, tensor in state.items() if tensor.is_floating_point()}


def write_bundle(
    folder: Path,
    bundle: Bundle,
    state: Mapping[str, Tensor],
    history: Mapping[HistoryMap, npt.NDArray[np.uint8]] | None = None,
) -> Bundle:
    """Write a bundle into a new `folder` (weights as fp16, history as given) and read it back.

    It is written beside its place and renamed, so a half-written bundle is never found.

    Raises:
        BundleError: if the folder exists and is not empty.
    """
    import torch
    from safetensors.torch import save_file

    refuse_occupied(folder)
    kept = dict(history or {})
    bundle = replace(bundle, attention_history=tuple(sorted(kept, key=lambda m: (m.step, m.level, m.gate))))
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    (partial / HISTORY_FOLDER if kept else partial).mkdir(parents=True)
    half = {
        name: tensor.to("cpu", torch.float16).contiguous() for name, tensor in floating_state(state).items()
    }
    save_file(half, partial / WEIGHTS_FILE)
    for entry, values in kept.items():
        np.save(partial / HISTORY_FOLDER / entry.file, values, allow_pickle=False)
    _write_json(partial / DESCRIPTION_FILE, _description(bundle))
    _write_json(partial / VALIDATION_FILE, bundle.validation.to_json())
    if folder.exists():
        folder.rmdir()
    partial.rename(folder)
    return read_bundle(folder)


def refuse_occupied(folder: Path) -> None:
    """Refuse a place for a new bundle where something lies already.

    Raises:
        BundleError: if `folder` is a file or holds anything.
    """
    if folder.is_file() or (folder.exists() and any(folder.iterdir())):
        raise BundleError(
            f"{folder} is not empty; give a new folder for the model, or move the old one away."
        )


def write_validation(folder: Path, validation: Validation) -> None:
    """Replace a bundle's validation table; its identity does not change."""
    temporary = folder / f".{VALIDATION_FILE}.partial"
    _write_json(temporary, validation.to_json())
    temporary.replace(folder / VALIDATION_FILE)


def _write_json(file: Path, value: Mapping[str, object]) -> None:
    file.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _refuse_foreign_files(path: Path, history: set[str]) -> None:
    own = {DESCRIPTION_FILE, WEIGHTS_FILE, VALIDATION_FILE, *(f"{HISTORY_FOLDER}/{name}" for name in history)}
    folders = {HISTORY_FOLDER} if history else set()
    for item in sorted(path.rglob("*")):
        name = item.relative_to(path).as_posix()
        if item.is_symlink() or name not in (folders if item.is_dir() else own):
            raise BundleError(
                f"{name} does not belong into model {path.name}; remove it or copy the model again."
            )
    for name in sorted(history):
        if not (path / HISTORY_FOLDER / name).is_file():
            raise BundleError(f"Model {path.name} lacks {HISTORY_FOLDER}/{name}; copy the whole folder.")


def _description(bundle: Bundle) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "name": bundle.name,
        "architecture": bundle.architecture,
        "widths": bundle.widths,
        "channels": bundle.channels,
        "classes": bundle.classes,
        "deep_supervision": bundle.deep_supervision,
        "labels": [
            {"value": label.value, "name": label.name, "colour": label.colour, "term": label.term}
            for label in bundle.labels
        ],
        "orientation": bundle.orientation,
        "target_spacing_mm": bundle.target_spacing,
        "intensity": {
            "kind": bundle.intensity.kind,
            "low": bundle.intensity.low,
            "high": bundle.intensity.high,
        },
        "window_size": bundle.window_size,
        "modality": bundle.modality,
        "applies_to": bundle.applies_to.to_json(),
        "training_data": bundle.training_data,
        "licence": bundle.licence,
        "parent": bundle.parent,
        "command": bundle.command,
        "seed": bundle.seed,
        "attention_history": [
            {"file": entry.file, "step": entry.step, "level": entry.level, "gate": entry.gate}
            for entry in bundle.attention_history
        ],
    }


def _read_description(file: Path) -> Bundle:
    fields = read_json(file)
    if (schema := fields.integer("schema")) != SCHEMA:
        raise BundleError(f"{file} has schema {schema}; this program reads {SCHEMA}. Use a matching version.")
    intensity, target = fields.inside("intensity"), fields.numbers_or_none("target_spacing_mm", 3)
    kind = intensity.choice("kind", ("window", "per-volume"))
    bundle = Bundle(
        name=fields.text("name"),
        architecture=fields.choice("architecture", NAMES),
        widths=fields.integers("widths"),
        channels=fields.integer("channels"),
        classes=fields.integer("classes"),
        deep_supervision=fields.flag("deep_supervision"),
        labels=tuple(_read_label(label) for label in fields.each("labels")),
        orientation=fields.text("orientation"),
        target_spacing=None if target is None else (target[0], target[1], target[2]),
        intensity=Normalisation(
            "window" if kind == "window" else "per-volume", intensity.number("low"), intensity.number("high")
        ),
        window_size=_int3(fields.integers("window_size", 3)),
        modality=fields.text("modality"),
        applies_to=AppliesTo.from_fields(fields.inside("applies_to")),
        training_data=fields.text("training_data"),
        licence=fields.text("licence"),
        parent=fields.text("parent"),
        command=fields.text("command"),
        seed=fields.integer("seed"),
        attention_history=tuple(
            HistoryMap(e.file_name("file"), e.integer("step"), e.integer("level"), e.integer("gate"))
            for e in fields.each("attention_history")
        ),
    )
    _check_description(file, bundle)
    return bundle


def _check_description(file: Path, bundle: Bundle) -> None:
    """Refuse numbers that cannot belong to a network, before anything of that size is allocated."""
    values = [label.value for label in bundle.labels]
    problems = {
        "widths": not 2 <= len(bundle.widths) <= 8 or not all(1 <= width <= 4096 for width in bundle.widths),
        "channels": not 1 <= bundle.channels <= 64,
        "classes": bundle.classes != len(bundle.labels) + 1,
        "labels": not values or len(set(values)) != len(values) or not all(1 <= v <= 65535 for v in values),
        "orientation": sorted(_AXIS_OF.get(letter, "?") for letter in bundle.orientation) != ["x", "y", "z"],
        "target_spacing_mm": bundle.target_spacing is not None and min(bundle.target_spacing) <= 0,
        "intensity": not bundle.intensity.low < bundle.intensity.high,
        "window_size": any(size < 1 or size % bundle.coarsest_stride for size in bundle.window_size),
    }
    if wrong := [name for name, bad in problems.items() if bad]:
        raise BundleError(f"{file} has an impossible '{wrong[0]}'; copy the model again.")


def _read_label(fields: Fields) -> BundleLabel:
    red, green, blue = fields.integers("colour", 3)
    return BundleLabel(fields.integer("value"), fields.text("name"), (red, green, blue), fields.text("term"))


def _int3(values: tuple[int, ...]) -> Int3:
    z, y, x = values
    return z, y, x
