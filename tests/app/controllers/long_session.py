"""A long session of strokes that all cost the same, and its figures: time, memory, journal; not a test itself."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from app.core.planes import Plane
from model.grid import Grid
from tests.app.controllers.busy_reader import BusyReader, make_noise_workspace

GRID = Grid((40, 96, 96), (2.0, 1.0, 1.0))
ROUND = 50
"""So many strokes are painted, each elsewhere, and then erased: every hundred strokes begin on an empty mask."""


@dataclass(frozen=True)
class Cost:
    """Seconds of a stroke: on the clock, and of work in the thread that owns the session."""

    clock_s: float
    work_s: float

    @classmethod
    def median_of(cls, costs: list[Cost]) -> Cost:
        """Each on its own."""
        return cls(median(cost.clock_s for cost in costs), median(cost.work_s for cost in costs))


@dataclass(frozen=True)
class Figures:
    """What a long session came to.

    Attributes:
        first: the median of the first hundred strokes, from the press to the release; `last` that of the last.
        history_bytes: what the history says it takes at the end; `most_history_bytes`: at its largest.
        traced_bytes: how much memory Python and numpy took more at the end than after the first hundred strokes;
            0 where nobody looked.
        resident_bytes: how much the process grew meanwhile, as the system sees it.
        journal_bytes: the journal's length on disk.
        steps: how many steps can be undone at the end.
        same: whether the next start brought the same mask back.
    """

    first: Cost
    last: Cost
    history_bytes: int
    most_history_bytes: int
    traced_bytes: int
    resident_bytes: int
    journal_bytes: int
    steps: int
    same: bool


def paint_for_long(folder: Path, strokes: int, limit_bytes: int, *, trace: bool = False) -> Figures:
    """Paint and erase in turn, with a history of at most `limit_bytes`; each stroke is on disk before the next.

    Args:
        folder: where the workspace is made.
        strokes: how many; a multiple of 100, at least 200.
        limit_bytes: the history's bound; at least 20 steps stay whatever they take.
        trace: count Python's memory, which makes everything several times slower.
    """
    make_noise_workspace(folder / "W", GRID)
    costs: list[Cost] = []
    most = 0
    with BusyReader(folder / "W", 0) as reader:
        reader.open()
        reader.controllers.labelling.add("core")
        session = reader.session
        session.history.limit(limit_bytes)
        session.sphere = True
        for number in range(-2 * ROUND, 0):  # to warm up
            _stroke(reader, number)
        if trace:
            tracemalloc.start()
        for number in range(strokes):
            costs.append(_stroke(reader, number))
            most = max(most, session.history.nbytes)
            if number == 99:
                resident, traced = _resident(), tracemalloc.get_traced_memory()[0]
        grown = _resident() - resident, tracemalloc.get_traced_memory()[0] - traced
        tracemalloc.stop()
        assert reader.errors + reader.troubles == []
        # Something to come back: every hundred strokes end with an empty mask.
        _stroke(reader, 0)
        left, steps = reader.state, len(session.history.patches)
        (journal,) = (folder / "W").rglob("*.journal")
    with BusyReader(folder / "W", 0) as later:
        later.open()
        later.take_back()
        same = later.state == left
    return Figures(
        first=Cost.median_of(costs[:100]),
        last=Cost.median_of(costs[-100:]),
        history_bytes=session.history.nbytes,
        most_history_bytes=most,
        traced_bytes=grown[1],
        resident_bytes=grown[0],
        journal_bytes=journal.stat().st_size,
        steps=steps,
        same=same,
    )


def _stroke(reader: BusyReader, number: int) -> Cost:
    """One stroke, which is on disk when this comes back; gives what it cost the reader."""
    editing, session = reader.controllers.editing, reader.session
    place = number % (2 * ROUND)
    editing.set_tool("brush" if place < ROUND else "erase")
    session.radius_mm = 3.0 + place % 5
    row, column = divmod(place % ROUND, 7)
    z, y, x = 4.0 + place % ROUND % 33, 8.0 + 11 * row, 8.0 + 12 * column
    before = session.history.depth
    began, began_work = time.perf_counter(), time.thread_time()
    editing.begin_stroke(Plane.AXIAL, (z, y, x))
    editing.extend_stroke((z, y + 2, x + 4))
    editing.extend_stroke((z, y + 4, x + 4))
    editing.end_stroke()
    taken = Cost(time.perf_counter() - began, time.thread_time() - began_work)
    assert session.history.depth == before + 1, f"stroke {number} changed nothing"
    reader.settle()
    reader.messages.clear()
    return taken


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)
