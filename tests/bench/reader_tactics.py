"""What the simulated reader could do about a wrong region: one plan a tool, with what it promises and costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.reader_commands import (
    fill_between,
    fill_holes,
    islands,
    margin,
    probability,
    relabelled,
    smooth,
)
from tests.bench.reader_drawing import lines, strokes, ways
from tests.bench.reader_growing import grow
from tests.bench.reader_situation import Plan, Situation


@dataclass(frozen=True)
class Toolset:
    """What a reader may use: tools by name (None: all there are), and brushes that are balls as well as discs."""

    names: frozenset[str] | None
    balls: bool = True


_TWO = frozenset({"brush", "erase"})
TOOLSETS = {"disc": Toolset(_TWO, balls=False), "brush": Toolset(_TWO), "all": Toolset(None)}
"""Brush and erase as a flat disc, or disc and ball, whatever is better each time; and every tool."""


def plans(now: Situation, tools: Toolset) -> Iterator[Plan]:
    """Every plan for the region with some tools."""
    for way in ways(now):
        if tools.names is None or way.tool in tools.names:
            yield from strokes(now, way, balls=tools.balls)
    if tools.names is not None:
        return
    yield from lines(now)
    for maker in (islands, relabelled, fill_between, fill_holes, smooth, margin, probability, grow):
        yield from maker(now)
