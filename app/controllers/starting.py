"""What a window is asked to start with, said without Qt so that the command line can say it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TourRequest:
    """The whole job driven in the window, on a copy of a workspace.

    Attributes:
        workspace: the workspace to copy; it is not changed.
        out: where the copy, the pictures and tour.json go.
        cases: how many cases are read.
    """

    workspace: Path
    out: Path
    cases: int = 2


@dataclass(frozen=True)
class WindowStart:
    """What the window shows first: a workspace and perhaps one case of it, or nothing; or a tour."""

    workspace: Path | None = None
    case_id: str | None = None
    tour: TourRequest | None = None


OpenWindow = Callable[[WindowStart], int]
"""Opens the window, runs it, and gives the exit code."""
