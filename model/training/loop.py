"""The training loop, top to bottom: cases, network, steps, validation, checkpoint, bundle.

It stands on Lightning Fabric. A run that is stopped goes on from its checkpoint and draws the same patches as
if it had not been stopped.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from model.bundle import Bundle, BundleLabel, HistoryMap, refuse_occupied, write_bundle
from model.errors import DataError
from model.networks import build
from model.progress import CancelCheck, Report, never, silent, stop_if
from model.training.augment import PatchMaker
from model.training.checkpoint import (
    Checkpoint,
    HistoryKey,
    checkpoint_file,
    moments_of,
    read_checkpoint,
    restore_moments,
    write_checkpoint,
)
from model.training.config import Listener, TrainConfig, TrainEvent, ignore
from model.training.data import (
    Case,
    CaseFile,
    Preparation,
    label_palette,
    load_cases,
    open_source,
    read_case,
    refuse_divided_subjects,
    split_by_subject,
)
from model.training.losses import DiceCrossEntropy
from model.training.validation import attention_maps, validate
from model.validation_table import Validation, ValidationRow


def train(
    config: TrainConfig, report: Report = silent, cancelled: CancelCheck = never, events: Listener = ignore
) -> Path:
    """Train as `config` says, going on from a checkpoint where one lies beside `config.out`; the bundle's folder.

    A cancelled run leaves its checkpoint, so the same call goes on from there.

    Raises:
        DataError: if the data cannot be used or the checkpoint belongs to another run.
        BundleError: if `config.out` already holds something.
        Cancelled: where `cancelled` said so.
    """
    refuse_occupied(config.out)
    torch.set_num_threads(config.threads or os.cpu_count() or 1)
    fabric = Fabric(accelerator="auto", devices=1, precision=_precision())
    training, validation, labels = read_data(config, lambda _, text: report(0.0, text), cancelled)

    torch.manual_seed(config.seed)
    plain = build(config.architecture, widths=config.widths, classes=len(labels) + 1)
    average = deepcopy(plain).requires_grad_(False).to(fabric.device)
    # channels_last_3d halves a step on a CPU without bf16 (measured: 2.07 s to 1.48 s on two threads).
    network, optimizer = fabric.setup(
        plain.to(memory_format=torch.channels_last_3d),  # type: ignore[call-overload]  # missing in torch's types
        torch.optim.AdamW(plain.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay),
    )
    weights = config.label_weights or (1.0,) * len(labels)
    loss_of = DiceCrossEntropy((1.0, *weights)).to(fabric.device)
    patches = PatchMaker(config.patch, config.foreground_share, config.augmentation, config.seed, weights)

    file = checkpoint_file(config.out)
    done, seconds, history = 0, 0.0, dict[HistoryKey, Tensor]()
    if (stored := read_checkpoint(file, config.fingerprint)) is not None:
        done, seconds, history = stored.step, stored.seconds, dict(stored.history)
        plain.load_state_dict(stored.network)
        average.load_state_dict(stored.average)
        restore_moments(optimizer.optimizer, plain, stored.moments)
    started = time.monotonic() - seconds
    events(TrainEvent("start", done, config.steps, seconds))

    keep_maps = _spread(config.steps, config.history_points)
    validate_at = _spread(config.steps, config.validations + 1)[1:]
    losses: list[float] = []
    for step in range(done, config.steps):
        stop_if(cancelled)
        if step in keep_maps:
            history |= attention_maps(average, validation[0], step, fabric.device)
        rate = learning_rate(config, step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        images, targets = patches.batch(training, step, config.batch)
        network.train()
        images = images.to(fabric.device).contiguous(memory_format=torch.channels_last_3d)
        loss = loss_of(network(images), targets.to(fabric.device))
        optimizer.zero_grad()
        fabric.backward(loss)
        fabric.clip_gradients(network, optimizer, max_norm=config.gradient_limit)
        optimizer.step()
        update_average(average, plain, min(config.ema, (1 + step) / (10 + step)))

        done, seconds = step + 1, time.monotonic() - started
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]):
            raise DataError(
                f"The loss of step {done} is not finite; lower the learning rate or check the intensities."
            )
        report(done / config.steps, f"step {done} of {config.steps}, loss {losses[-1]:.3f}")
        last = done == config.steps or (config.minutes is not None and seconds > 60 * config.minutes)
        if done % 10 == 0 or last:
            events(TrainEvent("step", done, config.steps, seconds, float(np.mean(losses)), rate))
            losses.clear()
        if done % config.check_every == 0 or last:
            if last:
                history |= attention_maps(average, validation[0], done, fabric.device)
            state = (plain.state_dict(), average.state_dict(), moments_of(optimizer.optimizer, plain))
            write_checkpoint(file, Checkpoint(done, seconds, config.fingerprint, *state, history))
            events(TrainEvent("checkpoint", done, config.steps, seconds))
        if done in validate_at and not last:
            rows, _ = validate(average, validation, labels, fabric.device)
            events(TrainEvent("validation", done, config.steps, seconds, dice=_means(rows)))
        if last:
            break

    report(1.0, "validating")
    rows, spread = validate(average, validation, labels, fabric.device)
    events(TrainEvent("validation", done, config.steps, seconds, dice=_means(rows)))
    table = Validation(_described(config, validation), rows, spread)
    maps = {_history_map(key): np.asarray(value.cpu()) for key, value in history.items()}
    write_bundle(config.out, replace(describe(config, labels), validation=table), average.state_dict(), maps)
    file.unlink(missing_ok=True)
    events(TrainEvent("done", done, config.steps, time.monotonic() - started))
    return config.out


def read_data(
    config: TrainConfig, report: Report = silent, cancelled: CancelCheck = never
) -> tuple[tuple[Case, ...], tuple[Case, ...], tuple[BundleLabel, ...]]:
    """Training cases, validation cases, and the labels that are learned.

    Raises:
        DataError: if a side is empty, a subject is on both, or the labels do not fit.
    """
    source = open_source(config.data)
    training, validation = split_files(config)
    labels = config.labels or source.labels or _labels_found(source.files)
    if len(config.label_weights) not in (0, len(labels)):
        raise DataError(
            f"{len(config.label_weights)} label weights for {len(labels)} labels; give one for each."
        )
    prepare = Preparation(config.orientation, config.spacing, config.intensity, labels)
    return (
        load_cases(training, prepare, report, cancelled),
        load_cases(validation, prepare, report, cancelled),
        labels,
    )


def split_files(config: TrainConfig) -> tuple[tuple[CaseFile, ...], tuple[CaseFile, ...]]:
    """The cases trained on and those validated on, as `config` says; never one subject on both sides."""
    files = open_source(config.data).files
    if config.validation_data is None:
        return split_by_subject(files, config.validation_share, config.seed)
    validation = open_source(config.validation_data).files
    refuse_divided_subjects(files, validation)
    return files, validation


def learning_rate(config: TrainConfig, step: int) -> float:
    """Linear warm-up over `warm_up` steps, then half a cosine to zero at the last step."""
    if step < config.warm_up:
        return config.learning_rate * (step + 1) / config.warm_up
    part = (step - config.warm_up) / max(1, config.steps - config.warm_up)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * part))


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move every floating value of `average`, running statistics included, towards `network`'s."""
    current = network.state_dict()
    for name, kept in average.state_dict().items():
        if kept.is_floating_point():
            kept.lerp_(current[name].to(kept.dtype), 1 - decay)
        else:
            kept.copy_(current[name])


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
        seed=config.seed,
    )


