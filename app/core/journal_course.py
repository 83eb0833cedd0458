"""The course of a journal: what its records come to, and the fewest that come to the same.

A journal starts from a saved mask, whose own steps lie in earlier journals. Undo may go on below that mask and redo
above it; such a step is brought along whole, so that a journal can be replayed alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Literal, TypeVar

T = TypeVar("T")
Direction = Literal["do", "undo", "redo"]
"""A new step, or one that is taken back or made again."""


class Verb(StrEnum):
    """What a record of a journal does; the last two bring a step along that an earlier journal made."""

    DO = "do"
    UNDO = "undo"
    REDO = "redo"
    UNDO_EARLIER = "undo earlier"
    REDO_EARLIER = "redo earlier"


class _Origin(StrEnum):
    OWN = "own"
    BELOW = "below"
    ABOVE = "above"


@dataclass(frozen=True, eq=False)
class _Move(Generic[T]):
    item: T
    origin: _Origin


class Course(Generic[T]):
    """Where the records so far lead; `T` is a step, or whatever stands for one (the size of its record).

    `done` and `undone` are what a replay of this journal alone would know; a step outside them is brought along.
    """

    def __init__(self) -> None:
        self._done: list[_Move[T]] = []
        self._undone: list[_Move[T]] = []
        self._downs: list[T] = []
        """Steps of earlier journals that are taken back now, in the order they were."""

    def do(self, item: T) -> None:
        """A new step."""
        self._undone.clear()
        self._done.append(_Move(item, _Origin.OWN))

    def undo(self) -> None:
        """The last step is taken back; nothing happens where there is none."""
        if self._done:
            move = self._done.pop()
            self._undone.append(move)
            if move.origin is _Origin.BELOW:
                self._downs.append(move.item)

    def redo(self) -> None:
        """The step that was taken back last is made again; nothing happens where there is none."""
        if self._undone:
            move = self._undone.pop()
            self._done.append(move)
            if move.origin is _Origin.BELOW:
                self._downs.pop()

    def undo_earlier(self, item: T) -> None:
        """A step of an earlier journal is taken back; only where `undo` has nothing to take."""
        self._undone.append(_Move(item, _Origin.BELOW))
        self._downs.append(item)

    def redo_earlier(self, item: T) -> None:
        """A step that an earlier journal took back is made again; only where `redo` has nothing to make."""
        self._done.append(_Move(item, _Origin.ABOVE))

    def verb(self, direction: Direction) -> Verb:
        """How a step is recorded next: by itself, or as one that has to be brought along."""
        match direction:
            case "do":
                return Verb.DO
            case "undo":
                return Verb.UNDO if self._done else Verb.UNDO_EARLIER
            case "redo":
                return Verb.REDO if self._undone else Verb.REDO_EARLIER

    def copy(self) -> Course[T]:
        """Another course that stands where this one does."""
        made: Course[T] = Course()
        made._done, made._undone, made._downs = [*self._done], [*self._undone], [*self._downs]
        return made

    @property
    def steps(self) -> int:
        """How many steps lead from the mask the journal starts from to where it ends."""
        return len(self._downs) + sum(move.origin is not _Origin.BELOW for move in self._done)

    def shortest(self) -> Iterator[tuple[Verb, T | None]]:
        """Records that lead to the same mask and the same undo and redo; `T` where the record holds a step."""
        # What undo took back below the start and redo can still make again is taken back last.
        tail = sum(move.origin is _Origin.BELOW for move in self._undone)
        gone = len(self._downs) - tail
        for item in self._downs[:gone]:
            yield Verb.UNDO_EARLIER, item
        again = [move for move in reversed(self._undone) if move.origin is not _Origin.BELOW]
        for move in (*self._done, *again):
            if move.origin is not _Origin.BELOW:
                yield (Verb.DO if move.origin is _Origin.OWN else Verb.REDO_EARLIER), move.item
        for _ in again:
            yield Verb.UNDO, None
        for item in self._downs[gone:]:
            yield Verb.UNDO_EARLIER, item

    def weight(self, of: Callable[[T], int], bare: int) -> int:
        """What `shortest` takes: `of` a record with its step, `bare` for one without."""
        return sum(bare if item is None else of(item) for _, item in self.shortest())
