"""Plain typed events: who changes something tells whoever asked to know. No threads, no queue, no Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Event(Generic[T]):
    """Something that happens again and again, with a value of one type."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._subscribers: list[Callable[[T], None]] = []

    def subscribe(self, subscriber: Callable[[T], None]) -> Callable[[], None]:
        """Call `subscriber` with every value from now on; the function given back ends that."""
        # A wrapper of its own, so that one function subscribed twice is called twice and ended one at a time.
        entry: Callable[[T], None] = lambda value: subscriber(value)  # noqa: E731
        self._subscribers.append(entry)

        def unsubscribe() -> None:
            if entry in self._subscribers:
                self._subscribers.remove(entry)

        return unsubscribe

    def emit(self, value: T) -> None:
        """Tell every subscriber, in the order they came.

        One unsubscribed while this runs is no longer called; one that is added waits for the next value.
        """
        for entry in tuple(self._subscribers):
            if entry in self._subscribers:
                entry(value)
