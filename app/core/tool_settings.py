"""What is set on each tool of a case; some parameters have one value for all tools that have them."""

from __future__ import annotations

from app.core.tools import BALL, PROTECT, RADIUS, SHARED, TOOLS
from app.core.tools.parameters import Options, Value


class ToolSettings:
    """The options of every tool, always within their bounds."""

    def __init__(self) -> None:
        self._shared = Options.of(SHARED)
        self._own = {tool.name: tool.options for tool in TOOLS.values()}

    def options(self, tool: str) -> Options:
        """What is set on a tool; KeyError where there is none of that name."""
        options = self._own[tool]
        for parameter in SHARED:
            if parameter.name in options:
                options = options.changed(parameter.name, self._shared.value(parameter.name))
        return options

    def change(self, tool: str, name: str, value: Value) -> None:
        """Set a parameter of a tool; KeyError where it has none of that name."""
        changed = self._own[tool].changed(name, value)
        if name in self._shared:
            self._shared = self._shared.changed(name, value)
        else:
            self._own[tool] = changed

    @property
    def radius_mm(self) -> float:
        """Radius of the brush in mm."""
        return self._shared.number(RADIUS.name)

    @radius_mm.setter
    def radius_mm(self, value: float) -> None:
        self._shared = self._shared.changed(RADIUS.name, value)

    @property
    def ball(self) -> bool:
        """Whether brushes work in all three dimensions; False: in the slice they are used in."""
        return self._shared.switch(BALL.name)

    @ball.setter
    def ball(self, value: bool) -> None:
        self._shared = self._shared.changed(BALL.name, value)

    @property
    def protect(self) -> bool:
        """Whether labels do not overwrite each other."""
        return self._shared.switch(PROTECT.name)

    @protect.setter
    def protect(self, value: bool) -> None:
        self._shared = self._shared.changed(PROTECT.name, value)
