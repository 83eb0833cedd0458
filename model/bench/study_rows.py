"""Finished runs of a study on disk, one JSON line each, and who works on which run; what a run does is `study`.

Several processes may work on one folder. Locks belong to the operating system, so the lock of a process that
died is free at once; the process id in a lock file is there to be read by people.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from model.training.config import CaseDice

ROWS_FILE = "runs.jsonl"


@dataclass(frozen=True)
class RunRow:
    """One finished run.

    Attributes:
        arm, share, seed: which run it is.
        fingerprint: what the run was told, the folder of the data left out; rows of other settings are others.
        seconds: training and validation, reading the data left out.
        step_seconds: median time of a training step.
        parameters: how many numbers the network learns.
        threads: torch threads.
        subjects: how many subjects were trained on.
        labels: names, in the order of `cases`' Dice.
        cases: Dice of every validation case.
    """

    arm: str
    share: float
    seed: int
    fingerprint: str
    steps: int
    seconds: float
    step_seconds: float
    parameters: int
    threads: int
    subjects: int
    labels: tuple[str, ...]
    cases: tuple[CaseDice, ...]

    def to_line(self) -> str:
        """The row as one line of JSON; a Dice of nothing is null."""
        fields = {
            "arm": self.arm,
            "share": self.share,
            "seed": self.seed,
            "fingerprint": self.fingerprint,
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            "step_seconds": round(self.step_seconds, 4),
            "parameters": self.parameters,
            "threads": self.threads,
            "subjects": self.subjects,
            "labels": self.labels,
            "cases": [
                {
                    "case": case.name,
                    "subject": case.subject,
                    "dice": [None if math.isnan(value) else round(value, 5) for value in case.dice],
                }
                for case in self.cases
            ],
        }
        return json.dumps(fields, ensure_ascii=False) + "\n"


def read_rows(folder: Path) -> tuple[RunRow, ...]:
    """The finished runs in `folder`, in the order they ended; a torn line is a run that did not end."""
    file = folder / ROWS_FILE
    if not file.is_file():
        return ()
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return tuple(row for line in lines if (row := _row(line)) is not None)


def append_row(folder: Path, row: RunRow) -> None:
    """Add a row, whole and on disk before this returns."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".rows.lock").open("a+b") as lock:
        _take(lock, wait=True)
        with (folder / ROWS_FILE).open("a+b") as stream:
            # After a crash in the middle of a line, the next row starts a line of its own.
            if stream.tell() > 0:
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":
                    stream.write(b"\n")
            stream.write(row.to_line().encode())
            stream.flush()
            os.fsync(stream.fileno())


@contextmanager
def held(folder: Path, name: str) -> Iterator[bool]:
    """Work on run `name` alone: True while it is ours, False where another living process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("a+b") as lock:
        if not _take(lock, wait=False):
            yield False
            return
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n".encode())
        lock.flush()
        yield True


if sys.platform == "win32":
    import msvcrt

    def _take(lock: IO[bytes], *, wait: bool) -> bool:
        # Byte 2**30 is far behind the process id, so that can be read while the lock is held.
        lock.seek(1 << 30)
        try:
            msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            lock.seek(0)
        return True
else:
    import fcntl

    def _take(lock: IO[bytes], *, wait: bool) -> bool:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True


def _row(line: str) -> RunRow | None:
    try:
        fields = json.loads(line)
        return RunRow(
            arm=str(fields["arm"]),
            share=float(fields["share"]),
            seed=int(fields["seed"]),
            fingerprint=str(fields["fingerprint"]),
            steps=int(fields["steps"]),
            seconds=float(fields["seconds"]),
            step_seconds=float(fields["step_seconds"]),
            parameters=int(fields["parameters"]),
            threads=int(fields["threads"]),
            subjects=int(fields["subjects"]),
            labels=tuple(str(name) for name in fields["labels"]),
            cases=tuple(
                CaseDice(
                    str(case["case"]),
                    str(case["subject"]),
                    tuple(math.nan if value is None else float(value) for value in case["dice"]),
                )
                for case in fields["cases"]
            ),
        )
    except (ValueError, KeyError, TypeError):
        return None
