"""SIGKILL at every step of Accept and between strokes: nothing or a whole version, and no work lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.store.commit import STEPS

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the campaign forks; SIGKILL is POSIX")

_CAMPAIGN = Path(__file__).with_name("kill_campaign.py")
_WHOLE_FROM = STEPS.index("marked")


def campaign(repository: Path, what: str, folder: Path, kills: int) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, str(_CAMPAIGN), what, str(folder), str(kills), "7"],
        env=os.environ | {"PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_kill_at_any_step_of_accept_leaves_nothing_or_a_whole_version(
    repository: Path, tmp_path: Path
) -> None:
    reports = campaign(repository, "versions", tmp_path, 20)
    assert len(reports) == 20
    for number, report in enumerate(reports):
        assert report["leftovers"] == [], report
        assert report["problems"] == [], report
        assert report["writable"] == [], report
        assert report["rows"] == (1 if report["version"] else 0), report
        # What is in no version is offered back; what is, is not offered twice.
        assert report["offered"] != report["version"], report
        if number < len(STEPS):
            assert report["killed"], report
            assert report["version"] == (number >= _WHOLE_FROM), report
            assert report["adopted"] == (1 if _WHOLE_FROM <= number < STEPS.index("committed") else 0), report


def test_a_kill_between_strokes_loses_none_that_was_said_to_be_safe(repository: Path, tmp_path: Path) -> None:
    reports = campaign(repository, "strokes", tmp_path, 5)
    for report in reports:
        assert report["killed"]
        assert isinstance(report["said"], int)
        assert report["kept"] in (report["said"], report["said"] + 1), report
        assert (report["same"], report["resumed"], report["problem"], report["journals"]) == (
            True,
            True,
            "",
            1,
        )
