"""Names, finding scans in folders, and what is said of a path that is none; progress and cancel."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model import scan_io
from model.errors import Cancelled, ScanError
from model.grid import Grid
from model.volume import Volume


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("a.nii.gz", "a"),
        ("case.01.NII.GZ", "case.01"),
        ("b.mha", "b"),
        ("folder", "folder"),
        ("1.2.3.dcm", "1.2.3"),
        (".nii", ".nii"),
    ],
)
def test_a_scan_is_called_by_its_name_without_suffix(name: str, bare: str) -> None:
    assert scan_io.scan_name(Path("x", name)) == bare


def test_scans_are_found_once_each_and_in_order(
    phantom: Volume, tmp_path: Path, write_series: Callable[..., list[Path]], straight: object
) -> None:
    for name in ("b.nii.gz", "a.NRRD", "sub/c.mha", ".hidden/d.nii", "e.nii.part"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in ("pair.hdr", "pair.img", "meta.mhd", "meta.zraw", "meta.raw", "notes.txt", "subjects.csv"):
        (tmp_path / name).touch()
    write_series(tmp_path / "series", straight)
    names = [str(path.relative_to(tmp_path)) for path in scan_io.find_scans(tmp_path)]
    assert names == ["a.NRRD", "b.nii.gz", "meta.mhd", "pair.hdr", "series", str(Path("sub/c.mha"))]


def test_a_folder_without_scans_gives_none_and_a_file_is_refused(tmp_path: Path) -> None:
    assert scan_io.find_scans(tmp_path) == ()
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(ScanError, match=r"a\.txt is not a folder"):
        scan_io.find_scans(tmp_path / "a.txt")


def test_paths_that_hold_no_scan_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty.nii").touch()
    (tmp_path / "words.nii.gz").write_text("see attached")
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)))
    (tmp_path / "nothing").mkdir()
    for name, words in [
        ("absent.nii.gz", "does not exist"),
        ("empty.nii", "0 bytes"),
        ("words.nii.gz", "holds text"),
        ("noise.bin", "not a scan in a format"),
        ("nothing", "holds no scan"),
    ]:
        with pytest.raises(ScanError, match=f"^{name} .*{words}"):
            scan_io.read_scan(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in its file system")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nii")
    with pytest.raises(ScanError, match="not a plain file"):
        scan_io.read_scan(tmp_path / "pipe.nii")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_progress_grows_to_one_and_cancel_stops_within_a_quarter_second(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"large{suffix}"
    noise = np.random.default_rng(0).integers(0, 4000, (12, 400, 400)).astype(np.int16)
    scan_io.write_scan(path, Volume(noise, Grid(noise.shape)))
    seen: list[float] = []
    asked: list[float] = []

    def never_yet() -> bool:
        asked.append(time.monotonic())
        return False

    scan_io.read_scan(path, lambda fraction, text: seen.append(fraction), never_yet)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) >= 4
    assert max(np.diff(asked)) < 0.25
    with pytest.raises(Cancelled):
        scan_io.read_scan(path, cancelled=lambda: True)
