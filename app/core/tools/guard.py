"""What an edit of one label may change: labels protect each other, and locked or hidden ones stay as they are."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.tools.brush import BoolArray, Labels


@dataclass(frozen=True)
class Guard:
    """The rule for one edit.

    Attributes:
        label: the label it is about; 0 where it is about all of them (take a prediction).
        protect: other labels are neither overwritten nor erased.
        locked: labels that never change, neither added to, removed from nor overwritten; the hidden ones are
            among them, for nobody changes what cannot be seen.
    """

    label: int
    protect: bool = True
    locked: frozenset[int] = frozenset()

    def addable(self, region: Labels) -> BoolArray:
        """Where `label` may be written and is not yet: background; with `protect` off, over other labels too."""
        if self.label in self.locked:
            return _nowhere(region)
        allowed: BoolArray = region == 0 if self.protect else region != self.label
        return allowed if self.protect else self._without_locked(allowed, region)

    def removable(self, region: Labels) -> BoolArray:
        """Where background may be written: on `label`; with `protect` off, or with label 0, on any other too."""
        if self.label in self.locked:
            return _nowhere(region)
        if self.protect and self.label:
            alone: BoolArray = region == self.label
            return alone
        allowed: BoolArray = region != 0
        return self._without_locked(allowed, region)

    def replaced(self, region: Labels, wanted: BoolArray) -> Labels:
        """The region with `label` exactly where it is wanted, as far as it may be added and taken away there."""
        after = region.copy()
        if self.label not in self.locked:
            after[(region == self.label) & ~wanted] = 0
        after[self.addable(region) & wanted] = self.label
        return after

    def exchangeable(self, region: Labels, after: Labels) -> BoolArray:
        """Where the values `after` may replace those of the region and differ: never from or to a locked label."""
        allowed: BoolArray = region != after
        return self._without_locked(self._without_locked(allowed, region), after)

    def _without_locked(self, allowed: BoolArray, region: Labels) -> BoolArray:
        for value in self.locked:
            allowed &= region != value
        return allowed


def _nowhere(region: Labels) -> BoolArray:
    nowhere: BoolArray = region != region
    return nowhere
