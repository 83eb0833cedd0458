"""SIGKILL while a reader works: the next start offers the work back, and nothing older than a second is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the campaign forks; SIGKILL is POSIX")

_CAMPAIGN = Path(__file__).with_name("kill_campaign.py")


def kill_readers(repository: Path, folder: Path, kills: int, seed: int) -> list[dict[str, Any]]:
    """What the starts after so many kills found, checked; the last of several kills in a row speaks for them."""
    done = subprocess.run(
        [sys.executable, str(_CAMPAIGN), str(folder), str(kills), str(seed)],
        env=os.environ | {"PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(report["kills"] for report in reports) == kills, done.stderr
    for report in reports:
        assert report["known"], f"the mask is none that the reader had in the last second or after: {report}"
        assert report["lost_s"] <= 1.0, report
        assert report["unreadable"] == [], report
        assert report["problems"] == [], report
        assert report["troubles"] == [], report
        assert report["editable"], "the lease of a dead process is taken over"
        assert report["offered"] <= 1, report
    return reports


def test_a_killed_readers_work_is_offered_back_whole(repository: Path, tmp_path: Path) -> None:
    reports = kill_readers(repository, tmp_path, kills=6, seed=19)
    assert any(report["offered"] for report in reports)
