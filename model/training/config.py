"""What a training run is told, and what it tells while it runs; plain values, no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from model.applicability import AppliesTo
from model.bundle import BundleLabel, bundle_hash
from model.errors import DataError
from model.grid import Float3, Int3
from model.normalisation import Normalisation

VALIDATION_SHARE = 0.2
PER_VOLUME = Normalisation("per-volume", 0.5, 99.5)
ANYTHING_ALIKE = AppliesTo("scans like those it was trained on", (0.1, 10.0), (8.0, 1000.0))


@dataclass(frozen=True)
class Augmentation:
    """How strongly training patches are varied; a share is the fraction of patches that get a transform.

    Attributes:
        affine_share, elastic_share: rotation and scale without, and with, an elastic warp.
        rotation_degrees: largest rotation about each axis.
        scale: lowest and highest factor.
        flip_axes: array axes (0 z, 1 y, 2 x) mirrored in half of the patches.
        intensity_share: noise, blur, contrast and brightness, each in this fraction of patches.
    """

    affine_share: float = 0.4
    elastic_share: float = 0.3
    rotation_degrees: float = 15.0
    scale: tuple[float, float] = (0.7, 1.3)
    flip_axes: tuple[int, ...] = ()
    intensity_share: float = 0.25


@dataclass(frozen=True)
class TrainConfig:
    """A training run, whole: the same values give the same model on the same machine.

    Attributes:
        data: a data folder, or `phantom:FIRST-LAST` (see `model.training.data`).
        out: the bundle's folder; the checkpoint lies beside it until the bundle is written.
        validation_data: cases to validate on; None takes `validation_share` of the subjects of `data`.
        training_share: fraction of the other subjects that is trained on; a smaller one is part of a larger one.
        seed: initial weights and patches, and the split where `split_seed` is None.
        split_seed: which subjects are kept back and which are left out by `training_share`.
        psi_bias_start: where the bias of every psi starts; None for torch's default.
        start: the bundle whose weights it starts from, which becomes the new one's parent; None starts anew.
        labels: what is learned; empty takes the labels the data name.
        batch: patches a process draws at once; `accumulate` such draws, in each of `devices` processes on each of
            `num_nodes` machines, make one step.
        accelerator: as Lightning Fabric names it: auto, cpu, cuda, mps.
        patch: voxels along z, y, x, multiples of the coarsest stride.
        window: the bundle's window size, multiples of the coarsest stride; None takes `patch`.
        steps: optimiser steps; the learning rate falls to zero over them.
        minutes: stop after this wall time even if steps are left; None for no limit.
        label_weights: weight of each label in the loss, and in what patches are cut round; empty for 1 each.
        foreground_share: fraction of patches cut round a labelled voxel.
        ema: decay of the moving average of the weights that is kept.
        threads: torch threads; None takes every core.
        check_every: steps between checkpoints; `validations` and `history_points` are spread over the run.
    """

    data: str
    out: Path
    name: str
    validation_data: str | None = None
    validation_share: float = VALIDATION_SHARE
    training_share: float = 1.0
    start: Path | None = None
    labels: tuple[BundleLabel, ...] = ()
    architecture: str = "attention-unet"
    widths: tuple[int, ...] = (16, 32, 64, 128)
    psi_bias_start: float | None = None
    patch: Int3 = (64, 64, 64)
    window: Int3 | None = None
    batch: int = 2
    accumulate: int = 1
    accelerator: str = "auto"
    devices: int = 1
    num_nodes: int = 1
    steps: int = 2000
    minutes: float | None = None
    learning_rate: float = 2e-3
    warm_up: int = 50
    weight_decay: float = 1e-4
    gradient_limit: float = 5.0
    ema: float = 0.99
    seed: int = 0
    split_seed: int | None = None
    label_weights: tuple[float, ...] = ()
    foreground_share: float = 0.67
    augmentation: Augmentation = Augmentation()
    orientation: str = "LPS"
    spacing: Float3 | None = None
    intensity: Normalisation = PER_VOLUME
    modality: str = "MR"
    applies_to: AppliesTo = ANYTHING_ALIKE
    training_data: str = ""
    licence: str = ""
    command: str = ""
    threads: int | None = None
    check_every: int = 50
    validations: int = 5
    history_points: int = 10

    def __post_init__(self) -> None:
        stride = 2 ** (len(self.widths) - 1)
        if any(size < 1 or size % stride for size in (*self.patch, *(self.window or ()))):
            raise DataError(
                f"Patches of {self.patch} voxels do not fit the network; take multiples of {stride}."
            )
        if min(self.accumulate, self.devices, self.num_nodes) < 1:
            raise DataError(
                f"{self.accumulate} draws in {self.devices} processes on {self.num_nodes} machines train nothing; "
                "give at least one of each."
            )
        if self.steps < 1 or self.batch < 1:
            raise DataError(
                f"{self.steps} steps of {self.batch} patches train nothing; give at least one of each."
            )

    @property
    def fingerprint(self) -> str:
        """What a checkpoint must share with the run that goes on from it: all that decides data, network, steps."""
        shared = (
            self.data, self.validation_data, self.validation_share, self.labels, self.architecture, self.widths,
            self.patch, self.batch, self.steps, self.learning_rate, self.warm_up, self.weight_decay,
            self.gradient_limit, self.ema, self.seed, self.label_weights, self.foreground_share, self.augmentation,
            self.orientation, self.spacing, self.intensity,
        )  # fmt: skip
        later = (
            ("training_share", self.training_share, 1.0),
            ("split_seed", self.split_by, self.seed),
            ("psi_bias_start", self.psi_bias_start, None),
            ("start", None if self.start is None else bundle_hash(self.start), None),
            ("draws", self.accumulate * self.devices * self.num_nodes, 1),
        )
        # Settings that came later count only where they change something, so older checkpoints still fit.
        changed = tuple((name, value) for name, value, default in later if value != default)
        return hashlib.sha256(repr(shared + changed).encode()).hexdigest()[:16]

    @property
    def split_by(self) -> int:
        """The seed that splits subjects."""
        return self.seed if self.split_seed is None else self.split_seed


@dataclass(frozen=True)
class CaseDice:
    """Dice per label of one validation case, in the labels' order; NaN where neither mask holds the label."""

    name: str
    subject: str
    dice: tuple[float, ...]


@dataclass(frozen=True)
class TrainEvent:
    """One line of a training's story: kind is "start", "step", "validation", "checkpoint" or "done".

    `dice` holds one value per label in the validation cases and `cases` what they are means of, at validations
    only; `loss` is the mean since the last event.
    """

    kind: str
    step: int
    steps: int
    seconds: float
    loss: float | None = None
    learning_rate: float | None = None
    dice: tuple[float, ...] = ()
    cases: tuple[CaseDice, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The event as the object of one JSON line, without the single cases."""
        fields = asdict(replace(self, cases=()))
        return {key: value for key, value in fields.items() if value not in (None, ())}

    @staticmethod
    def from_json(fields: Mapping[str, object]) -> TrainEvent:
        """The event `to_json` gave."""
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
        return TrainEvent(**values)  # type: ignore[arg-type]


Listener = Callable[[TrainEvent], None]


def ignore(event: TrainEvent) -> None:
    """A listener that keeps nothing."""
