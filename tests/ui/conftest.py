"""The window for each test, and small workspaces for the tests that need one on disk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from tests.app.controllers.conftest import scans, tiny_bundle, workspace_folder
from tests.ui.robots import Robot

__all__ = ["robot", "scans", "tiny_bundle", "workspace_folder"]


@pytest.fixture
def robot(qtbot: QtBot) -> Iterator[Robot]:
    """Gives a reader at an open window without a case."""
    made = Robot(qtbot)
    yield made
    made.leave()
