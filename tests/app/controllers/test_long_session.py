"""A long session keeps within the memory its history may take; `tests/soak` looks at its speed as well."""

from __future__ import annotations

from pathlib import Path

from tests.app.controllers.long_session import paint_for_long

KIB = 1 << 10


def test_five_hundred_strokes_keep_to_a_small_history(tmp_path: Path) -> None:
    figures = paint_for_long(tmp_path, 500, 64 * KIB, trace=True)
    assert figures.most_history_bytes <= 64 * KIB
    assert 20 <= figures.steps < 500
    # The history was full when memory began to be counted. What still grows by a stroke is a line in the audit and
    # a number in the journal's course; a stroke's voxels would be kilobytes.
    assert figures.traced_bytes < 800 * KIB
    assert figures.same
