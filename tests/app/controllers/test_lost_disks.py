"""Full, read-only and lost disks, mounted for the test alone: the reader is told, works on, and loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.app.controllers.disk_campaign import NEXT_TO_NOTHING_KIB

_CAMPAIGN = Path(__file__).with_name("disk_campaign.py")
_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
_NO_PRIVILEGES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")

KINDS = ("read-only", "lost", "unmounted", "moved")


@cache
def can_mount() -> bool:
    """Whether this system lets anybody mount a disk that he alone sees."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        [*_NAMESPACE, "mount", "-t", "tmpfs", "none", "/tmp"], capture_output=True, check=False
    )
    return tried.returncode == 0


needs_mounts = pytest.mark.skipif(
    not can_mount(),
    reason="this system lets nobody mount a disk in a namespace of his own (unshare --user --mount)",
)


def campaign(repository: Path, before: Sequence[str], *arguments: object) -> list[dict[str, Any]]:
    """What came of each size or kind, checked."""
    done = subprocess.run(
        [*before, sys.executable, str(_CAMPAIGN), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    for report in reports:
        _check(report)
    return reports


def _check(report: dict[str, Any]) -> None:
    assert report["works on"], report
    assert report["errors"], f"the reader was not told: {report}"
    assert report["unclear"] == [], report
    assert report["silent accepts"] == 0, report
    assert report["elsewhere"], f"the copy elsewhere is another mask: {report}"
    assert report["troubles"] == [], report
    assert report["unreadable"] == [], report
    assert report["problems"] == [], report
    assert report["versions"] == report["saved"], (
        f"a version was saved and not there, or not saved and there: {report}"
    )
    assert report["same"], f"the next start found another mask than was left: {report}"
    assert report["accepted at last"], report


def fill_disks(repository: Path, folder: Path, seed: int, sizes_kib: Sequence[int]) -> list[dict[str, Any]]:
    """Readers on disks with so much room; each must have used it up."""
    reports = campaign(repository, _NAMESPACE, "full", folder, seed, *sizes_kib)
    assert len(reports) == len(sizes_kib)
    assert all(report["free KiB"] <= NEXT_TO_NOTHING_KIB for report in reports)
    return reports


def lose_disks(repository: Path, folder: Path, seed: int) -> list[dict[str, Any]]:
    """Readers whose disk goes before the first stroke, or after some."""
    kinds = [*KINDS, *(f"{kind}-first" for kind in KINDS)]
    return campaign(repository, _NAMESPACE, "away", folder, seed, *kinds)


@needs_mounts
def test_a_full_disk_costs_the_reader_nothing(repository: Path, tmp_path: Path) -> None:
    small, large = fill_disks(repository, tmp_path, 1, (12, 100))
    assert small["saved"] < large["saved"]


@needs_mounts
def test_a_disk_that_goes_away_and_comes_back_costs_the_reader_nothing(
    repository: Path, tmp_path: Path
) -> None:
    reports = lose_disks(repository, tmp_path, 1)
    assert [report["saved"] for report in reports] == [0] * len(reports)


def test_a_folder_nobody_may_write_in_costs_the_reader_nothing(repository: Path, tmp_path: Path) -> None:
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root and shutil.which("setpriv") is None:
        pytest.skip("root may write anywhere, and there is no setpriv to become less than root")
    campaign(repository, _NO_PRIVILEGES if root else (), "away", tmp_path, 1, "forbidden", "forbidden-first")
