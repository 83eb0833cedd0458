"""Ctrl+C: exit code 130, nothing half-written, and the work goes on where it stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from model.scan_io import read_labels

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals are sent the POSIX way")


def test_an_interrupted_verb_leaves_only_whole_files(tmp_path: Path, repository: Path) -> None:
    out = tmp_path / "P"
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "app", "phantom", out, "--count", "50", "--seed", "5"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(repository)},
    )
    deadline = time.monotonic() + 100
    while not list(out.glob("images/*.nii.gz")) and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "Traceback" not in err
    images = sorted(path.name for path in (out / "images").iterdir())
    labels = sorted(path.name for path in (out / "labels").iterdir())
    assert images == labels == [f"phantom_{5 + i}.nii.gz" for i in range(len(images))]
    assert 1 <= len(images) < 50
    assert read_labels(out / "labels" / images[-1]).labels.any()
