"""Undo and redo over any number of saved versions, crashes and compactions lead where a plain list of masks says."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.core.base import Base, labels_sha256
from app.core.history import Entry, History
from app.core.journal_format import Journal, JournalHeader, replay, retrace
from app.core.patch import make_patch
from model.grid import Box
from tests.app.core.memory_journal import MemoryJournal

SHAPE = (1, 1, 4)


class Courses(RuleBasedStateMachine):
    """A mask whose steps go to journals, beside the list of all masks it could stand at.

    `known` is how far undo and redo must be able to go: to everything, or what the newest journal alone tells.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mask = np.zeros(SHAPE, np.uint8)
        self.history = History()
        self.states = [self.mask.copy()]
        self.at = 0
        self.sealed: list[Journal] = []
        self.value = 0
        self.begin()

    def begin(self) -> None:
        self.base = self.mask.copy()
        header = JournalHeader(
            "c",
            Base("version", str(len(self.sealed)), labels_sha256(self.mask)),
            "s",
            "r",
            datetime(2026, 1, 1, tzinfo=UTC),
        )
        self.journal = MemoryJournal(header)

    @rule(place=st.integers(0, 3))
    def stroke(self, place: int) -> None:
        before = self.mask.copy()
        self.value = self.value % 250 + 1
        self.mask[0, 0, place] = self.value
        patch = make_patch(f"step {self.value}", 1, Box.whole(SHAPE), before, self.mask)
        if patch is None:
            return
        self.history.push(patch)
        self.journal.keep(patch, "do")
        self.states = [*self.states[: self.at + 1], self.mask.copy()]
        self.at += 1

    @rule(times=st.integers(1, 5))
    def undo(self, times: int) -> None:
        for _ in range(times):
            entry = self.history.undo(self.mask)
            if entry is not None:
                self.at -= 1
                self.journal.keep(entry, "undo")

    @rule(times=st.integers(1, 5))
    def redo(self, times: int) -> None:
        for _ in range(times):
            entry = self.history.redo(self.mask)
            if entry is not None:
                self.at += 1
                self.journal.keep(entry, "redo")

    @rule()
    def accept(self) -> None:
        self.sealed.append(self.journal.read())
        self.history.mark_saved()
        self.begin()

    @rule()
    def compact(self) -> None:
        self.journal.compact()

    @rule(past_is_read=st.booleans())
    def restart(self, past_is_read: bool) -> None:
        at = self.mask.copy()
        self.mask = self.base.copy()
        self.history = History()
        if past_is_read:
            done: list[Entry] = []
            undone: list[Entry] = []
            for sealed in self.sealed:
                retrace(sealed, done, undone)
            self.history.load(done, undone)
        before = self.history.depth
        replay(self.journal.read(), self.mask, self.history)
        self.journal.go_on()
        assert (self.mask == at).all()
        assert self.history.steps_since_saved == self.journal.read().strokes
        if past_is_read:
            assert len(self.history.patches) == self.at
            assert len(self.history.undone) == len(self.states) - 1 - self.at
        else:
            assert before == 0

    @invariant()
    def all_that_is_known_leads_to_the_masks_of_the_list(self) -> None:
        assert (self.mask == self.states[self.at]).all()
        mask = self.mask.copy()
        for number, entry in enumerate(reversed(self.history.patches), 1):
            entry.revert(mask)
            assert (mask == self.states[self.at - number]).all()
        mask = self.mask.copy()
        for number, entry in enumerate(reversed(self.history.undone), 1):
            entry.apply(mask)
            assert (mask == self.states[self.at + number]).all()
        kept = (*self.history.patches, *self.history.undone)
        assert self.history.nbytes == sum(entry.nbytes for entry in kept)

    @invariant()
    def the_journal_alone_leads_here(self) -> None:
        mask = self.base.copy()
        replay(self.journal.read(), mask)
        assert (mask == self.mask).all()
        assert self.history.steps_since_saved == self.journal.read().strokes


TestCourses = Courses.TestCase
TestCourses.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


@pytest.mark.soak
class TestManyCourses(Courses.TestCase):
    settings = settings(max_examples=5000, stateful_step_count=60, deadline=None)
