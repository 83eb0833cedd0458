"""Closing the window in the middle of something: exit code 0 and nothing half-written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.store import workspace as workspaces


@pytest.mark.parametrize("what", ["predict", "save"])
def test_closing_in_the_middle_ends_cleanly(workspace_folder: Path, repository: Path, what: str) -> None:
    child = subprocess.run(
        [sys.executable, Path(__file__).with_name("quitting_child.py"), workspace_folder, what],
        env={**os.environ, "PYTHONPATH": str(repository), "QT_QPA_PLATFORM": "offscreen"},
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    assert "Traceback" not in child.stderr
    with workspaces.open(workspace_folder) as workspace:
        rows = workspace.reviews.cases()
        versions = [version for row in rows for version in workspace.labels.versions(row.id)]
        assert workspace.audit.verify().ok
        if what == "predict":
            assert versions == []
            assert not list(workspace_folder.glob("cases/*/predictions/*"))
        else:
            assert len(versions) == 1
            assert workspace.labels.load(versions[0].case_id, 1).labels.any()
    assert not [
        path for path in workspace_folder.rglob("*") if "staging" in path.name or path.suffix == ".tmp"
    ]
