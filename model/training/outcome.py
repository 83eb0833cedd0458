"""What a training leaves behind: the description of its bundle, the validation table, the maps kept on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor, nn

from model.bundle import Bundle, BundleLabel, HistoryMap, bundle_hash, write_bundle
from model.training.checkpoint import HistoryKey
from model.training.config import TrainConfig
from model.training.data import Case
from model.training.validation import Judgement
from model.validation_table import Validation


def write_outcome(
    config: TrainConfig,
    labels: tuple[BundleLabel, ...],
    validation: Sequence[Case],
    found: Judgement,
    network: nn.Module,
    history: Mapping[HistoryKey, Tensor],
) -> None:
    """Write the bundle of `network` to `config.out`, with what `found` says of it on the cases `validation`."""
    table = Validation(_described(config, validation), found.rows, found.attention_sd)
    maps = {_history_map(key): np.asarray(value.cpu()) for key, value in history.items()}
    write_bundle(config.out, replace(describe(config, labels), validation=table), network.state_dict(), maps)


def describe(config: TrainConfig, labels: tuple[BundleLabel, ...]) -> Bundle:
    """The bundle this run makes, without its weights."""
    return Bundle(
        name=config.name,
        architecture=config.architecture,
        widths=config.widths,
        channels=1,
        classes=len(labels) + 1,
        deep_supervision=True,
        labels=labels,
        orientation=config.orientation,
        target_spacing=config.spacing,
        intensity=config.intensity,
        window_size=config.window or config.patch,
        modality=config.modality,
        applies_to=config.applies_to,
        training_data=config.training_data or config.data,
        licence=config.licence,
        command=config.command,
        parent="" if config.start is None else bundle_hash(config.start),
        seed=config.split_by,  # what finds the cases kept back again; the command names the other seed
    )


def _history_map(key: HistoryKey) -> HistoryMap:
    step, level, gate = key
    return HistoryMap(f"step{step:06d}_level{level}_gate{gate}.npy", step, level, gate)


def _described(config: TrainConfig, validation: Sequence[Case]) -> str:
    if config.validation_data is not None:
        return config.validation_data
    subjects = len({case.subject for case in validation})
    share = f"{config.validation_share:.0%}, seed {config.split_by}"
    return f"{len(validation)} scans of {subjects} subjects kept back ({share})"
