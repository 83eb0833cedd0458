"""The training loop, top to bottom: cases, network, steps, validation, checkpoint, bundle.

It stands on Lightning Fabric and is run by every process of a training (`processes`): each draws its share of a
step's patches, gradients are averaged, and the first process alone validates, speaks and writes. A run that is
stopped, even killed, goes on from its checkpoint and draws the same patches as if it had not been stopped.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from model.bundle import refuse_occupied
from model.errors import Cancelled, DataError
from model.progress import CancelCheck, Report, never, silent
from model.training.augment import PatchMaker
from model.training.checkpoint import (
    Checkpoint,
    HistoryKey,
    checkpoint_file,
    moments_of,
    read_checkpoint,
    restore_moments,
    write_checkpoint,
    write_curve,
)
from model.training.config import Listener, TrainConfig, TrainEvent, ignore
from model.training.losses import DiceCrossEntropy
from model.training.outcome import write_outcome
from model.training.processes import launch
from model.training.schedule import learning_rate, spread, update_average
from model.training.sides import read_data
from model.training.start import network_to_train
from model.training.validation import Judgement, attention_maps, validate


def train(
    config: TrainConfig, report: Report = silent, cancelled: CancelCheck = never, events: Listener = ignore
) -> Path:
    """Train as `config` says, going on from a checkpoint where one lies beside `config.out`; the bundle's folder.

    A cancelled run leaves its checkpoint, so the same call goes on from there. The losses and Dice of the whole
    run, however often it was stopped, stand in `NAME.curve.jsonl` beside the bundle.

    Raises:
        DataError: if the data cannot be used or the checkpoint belongs to another run.
        BundleError: if `config.out` already holds something.
        Cancelled: where `cancelled` said so.
    """
    refuse_occupied(config.out)
    return launch(_train, config, report, cancelled, events)


def _train(
    fabric: Fabric, config: TrainConfig, report: Report, cancelled: CancelCheck, events: Listener
) -> Path:
    """One process of a training."""
    torch.set_num_threads(config.threads or max(1, (os.cpu_count() or 1) // config.devices))
    first, device = fabric.is_global_zero, fabric.device
    tell = report if first else silent
    training, validation, labels = read_data(config, lambda _, text: tell(0.0, text), cancelled)

    torch.manual_seed(config.seed)
    plain = network_to_train(config, labels)
    average = deepcopy(plain).requires_grad_(False).to(device)
    # channels_last_3d halves a step on a CPU without bf16 (measured: 2.07 s to 1.48 s on two threads).
    network, optimizer = fabric.setup(
        plain.to(memory_format=torch.channels_last_3d),  # type: ignore[call-overload]  # missing in torch's types
        torch.optim.AdamW(plain.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay),
    )
    weights = config.label_weights or (1.0,) * len(labels)
    loss_of = DiceCrossEntropy((1.0, *weights)).to(device)
    patches = PatchMaker(config.patch, config.foreground_share, config.augmentation, config.seed, weights)

    file = checkpoint_file(config.out)
    done, seconds, history = 0, 0.0, dict[HistoryKey, Tensor]()
    curve: list[TrainEvent] = []
    losses: list[float] = []  # since the last event
    if (stored := read_checkpoint(file, config.fingerprint)) is not None:
        done, seconds, history = stored.step, stored.seconds, dict(stored.history)
        curve, losses = list(stored.curve), list(stored.losses)
        plain.load_state_dict(stored.network)
        average.load_state_dict(stored.average)
        restore_moments(optimizer.optimizer, plain, stored.moments)
    _refuse_apart(fabric, done, file)
    started = time.monotonic() - seconds

    def say(kind: str, loss: float | None = None, rate: float | None = None) -> TrainEvent:
        event = TrainEvent(kind, done, config.steps, seconds, loss, rate)
        events(event)
        return event

    def judge() -> Judgement:
        found = validate(average, validation, labels, device)
        curve.append(
            TrainEvent("validation", done, config.steps, seconds, dice=found.means, cases=found.cases)
        )
        events(curve[-1])
        return found

    def keep() -> None:
        state = (plain.state_dict(), average.state_dict(), moments_of(optimizer.optimizer, plain))
        told = (history, tuple(curve), tuple(losses))
        write_checkpoint(file, Checkpoint(done, seconds, config.fingerprint, *state, *told))
        write_curve(config.out, curve)
        say("checkpoint")

    if first:
        say("start")
    keep_maps = spread(config.steps, config.history_points)
    validate_at = spread(config.steps, config.validations + 1)[1:]
    for step in range(done, config.steps):
        if first and step in keep_maps:
            history |= attention_maps(average, validation[0], step, device)
        rate = learning_rate(config, step)
        mine = _learn(
            fabric, config, network, optimizer, loss_of, partial(patches.batch, training), step, rate
        )
        update_average(average, plain, min(config.ema, (1 + step) / (10 + step)))

        done, seconds = step + 1, time.monotonic() - started
        late = config.minutes is not None and seconds > 60 * config.minutes
        mean, asked, overdue = _agreed(fabric, step, mine, cancelled(), late)
        last = done == config.steps or overdue
        losses.append(mean)
        tell(done / config.steps, f"step {done} of {config.steps}, loss {mean:.3f}")
        if first:
            if done % 10 == 0 or last:
                curve.append(say("step", float(np.mean(losses)), rate))
                losses.clear()
            if done in validate_at and not last:
                judge()
            if last:
                history |= attention_maps(average, validation[0], done, device)
            if done % config.check_every == 0 or last or asked:
                keep()
        if asked:
            raise Cancelled(
                f"The training was stopped after step {done}; the same command goes on from there."
            )
        if last:
            break

    if first:
        report(1.0, "validating")
        found = judge()
        write_curve(config.out, curve)
        write_outcome(config, labels, validation, found, average, history)
        file.unlink(missing_ok=True)
        seconds = time.monotonic() - started
        say("done")
    fabric.barrier()
    return config.out


def _learn(
    fabric: Fabric,
    config: TrainConfig,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_of: nn.Module,
    draw: Callable[[int, int], tuple[Tensor, Tensor]],
    step: int,
    rate: float,
) -> Tensor:
    """One optimiser step at learning rate `rate`; the mean loss of this process's patches.

    Draw number n of a training is the same whichever process makes it, so one process that accumulates learns
    from the same patches as several that do not.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate
    network.train()
    optimizer.zero_grad()
    mean = torch.zeros((), device=fabric.device)
    for part in range(config.accumulate):
        number = (step * fabric.world_size + fabric.global_rank) * config.accumulate + part
        images, targets = draw(number, config.batch)
        images = images.to(fabric.device).contiguous(memory_format=torch.channels_last_3d)
        unfinished = fabric.world_size > 1 and part + 1 < config.accumulate
        with fabric.no_backward_sync(network, enabled=unfinished):  # type: ignore[arg-type]  # it is what setup gave
            loss = loss_of(network(images), targets.to(fabric.device)) / config.accumulate
            fabric.backward(loss)
        mean += loss.detach()
    fabric.clip_gradients(network, optimizer, max_norm=config.gradient_limit)
    optimizer.step()
    return mean


def _agreed(fabric: Fabric, step: int, loss: Tensor, asked: bool, late: bool) -> tuple[float, bool, bool]:
    """The mean loss, and whether any process was asked to stop or is late: all processes go the same way.

    Raises:
        DataError: if the loss is not finite.
    """
    told = torch.stack((loss, loss.new_tensor(float(asked)), loss.new_tensor(float(late))))
    mean = fabric.all_reduce(told, reduce_op="mean")
    assert isinstance(mean, Tensor)  # a tensor in, a tensor out; Fabric's types cannot say so
    loss_mean, any_asked, any_late = mean.tolist()
    if not math.isfinite(loss_mean):
        raise DataError(
            f"The loss of step {step + 1} is not finite; lower the learning rate or check the intensities."
        )
    return loss_mean, any_asked > 0, any_late > 0


def _refuse_apart(fabric: Fabric, done: int, file: Path) -> None:
    """Refuse to go on where not every machine sees the checkpoint of the first."""
    if fabric.broadcast(done) != done:
        raise DataError(f"{file} is not the same on every machine; train in a folder they all see.")
