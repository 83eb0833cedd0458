"""Ten thousand strokes: memory within the history's budget, and the last hundred as fast as the first; minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.history import DEFAULT_LIMIT_BYTES
from tests.app.controllers.long_session import paint_for_long

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

STROKES = 10_000
MIB = 1 << 20


@pytest.mark.parametrize("limit_bytes", [MIB, DEFAULT_LIMIT_BYTES], ids=["1 MiB", "default"])
def test_ten_thousand_strokes_take_no_more_memory_than_the_history_may(
    tmp_path: Path, limit_bytes: int
) -> None:
    figures = paint_for_long(tmp_path, STROKES, limit_bytes)
    print(
        f"history of {limit_bytes // MIB} MiB: {1e3 * figures.first.clock_s:.2f} ms a stroke in the first hundred, "
        f"{1e3 * figures.last.clock_s:.2f} in the last ({slower(figures.first.clock_s, figures.last.clock_s)}; of "
        f"work {slower(figures.first.work_s, figures.last.work_s)}); "
        f"{figures.steps} steps to undo in {figures.history_bytes / MIB:.2f} MiB, grown by "
        f"{figures.resident_bytes / MIB:.1f} MiB; journal of {figures.journal_bytes / MIB:.2f} MiB"
    )
    assert figures.most_history_bytes <= limit_bytes
    # Beside the history: the allocator's slack, the audit's lines that wait, a number a stroke in the journal's course.
    assert figures.resident_bytes <= figures.most_history_bytes + 24 * MIB
    assert figures.same
    # Of work, which other programs on the machine do not lengthen as they do the clock's seconds.
    assert figures.last.work_s <= 1.1 * figures.first.work_s


def slower(first_s: float, last_s: float) -> str:
    return f"{last_s / first_s - 1:+.1%}"
