"""A training run on disk while it runs: one safetensors file beside the bundle-to-be, replaced whole each time."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from model.errors import DataError
from model.training.config import TrainEvent

HistoryKey = tuple[int, int, int]
"""Step, level, gate of a kept attention map."""


@dataclass(frozen=True)
class Checkpoint:
    """Everything a run needs to go on as if it had not stopped.

    Weights, their moving average, the optimiser's moments, the attention maps kept so far, the events of the curve
    so far, and the losses since the last of them.
    """

    step: int
    seconds: float
    fingerprint: str
    network: Mapping[str, Tensor]
    average: Mapping[str, Tensor]
    moments: Mapping[str, Tensor]
    history: Mapping[HistoryKey, Tensor]
    curve: tuple[TrainEvent, ...] = ()
    losses: tuple[float, ...] = ()


def checkpoint_file(out: Path) -> Path:
    """Where the checkpoint of the bundle-to-be `out` lies: beside it, hidden."""
    return out.with_name(f".{out.name}.checkpoint.safetensors")


def write_checkpoint(file: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint on disk; a crash leaves the old one or the new one."""
    tensors = {f"network/{name}": tensor for name, tensor in checkpoint.network.items()}
    tensors |= {f"average/{name}": tensor for name, tensor in checkpoint.average.items()}
    tensors |= {f"moments/{name}": tensor for name, tensor in checkpoint.moments.items()}
    tensors |= {"history/{}/{}/{}".format(*key): tensor for key, tensor in checkpoint.history.items()}
    about = {
        "step": checkpoint.step,
        "seconds": checkpoint.seconds,
        "fingerprint": checkpoint.fingerprint,
        "curve": [event.to_json() for event in checkpoint.curve],
        "losses": checkpoint.losses,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.partial")
    contiguous = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, partial, {"about": json.dumps(about)})
    os.replace(partial, file)


def read_checkpoint(file: Path, fingerprint: str) -> Checkpoint | None:
    """The checkpoint to go on from; None where there is none.

    Raises:
        DataError: if it belongs to another run or is damaged.
    """
    if not file.is_file():
        return None
    try:
        with safe_open(file, "pt") as stored:
            about = json.loads(stored.metadata()["about"])
            names: list[str] = stored.keys()
            tensors = {name: stored.get_tensor(name) for name in names}
    except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise DataError(f"{file} is a damaged checkpoint; remove it to start anew.") from error
    if about["fingerprint"] != fingerprint:
        raise DataError(
            f"{file} belongs to a training with other settings; remove it or choose another --out."
        )

    def part(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}

    history: dict[HistoryKey, Tensor] = {}
    for name, tensor in part("history/").items():
        step, level, gate = (int(number) for number in name.split("/"))
        history[step, level, gate] = tensor
    parts = (part("network/"), part("average/"), part("moments/"))
    curve = tuple(TrainEvent.from_json(event) for event in about.get("curve", ()))
    losses = tuple(float(loss) for loss in about.get("losses", ()))
    return Checkpoint(
        int(about["step"]), float(about["seconds"]), fingerprint, *parts, history, curve, losses
    )


def write_curve(out: Path, curve: Sequence[TrainEvent]) -> None:
    """Replace `NAME.curve.jsonl` beside the bundle-to-be `out`: one event a line, each step of the run once."""
    file = curve_file(out)
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text("".join(json.dumps(event.to_json()) + "\n" for event in curve), encoding="utf-8")
    os.replace(partial, file)


def curve_file(out: Path) -> Path:
    """Where the losses and Dice of the run that makes `out` are told."""
    return out.with_name(f"{out.name}.curve.jsonl")


def moments_of(optimizer: torch.optim.Optimizer, network: nn.Module) -> dict[str, Tensor]:
    """The optimiser's state per parameter as flat names, `exp_avg/encoder…`."""
    return {
        f"{kind}/{name}": value
        for name, parameter in network.named_parameters()
        for kind, value in optimizer.state.get(parameter, {}).items()
    }


def restore_moments(
    optimizer: torch.optim.Optimizer, network: nn.Module, moments: Mapping[str, Tensor]
) -> None:
    """Put back what `moments_of` gave."""
    for name, parameter in network.named_parameters():
        kinds = [key.split("/", 1)[0] for key in moments if key.split("/", 1)[1] == name]
        optimizer.state[parameter] = {
            kind: moments[f"{kind}/{name}"].clone().to("cpu" if kind == "step" else parameter.device)
            for kind in kinds
        }
