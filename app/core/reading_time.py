"""How long a reader works on a case: time after a sign of the reader counts, what is beyond is idle. No timer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

IDLE_AFTER_S = 20.0
"""A reader who looks without moving a hand still reads for this long."""


@dataclass(frozen=True)
class ReadingTime:
    """Seconds a case was worked on, and seconds it lay open without a sign of the reader."""

    active_s: float
    idle_s: float


class ReadingClock:
    """Counts from its start; each `touch` is a sign of the reader, and so is the start itself.

    Args:
        monotonic: the time in seconds, never going back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self.restart()

    def restart(self) -> None:
        """Count from zero, as for another case."""
        self._active = self._idle = 0.0
        self._last = self._monotonic()

    def touch(self) -> None:
        """The reader moved the mouse or pressed a key; called with every event, so it costs next to nothing."""
        now = self._monotonic()
        since = now - self._last
        worked = min(since, IDLE_AFTER_S)
        self._active += worked
        self._idle += since - worked
        self._last = now

    @property
    def active_s(self) -> float:
        """Seconds of work so far: up to `IDLE_AFTER_S` after each sign."""
        return self.read().active_s

    @property
    def idle_s(self) -> float:
        """Seconds beyond that."""
        return self.read().idle_s

    def read(self) -> ReadingTime:
        """Both at once; together they are the time since the start."""
        since = self._monotonic() - self._last
        worked = min(since, IDLE_AFTER_S)
        return ReadingTime(self._active + worked, self._idle + since - worked)
