"""How a workspace remembers where a scan lies, and notices that another one lies there by now."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class StoredPath:
    """Where a scan lies, as kept in the database.

    Attributes:
        text: relative to the workspace with forward slashes where the scan lies under the workspace or its
            parent, so that both can be moved together; else absolute.
        file_bytes: size of the file, or of all files of a DICOM folder.
        file_mtime_ns: time of the newest change in ns since 1970.
    """

    text: str
    file_bytes: int
    file_mtime_ns: int

    @classmethod
    def of(cls, scan: Path, workspace: Path) -> StoredPath:
        """What to keep of `scan` (a file or a folder of DICOM files)."""
        scan = scan.resolve()
        files = [scan] if scan.is_file() else [path for path in scan.iterdir() if path.is_file()]
        facts = [path.stat() for path in files]
        return cls(
            relative_text(scan, workspace),
            sum(fact.st_size for fact in facts),
            max((fact.st_mtime_ns for fact in facts), default=0),
        )


def relative_text(scan: Path, workspace: Path) -> str:
    """`scan` as it is kept: relative to `workspace` (forward slashes) where it can be, else absolute."""
    folder = workspace.resolve()
    if scan.is_relative_to(folder):
        return scan.relative_to(folder).as_posix()
    # A root as parent would make every path of the machine "relative".
    if folder.parent != Path(folder.anchor) and scan.is_relative_to(folder.parent):
        return (PurePosixPath("..") / scan.relative_to(folder.parent).as_posix()).as_posix()
    return str(scan)


def absolute(text: str, workspace: Path) -> Path:
    """The place a kept path names; `workspace` is resolved already, so the disk is not asked."""
    joined = os.path.join(workspace, text)
    return Path(os.path.normpath(joined) if ".." in text else joined)
