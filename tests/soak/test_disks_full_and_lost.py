"""Full disks of twenty sizes, and disks that go away in every way under three readers; about two minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.controllers.test_lost_disks import fill_disks, lose_disks, needs_mounts

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800), needs_mounts]

SIZES_KIB = (4, 8, 12, 16, 20, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)


def test_no_size_of_a_full_disk_costs_work(repository: Path, tmp_path: Path) -> None:
    assert len(SIZES_KIB) == 20
    reports = fill_disks(repository, tmp_path, 21, SIZES_KIB)
    for report in reports:
        print(f"{report['what']} KiB: {report['accepts']} accepts, {report['saved']} saved, all work back")


@pytest.mark.parametrize("seed", [31, 32, 33])
def test_no_way_for_a_disk_to_go_costs_work(repository: Path, tmp_path: Path, seed: int) -> None:
    lose_disks(repository, tmp_path, seed)
