"""What one person chose on one machine, as JSON in the data folder; nothing that belongs to a workspace."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from app.store import durable, locations

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """The settings; every one has a default that works.

    Attributes:
        reader: the name the reader gave once, stored with every decision beside the system account.
        last_workspace: folder that a start without arguments opens; empty for none.
        window_geometry: what the window wrote of its size and docks, in its own encoding.
        window_state: the same for panes and splitters.
    """

    reader: str = ""
    last_workspace: str = ""
    window_geometry: str = ""
    window_state: str = ""


def load(path: Path | None = None) -> Settings:
    """The settings on disk; defaults where there are none, and for single entries that make no sense."""
    path = path or locations.settings_file()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:
        broken = path.with_suffix(".broken.json")
        _log.warning("%s cannot be read (%s); starting with defaults", path.name, error)
        if path.is_file():
            os.replace(path, broken)
        return Settings()
    if not isinstance(content, dict):
        return Settings()
    names = {field.name for field in dataclasses.fields(Settings)}
    return Settings(
        **{key: value for key, value in content.items() if key in names and isinstance(value, str)}
    )


def save(settings: Settings, path: Path | None = None) -> None:
    """Write the settings; the folder is made where it is missing."""
    path = path or locations.settings_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    durable.write_text(path, json.dumps(dataclasses.asdict(settings), indent=2, ensure_ascii=False) + "\n")
