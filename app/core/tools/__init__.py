"""The tools that change a mask, in one table; each has its file, and none knows a mouse or a screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.core.tools.brush import BoolArray, Labels, may_erase, may_paint


@dataclass(frozen=True)
class Tool:
    """A tool that is drawn along a path.

    Attributes:
        name: what code and settings call it.
        text: what the reader sees.
        writes_label: True if it writes the active label, False if it writes background.
        may_change: where it writes, from a region's values, the active label and whether labels protect
            each other.
    """

    name: str
    text: str
    writes_label: bool
    may_change: Callable[[Labels, int, bool], BoolArray]


TOOLS: Mapping[str, Tool] = MappingProxyType(
    {
        tool.name: tool
        for tool in (
            Tool("brush", "Brush", writes_label=True, may_change=may_paint),
            Tool("erase", "Erase", writes_label=False, may_change=may_erase),
        )
    }
)
