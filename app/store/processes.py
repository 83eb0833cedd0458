"""Who is at work on a file or a case: host, process and when that process began; and whether it still runs.

A process id alone is used again by the system, so the start time belongs to it.
"""

from __future__ import annotations

import getpass
import os
import platform
import re
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

_STAGING = re.compile(r"^\.writing-(?P<pid>\d+)-(?P<start>\d+)-(?P<host>.*)-[0-9a-f]{8}$")
_SAME_START_S = 2.0
"""Two readings of one process's start differ by clock rounding only."""

FOREIGN_SILENCE_S = 120.0
"""How long work of another host, which cannot be asked, counts as alive after its last sign."""


@dataclass(frozen=True)
class ProcessIdentity:
    """One process on one machine.

    Attributes:
        host: the machine's network name.
        pid: process id there.
        started: when the process began, seconds since 1970.
    """

    host: str
    pid: int
    started: float

    def runs(self) -> bool | None:
        """True or False on this host; None for another host, which cannot be asked."""
        if self.host != platform.node():
            return None
        return process_runs(self.pid, self.started)

    def may_run(self, silent_s: float) -> bool:
        """True while this process must be taken as alive, `silent_s` seconds after its last sign of life."""
        runs = self.runs()
        return silent_s < FOREIGN_SILENCE_S if runs is None else runs


def process_runs(pid: int, started: float) -> bool:
    """True if the process `pid` of this host runs and is the one that began at `started`."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(float(process.create_time()) - started) <= _SAME_START_S
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def this_process() -> ProcessIdentity:
    """The running process."""
    return _identity(os.getpid())


@cache
def _identity(pid: int) -> ProcessIdentity:
    # Keyed by the id, so that a forked child does not take its parent's start time.
    return ProcessIdentity(platform.node(), pid, float(psutil.Process(pid).create_time()))


def account() -> str:
    """The system account, or "unknown" where the system has no name for it (some containers)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def staging_name() -> str:
    """A folder name for files in the making that tells who makes them."""
    me = this_process()
    host = re.sub(r"[^A-Za-z0-9.]", "_", me.host)[:60]
    return f".writing-{me.pid}-{int(me.started)}-{host}-{uuid.uuid4().hex[:8]}"


def is_staging(path: Path) -> bool:
    """True if `staging_name` made this name."""
    return _STAGING.match(path.name) is not None


def is_abandoned(path: Path, now: float) -> bool:
    """True for a folder `staging_name` named whose process is gone (or, on another host, long silent)."""
    match = _STAGING.match(path.name)
    if match is None:
        return False
    if match["host"] == re.sub(r"[^A-Za-z0-9.]", "_", platform.node())[:60]:
        return not process_runs(int(match["pid"]), float(match["start"]))
    return now - path.stat().st_mtime > FOREIGN_SILENCE_S
