"""The window. Qt is imported in this package and nowhere else; the controllers below it know no Qt."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import partial
from types import TracebackType

import pyqtgraph
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.controllers import Controllers
from app.controllers.starting import TourRequest
from app.ui.main_window import MainWindow
from app.ui.qt_bridge import BUG_SENTENCE, Deliver, QtBridge, SlotGuard
from app.ui.qt_log import qt_messages_in_the_log
from app.ui.theme import apply_theme

_log = logging.getLogger(__name__)

_THEMED = "gatelens_themed"


def open_window(
    make_controllers: Callable[[Deliver], Controllers],
    start: Callable[[Controllers], None] | None = None,
) -> int:
    """Open the window and run it until it is closed; gives the exit code.

    Args:
        make_controllers: builds the controllers, given what brings callables to the GUI thread.
        start: called once the window has painted for the first time.
    """
    app = application()
    guard = SlotGuard()
    bridge = QtBridge(guard)
    window = MainWindow(make_controllers(bridge.deliver), guard)
    before = sys.excepthook
    sys.excepthook = _bug_hook(guard)
    try:
        with qt_messages_in_the_log():
            window.show()
            # A timer of 0 ms runs after the events of showing, the first paint among them.
            if start is not None:
                QTimer.singleShot(0, partial(guard.run, start, window.controllers))
            return app.exec()
    finally:
        sys.excepthook = before
        bridge.close()


def run_tour(make_controllers: Callable[[Deliver], Controllers], request: TourRequest) -> int:
    """Drive the whole job in the window, as `gatelens tour` asks; gives the exit code."""
    from app.ui import tour

    with qt_messages_in_the_log():
        return tour.run_tour(make_controllers, request)


def application() -> QApplication:
    """The one application object, with the program's looks."""
    found = QApplication.instance()
    app = found if isinstance(found, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("GateLens")
    app.setApplicationDisplayName("GateLens")
    app.setDesktopFileName("gatelens")
    pyqtgraph.setConfigOptions(imageAxisOrder="row-major")
    if app.property(_THEMED) is None:
        # Once: a style sheet set anew is worked out again for every widget there is.
        apply_theme(app)
        app.setProperty(_THEMED, True)
    return app


def _bug_hook(
    guard: SlotGuard,
) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """What escapes a paint or another virtual method of Qt: logged with its trace and said as a bug."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _log.error("an event handler failed", exc_info=(kind, error, trace))
        guard.say("error", BUG_SENTENCE)

    return hook
