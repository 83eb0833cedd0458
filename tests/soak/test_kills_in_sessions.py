"""Three hundred kills at random moments of sessions of two hundred steps, on six workspaces; about ten minutes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.controllers.test_kills import kill_readers

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the campaign forks; SIGKILL is POSIX"),
]


@pytest.mark.parametrize("seed", range(11, 17))
def test_no_kill_in_a_session_loses_work_or_leaves_an_unreadable_file(
    repository: Path, tmp_path: Path, seed: int, record_property: Callable[[str, object], None]
) -> None:
    reports = kill_readers(repository, tmp_path, kills=50, seed=seed)
    figures = {
        "offered": sum(report["offered"] for report in reports),
        "lost_s": max(report["lost_s"] for report in reports),
        "lost_states": max(report["lost_states"] for report in reports),
        "adopted": sum(report["adopted"] for report in reports),
    }
    print(f"seed {seed}: 50 kills, {len(reports)} starts, {figures}")
    for name, value in figures.items():
        record_property(name, value)
