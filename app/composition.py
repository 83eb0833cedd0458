"""Wires the program together: log, command line, and the window behind one function. The only place that does."""

from __future__ import annotations

import logging
import logging.handlers
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.controllers import Controllers, make_controllers
from app.controllers.starting import WindowStart
from app.jobs.runner import Deliver
from app.store import locations, settings

if TYPE_CHECKING:
    from app.controllers.editing_bench import RepaintTimes
    from app.core.session import Session

_LOG_BYTES = 2_000_000


def run(arguments: Sequence[str]) -> int:
    """Run the command line with `arguments`; gives the exit code."""
    from app.cli.main import main

    _start_log()
    return main(arguments, open_window, measure_repaint)


def open_window(start: WindowStart) -> int:
    """Open the window and run it until it is closed, or drive the tour in it; gives the exit code."""
    from app import ui

    if start.tour is not None:
        return ui.run_tour(_tour_controllers, start.tour)
    return ui.open_window(_controllers, lambda controllers: _begin(controllers, start))


def measure_repaint(session: Session, moves: int) -> RepaintTimes:
    """Paint on a case in a window of its own, and time each move of the mouse to the end of its repaint."""
    from app.ui.repaint_bench import measure

    return measure(_tour_controllers, session, moves)


def _controllers(deliver: Deliver) -> Controllers:
    return make_controllers(deliver, settings.load())


def _tour_controllers(deliver: Deliver) -> Controllers:
    """Those of a tour or a measurement: its own reader, and settings that are not kept."""
    return make_controllers(deliver, settings.Settings(reader="tour"), keep_settings=False)


def _begin(controllers: Controllers, start: WindowStart) -> None:
    """What happens once the window has painted: the workspace opens, and the model is prepared at idle."""
    if start.workspace is not None:
        controllers.opening.open_workspace(start.workspace, start.case_id)
    controllers.predicting.prepare()


def _start_log() -> None:
    """Log to a file in the data folder; it holds no patient names."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    try:
        folder = locations.log_folder()
        folder.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            folder / "gatelens.log", maxBytes=_LOG_BYTES, backupCount=3, encoding="utf-8", delay=True
        )
    except OSError:
        handler = logging.StreamHandler()
        handler.setLevel(logging.ERROR)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
