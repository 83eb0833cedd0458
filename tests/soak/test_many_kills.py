"""The kill tests of the store at length: a hundred kills while accepting, a hundred while painting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the campaign forks; SIGKILL is POSIX"),
]


@pytest.mark.parametrize("seed", ["11", "12"])
@pytest.mark.parametrize("what", ["versions", "strokes"])
def test_no_kill_loses_work_or_leaves_half_a_file(
    repository: Path, tmp_path: Path, what: str, seed: str
) -> None:
    script = repository / "tests" / "app" / "store" / "kill_campaign.py"
    done = subprocess.run(
        [sys.executable, str(script), what, str(tmp_path), "50", seed],
        env=os.environ | {"PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(reports) == 50
    if what == "strokes":
        wrong = [
            r for r in reports if not (r["same"] and r["resumed"] and r["said"] <= r["kept"] <= r["said"] + 1)
        ]
    else:
        wrong = [
            r
            for r in reports
            if r["leftovers"]
            or r["problems"]
            or r["writable"]
            or r["rows"] != r["version"]
            or r["offered"] == r["version"]
        ]
    assert wrong == []
