"""Each call of an Accept and of a journal fails, once and for good, in the four ways a disk refuses; minutes."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.app.controllers.busy_reader import make_noise_workspace
from tests.app.controllers.faults import FOR_EVER
from tests.app.controllers.test_bad_disks import fail_calls_of_the_journal, fail_each_call_of_accept

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="finds the files of open handles in /proc"),
    pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EROFS, errno.ESTALE]),
    pytest.mark.parametrize("how_many", [1, FOR_EVER], ids=["one call", "all from one on"]),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace of one case of noise, whose scan lies beside it."""
    (tmp_path / "noise").mkdir()
    make_noise_workspace(tmp_path / "noise" / "W")
    return tmp_path / "noise" / "W"


def test_no_failing_call_of_accept_costs_a_version(folder: Path, how_many: int, number: int) -> None:
    count = fail_each_call_of_accept(folder, how_many, number)
    print(f"{count} calls of an Accept failed with {errno.errorcode[number]}")


def test_no_failing_call_of_a_journal_costs_a_stroke(
    folder: Path, tmp_path: Path, how_many: int, number: int
) -> None:
    count = fail_calls_of_the_journal(folder.parent, tmp_path, how_many, number=number)
    print(f"{count} calls of a journal failed with {errno.errorcode[number]}")
