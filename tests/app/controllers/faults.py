"""Lets calls of the operating system fail as those of a bad disk do; not a test itself."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CALLS = (
    "open",
    "write",
    "fsync",
    "ftruncate",
    "link",
    "rename",
    "replace",
    "mkdir",
    "unlink",
    "chmod",
    "rmdir",
)
"""The calls of `os` that saving and journals are made of; SQLite's own do not go through Python."""

FOR_EVER = 10**9


@dataclass
class Faults:
    """Counts calls of `os`, and lets some of them fail.

    Attributes:
        made: the calls that were counted, in order.
        first: the first call that fails, counted from 0; None: none does.
        how_many: so many calls from there on fail.
        number: the errno they fail with.
        struck: the calls that failed, by name.
    """

    first: int | None = None
    how_many: int = 1
    number: int = errno.EIO
    made: list[str] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)

    def strikes(self, name: str) -> bool:
        """Count a call; True if it is to fail."""
        index = len(self.made)
        self.made.append(name)
        struck = self.first is not None and self.first <= index < self.first + self.how_many
        if struck:
            self.struck.append(name)
        return struck


@contextmanager
def faulty(faults: Faults, folder: Path) -> Iterator[Faults]:
    """Within the block, calls that concern `folder` are counted, and fail where `faults` says so."""
    real = {name: getattr(os, name) for name in CALLS}
    try:
        for name, call in real.items():
            setattr(os, name, _counted(name, call, faults, str(folder)))
        yield faults
    finally:
        for name, call in real.items():
            setattr(os, name, call)


def _counted(name: str, call: Any, faults: Faults, folder: str) -> Any:
    def counted(*arguments: Any, **named: Any) -> Any:
        if _concerns(arguments[0], folder, named) and faults.strikes(name):
            raise OSError(faults.number, os.strerror(faults.number))
        return call(*arguments, **named)

    return counted


def _concerns(what: object, folder: str, named: dict[str, Any]) -> bool:
    """Whether a path, a name in an open folder or an open file is the folder's."""
    handle = what if isinstance(what, int) else named.get("dir_fd")
    if handle is not None:
        try:
            return os.readlink(f"/proc/self/fd/{handle}").startswith(folder)
        except OSError:
            return False
    return os.fspath(what).startswith(folder)  # type: ignore[call-overload]
