"""Do the gates help? Networks trained alike on the same subjects, several seeds, two amounts of data (`make study`).

The question of Oktay et al. 2018 (table 2), on data at hand. A finished run is one line of `runs.jsonl`; it is not
run again, a run that was stopped goes on from its checkpoint, and several processes may share the work.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import FrameType

from model.bench.study_report import tables
from model.bench.study_rows import RunRow, append_row, held, read_rows
from model.errors import Cancelled, DataError, GateLensError
from model.progress import CancelCheck, Report, never, silent
from model.training.config import TrainConfig, TrainEvent
from model.training.recipes import hippocampus_t1, phantom_abdomen

SPLIT_SEED = 9
"""The split of the shipped hippocampus model: its held-back subjects are the study's."""

_REPORT_EVERY_S = 15.0


@dataclass(frozen=True)
class Arm:
    """One thing that is compared: a network of the registry, and where its gates start."""

    name: str
    architecture: str
    psi_bias_start: float | None = None


ARMS = (
    Arm("unet", "unet"),
    Arm("attention-unet", "attention-unet"),
    Arm("attention-unet-multi", "attention-unet-multi"),
    Arm("unet-wide", "unet-wide"),
    Arm("attention-unet-open", "attention-unet", psi_bias_start=3.0),
)
COMPARED = ("unet", "attention-unet")
"""The arms run where none is named; the others are there for the asking."""


@dataclass(frozen=True)
class Run:
    """One training of the study."""

    arm: Arm
    share: float
    seed: int

    @property
    def text(self) -> str:
        """ARM:SHARE:SEED, as `--only` takes it."""
        return f"{self.arm.name}:{self.share:g}:{self.seed}"


@dataclass(frozen=True)
class Study:
    """What is trained: everything but the arm, the amount of data and the seed is the same in every run.

    Attributes:
        data: any data source (see `model.training.data`).
        recipe: makes the training all runs differ from by arm, share and seed alone.
        steps: optimiser steps of a run, fixed, so that a busy machine changes nothing but the time.
        shares: fractions of the training subjects; a smaller one is part of a larger one.
        seeds: initial weights and patches.
        validation_share: of the subjects, kept back in every run; where the recipe names no cases for it.
    """

    data: str
    recipe: Callable[[str, Path], TrainConfig]
    steps: int
    arms: tuple[Arm, ...] = ARMS[:2]
    shares: tuple[float, ...] = (1.0, 0.25)
    seeds: tuple[int, ...] = (0, 1, 2)
    validation_share: float = 0.2

    def runs(self) -> tuple[Run, ...]:
        """Every run, in an order that gives whole comparisons early."""
        return tuple(
            Run(arm, share, seed) for seed in self.seeds for share in self.shares for arm in self.arms
        )

    def config(self, run: Run, folder: Path, threads: int) -> TrainConfig:
        """The training of one run, its bundle under `folder`."""
        config = replace(
            self.recipe(self.data, folder),
            name=run.arm.name,
            architecture=run.arm.architecture,
            psi_bias_start=run.arm.psi_bias_start,
            training_share=run.share,
            validation_share=self.validation_share,
            seed=run.seed,
            split_seed=SPLIT_SEED,
            steps=self.steps,
            minutes=None,
            threads=threads,
            validations=1,
            history_points=1,
            command=f"make study, {run.text}",
        )
        named = f"{run.arm.name}-{run.share:g}-{run.seed}-{_fingerprint(config)[:8]}"
        return replace(config, out=folder / "runs" / named)


def study_of(data: str) -> Study:
    """The study for a data source: generated abdomens with their recipe, anything else as the hippocampus."""
    if data.startswith("phantom:"):
        return Study(data, phantom_abdomen, steps=160)  # five times the voxels a step of the hippocampus has
    return Study(data, hippocampus_t1, steps=300)


def run_study(
    study: Study,
    folder: Path,
    *,
    only: Sequence[str] = (),
    threads: int | None = None,
    report: Report = silent,
    cancelled: CancelCheck = never,
    finished: Callable[[RunRow], None] = lambda row: None,
) -> tuple[RunRow, ...]:
    """Do what is left of `study` in `folder`, but for runs other processes work on; all rows finished by now.

    Args:
        study: what is compared.
        folder: where rows, locks, checkpoints and bundles lie.
        only: the runs wanted, as ARM:SHARE:SEED; empty for all.
        threads: torch threads; None takes every core.
        report: the progress of the run under way.
        cancelled: asked at every step; the run under way keeps its checkpoint.
        finished: told of every run that this call did.

    Raises:
        DataError: if `only` names a run the study does not have, or the data cannot be used.
        Cancelled: where `cancelled` said so.
    """
    runs = study.runs()
    if unknown := sorted(set(only) - {run.text for run in runs}):
        raise DataError(
            f"There is no run {unknown[0]} in this study; write ARM:SHARE:SEED, as {runs[0].text}."
        )
    for run in (run for run in runs if not only or run.text in only):
        config = study.config(run, folder, threads or os.cpu_count() or 1)
        with held(folder / "locks", config.out.name) as ours:
            # Looked up under the lock: the process that held it may have finished the run a moment ago.
            if not ours or _is_done(folder, run, config):
                continue
            row = _do(run, config, report, cancelled)
            append_row(folder, row)
        finished(row)
    return rows_of(study, folder)


