"""Folders are made only where the workspace is, and what was given up is cleared away without another error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.store import durable


def test_a_file_a_folder_and_nothing_are_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("x")
    durable.make_read_only(tmp_path / "folder" / "file")
    (tmp_path / "file").write_text("x")
    for name in ("folder", "file", "nothing"):
        assert durable.clear_away(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_no_second_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")

    def refuse(*arguments: object, **named: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "unlink", refuse)
    assert not durable.clear_away(tmp_path / "file")


def test_a_folder_is_made_only_inside_one_that_is_there(tmp_path: Path) -> None:
    durable.make_folder(tmp_path / "cases" / "a" / "labels", inside=tmp_path)
    durable.make_folder(tmp_path / "cases" / "a" / "labels", inside=tmp_path)
    assert (tmp_path / "cases" / "a" / "labels").is_dir()
    with pytest.raises(FileNotFoundError):
        durable.make_folder(tmp_path / "gone" / "cases" / "a", inside=tmp_path / "gone")
    assert not (tmp_path / "gone").exists()
