"""How long the reader works on the open case, and what share of the mask was seen.

What is kept of it: `reviewing` (beside a decision) and `auditing`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from app.controllers.desk import Desk
from app.core.events import Event
from app.core.reading_time import ReadingClock, ReadingTime
from app.core.seen import Holding, slices_holding_label
from app.jobs.runner import Lane

LOOK_EVERY_S = 2.0
"""How often `look` is to be called."""


class ReadingController:
    """A clock that begins anew with every case that is opened, and an eye on what is left to see.

    Attributes:
        share_changed: `seen_share` is another than when it was told last.
    """

    def __init__(self, desk: Desk, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._desk = desk
        self._clock = ReadingClock(monotonic)
        self._at_decision = ReadingTime(0.0, 0.0)
        self.share_changed: Event[None] = Event("share changed")
        self._holding: tuple[int, Holding] | None = None
        self._looking = False
        self._told: float | None = None
        desk.events.case_opened.subscribe(lambda _: self._begin())

    # -- time --------------------------------------------------------------------------------------------
    def touch(self) -> None:
        """The reader moved the mouse or pressed a key."""
        self._clock.touch()

    @property
    def since_opening(self) -> ReadingTime:
        """The time since the case was opened; once it is closed, until another one is."""
        return _to_the_ms(self._clock.read())

    @property
    def since_decision(self) -> ReadingTime:
        """The time since the reader last decided on the open case; since its opening where that was not yet."""
        now, before = self._clock.read(), self._at_decision
        return _to_the_ms(ReadingTime(now.active_s - before.active_s, now.idle_s - before.idle_s))

    def decided(self) -> None:
        """The reader's decision is kept; what comes is the time of the next one."""
        self._at_decision = self._clock.read()

    def _begin(self) -> None:
        self._clock.restart()
        self._at_decision = ReadingTime(0.0, 0.0)
        self._holding = None
        self._tell()

    # -- what was seen -----------------------------------------------------------------------------------
    @property
    def seen_share(self) -> float | None:
        """The share, 0–1, of the slices of the mask that were seen so far, as `look` found them a moment ago.

        None before that, and where the mask is empty.
        """
        session = self._desk.session
        if session is None or self._holding is None:
            return None
        holding = self._holding[1]
        return session.seen.share_of(holding) if holding[0].any() else None

    def look(self) -> None:
        """Look where the mask is now, in the edit lane, if it was changed; to be called every `LOOK_EVERY_S`."""
        session = self._desk.session
        if session is None or self._looking:
            return
        if self._holding is not None and self._holding[0] == session.generation:
            self._tell()
            return
        generation, labels = session.generation, session.labels

        def done(holding: Holding) -> None:
            self._looking = False
            if self._desk.session is session:
                self._holding = (generation, holding)
                self._tell()

        def failed(error: Exception) -> None:
            self._looking = False
            self._desk.fail(error, "Looking at the mask")

        self._looking = True
        # A stroke may be drawn meanwhile; then the mask is looked at again.
        self._desk.runner.submit(
            Lane.EDIT,
            "Looking at the mask",
            lambda report, cancelled: slices_holding_label(labels),
            done,
            failed,
            case_id=session.case.id,
            quiet=True,
        )

    def _tell(self) -> None:
        share = self.seen_share
        if share != self._told:
            self._told = share
            self.share_changed.emit(None)


def _to_the_ms(time_: ReadingTime) -> ReadingTime:
    return ReadingTime(round(time_.active_s, 3), round(time_.idle_s, 3))
