"""Writing that survives a crash: fsync of files and folders, atomic replacement, publishing without loss."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import sys
from pathlib import Path

import psutil

_NO_LINKS = {
    errno.EPERM,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EMLINK,
    errno.EXDEV,
    errno.EACCES,
}
"""What `link` answers on a file system that has none (FAT, many network shares)."""

_TEMPORARY = re.compile(r"^\..+\.(\d+)\.tmp$")


def fsync_file(path: Path) -> None:
    """Wait until the bytes of `path` are on the disk."""
    # Windows flushes only handles that may write.
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def fsync_folder(folder: Path) -> None:
    """Wait until the names in `folder` are on the disk; Windows has no such call and needs none."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path, inside: Path) -> None:
    """Make `folder` and what is missing above it, but not `inside`, which must be there.

    Where a share was mounted, an empty folder is left that anybody can write to; nothing must be kept there.

    Raises:
        FileNotFoundError: `inside` is gone.
    """
    if not inside.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the workspace's folder is gone", str(inside))
    folder.mkdir(parents=True, exist_ok=True)


def temporary_name(path: Path) -> Path:
    """A name beside `path` for its content in the making; it tells which process makes it."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def clear_temporary(folder: Path) -> None:
    """Remove what `temporary_name` named in `folder` for processes that are gone."""
    for name in os.listdir(folder):
        match = _TEMPORARY.match(name)
        if match and not psutil.pid_exists(int(match[1])):
            (folder / name).unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace the content of `path` at once: a reader sees the old text or the new, also after a crash."""
    temporary = temporary_name(path)
    try:
        with open(temporary, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        clear_away(temporary)
    fsync_folder(path.parent)


def publish(source: Path, target: Path) -> None:
    """Give the file `source` the name `target`, which must be free; raises `FileExistsError` where it is not.

    A hard link does it in one step. Where the file system has no links, the name is created exclusively and
    the bytes are copied and fsynced; a crash can then leave a part of them, so something else must say that
    they are whole (see `commit`).
    """
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with open(target, "xb") as copy, open(source, "rb") as original:
            shutil.copyfileobj(original, copy)
            copy.flush()
            os.fsync(copy.fileno())


def make_read_only(path: Path) -> None:
    """Take the write permission bits off a file."""
    os.chmod(path, stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all it holds, read-only files too; nothing happens where it is missing."""
    while folder.exists():
        try:
            for path in folder.rglob("*"):
                if path.is_file() and not os.access(path, os.W_OK):
                    os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)
            shutil.rmtree(folder)
        except FileNotFoundError:
            continue  # another process clears it too


def remove_file(path: Path) -> None:
    """Remove a file, a read-only one too; nothing happens where it is missing."""
    try:
        os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)
        path.unlink()
    except FileNotFoundError:
        return


def clear_away(path: Path) -> bool:
    """Remove a file or folder as far as the disk lets, without ever raising; False where something stays.

    For what is given up after an error, which is the one to tell of; the next start removes what stays.
    """
    try:
        if path.is_dir():
            remove_tree(path)
        else:
            remove_file(path)
    except OSError:
        return False
    return True
