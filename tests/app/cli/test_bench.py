"""`gatelens bench` hands on what was asked, prints one object, and says where it is on stderr."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.cli.main import DONE, USAGE, main
from app.controllers import bench, editing_bench
from app.controllers.editing_bench.table import Beside, EditRow, EditTable
from app.core.session import Session
from model.bench.inference import Setting
from model.bench.rows import Machine, Row, Table
from model.progress import CancelCheck, Report

MACHINE = Machine("a processor", 2, 1, "CPU, 1 thread", "float32", "Linux x86_64", "3.11", "2.13", 0.5)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Setting]:
    """Gives what was asked of the measurement, which is not run."""
    settings: list[Setting] = []

    def measure(setting: Setting, report: Report, cancelled: CancelCheck) -> Table:
        settings.append(setting)
        report(0.5, "half")
        return Table(MACHINE, (Row("whole-scan", 1.0, 4.0, "peer", "s"),))

    monkeypatch.setattr(bench, "measure", measure)
    return settings


def run(*words: str) -> int:
    return main(["bench", "inference", *words], lambda *_: 0)


def test_json_is_one_object_and_progress_goes_to_stderr(
    asked: list[Setting], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--json", "--size", "32,48,64", "--threads", "1", "--repeats", "7") == DONE
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert found["rows"] == [
        {"name": "whole-scan", "ours": 1.0, "peer": 4.0, "peer_name": "peer", "unit": "s", "ratio": 0.25}
    ]
    assert found["machine"]["load_average"] == 0.5
    assert "50% half" in shown.err
    assert (asked[0].size, asked[0].threads, asked[0].repeats) == ((32, 48, 64), 1, 7)


def test_without_json_each_row_is_a_line(asked: list[Setting], capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == DONE
    assert "whole-scan" in capsys.readouterr().out
    assert asked == [Setting()]


@pytest.mark.parametrize("size", ["96,160", "a,b,c", "0,1,2", "96,160,-1"])
def test_a_size_that_is_none_is_a_mistake_in_usage(
    asked: list[Setting], size: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--size", size) == USAGE
    assert "three positive numbers" in capsys.readouterr().err
    assert asked == []


# -- bench edit ----------------------------------------------------------------------------------------------------
@pytest.fixture
def edited(monkeypatch: pytest.MonkeyPatch) -> list[tuple[editing_bench.Setting, object]]:
    """Gives what was asked of the measurement of editing, which is not run."""
    asked: list[tuple[editing_bench.Setting, object]] = []

    def measure(setting: editing_bench.Setting, repaint: object, report: Report) -> EditTable:
        asked.append((setting, repaint))
        report(0.25, "margin")
        rows = (EditRow("margin", 1.0, "ms", 1.1, {"edt": 4.0}, ("napari",), "3 mm"),)
        return EditTable(MACHINE, setting.size, rows, (Beside("commit", 3.0, "ms", 20.0, {}, "its end"),))

    monkeypatch.setattr(editing_bench, "measure", measure)
    return asked


def edit(*words: str) -> int:
    return main(["bench", "edit", *words], lambda *_: 0, repaint)


def repaint(session: Session, moves: int) -> editing_bench.RepaintTimes:
    raise AssertionError("it is handed on, not called")


def test_editing_is_measured_at_full_size_with_the_window_that_was_handed_in(
    edited: list[tuple[editing_bench.Setting, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert edit() == DONE
    shown = capsys.readouterr()
    assert edited == [(editing_bench.Setting(), repaint)]
    assert editing_bench.Setting().size == (300, 512, 512)
    assert "ratio  0.25, within 1.1  edt" in shown.out
    assert "napari is not installed: pip install 'gatelens[bench]'" in shown.out
    assert "bench edit:  25% margin" in shown.err


def test_editing_as_json_is_one_object(
    edited: list[tuple[editing_bench.Setting, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert edit("--json", "--quick", "--rows", "margin, undo", "--repeats", "2") == DONE
    found = json.loads(capsys.readouterr().out)
    assert found["rows"][0]["ratio"] == 0.25
    assert found["beside"][0]["value"] == 3.0
    assert edited[0][0] == replace(editing_bench.QUICK, rows=("margin", "undo"), repeats=2)


def test_a_row_of_editing_that_is_none_is_a_mistake_in_usage(
    edited: list[tuple[editing_bench.Setting, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert edit("--rows", "margin,speed") == USAGE
    assert "speed is no row; there are brush-step, undo, region-grow" in capsys.readouterr().err
    assert edited == []
