"""Where the program keeps what belongs to the person at this machine. Not for workspaces inside."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "GATELENS_HOME"


def data_home() -> Path:
    """The user's data folder: `GATELENS_HOME` where set, else the platform's place. It may not exist yet."""
    chosen = os.environ.get(HOME_VARIABLE, "").strip()
    if chosen:
        return Path(chosen).expanduser().resolve()
    return platformdirs.user_data_path("GateLens", appauthor=False)


def personal_workspace() -> Path:
    """The workspace that `gatelens open SCAN` adds its scans to."""
    return data_home() / "personal"


def demo_workspace() -> Path:
    """The workspace of generated scans that `gatelens demo` makes."""
    return data_home() / "demo"


def models_folder() -> Path:
    """Bundles the user added, beside those that ship."""
    return data_home() / "models"


def log_folder() -> Path:
    """Log files; they hold no patient names."""
    return data_home() / "logs"


def settings_file() -> Path:
    """The settings of this person on this machine."""
    return data_home() / "settings.json"
