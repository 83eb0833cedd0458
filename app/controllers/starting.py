"""What a window is asked to start with, said without Qt so that the command line can say it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model.errors import GateLensError


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


def require_screen() -> None:
    """Refuse a window where Linux has no screen to show it on; Qt itself would end the program without a word.

    Raises:
        GateLensError: neither DISPLAY nor WAYLAND_DISPLAY is set, and no other platform of Qt was asked for.
    """
    known = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in known):
        raise GateLensError(
            "There is no screen to open a window on (DISPLAY is not set); start this where there is one, "
            "or use 'gatelens demo --tour OUT' or 'gatelens predict'."
        )


OpenWindow = Callable[[WindowStart], int]
"""Opens the window, runs it, and gives the exit code."""
