"""The tour in a real window on a screen in memory (Xvfb), at double scale too; skipped where there is no Xvfb."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

pytestmark = pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="Xvfb is not installed")


@pytest.mark.parametrize("scale", [1, 2])
def test_the_tour_works_in_a_real_window(
    workspace_folder: Path, tmp_path: Path, repository: Path, scale: int
) -> None:
    out = tmp_path / "tour"
    environment = {key: value for key, value in os.environ.items() if key != "QT_QPA_PLATFORM"}
    environment |= {"PYTHONPATH": str(repository), "QT_SCALE_FACTOR": str(scale)}
    command = ["xvfb-run", "-a", "-s", "-screen 0 3000x1900x24", sys.executable, "-P", "-m", "app"]
    result = subprocess.run(
        [*command, "tour", str(workspace_folder), "--out", str(out), "--cases", "1"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    told = json.loads((out / "tour.json").read_text(encoding="utf-8"))
    assert [step for step in told["steps"] if not step["ok"]] == [], result.stderr
    assert result.returncode == 0, result.stderr
    picture = QImage(str(out / told["steps"][-1]["picture"]))
    assert picture.width() == 1480 * scale