def _means(rows: Iterable[ValidationRow]) -> tuple[float, ...]:
    return tuple(row.dice_mean for row in rows)


def _history_map(key: HistoryKey) -> HistoryMap:
    step, level, gate = key
    return HistoryMap(f"step{step:06d}_level{level}_gate{gate}.npy", step, level, gate)


def _spread(steps: int, points: int) -> tuple[int, ...]:
    """`points` step numbers from 0 to `steps`, evenly apart."""
    return tuple(sorted({round(steps * i / max(1, points - 1)) for i in range(points)}))


def _labels_found(files: Iterable[CaseFile]) -> tuple[BundleLabel, ...]:
    values = {int(value) for file in files for value in np.unique(read_case(file)[1])}
    if values <= {0}:
        raise DataError("The labels of these data are empty; nothing can be learned from them.")
    return label_palette(sorted(values))


def _described(config: TrainConfig, validation: Sequence[Case]) -> str:
    if config.validation_data is not None:
        return config.validation_data
    subjects = len({case.subject for case in validation})
    share = f"{config.validation_share:.0%}, seed {config.seed}"
    return f"{len(validation)} scans of {subjects} subjects kept back ({share})"


def _precision() -> Literal["bf16-mixed", "32-true"]:
    """bf16 where the hardware computes in it; a CPU without it only emulates (measured: 13 times slower)."""
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    return "bf16-mixed" if torch.cpu.get_capabilities().get("avx512_bf16") else "32-true"
