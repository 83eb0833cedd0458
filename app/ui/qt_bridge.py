"""Where threads and errors meet Qt: callables delivered to the GUI thread, and the guard round every slot.

The job runner is given `QtBridge.deliver`; widgets wrap what they connect with `SlotGuard.wrap`. Nothing here
knows what the callables do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from model.errors import Cancelled, GateLensError

_log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Deliver = Callable[[Callable[[], None]], None]

BUG_SENTENCE = "Something went wrong inside the program; your work is kept and the log file has the details."


class SlotGuard:
    """The boundary between Qt and the program: a slot never raises into Qt.

    A `GateLensError` becomes its own sentence, `Cancelled` nothing, and anything else is a bug: logged with its
    trace and said as such. Until `say` is set, sentences go to the log.
    """

    def __init__(self) -> None:
        self.say: Callable[[str, str], None] = lambda kind, text: _log.info("%s: %s", kind, text)

    def wrap(self, call: Callable[P, T]) -> Callable[P, T | None]:
        """`call` with this guard round it; gives None where it raised."""

        def guarded(*args: P.args, **kwargs: P.kwargs) -> T | None:
            return self.run(call, *args, **kwargs)

        return guarded

    def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Call now, inside the guard; gives None where it raised."""
        try:
            return call(*args, **kwargs)
        except Cancelled:
            return None
        except GateLensError as error:
            self.say("error", str(error))
        except Exception:  # noqa: BLE001 - the Qt slot guard is one of the three boundaries
            _log.exception("a slot failed")
            self.say("error", BUG_SENTENCE)
        return None


class QtBridge(QObject):
    """Brings callables from any thread to the GUI thread, in the order they were delivered."""

    _posted = Signal(object)

    def __init__(self, guard: SlotGuard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._guard = guard
        self._open = True
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def deliver(self, call: Callable[[], None]) -> None:
        """Have `call` run on the GUI thread, soon; returns at once. May be called from any thread."""
        if self._open:
            self._posted.emit(call)

    def close(self) -> None:
        """Drop what arrives from now on (the window is gone)."""
        self._open = False

    @Slot(object)
    def _run(self, call: Callable[[], None]) -> None:
        if self._open:
            self._guard.run(call)
