"""The study of arms: what is trained alike, what is not done twice, who works on what, and its tables."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from model.bench.study import ARMS, Study, main, rows_of, run_study, study_of
from model.bench.study_report import tables
from model.bench.study_rows import RunRow, append_row, held, read_rows
from model.errors import Cancelled, DataError
from model.training.config import CaseDice, TrainConfig
from tests.model.toys import BALL, CUBE, STILL


def toy_recipe(data: str, out: Path) -> TrainConfig:
    return TrainConfig(
        data=data, out=out, name="toy", labels=(BALL, CUBE), widths=(4, 6, 8), patch=(16, 16, 16), augmentation=STILL
    )  # fmt: skip


@pytest.fixture
def study(toys: Path) -> Study:
    """Gives a study of four runs of two steps."""
    return Study(str(toys), toy_recipe, steps=2, shares=(1.0, 0.5), seeds=(0,))


def row(arm: str = "unet", share: float = 1.0, seed: int = 0, dice: float = 0.8, cases: int = 8) -> RunRow:
    found = tuple(
        CaseDice(f"c{n}", f"s{n}", (dice + 0.01 * n, dice - 0.01 * n if n else math.nan))
        for n in range(cases)
    )
    return RunRow(arm, share, seed, "f" * 16, 300, 200.5, 0.5, 1000, 1, 110, ("anterior", "posterior"), found)


def test_every_run_differs_in_arm_share_and_seed_alone(study: Study, tmp_path: Path) -> None:
    configs = [replace(study, arms=ARMS).config(run, tmp_path, 1) for run in replace(study, arms=ARMS).runs()]
    assert len({config.fingerprint for config in configs}) == len(configs) == 10
    assert len({config.out for config in configs}) == len(configs)
    same = {
        replace(
            config,
            name="",
            out=tmp_path,
            command="",
            architecture="",
            psi_bias_start=None,
            training_share=1.0,
        )
        for config in configs
    }
    assert len(same) == 1
    assert next(iter(same)).split_by == 9


def test_a_finished_study_has_a_row_a_run_and_does_nothing_again(study: Study, tmp_path: Path) -> None:
    done: list[RunRow] = []
    rows = run_study(study, tmp_path, threads=1, finished=done.append)

    assert [(r.arm, r.share) for r in rows] == [
        ("unet", 1), ("attention-unet", 1), ("unet", 0.5), ("attention-unet", 0.5)
    ]  # fmt: skip
    assert [r.subjects for r in rows] == [4, 4, 2, 2]
    assert len({tuple((case.name, case.subject) for case in r.cases) for r in rows}) == 1
    assert all(len(case.dice) == 2 for case in rows[0].cases)
    assert rows[0].parameters < rows[1].parameters
    assert read_rows(tmp_path) == rows

    again = run_study(study, tmp_path, threads=1, finished=done.append)
    assert len(done) == 4
    assert again == rows
    assert rows_of(replace(study, steps=3), tmp_path) == ()


def test_a_run_another_process_works_on_is_left_to_it(study: Study, tmp_path: Path) -> None:
    run = study.runs()[0]
    with held(tmp_path / "locks", study.config(run, tmp_path, 1).out.name) as ours:
        assert ours
        with held(tmp_path / "locks", study.config(run, tmp_path, 1).out.name) as theirs:
            assert not theirs
        assert run_study(study, tmp_path, only=(run.text,), threads=1) == ()
    assert len(run_study(study, tmp_path, only=(run.text,), threads=1)) == 1


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from model.bench.study_rows import held\n"
        "with held(Path(sys.argv[1]), 'run') as ours: os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, timeout=60)
    assert (tmp_path / "run.lock").read_text().strip().isdigit()
    with held(tmp_path, "run") as ours:
        assert ours


def test_a_stopped_run_goes_on_and_one_without_its_row_is_done_again(study: Study, tmp_path: Path) -> None:
    study = replace(study, steps=4, arms=ARMS[:1], shares=(1.0,))
    asked = iter(range(1000))
    with pytest.raises(Cancelled):
        run_study(study, tmp_path, threads=1, cancelled=lambda: next(asked) > 11)
    (row,) = run_study(study, tmp_path, threads=1)
    (tmp_path / "runs.jsonl").unlink()
    (again,) = run_study(study, tmp_path, threads=1)
    assert again.cases == row.cases


def test_rows_read_back_and_a_torn_line_is_a_run_that_did_not_end(tmp_path: Path) -> None:
    append_row(tmp_path, row(seed=1))
    file = tmp_path / "runs.jsonl"
    file.write_bytes(file.read_bytes() + row(seed=2).to_line().encode()[:-40])
    append_row(tmp_path, row(seed=3))
    found = read_rows(tmp_path)
    assert [r.seed for r in found] == [1, 3]
    assert found[0].to_line() == row(seed=1).to_line()


def test_the_tables_average_over_seeds_and_pair_subjects() -> None:
    rows = [row("unet", seed=s, dice=0.80 + 0.01 * s) for s in range(3)]
    rows += [row("attention-unet", seed=s, dice=0.82 + 0.01 * s) for s in range(3)]
    rows += [row("unet", share=0.25), row("attention-unet", share=0.25, seed=1, dice=0.1)]
    text = tables(rows)
    assert "| 110 (100%) | unet | 0.845 ± 0.010 |" in text
    compared = "| 110 (100%) | anterior | unet → attention-unet, 3 seeds | 0.8450 | 0.8650 "
    assert compared + "| +0.0200 ± 0.0000 | 8 | 0.00781 |" in text
    assert "| 110 (25%) | anterior |" not in text  # no seed that both arms have
    assert "| unet | 1,000 | 1 | 0.500 | 200 (200–200) |" in text


def test_an_unknown_run_and_an_unknown_arm_are_refused_in_a_sentence(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match="no run unet:3:0"):
        run_study(study, tmp_path, only=("unet:3:0",))
    assert main(["--data", "phantom:1-4", "--out", str(tmp_path), "--arms", "vnet"]) == 1
    assert "no arm 'vnet'" in capsys.readouterr().err


@pytest.mark.parametrize("data", ["phantom:100000-100019", "somewhere/hippocampus"])
def test_the_command_reports_what_is_finished_for_any_source(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = study_of(data)
    run = study.runs()[0]
    config = replace(study.config(run, tmp_path, 1), data=Path(data).name)
    append_row(tmp_path, replace(row(), fingerprint=config.fingerprint))
    assert main(["--data", data, "--out", str(tmp_path), "--report"]) == 0
    said = capsys.readouterr().out
    assert "11 runs are not finished" in said
    assert "0.835" in said
