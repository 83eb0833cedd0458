"""Training in several processes, and trainings that were killed: the same curve as one that ran undisturbed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch

from model.bundle import load_network, read_bundle
from model.errors import Cancelled, DataError
from model.training.checkpoint import checkpoint_file, curve_file
from model.training.config import TrainConfig, TrainEvent
from model.training.loop import train
from tests.model.toys import toy_training


@pytest.fixture
def config(toys: Path, tmp_path: Path) -> TrainConfig:
    """Gives a training of seconds on the CPU."""
    return toy_training(toys, tmp_path / "toy", steps=12, accelerator="cpu", check_every=4, history_points=2)


def curve(out: Path) -> list[tuple[str, int, list[float]]]:
    events = [json.loads(line) for line in curve_file(out).read_text().splitlines()]
    return [
        (event["kind"], event["step"], [event["loss"]] if "loss" in event else event["dice"])
        for event in events
    ]


def assert_alike(one: Path, other: Path, tolerance: float) -> None:
    assert [entry[:2] for entry in curve(one)] == [entry[:2] for entry in curve(other)]
    for (_, _, expected), (_, _, found) in zip(curve(one), curve(other), strict=True):
        assert found == pytest.approx(expected, abs=tolerance)


def test_two_processes_learn_what_one_learns_that_accumulates(config: TrainConfig) -> None:
    one, two = (replace(config, out=config.out.with_name(name)) for name in ("one", "two"))
    told: list[TrainEvent] = []
    fractions: list[float] = []
    train(replace(one, accumulate=2))
    train(replace(two, devices=2), report=lambda fraction, _: fractions.append(fraction), events=told.append)

    losses = [[values for kind, _, values in curve(run.out) if kind == "step"] for run in (one, two)]
    assert [len(values) for values in losses] == [2, 2]
    assert losses[1] == [pytest.approx(values, abs=1e-3) for values in losses[0]]
    assert [event.kind for event in told if event.kind in ("start", "done")] == ["start", "done"]
    assert [event.step for event in told if event.kind == "checkpoint"] == [4, 8, 12]
    assert fractions[-1] == 1.0
    weights = [
        {
            name: value
            for name, value in load_network(read_bundle(run.out)).state_dict().items()
            if "running" not in name and "tracked" not in name
        }
        for run in (one, two)
    ]
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], atol=2e-3, rtol=1e-2)


def test_what_one_of_several_processes_refuses_is_said_and_all_of_them_end(config: TrainConfig) -> None:
    with pytest.raises(DataError, match="3 label weights for 2 labels"):
        train(replace(config, devices=2, label_weights=(1, 1, 1)))
    assert psutil.Process().children(recursive=True) == [] or all(
        "resource_tracker" in " ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)
    )


def test_a_cancelled_training_of_two_processes_keeps_its_checkpoint(config: TrainConfig) -> None:
    told: list[TrainEvent] = []
    with pytest.raises(Cancelled):
        train(
            replace(config, devices=2, steps=100_000),
            cancelled=lambda: any(event.step >= 10 for event in told),
            events=told.append,
        )
    assert checkpoint_file(config.out).is_file()
    assert told[-1].kind == "checkpoint"


CHILD = """
import os, signal, sys, pickle
from pathlib import Path
from model.training.loop import train
config = pickle.loads(Path(sys.argv[1]).read_bytes())
after = int(sys.argv[2])
def report(fraction, text):
    if fraction * config.steps >= after:
        os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    train(config, report=report)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_run_killed_twice_and_resumed_gives_the_curve_of_one_that_was_not(
    config: TrainConfig, tmp_path: Path, repository: Path
) -> None:
    import pickle

    config = replace(config, steps=25, check_every=6)
    whole = replace(config, out=tmp_path / "whole")
    train(whole)
    (tmp_path / "config.pickle").write_bytes(pickle.dumps(config))
    for after in (9, 17):  # neither a checkpoint, nor a step that is told
        ended = subprocess.run(
            [sys.executable, "-c", CHILD, str(tmp_path / "config.pickle"), str(after)],
            cwd=repository,
            check=False,
            timeout=120,
        )
        assert ended.returncode == -signal.SIGKILL
        assert checkpoint_file(config.out).is_file()
    told: list[TrainEvent] = []
    train(config, events=told.append)

    assert told[0].step == 12  # the last checkpoint before step 17
    assert_alike(whole.out, config.out, 1e-4)
    assert [entry[:2] for entry in curve(config.out)] == [
        ("step", 10), ("validation", 12), ("step", 20), ("step", 25), ("validation", 25)
    ]  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C of a console group")
def test_an_interrupt_of_the_command_ends_every_process_and_the_command_goes_on(
    toys: Path, tmp_path: Path, repository: Path
) -> None:
    command = [
        sys.executable, "-P", "-m", "app", "train", "--data", str(toys), "--out", str(tmp_path / "toy"),
        "--widths", "4,6,8", "--patch", "16,16,16", "--threads", "1", "--devices", "2", "--accelerator", "cpu",
        "--events",
    ]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(repository)}
    process = subprocess.Popen(
        [*command, "--steps", "100000"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["step"] >= 10:
            break
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    gone, alive = psutil.wait_procs(family, timeout=20)
    assert len(gone) >= 2
    assert alive == []
    assert checkpoint_file(tmp_path / "toy").is_file()
    assert not (tmp_path / "toy").exists()


def test_draws_and_processes_below_one_are_refused(config: TrainConfig) -> None:
    for change in ({"accumulate": 0}, {"devices": 0}, {"num_nodes": 0}):
        with pytest.raises(DataError, match="train nothing"):
            replace(config, **change)


def test_a_run_may_go_on_in_another_number_of_processes_that_draw_the_same(config: TrainConfig) -> None:
    assert replace(config, accumulate=4).fingerprint == replace(config, accumulate=2, devices=2).fingerprint
    assert replace(config, accumulate=4).fingerprint != config.fingerprint
