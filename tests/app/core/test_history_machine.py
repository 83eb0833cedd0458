"""Strokes, commands, labels, undo, redo, Accept, crashes and replays in any order against a list of whole masks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.core.history import Entry
from app.core.journal_format import Journal, JournalHeader, retrace
from app.core.labels import LabelEntry, LabelTable, TableStep
from app.core.messages import CannotEdit
from app.core.patch import Patch
from app.core.planes import Plane
from app.core.session import Base, CaseIdentity, Session, labels_sha256
from app.core.tools import TOOLS, Gesture
from app.core.tools.commands import COMMANDS
from app.core.tools.parameters import Choice, Number
from model.grid import Box, Grid
from model.progress import never, silent
from model.volume import Volume
from tests.app.core.memory_journal import MemoryJournal

TABLE = LabelTable("t", (LabelEntry(1, "a", (255, 0, 0)), LabelEntry(2, "b", (0, 255, 0))))
STROKES = [tool.name for tool in TOOLS.values() if tool.gesture is Gesture.STROKE]
sizes = st.integers(1, 24)
planes = st.sampled_from(list(Plane))
values = st.sampled_from([1, 2])
fractions = st.tuples(*(st.floats(-0.1, 1.1, allow_nan=False),) * 3)


class History(RuleBasedStateMachine):
    """The live session beside a list of reference masks and tables, and the journal that would be on disk."""

    @initialize(
        shape=st.tuples(sizes, sizes, sizes),
        spacing=st.tuples(*(st.floats(0.5, 5.0),) * 3),
        codes=st.sampled_from(["LPS", "RAI", "SLP", "ARS"]),
        seed=st.integers(0, 99),
        start=st.sampled_from(["empty", "random", "blocks"]),
    )
    def open(self, shape, spacing, codes, seed, start) -> None:
        turned = Grid(shape, spacing).reordering(codes)
        self.grid = turned.apply_grid(turned.grid)
        rng = np.random.default_rng(seed)
        self.values = rng.integers(-100, 200, self.grid.shape).astype(np.int16)
        self.first = np.zeros(self.grid.shape, np.uint8)
        if start == "random":
            self.first = (rng.integers(0, 3, self.grid.shape) * (rng.random(self.grid.shape) < 0.3)).astype(
                np.uint8
            )
        elif start == "blocks":
            self.first[::4, 1:, 1:] = 1
            self.first[1::3, : self.grid.shape[1] // 2] = 2
        self.predicted = np.zeros(self.grid.shape, np.uint8)
        self.predicted[: self.grid.shape[0] // 2 + 1, ::2] = 1
        self.predicted[:, self.grid.shape[1] // 2 :, : self.grid.shape[2] // 2] = 2
        self.probabilities = rng.integers(0, 256, (2, *self.grid.shape), np.uint8)
        self.first_table = TABLE
        self.states = [(self.first.copy(), TABLE, 0)]
        self.at = self.floor = self.ceiling = self.named = self.saved = 0
        self.sealed: list[Journal] = []
        self.begin_journal()
        self.session = self.fresh()

    def begin_journal(self) -> None:
        self.base = Base("version", str(len(self.sealed)), labels_sha256(self.first))
        self.journal = MemoryJournal(
            JournalHeader("c", self.base, "s", "r", datetime(2026, 1, 1, tzinfo=UTC))
        )

    def fresh(self) -> Session:
        scan = SimpleNamespace(volume=Volume(self.values, self.grid))
        prediction = SimpleNamespace(
            labels=self.predicted,
            attention=(),
            bundle_labels=TABLE.entries,
            probabilities=tuple(self.probabilities),
        )
        return Session(
            CaseIdentity("c", "case"), scan, self.first_table, self.first.copy(), self.base, prediction
        )

    def place(self, fraction: tuple[float, float, float]) -> tuple[float, float, float]:
        z, y, x = (f * n for f, n in zip(fraction, self.grid.shape, strict=True))
        return z, y, x

    def edit(self, verb: Callable[[], Entry | None]) -> None:
        """One step of the reader's: refused, or one entry of the history and one record of the journal."""
        before, depth = self.session.labels.copy(), self.session.history.depth
        kept = tuple(self.session.rules.untouchable)
        entry, told = None, "."
        try:
            entry = verb()
        except CannotEdit as refusal:
            told = str(refusal)
        after = self.session.labels
        assert told.endswith(".")
        if entry is None:
            assert (after == before).all()
            assert self.session.history.depth == depth
            return
        assert self.session.undo_text.startswith(entry.name)
        if isinstance(entry, Patch):
            outside = np.ones(self.grid.shape, bool)
            outside[entry.box.slices] = False
            assert (after == before)[outside].all()
            assert (after != before).any()
            changed = after != before
            assert not np.isin(before[changed], kept).any()
            assert not np.isin(after[changed], kept).any()
            assert "mL" in self.session.undo_text
        else:
            assert (after == before).all()
        self.named += 1
        self.states = [*self.states[: self.at + 1], (after.copy(), self.session.table, self.named)]
        self.at += 1
        self.ceiling = self.at
        self.journal.keep(entry, "do")

    @rule(
        tool=st.sampled_from(STROKES),
        plane=planes,
        path=st.lists(fractions, min_size=1, max_size=4),
        radius=st.floats(0.1, 12.0),
        ball=st.booleans(),
        protect=st.booleans(),
        label=values,
        which=st.sampled_from(["all", "active"]),
        locked=st.sampled_from([None, 1, 2]),
        cancelled=st.booleans(),
    )
    def draw(self, tool, plane, path, radius, ball, protect, label, which, locked, cancelled) -> None:
        session = self.session
        if locked is not None:
            session.set_locked(locked, True)
        session.radius_mm, session.sphere, session.protect, session.active_label = (
            radius,
            ball,
            protect,
            label,
        )
        session.tools.set_option("take-prediction", "labels", which)
        before = session.labels.copy()

        def stroke() -> Patch | None:
            session.begin_stroke(tool, plane, self.place(path[0]))
            for place in map(self.place, path):
                shown = session.labels.copy()
                changed = session.extend_stroke(place)
                outside = np.ones(self.grid.shape, bool)
                if changed is not None:
                    outside[changed.slices] = False
                assert (session.labels == shown)[outside].all()
            if cancelled:
                session.cancel_stroke()
                assert (session.labels == before).all()
                return None
            return session.end_stroke()

        self.edit(stroke)
        if locked is not None:
            session.set_locked(locked, False)

    @rule(
        tool=st.sampled_from(sorted(COMMANDS)),
        plane=planes,
        place=fractions,
        label=values,
        protect=st.booleans(),
        data=st.data(),
        shown=st.booleans(),
    )
    def command(self, tool, plane, place, label, protect, data, shown) -> None:
        session = self.session
        session.active_label, session.protect = label, protect
        for parameter in TOOLS[tool].parameters:
            if isinstance(parameter, Choice):
                session.tools.set_option(
                    tool, parameter.name, data.draw(st.sampled_from(parameter.options))[0]
                )
            elif isinstance(parameter, Number):
                low, high = max(parameter.low, -9), min(parameter.high, 9)
                session.tools.set_option(tool, parameter.name, data.draw(st.floats(low, high)))

        def run() -> Patch:
            proposal = session.tools.command(tool, plane, self.place(place))(silent, never)
            if not shown:
                return session.commit(proposal)
            before, former = session.labels.copy(), session.preview
            drawn_again = session.propose(proposal)
            # A refused growing may have left its last preview.
            assert drawn_again == (proposal.box if former is None else proposal.box.joined(former.box))
            assert (session.labels == before).all()
            return session.accept_preview()

        self.edit(run)

    @rule(plane=planes, place=fractions, label=values, tolerance=st.floats(0, 300), in_slice=st.booleans())
    def grow(self, plane, place, label, tolerance, in_slice) -> None:
        session = self.session
        session.active_label = label
        session.tools.set_option("grow", "in_slice", in_slice)

        def run() -> Patch:
            session.tools.begin_point("grow", plane, self.place(place))
            session.propose(session.tools.point_command()(silent, never))
            session.tools.adjust_point(tolerance)
            try:
                session.propose(session.tools.point_command()(silent, never))
            finally:
                session.tools.end_point()
            return session.accept_preview()

        self.edit(run)

    @rule(plane=planes, corners=st.lists(fractions, min_size=1, max_size=5), label=values, add=st.booleans())
    def outline(self, plane, corners, label, add) -> None:
        session = self.session
        session.active_label = label
        session.tools.set_option("lasso", "action", "add" if add else "subtract")
        session.tools.set_option("lasso", "through_all", len(corners) > 3)
        frame = session.frame(plane)
        points = np.array([(row * frame.rows, column * frame.columns) for _, row, column in corners])
        index = int(corners[0][0] * frame.count)
        self.edit(lambda: session.commit(session.tools.outline(plane, index, points)))

    @rule(locked=st.sampled_from([None, 1, 2]), hide=st.booleans())
    def take_the_whole_prediction(self, locked, hide) -> None:
        """A lock or a hidden label stays as it is set, for what comes after too."""
        session = self.session
        for value in (1, 2):
            session.set_locked(value, value == locked and not hide)
            session.set_visible(value, not (value == locked and hide))
        labels = session.prediction.labels
        whole = Box.whole(labels.shape)
        self.edit(lambda: session.commit(session.tools.from_mask(labels, whole, "take prediction")))

    @rule(
        value=values,
        action=st.sampled_from(["add", "change", "clear"]),
        name=st.sampled_from(["", "a", "b", "c", "d", "e"]),
        colour=st.sampled_from([None, (1, 2, 3)]),
    )
    def labels(self, value, action, name, colour) -> None:
        session = self.session

        def add() -> Entry | None:
            added = session.add_label(name, colour)
            assert session.table.name(added) == name
            return session.history.next_undo

        if action == "add":
            self.edit(add)
        elif action == "change":
            self.edit(lambda: session.change_label(value, name=name, colour=colour))
        else:
            self.edit(lambda: session.commit(session.clearing(value)(silent, never)))

    @rule(back=st.integers(1, 4), forth=st.integers(0, 4))
    def undo_and_redo(self, back, forth) -> None:
        for _ in range(back):
            entry = self.session.undo()
            assert (entry is None) == (self.at == self.floor)
            if entry is not None:
                self.at -= 1
                self.journal.keep(entry, "undo")
        self.mask_and_table_are_the_reference()
        for _ in range(forth):
            entry = self.session.redo()
            assert (entry is None) == (self.at == self.ceiling)
            if entry is not None:
                self.at += 1
                self.journal.keep(entry, "redo")

    @rule()
    def accept(self) -> None:
        """The mask is saved as a version: its journal is sealed, the next one starts from it, the history goes on."""
        self.sealed.append(self.journal.read())
        self.first, self.first_table = self.session.labels.copy(), self.session.table
        self.saved = self.states[self.at][2]
        self.begin_journal()
        self.session.mark_saved(self.base)

    @rule()
    def compact(self) -> None:
        """The journal is written anew without what was undone for good."""
        self.journal.compact()

    @rule(torn=st.integers(0, 40), past_is_read=st.booleans())
    def crash_and_restore(self, torn, past_is_read) -> None:
        """The program dies while it writes one more record; a new session takes the journal.

        The sealed journals give undo and redo beyond it; where they cannot be read, the journal stands alone.
        """
        unfinished = b"\x02\xff\x00\x00\x00the rest of a record that was never written whole"
        journal = self.journal.read(unfinished[:torn])
        self.session = self.fresh()
        if past_is_read:
            done: list[Entry] = []
            undone: list[Entry] = []
            for sealed in self.sealed:
                retrace(sealed, done, undone)
            self.session.history.load(done, undone)
            self.floor, self.ceiling = 0, len(self.states) - 1
        self.session.replay(journal)
        self.journal.go_on()
        if not past_is_read:
            self.floor = self.at - len(self.session.history.patches)
            self.ceiling = self.at + len(self.session.history.undone)

    @invariant()
    def mask_and_table_are_the_reference(self) -> None:
        mask, table, name = self.states[self.at]
        assert (self.session.labels == mask).all()
        assert self.session.table == table
        assert self.session.changed_since_base == (name != self.saved)
        assert len(self.session.history.patches) == self.at - self.floor
        assert len(self.session.history.undone) == self.ceiling - self.at
        assert all(isinstance(entry, Patch | TableStep) for entry in self.session.history.patches)

    @invariant()
    def volumes_are_counted_right(self) -> None:
        for volume in self.session.volumes_ml():
            assert volume.voxels == (self.session.labels == volume.value).sum()


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=300, stateful_step_count=12, deadline=None)


@pytest.mark.soak
class TestLongHistory(History.TestCase):
    settings = settings(max_examples=5000, stateful_step_count=25, deadline=None)
