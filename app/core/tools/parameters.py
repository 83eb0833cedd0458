"""What can be set on a tool: numbers, choices and switches with their bounds, and the values somebody set.

Forms, help and tests are made from them; what a value does is the tool's matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

Value = float | str | bool


@dataclass(frozen=True)
class Number:
    """A number within bounds.

    Attributes:
        name: what code calls it.
        text: what the reader sees.
        unit: "mm", "mL", or empty.
        low: the least value; `high` the greatest, `default` the first.
        high: see `low`.
        default: see `low`.
        step: by how much a key or an arrow changes it.
        decimals: how many are shown.
        help: a sentence.
    """

    name: str
    text: str
    unit: str
    low: float
    high: float
    default: float
    step: float
    decimals: int = 1
    help: str = ""

    def fitted(self, value: Value) -> float:
        """The nearest allowed number; the default where it is none at all."""
        if isinstance(value, str):
            raise TypeError(f"{self.name} is a number, not {value!r}")
        number = float(value)
        return self.default if math.isnan(number) else min(self.high, max(self.low, number))


@dataclass(frozen=True)
class Choice:
    """One of several: `options` are (name, text) in the order they are shown."""

    name: str
    text: str
    options: tuple[tuple[str, str], ...]
    default: str
    help: str = ""

    def fitted(self, value: Value) -> str:
        """The option itself; raises ValueError where there is none of that name."""
        for option, _ in self.options:
            if option == value:
                return option
        names = ", ".join(option for option, _ in self.options)
        raise ValueError(f"{self.name} is one of {names}, not {value!r}")


@dataclass(frozen=True)
class Switch:
    """On or off."""

    name: str
    text: str
    default: bool
    help: str = ""

    def fitted(self, value: Value) -> bool:
        """On or off."""
        return bool(value)


Parameter = Number | Choice | Switch


@dataclass(frozen=True)
class Options:
    """The values of a tool's parameters, always within their bounds; make one with `Options.of`."""

    parameters: tuple[Parameter, ...]
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        names = [parameter.name for parameter in self.parameters]
        if len(set(names)) != len(names) or len(names) != len(self.values):
            raise ValueError(f"parameters {names} do not go with {len(self.values)} values")
        fitted = tuple(p.fitted(v) for p, v in zip(self.parameters, self.values, strict=True))
        object.__setattr__(self, "values", fitted)

    @classmethod
    def of(cls, parameters: Sequence[Parameter]) -> Options:
        """The defaults."""
        return cls(tuple(parameters), tuple(parameter.default for parameter in parameters))

    def __contains__(self, name: str) -> bool:
        return any(parameter.name == name for parameter in self.parameters)

    def value(self, name: str) -> Value:
        """A value by name; KeyError where there is no such parameter."""
        for parameter, value in zip(self.parameters, self.values, strict=True):
            if parameter.name == name:
                return value
        raise KeyError(name)

    def number(self, name: str) -> float:
        """The value of a number."""
        value = self.value(name)
        if isinstance(value, (str, bool)):
            raise TypeError(f"{name} is not a number")
        return value

    def choice(self, name: str) -> str:
        """The value of a choice."""
        value = self.value(name)
        if not isinstance(value, str):
            raise TypeError(f"{name} is not a choice")
        return value

    def switch(self, name: str) -> bool:
        """The value of a switch."""
        value = self.value(name)
        if not isinstance(value, bool):
            raise TypeError(f"{name} is not a switch")
        return value

    def changed(self, name: str, value: Value) -> Options:
        """The same with one other value, brought within its bounds; KeyError where there is no such parameter."""
        self.value(name)
        return replace(
            self,
            values=tuple(
                value if parameter.name == name else old
                for parameter, old in zip(self.parameters, self.values, strict=True)
            ),
        )