def rows_of(study: Study, folder: Path) -> tuple[RunRow, ...]:
    """The finished runs of `study` in `folder`; rows of other settings or data are left out."""
    wanted = {(run.arm.name, run.share, run.seed): study.config(run, folder, 1) for run in study.runs()}
    found = {}
    for row in read_rows(folder):
        config = wanted.get((row.arm, row.share, row.seed))
        if config is not None and row.fingerprint == _fingerprint(config):
            found[row.arm, row.share, row.seed] = row
    return tuple(found.values())


def _do(run: Run, config: TrainConfig, report: Report, cancelled: CancelCheck) -> RunRow:
    from model.bundle import load_network, read_bundle
    from model.training.loop import train
    from model.training.sides import split_files

    if config.out.exists():  # trained, but ended before its row was written
        shutil.rmtree(config.out)
    told: list[TrainEvent] = []
    bundle = read_bundle(train(config, report, cancelled, told.append))
    steps = [event for event in told if event.kind == "step"]
    pace = [(b.seconds - a.seconds) / (b.step - a.step) for a, b in pairwise(steps)]
    return RunRow(
        arm=run.arm.name,
        share=run.share,
        seed=run.seed,
        fingerprint=_fingerprint(config),
        steps=config.steps,
        seconds=told[-1].seconds,
        step_seconds=statistics.median(pace) if pace else told[-1].seconds / config.steps,
        parameters=sum(parameter.numel() for parameter in load_network(bundle).parameters()),
        threads=config.threads or 1,
        subjects=len({file.subject for file in split_files(config)[0]}),
        labels=tuple(label.name for label in bundle.labels),
        cases=[event for event in told if event.kind == "validation"][-1].cases,
    )


def _is_done(folder: Path, run: Run, config: TrainConfig) -> bool:
    key = (run.arm.name, run.share, run.seed, _fingerprint(config))
    return key in {(row.arm, row.share, row.seed, row.fingerprint) for row in read_rows(folder)}


def _fingerprint(config: TrainConfig) -> str:
    """What a row must share with a run to be its result; where the data's folder lies does not count."""
    return replace(config, data=Path(config.data).name).fingerprint


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `python -m model.bench.study`; its exit code."""
    words = argparse.ArgumentParser(prog="python -m model.bench.study", description=__doc__.split("\n")[0])
    words.add_argument("--data", required=True, help="a data folder, or phantom:FIRST-LAST")
    words.add_argument("--out", type=Path, required=True, help="where rows, checkpoints and models lie")
    words.add_argument(
        "--arms",
        default=",".join(COMPARED),
        help=f"comma-separated, of {', '.join(arm.name for arm in ARMS)} (default: %(default)s)",
    )
    words.add_argument("--only", default="", metavar="ARM:SHARE:SEED", help="comma-separated, as unet:0.25:2")
    words.add_argument("--threads", type=int, help="torch threads (default: every core)")
    words.add_argument("--steps", type=int, help="optimiser steps of a run, other than the study's")
    words.add_argument("--report", action="store_true", help="only the tables of what is finished")
    given = words.parse_args(arguments)
    try:
        study = replace(study_of(given.data), arms=_arms(given.arms.split(",")))
        if given.steps is not None:
            study = replace(study, steps=given.steps)
        if not given.report:
            only = tuple(text for text in given.only.split(",") if text)
            run_study(
                study,
                given.out,
                only=only,
                threads=given.threads,
                report=_lines(),
                cancelled=_interrupts(),
                finished=_say,
            )
    except Cancelled:
        sys.stderr.write("Stopped; the same command goes on from here.\n")
        return 130
    except GateLensError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    left = len(study.runs()) - len(rows_of(study, given.out))
    # What was asked for in an earlier call belongs into the tables as well.
    sys.stdout.write(
        tables(rows_of(replace(study, arms=ARMS), given.out))
        + (f"\n{left} runs are not finished.\n" if left else "")
    )
    return 0


def _arms(names: Sequence[str]) -> tuple[Arm, ...]:
    known = {arm.name: arm for arm in ARMS}
    if unknown := [name for name in names if name not in known]:
        raise DataError(f"There is no arm '{unknown[0]}'; choose of {', '.join(known)}.")
    return tuple(known[name] for name in dict.fromkeys(names))


def _interrupts() -> CancelCheck:
    """True once the process was asked to end."""
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)
    return lambda: bool(asked)


def _lines() -> Report:
    last = time.monotonic()

    def report(fraction: float, text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= _REPORT_EVERY_S:
            last = time.monotonic()
            sys.stderr.write(f"{fraction:4.0%} {text}\n")
            sys.stderr.flush()

    return report


def _say(row: RunRow) -> None:
    sys.stderr.write(
        f"{row.arm}, {row.subjects} subjects, seed {row.seed}: {row.seconds:.0f} s, {row.step_seconds:.2f} s a step\n"
    )
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
