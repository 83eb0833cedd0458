"""The command line called as a person does, with a window that is only noted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from app.cli.main import main
from app.controllers.starting import WindowStart
from tests.app.controllers.conftest import scans, tiny_bundle, workspace_folder  # noqa: F401 - fixtures


@dataclass
class CommandLine:
    """Runs commands; keeps what was printed and which windows were asked for."""

    capture: pytest.CaptureFixture[str]
    windows: list[WindowStart] = field(default_factory=list)
    out: str = ""
    err: str = ""

    def __call__(self, *words: object) -> int:
        def note(start: WindowStart) -> int:
            self.windows.append(start)
            return 0

        code = main([str(word) for word in words], note)
        self.out, self.err = self.capture.readouterr()
        return code


Run = Callable[..., int]


@pytest.fixture
def gatelens(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)
