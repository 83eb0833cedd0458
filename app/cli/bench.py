"""The verbs that measure: bench inference, bench edit."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Annotated

import typer

from app.cli.printing import print_json
from app.controllers import bench, editing_bench
from app.controllers.editing_bench import MeasureRepaint
from model.grid import Int3
from model.progress import Report


def build(measure_repaint: MeasureRepaint | None = None) -> typer.Typer:
    """The `bench` group; with `measure_repaint` it can measure a window as well."""
    group = typer.Typer(
        help="Measure this program against others, in the same run; rows of ours, the peer's and their ratio."
    )
    group.command("inference")(_inference)

    @group.command("edit")
    def edit(
        json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
        quick: Annotated[
            bool, typer.Option("--quick", help="A small scan and few runs: whether it works, not how fast.")
        ] = False,
        rows: Annotated[
            str,
            typer.Option(
                "--rows", help=f"Comma-separated, of {', '.join(editing_bench.ROWS)}; without it, all."
            ),
        ] = "",
        size: Annotated[
            str | None, typer.Option("--size", help="z,y,x: voxels of the generated scan (300,512,512).")
        ] = None,
        repeats: Annotated[
            int | None, typer.Option("--repeats", min=1, help="Measured runs of each side (9).")
        ] = None,
    ) -> None:
        """Strokes, undo and tools against napari and the libraries others use; a window's repaint beside them."""
        setting = editing_bench.QUICK if quick else editing_bench.Setting()
        setting = replace(
            setting,
            size=setting.size if size is None else _three(size, "--size"),
            repeats=setting.repeats if repeats is None else repeats,
            rows=_rows(rows),
        )
        table = editing_bench.measure(setting, measure_repaint, _saying("bench edit"))
        if json:
            print_json(table.to_json())
        else:
            print(table.to_text())

    return group


def _rows(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if unknown := [name for name in names if name not in editing_bench.ROWS]:
        raise typer.BadParameter(
            f"{unknown[0]} is no row; there are {', '.join(editing_bench.ROWS)}.", param_hint="--rows"
        )
    return names


def _saying(title: str) -> Report:
    def say(fraction: float, text: str) -> None:
        print(f"{title}: {fraction:4.0%} {text}", file=sys.stderr, flush=True)

    return say


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
    table = bench.bench_inference(
        _three(size, "--size"),
        _three(window, "--window"),
        threads,
        repeats,
        device,
        _saying("bench inference"),
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
