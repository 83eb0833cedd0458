"""Strokes, undo, redo, crashes and replays in any order against a plain list of whole masks."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.core.journal_format import (
    JournalHeader,
    decode,
    encode_header,
    encode_patch,
    encode_redo,
    encode_undo,
)
from app.core.labels import LabelEntry, LabelTable
from app.core.messages import CannotEdit
from app.core.patch import Patch
from app.core.planes import Plane
from app.core.session import Base, CaseIdentity, Session, labels_sha256
from model.grid import Grid
from model.volume import Volume

TABLE = LabelTable("t", (LabelEntry(1, "a", (255, 0, 0)), LabelEntry(2, "b", (0, 255, 0))))
sizes = st.integers(1, 24)
fractions = st.tuples(*(st.floats(-0.1, 1.1, allow_nan=False),) * 3)


class Editing(RuleBasedStateMachine):
    """The live session beside a list of reference masks, and the journal that would be on disk."""

    @initialize(
        shape=st.tuples(sizes, sizes, sizes),
        spacing=st.tuples(*(st.floats(0.5, 5.0),) * 3),
        codes=st.sampled_from(["LPS", "RAI", "SLP", "ARS"]),
        seed=st.integers(0, 99),
        start=st.sampled_from(["empty", "random"]),
    )
    def open(self, shape, spacing, codes, seed, start) -> None:
        turned = Grid(shape, spacing).reordering(codes)
        self.grid = turned.apply_grid(turned.grid)
        rng = np.random.default_rng(seed)
        self.first = np.zeros(self.grid.shape, np.uint8)
        if start == "random":
            self.first = (rng.integers(0, 3, self.grid.shape) * (rng.random(self.grid.shape) < 0.3)).astype(
                np.uint8
            )
        self.base = Base("version", "v0001", labels_sha256(self.first))
        self.masks = [self.first.copy()]
        self.at = 0
        self.journal = encode_header(
            JournalHeader("c", self.base, "s", "r", datetime(2026, 1, 1, tzinfo=UTC))
        )
        self.session = self.fresh()

    def fresh(self) -> Session:
        scan = SimpleNamespace(volume=Volume(np.zeros(self.grid.shape, np.uint8), self.grid))
        return Session(CaseIdentity("c", "case"), scan, TABLE, self.first.copy(), self.base)

    def committed(self, before: np.ndarray, patch: Patch | None) -> None:
        if patch is None:
            assert (self.session.labels == before).all()
            return
        outside = np.ones(self.grid.shape, bool)
        outside[patch.box.slices] = False
        assert (self.session.labels == before)[outside].all()
        assert (self.session.labels != before).any()
        self.masks = [*self.masks[: self.at + 1], self.session.labels.copy()]
        self.at += 1
        self.journal += encode_patch(patch)

    @rule(
        tool=st.sampled_from(["brush", "erase"]),
        plane=st.sampled_from(list(Plane)),
        path=st.lists(fractions, min_size=1, max_size=4),
        radius=st.floats(0.1, 12.0),
        sphere=st.booleans(),
        protect=st.booleans(),
        label=st.sampled_from([1, 2]),
        cancelled=st.booleans(),
    )
    def draw(self, tool, plane, path, radius, sphere, protect, label, cancelled) -> None:
        session = self.session
        session.radius_mm, session.sphere, session.protect, session.active_label = (
            radius,
            sphere,
            protect,
            label,
        )
        before = session.labels.copy()
        places = [tuple(f * n for f, n in zip(place, self.grid.shape, strict=True)) for place in path]
        session.begin_stroke(tool, plane, places[0])
        for place in places:
            shown = session.labels.copy()
            changed = session.extend_stroke(place)
            outside = np.ones(self.grid.shape, bool)
            if changed is not None:
                outside[changed.slices] = False
            assert (session.labels == shown)[outside].all()
        if cancelled:
            session.cancel_stroke()
            assert (session.labels == before).all()
            return
        try:
            patch = session.end_stroke()
        except CannotEdit:
            patch = None
        self.committed(before, patch)

    @rule(seed=st.integers(0, 9))
    def take_prediction(self, seed) -> None:
        labels = np.random.default_rng(seed).integers(0, 3, self.grid.shape, dtype=np.uint8)
        before = self.session.labels.copy()
        self.committed(
            before, self.session.take_prediction_as_mask(SimpleNamespace(labels=labels, attention=()))
        )

    @rule()
    def undo(self) -> None:
        patch = self.session.undo()
        assert (patch is None) == (self.at == 0)
        if patch is not None:
            self.at -= 1
            self.journal += encode_undo()

    @rule()
    def redo(self) -> None:
        patch = self.session.redo()
        assert (patch is None) == (self.at == len(self.masks) - 1)
        if patch is not None:
            self.at += 1
            self.journal += encode_redo()

    @rule(torn=st.integers(0, 40))
    def crash_and_restore(self, torn) -> None:
        """The program dies while it writes one more record; a new session takes the journal."""
        unfinished = b"\x02\xff\x00\x00\x00the rest of a record that was never written whole"
        journal = decode(self.journal + unfinished[:torn])
        assert journal is not None
        assert journal.valid_bytes == len(self.journal)
        self.session = self.fresh()
        self.session.replay(journal)

    @invariant()
    def the_mask_is_the_reference(self) -> None:
        assert (self.session.labels == self.masks[self.at]).all()
        assert self.session.changed_since_base == (self.at > 0)
        assert self.session.history.depth == self.at

    @invariant()
    def volumes_are_counted_right(self) -> None:
        for volume in self.session.volumes_ml():
            assert volume.voxels == (self.session.labels == volume.value).sum()


TestEditing = Editing.TestCase
TestEditing.settings = settings(max_examples=60, stateful_step_count=14, deadline=None)
