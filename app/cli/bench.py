"""The verbs that measure: bench inference."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from app.cli.printing import print_json
from app.controllers import bench
from model.grid import Int3


def build() -> typer.Typer:
    """The `bench` group."""
    group = typer.Typer(
        help="Measure this program against others, in the same run; rows of ours, the peer's and their ratio."
    )
    group.command("inference")(_inference)
    group.callback()(_bench)
    return group


def _bench() -> None:
    """A group stays one, however many verbs it has."""


def _inference(
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    size: Annotated[str, typer.Option("--size", help="z,y,x: voxels of the generated scan.")] = "96,160,160",
    window: Annotated[
        str, typer.Option("--window", help="z,y,x: voxels of a window, on both sides.")
    ] = "96,96,96",
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="Threads, on both sides.")] = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Measured runs of each side.")] = 5,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Whole-scan prediction against MONAI's sliding window over the same network, weights, window and threads."""

    def say(fraction: float, text: str) -> None:
        print(f"bench inference: {fraction:4.0%} {text}", file=sys.stderr, flush=True)

    table = bench.bench_inference(
        _three(size, "--size"), _three(window, "--window"), threads, repeats, device, say
    )
    if json:
        print_json(table.to_json())
    else:
        print(table.to_text())


def _three(text: str, option: str) -> Int3:
    words = text.split(",")
    if len(words) != 3 or not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise typer.BadParameter(f"{text} is not three positive numbers z,y,x.", param_hint=option)
    z, y, x = (int(word) for word in words)
    return z, y, x
