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
from app.core.journal_course import Course, Direction, Verb
from app.core.journal_format import (
    Journal,
    JournalHeader,
    compacted,
    decode,
    encode_header,
    encode_record,
    follow,
    replay,
    retrace,
)
from app.core.patch import make_patch
from model.grid import Box

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
        self.sealed: list[bytes] = []
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
        self.journal = encode_header(header)
        self.course: Course[int] = Course()

    def keep(self, entry: Entry, direction: Direction) -> None:
        verb = self.course.verb(direction)
        holds = verb not in (Verb.UNDO, Verb.REDO)
        self.journal += encode_record(verb, entry if holds else None)
        follow(self.course, verb, entry.nbytes if holds else None)

    def read(self) -> Journal:
        journal = decode(self.journal)
        assert journal is not None
        assert not journal.torn
        return journal

    @rule(place=st.integers(0, 3))
    def stroke(self, place: int) -> None:
        before = self.mask.copy()
        self.value = self.value % 250 + 1
        self.mask[0, 0, place] = self.value
        patch = make_patch(f"step {self.value}", 1, Box.whole(SHAPE), before, self.mask)
        if patch is None:
            return
        self.history.push(patch)
        self.keep(patch, "do")
        self.states = [*self.states[: self.at + 1], self.mask.copy()]
        self.at += 1

    @rule(times=st.integers(1, 5))
    def undo(self, times: int) -> None:
        for _ in range(times):
            entry = self.history.undo(self.mask)
            if entry is not None:
                self.at -= 1
                self.keep(entry, "undo")

    @rule(times=st.integers(1, 5))
    def redo(self, times: int) -> None:
        for _ in range(times):
            entry = self.history.redo(self.mask)
            if entry is not None:
                self.at += 1
                self.keep(entry, "redo")

    @rule()
    def accept(self) -> None:
        self.sealed.append(self.journal)
        self.history.mark_saved()
        self.begin()

    @rule()
    def compact(self) -> None:
        journal = self.read()
        self.journal = compacted(journal)
        smaller = self.read()
        self.course = smaller.sizes()
        assert len(self.journal) <= journal.valid_bytes
        assert smaller.strokes == journal.strokes
        assert compacted(smaller) == self.journal

    @rule(past_is_read=st.booleans())
    def restart(self, past_is_read: bool) -> None:
        at = self.mask.copy()
        self.mask = self.base.copy()
        self.history = History()
        if past_is_read:
            done: list[Entry] = []
            undone: list[Entry] = []
            for data in self.sealed:
                sealed = decode(data)
                assert sealed is not None
                retrace(sealed, done, undone)
            self.history.load(done, undone)
        before = self.history.depth
        replay(self.read(), self.mask, self.history)
        self.course = self.read().sizes()
        assert (self.mask == at).all()
        assert self.history.steps_since_saved == self.read().strokes
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
        replay(self.read(), mask)
        assert (mask == self.mask).all()
        assert self.history.steps_since_saved == self.read().strokes


TestCourses = Courses.TestCase
TestCourses.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


@pytest.mark.soak
class TestManyCourses(Courses.TestCase):
    settings = settings(max_examples=5000, stateful_step_count=60, deadline=None)
