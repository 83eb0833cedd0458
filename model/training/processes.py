"""Where a training runs: in this process, in several this one starts, or in those a cluster has started.

Lightning Fabric starts the processes and averages their gradients. What the first one says comes back here, and
one stop for all goes there, so a caller sees a training of many processes as it sees one.

On one machine the processes are spawned. On several, give the same command on each with MASTER_ADDR, MASTER_PORT
and NODE_RANK set; under torchrun or Slurm, which start the processes themselves, each is one of the training's.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.strategy import Strategy
from torch.multiprocessing.spawn import ProcessException

from model import devices
from model.errors import GateLensError
from model.progress import CancelCheck, Report, stop_if
from model.training.config import Listener, TrainConfig, TrainEvent

Training = Callable[[Fabric, TrainConfig, Report, CancelCheck, Listener], Path]
"""One process of a training, a function of a module (a new process finds it by its name)."""

Message = TrainEvent | tuple[float, str] | GateLensError


def launch(
    training: Training, config: TrainConfig, report: Report, cancelled: CancelCheck, events: Listener
) -> Path:
    """Run `training` in as many processes as `config` says; what its first process gives.

    Raises:
        GateLensError: what any of them raised.
        Cancelled: where `cancelled` said so; every process has ended then.
    """
    one = config.devices * config.num_nodes == 1
    outside = SLURMEnvironment.detect() or TorchElasticEnvironment.detect() or "LOCAL_RANK" in os.environ
    # Each process keeps its own BatchNorm statistics; the moving average follows the first one's.
    strategy: str | Strategy = "auto"
    if not one:
        method: Literal["popen", "spawn"] = "popen" if outside else "spawn"
        strategy = DDPStrategy(start_method=method, broadcast_buffers=False)
    fabric = Fabric(
        accelerator=config.accelerator,
        devices=config.devices,
        num_nodes=config.num_nodes,
        strategy=strategy,
        precision=_precision(config.accelerator),
    )
    if one:
        return training(fabric, config, report, cancelled, events)
    if outside:
        fabric.launch()
        return training(fabric, config, report, cancelled, events)
    return _spawned(fabric, training, config, report, cancelled, events)


def _spawned(
    fabric: Fabric,
    training: Training,
    config: TrainConfig,
    report: Report,
    cancelled: CancelCheck,
    events: Listener,
) -> Path:
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe(duplex=False) for _ in range(config.devices)]
    stop = context.Event()
    worker = _Worker(training, config, [writer for _, writer in pipes], stop)
    errors: list[GateLensError] = []

    def take(message: Message) -> None:
        if isinstance(message, TrainEvent):
            events(message)
        elif isinstance(message, GateLensError):
            errors.append(message)
        else:
            report(*message)

    with ThreadPoolExecutor(1, "training") as pool:
        # Not the other way about: signals reach Python in the main thread, and only while that does not block.
        launched = pool.submit(_launched, fabric, worker)
        try:
            over = False
            while not over:
                over = launched.done()
                if cancelled():
                    stop.set()
                wait([reader for reader, _ in pipes], timeout=0 if over else 0.1)
                for reader in (reader for reader, _ in pipes if reader.poll()):
                    take(reader.recv())
                    over = False
        finally:
            stop.set()
    for end in (end for pipe in pipes for end in pipe):
        end.close()
    if errors:
        raise errors[0]
    try:
        launched.result()
    except ProcessException:
        stop_if(cancelled)  # interrupted before it could listen
        raise
    return config.out


def _launched(fabric: Fabric, worker: _Worker) -> None:
    if hasattr(signal, "pthread_sigmask"):
        # The new processes inherit this: a Ctrl+C waits until they are ready to end in order.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    fabric.launch(worker)


class _Worker:
    """What every spawned process does; a plain class, since Fabric would take a frozen dataclass apart."""

    def __init__(
        self, training: Training, config: TrainConfig, told: Sequence[Connection], stop: Event
    ) -> None:
        self._training = training
        self._config = config
        self._told = told
        self._stop = stop

    def __call__(self, fabric: Fabric) -> None:
        # Of 1³ kernels in channels_last_3d, where both orders are the same numbers; said once a process otherwise.
        warnings.filterwarnings("ignore", message="Grad strides do not match bucket view strides")
        interrupts: list[int] = []
        signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        parent = multiprocessing.parent_process()
        told = self._told[fabric.local_rank]

        def cancelled() -> bool:
            alone = parent is not None and not parent.is_alive()
            return bool(interrupts) or self._stop.is_set() or alone

        def report(fraction: float, text: str) -> None:
            told.send((fraction, text))

        try:
            self._training(fabric, self._config, report, cancelled, told.send)
        except GateLensError as error:
            told.send(error)


def _precision(accelerator: str) -> Literal["bf16-mixed", "32-true"]:
    device = "cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu"
    return "bf16-mixed" if devices.precision(device) == "bfloat16" else "32-true"
