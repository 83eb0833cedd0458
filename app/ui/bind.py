"""One line between a control and the property it shows, and between a widget and an event.

The property is the truth: a control writes it, and is set again whenever its event says so. No logic here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QAbstractButton, QSlider, QWidget

from app.core.events import Event

T = TypeVar("T")


def listen(widget: QWidget, event: Event[T], heard: Callable[[T], object]) -> None:
    """Have `heard` called with every value of the event for as long as the widget lives."""
    unsubscribe = event.subscribe(lambda value: _ignore(heard(value)))
    widget.destroyed.connect(lambda *_: unsubscribe())


class Source(Protocol):
    """Any event, whatever its value."""

    def subscribe(self, subscriber: Callable[[object], None]) -> Callable[[], None]:
        """Call `subscriber` with every value; the function given back ends that."""
        ...


def listen_all(widget: QWidget, events: tuple[Source, ...], heard: Callable[[], object]) -> None:
    """Have `heard` called whenever one of the events happens, for as long as the widget lives."""
    for event in events:
        unsubscribe = event.subscribe(lambda _: _ignore(heard()))
        widget.destroyed.connect(lambda *_, end=unsubscribe: end())


def slider(
    control: QSlider,
    event: Event[T],
    read: Callable[[], float],
    write: Callable[[float], object],
    scale: float = 100.0,
) -> None:
    """A slider shows `read() * scale` and writes its value divided by `scale`."""

    def show(*_: object) -> None:
        with QSignalBlocker(control):
            control.setValue(round(read() * scale))

    control.valueChanged.connect(lambda value: write(value / scale))
    listen(control, event, show)
    show()


def check(
    control: QAbstractButton, event: Event[T], read: Callable[[], bool], write: Callable[[bool], object]
) -> None:
    """A check box or checkable button shows a truth value and writes it when the reader clicks."""

    def show(*_: object) -> None:
        with QSignalBlocker(control):
            control.setChecked(read())

    # `clicked`, not `toggled`: only the reader's own clicks are written.
    control.clicked.connect(lambda on: write(bool(on)))
    listen(control, event, show)
    show()


def enabled(control: QWidget, event: Event[T], read: Callable[[], bool]) -> None:
    """A control is enabled while `read()` holds."""

    def show(*_: object) -> None:
        control.setEnabled(read())

    listen(control, event, show)
    show()


def _ignore(value: object) -> None:
    """Events expect nothing back."""
