"""Two or more ways to do one thing, timed in turns, so that what else the machine does falls on all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from model.progress import CancelCheck, stop_if


def nothing() -> None:
    """What needs no preparation."""


@dataclass(frozen=True)
class Side:
    """One way to do it.

    Attributes:
        name: in words, as in "cc3d.dust, on the mask's box".
        run: does it; its time counts.
        prepare: makes ready for `run`; its time does not count.
        count: how many steps `run` takes; times are those of one.
    """

    name: str
    run: Callable[[], object]
    prepare: Callable[[], object] = nothing
    count: int = 1


def take_turns(sides: Sequence[Side], repeats: int, cancelled: CancelCheck) -> Mapping[str, float]:
    """The median milliseconds of a step, by the sides' names, after one run of each that does not count.

    Raises:
        Cancelled: between two runs.
    """
    found: dict[str, list[float]] = {side.name: [] for side in sides}
    for turn in range(repeats + 1):
        for side in sides:
            stop_if(cancelled)
            side.prepare()
            start = time.perf_counter()
            side.run()
            passed = time.perf_counter() - start
            if turn:
                found[side.name].append(passed * 1000 / side.count)
    return {name: statistics.median(times) for name, times in found.items()}
