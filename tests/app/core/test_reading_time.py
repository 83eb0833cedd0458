"""The reading clock: what counts as work and what is idle."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from app.core.reading_time import IDLE_AFTER_S, ReadingClock, ReadingTime


class Time:
    """A time that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_twenty_seconds_after_a_sign_the_reader_is_idle() -> None:
    time = Time()
    clock = ReadingClock(time)
    time.now += 15
    assert clock.read() == ReadingTime(15, 0)
    time.now += 15
    assert clock.read() == ReadingTime(20, 10)
    clock.touch()
    assert clock.read() == ReadingTime(20, 10)
    time.now += 5
    assert (clock.active_s, clock.idle_s) == (25, 10)


def test_signs_close_together_are_one_stretch_of_work() -> None:
    time = Time()
    clock = ReadingClock(time)
    for _ in range(100):
        time.now += 0.5
        clock.touch()
    assert clock.read() == ReadingTime(50, 0)


def test_another_case_begins_at_zero() -> None:
    time = Time()
    clock = ReadingClock(time)
    time.now += 100
    clock.restart()
    assert clock.read() == ReadingTime(0, 0)


@given(st.lists(st.floats(0, 100), max_size=30))
def test_work_and_idleness_together_are_the_time_that_went_by(gaps: list[float]) -> None:
    time = Time()
    clock = ReadingClock(time)
    for gap in gaps:
        time.now += gap
        clock.touch()
    found = clock.read()
    assert found.active_s == pytest.approx(sum(min(gap, IDLE_AFTER_S) for gap in gaps), abs=1e-6)
    assert found.active_s + found.idle_s == pytest.approx(sum(gaps), abs=1e-6)
