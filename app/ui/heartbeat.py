"""How late the window is: a 10 ms precise timer that measures its own lateness, kept apart by what was going on.

It only measures; the promise (DESIGN section 5: p99 ≤ 50 ms, maximum ≤ 250 ms while a prediction runs) is tested
elsewhere.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QTimer

INTERVAL_MS = 10
# Ten minutes of ticks a section: enough for any prediction, and a bound on memory for a day's session.
_KEPT = 60_000


@dataclass(frozen=True)
class Lateness:
    """Percentiles of the lateness in milliseconds over `ticks` ticks; zeros where there were none."""

    p50: float
    p99: float
    max: float
    ticks: int


class Heartbeat(QObject):
    """Ticks every 10 ms while started; each tick's lateness belongs to the section that is on.

    Sections are "predict" and "import" (torch being imported), else "idle"; time inside `apart()` (a picture is
    grabbed) belongs to "pictures".
    """

    def __init__(self, section: Callable[[], str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._section = section
        self._apart: str | None = None
        self._last: float | None = None
        self._late_ms: dict[str, list[float]] = defaultdict(list)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin to measure."""
        self._last = None
        self._timer.start()

    def stop(self) -> None:
        """Stop measuring; what was measured stays."""
        self._timer.stop()

    @contextmanager
    def apart(self, section: str = "pictures") -> Iterator[None]:
        """Count what happens inside, and the tick it delays, under `section`."""
        before, self._apart = self._apart, section
        try:
            yield
        finally:
            self._tick()
            self._apart = before

    def lateness(self, section: str) -> Lateness:
        """The percentiles of one section."""
        values = sorted(self._late_ms.get(section, []))
        if not values:
            return Lateness(0.0, 0.0, 0.0, 0)
        return Lateness(
            round(values[len(values) // 2], 2),
            round(values[min(len(values) - 1, int(len(values) * 0.99))], 2),
            round(values[-1], 2),
            len(values),
        )

    def sections(self) -> tuple[str, ...]:
        """The sections that have ticks."""
        return tuple(sorted(self._late_ms))

    def forget(self) -> None:
        """Drop what was measured."""
        self._late_ms.clear()
        self._last = None

    def _tick(self) -> None:
        now = time.perf_counter()
        if self._last is not None:
            values = self._late_ms[self._apart or self._section()]
            values.append(max(0.0, (now - self._last) * 1000 - INTERVAL_MS))
            if len(values) > _KEPT:
                del values[: _KEPT // 10]
        self._last = now
