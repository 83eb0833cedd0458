"""The sentence beside the pointer of a view when an edit was refused; it goes by itself and takes no focus."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPointF, QTimer

from app.ui.qt_bridge import SlotGuard

SHOWN_MS = 4500


class CursorNote(QObject):
    """What is said in one view, and where."""

    def __init__(self, parent: QObject, guard: SlotGuard, changed: Callable[[], object]) -> None:
        super().__init__(parent)
        self._changed = changed
        self.text = ""
        self.at = QPointF()
        self._gone = QTimer(self)
        self._gone.setSingleShot(True)
        self._gone.setInterval(SHOWN_MS)
        self._gone.timeout.connect(guard.wrap(self.clear))

    def say(self, text: str, at: QPointF) -> None:
        """Say a sentence for some seconds."""
        self.text, self.at = text, at
        self._gone.start()
        self._changed()

    def clear(self) -> None:
        """Take the sentence away."""
        self.text = ""
        self._gone.stop()
        self._changed()
