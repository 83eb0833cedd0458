"""Typed reading of a bundle's JSON files: a field is of its kind, or a sentence says which is not."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from model.errors import BundleError

_LARGEST_FILE = 1 << 20


@dataclass(frozen=True)
class Fields:
    """The fields of one JSON object, and the file it came from for the sentences."""

    file: Path
    values: Mapping[str, object]
    within: str = ""

    def names(self) -> tuple[str, ...]:
        """The fields' names in the file's order."""
        return tuple(self.values)

    def text(self, name: str) -> str:
        """A string field."""
        value = self._value(name)
        if not isinstance(value, str):
            raise self._wrong(name, "a text")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """A string field that is one of `choices`."""
        value = self.text(name)
        if value not in choices:
            raise self._wrong(name, f"one of {', '.join(choices)}")
        return value

    def file_name(self, name: str) -> str:
        """A string field that is the bare name of a `.npy` file."""
        value = self.text(name)
        if PurePosixPath(value).name != value or "\\" in value or not value.endswith(".npy"):
            raise self._wrong(name, "the bare name of a .npy file")
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._value(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def integer(self, name: str) -> int:
        """A whole number."""
        return self._integer(name, self._value(name))

    def number(self, name: str) -> float:
        """A finite number."""
        return self._number(name, self._value(name))

    def integers(self, name: str, count: int | None = None) -> tuple[int, ...]:
        """A list of whole numbers, `count` of them where that is given."""
        return tuple(self._integer(name, value) for value in self._list(name, count))

    def numbers(self, name: str, count: int | None = None) -> tuple[float, ...]:
        """A list of finite numbers, `count` of them where that is given."""
        return tuple(self._number(name, value) for value in self._list(name, count))

    def numbers_or_none(self, name: str, count: int) -> tuple[float, ...] | None:
        """A list of `count` finite numbers, or null."""
        return None if self._value(name) is None else self.numbers(name, count)

    def inside(self, name: str) -> Fields:
        """The fields of an object field."""
        return self._object(name, self._value(name))

    def each(self, name: str) -> tuple[Fields, ...]:
        """The fields of every object in a list."""
        return tuple(self._object(f"{name}[{i}]", value) for i, value in enumerate(self._list(name, None)))

    def _value(self, name: str) -> object:
        if name not in self.values:
            raise BundleError(f"{self.file} lacks the field '{self.within}{name}'; copy the model again.")
        return self.values[name]

    def _list(self, name: str, count: int | None) -> list[object]:
        value = self._value(name)
        if not isinstance(value, list) or (count is not None and len(value) != count):
            raise self._wrong(name, "a list" if count is None else f"a list of {count}")
        return value

    def _object(self, name: str, value: object) -> Fields:
        if not isinstance(value, dict):
            raise self._wrong(name, "an object")
        return Fields(self.file, value, f"{self.within}{name}.")

    def _integer(self, name: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, "a whole number")
        return value

    def _number(self, name: str, value: object) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
            raise self._wrong(name, "a number")
        return float(value)

    def _wrong(self, name: str, wanted: str) -> BundleError:
        return BundleError(
            f"{self.file}: the field '{self.within}{name}' is not {wanted}; copy the model again."
        )


def read_json(file: Path) -> Fields:
    """The fields of a small JSON file that holds one object.

    Raises:
        BundleError: if it is too large or holds anything else.
    """
    if (size := file.stat().st_size) > _LARGEST_FILE:
        raise BundleError(f"{file} has {size:,} bytes, too many for a description; copy the model again.")
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise BundleError(f"{file} is not JSON; copy the model again.") from error
    if not isinstance(value, dict):
        raise BundleError(f"{file} holds no JSON object; copy the model again.")
    return Fields(file, value)
