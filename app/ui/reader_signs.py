"""Notices that somebody works the window: mouse, wheel, keys, pen and touch, whatever widget they go to.

It stands before the native window, which each such event passes once on its way in. What a sign means is the
business of `controllers.reading`.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget

_SIGNS = frozenset(
    (
        QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick, QEvent.Type.Wheel,
        QEvent.Type.KeyPress, QEvent.Type.TabletMove, QEvent.Type.TabletPress, QEvent.Type.TouchBegin,
        QEvent.Type.TouchUpdate, QEvent.Type.NativeGesture,
    )
)  # fmt: skip


class ReaderSigns(QObject):
    """Calls `touch` with every sign of the reader in `window`, from the first time it is shown."""

    def __init__(self, window: QWidget, touch: Callable[[], None]) -> None:
        super().__init__(window)
        self._window, self._touch = window, touch
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Never keeps an event."""
        kind = event.type()
        if watched is not self._window:
            if kind in _SIGNS:
                self._touch()
        elif kind == QEvent.Type.Show:
            handle = self._window.windowHandle()
            if handle is not None:
                # A window of the screen exists only once it is shown.
                handle.installEventFilter(self)
                self._window.removeEventFilter(self)
        return False
