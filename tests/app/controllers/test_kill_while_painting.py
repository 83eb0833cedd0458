"""SIGKILL while a reader paints: the next run offers the work back, and nothing older than a second is missing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.app.controllers.conftest import MakeBench

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is POSIX")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_kill_while_painting_offers_the_work_back(
    make_bench: MakeBench, workspace_folder: Path, repository: Path, seed: int
) -> None:
    child = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("painting_child.py"), workspace_folder],
        stdout=subprocess.PIPE,
        text=True,
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository)},
    )
    assert child.stdout is not None
    wanted = random.Random(seed).randint(20, 120)
    committed: list[tuple[int, float]] = []
    for line in child.stdout:
        number, moment = line.split()
        committed.append((int(number), float(moment)))
        if len(committed) >= wanted:
            break
    killed = time.monotonic()
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    child.stdout.close()
    safe = max((number for number, moment in committed if killed - moment > 1.0), default=0)
    assert committed

    bench = make_bench()
    offers = []
    bench.desk.events.recovery_offered.subscribe(offers.append)
    bench.open(workspace_folder)

    assert len(offers) == 1
    assert offers[0].strokes >= safe
    bench.controllers.opening.take_recovery()
    session = bench.desk.session
    assert session is not None
    assert session.read_only_reason is None, "the lease of a dead process is taken over"
    assert session.history.depth == offers[0].strokes
    while bench.desk.session is not None and session.history.can_undo:
        bench.controllers.editing.undo()
    assert not session.labels.any()
