"""The verbs of a session: what they change, what they refuse, and what the history and a journal make of it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from app.core.journal_course import Verb
from app.core.journal_format import (
    JournalHeader,
    decode,
    encode_header,
    encode_record,
)
from app.core.labels import LabelEntry, LabelTable
from app.core.messages import CannotEdit
from app.core.patch import Patch
from app.core.planes import Plane, slice_frame
from app.core.review import CaseState
from app.core.seen import PlaneSeen, SeenSlices
from app.core.session import Base, CaseIdentity, LabelVolume, Session, labels_sha256
from model.attention import AttentionMap
from model.grid import Box, Grid
from model.volume import Volume

GRID = Grid((8, 20, 24), (5.0, 1.0, 1.0), (10.0, 20.0, -30.0))
TABLE = LabelTable("t", (LabelEntry(1, "pancreas", (255, 0, 0)), LabelEntry(2, "liver", (0, 0, 255))))


def opened(labels: np.ndarray | None = None, **options: object) -> Session:
    volume = Volume(np.arange(8 * 20 * 24, dtype=np.int16).reshape(GRID.shape), GRID)
    start = np.zeros(GRID.shape, np.uint8) if labels is None else labels
    base = Base("empty", "", labels_sha256(start))
    session = Session(
        CaseIdentity("id", "case"), SimpleNamespace(volume=volume), TABLE, labels, base, **options
    )
    session.radius_mm = 3.0
    return session


def stroke(
    session: Session, *places: tuple[float, float, float], tool: str = "brush", plane: Plane = Plane.AXIAL
):
    session.begin_stroke(tool, plane, places[0])
    for place in places:
        session.extend_stroke(place)
    return session.end_stroke()


def predicted(labels: np.ndarray, *maps: AttentionMap) -> SimpleNamespace:
    return SimpleNamespace(labels=labels, attention=maps)


def take_whole(session: Session, prediction: SimpleNamespace) -> Patch:
    labels = prediction.labels
    return session.commit(session.tools.from_mask(labels, Box.whole(labels.shape), "take prediction"))


def test_a_stroke_paints_the_active_label_in_its_slice_and_is_one_step() -> None:
    session = opened()
    patch = stroke(session, (4, 10, 6), (4, 10, 16))
    assert set(np.flatnonzero(session.labels.any(axis=(1, 2)))) == {4}
    assert session.labels[4, 10, 6:17].tolist() == [1] * 11
    assert session.labels.max() == 1
    assert patch.name == "brush on pancreas"
    assert patch.voxels_added == session.labels.sum()
    assert session.history.undo_name == "brush on pancreas"
    assert session.changed_since_base


def test_a_disc_stays_in_the_slice_it_began_in_even_if_the_hand_is_said_to_leave_it() -> None:
    session = opened()
    patch = stroke(session, (4, 10, 6), (5, 10, 9), (6, 10, 12), (7, 10, 15))
    assert (patch.box.start[0], patch.box.stop[0]) == (4, 5)
    assert session.labels[4, 10, 6:16].tolist() == [1] * 10


def test_a_press_and_release_without_moving_paints_one_stamp() -> None:
    session = opened()
    session.begin_stroke("brush", Plane.AXIAL, (4, 10, 10))
    assert session.stroke_active
    assert session.end_stroke().voxels_added == 29  # a disc of 3 mm on 1 mm voxels
    assert not session.stroke_active


@pytest.mark.parametrize(("plane", "axis"), [(Plane.AXIAL, 0), (Plane.CORONAL, 1), (Plane.SAGITTAL, 2)])
def test_a_disc_lies_in_the_plane_it_is_drawn_in_and_a_sphere_in_all(plane: Plane, axis: int) -> None:
    session = opened()
    session.radius_mm = 6.0
    patch = stroke(session, (4, 10, 10), plane=plane)
    assert patch.box.shape[axis] == 1
    assert min(n for i, n in enumerate(patch.box.shape) if i != axis) > 1
    session.undo()
    session.sphere = True
    assert stroke(session, (4, 10, 10), plane=plane).box.shape == (3, 13, 13)


def test_extending_gives_the_box_that_changed_and_nothing_where_nothing_did() -> None:
    session = opened()
    session.begin_stroke("brush", Plane.AXIAL, (4, 10, 10))
    assert session.extend_stroke((4, 10, 10)) == Box((4, 7, 7), (5, 14, 14))
    assert session.extend_stroke((4, 10, 10)) is None
    assert session.extend_stroke((4, 10, 12)) == Box((4, 7, 11), (5, 14, 16))


def test_erasing_takes_away_the_active_label_alone() -> None:
    labels = np.full(GRID.shape, 2, np.uint8)
    labels[4, 10] = 1
    session = opened(labels)
    patch = stroke(session, (4, 10, 10), tool="erase")
    assert session.labels[4, 10, 7:14].tolist() == [0] * 7
    assert patch.voxels_removed == 7
    assert (session.labels == 2).sum() == GRID.shape[0] * 20 * 24 - 24
    assert patch.name == "erase on pancreas"


def test_labels_protect_each_other_and_a_stroke_that_was_refused_says_why() -> None:
    session = opened(np.full(GRID.shape, 2, np.uint8))
    with pytest.raises(CannotEdit, match="liver is protected"):
        stroke(session, (4, 10, 10))
    with pytest.raises(CannotEdit, match="here is liver, and the active label is pancreas"):
        stroke(session, (4, 10, 10), tool="erase")
    assert (session.labels == 2).all()
    assert session.history.is_untouched
    assert not session.stroke_active
    session.protect = False
    assert stroke(session, (4, 10, 10)).voxels_added == 29


def test_a_stroke_that_changed_nothing_leaves_no_step_and_no_complaint() -> None:
    session = opened()
    stroke(session, (4, 10, 10))
    assert stroke(session, (4, 10, 10)) is None
    assert session.history.depth == 1


def test_a_stroke_outside_the_scan_says_so_and_may_be_drawn_in_from_there() -> None:
    session = opened()
    with pytest.raises(CannotEdit, match="outside the scan"):
        stroke(session, (4, -50, 10))
    assert stroke(session, (4, -50, 10), (4, 2, 10)).box.start[1] == 0


def test_a_cancelled_stroke_puts_everything_back() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, GRID.shape, dtype=np.uint8)
    session = opened(labels.copy())
    session.sphere, session.protect = True, False
    session.begin_stroke("brush", Plane.AXIAL, (1, 3, 3))
    for place in ((1, 3, 3), (6, 15, 20), (2, 18, 4), (7, 1, 22)):
        session.extend_stroke(place)
    assert (session.labels != labels).any()
    assert session.cancel_stroke() is not None
    assert (session.labels == labels).all()
    assert session.history.is_untouched
    assert session.cancel_stroke() is None


def test_undo_and_redo_change_the_mask_and_name_the_step_with_its_size() -> None:
    session = opened()
    stroke(session, (4, 10, 10))
    assert session.undo_text == "brush on pancreas, 0.1 mL"  # 29 voxels of 5 mm³
    painted = session.labels.copy()
    patch = session.undo()
    assert session.labels.sum() == 0
    assert patch.box == Box((4, 7, 7), (5, 14, 14))
    assert session.redo_text == "brush on pancreas, 0.1 mL"
    assert not session.changed_since_base
    session.redo()
    assert (session.labels == painted).all()
    assert session.redo() is None


def test_a_read_only_case_refuses_every_edit_with_its_reason() -> None:
    reason = "This case is open on ws-3 (Dr. B); it can be read here, not changed."
    session = opened(read_only_reason=reason)
    for verb in (
        lambda: session.begin_stroke("brush", Plane.AXIAL, (4, 10, 10)),
        session.undo,
        session.redo,
        lambda: take_whole(session, predicted(np.ones(GRID.shape, np.uint8))),
    ):
        with pytest.raises(CannotEdit, match="open on ws-3"):
            verb()
    assert session.labels.sum() == 0
    assert not session.can_edit


def test_nothing_else_is_edited_while_a_stroke_is_drawn() -> None:
    session = opened()
    stroke(session, (1, 3, 3))
    session.begin_stroke("brush", Plane.AXIAL, (4, 10, 10))
    for verb in (session.undo, session.redo, lambda: session.begin_stroke("erase", Plane.AXIAL, (1, 1, 1))):
        with pytest.raises(CannotEdit, match="stroke is being drawn"):
            verb()
    assert session.stroke_active


def test_without_a_label_there_is_nothing_to_draw_with() -> None:
    session = opened()
    session.table = LabelTable("none", ())
    with pytest.raises(CannotEdit, match="no label to draw with"):
        session.begin_stroke("brush", Plane.AXIAL, (4, 10, 10))
    session.table = LabelTable("other", (LabelEntry(7, "spleen", (1, 2, 3)),))
    assert session.active_label == 7


def test_taking_the_prediction_is_one_step_that_undo_takes_back() -> None:
    labels = np.zeros(GRID.shape, np.uint8)
    labels[2:4, 5:9, 5:9] = 2
    session = opened()
    stroke(session, (6, 10, 10))
    mine = session.labels.copy()
    patch = take_whole(session, predicted(labels))
    assert patch.name == "take prediction"
    assert (session.labels == labels).all()
    session.undo()
    assert (session.labels == mine).all()
    session.redo()
    with pytest.raises(CannotEdit, match="leaves the mask as it is"):
        take_whole(session, predicted(labels))


def test_whether_a_mask_was_corrected_is_told_against_the_prediction() -> None:
    labels = np.zeros(GRID.shape, np.uint8)
    labels[2:4, 5:9, 5:9] = 2
    session = opened(labels.copy(), prediction=predicted(labels))
    assert session.decide().kind is CaseState.ACCEPTED
    stroke(session, (6, 10, 10))
    assert session.decide().kind is CaseState.CORRECTED


def test_a_prediction_of_another_size_is_refused() -> None:
    with pytest.raises(CannotEdit, match="24×20×8"):
        take_whole(opened(), predicted(np.ones((2, 2, 2), np.uint8)))


def test_rebasing_starts_from_another_mask_only_while_nothing_was_changed() -> None:
    labels = np.ones(GRID.shape, np.uint8)
    session = opened()
    session.rebase(labels, Base("prediction", "key", labels_sha256(labels)))
    assert (session.labels == 1).all()
    assert session.base.kind == "prediction"
    assert not session.changed_since_base
    stroke(session, (4, 10, 10), tool="erase")
    with pytest.raises(CannotEdit, match="has changes"):
        session.rebase(labels, session.base)
    session.undo()
    with pytest.raises(CannotEdit, match="has changes"):  # what could be redone would be lost
        session.rebase(labels, session.base)


def test_the_session_takes_over_the_mask_it_is_given_and_never_the_predictions() -> None:
    mine = np.zeros(GRID.shape, np.uint8)
    assert opened(mine).labels is mine
    theirs = np.zeros(GRID.shape, np.uint8)
    session = opened(theirs, prediction=predicted(theirs))
    stroke(session, (4, 10, 10))
    assert theirs.sum() == 0
    frozen = np.zeros(GRID.shape, np.uint8)
    frozen.flags.writeable = False
    stroke(opened(frozen), (4, 10, 10))
    with pytest.raises(ValueError, match="does not fit"):
        opened(np.zeros((2, 2, 2), np.uint8))
    with pytest.raises(ValueError, match="uint8 or uint16"):
        opened(np.zeros(GRID.shape, np.int32))


def test_volumes_follow_every_step() -> None:
    session = opened()
    assert session.volumes_ml() == (LabelVolume(1, 0, 0.0), LabelVolume(2, 0, 0.0))
    for verb in (
        lambda: stroke(session, (4, 10, 10)),
        lambda: stroke(session, (4, 10, 14)),
        session.undo,
        session.redo,
        lambda: take_whole(session, predicted(np.full(GRID.shape, 2, np.uint8))),
        session.undo,
    ):
        verb()
        for volume in session.volumes_ml():
            assert volume.voxels == (session.labels == volume.value).sum()
            assert volume.ml == pytest.approx(volume.voxels * 5 / 1000)


def test_a_journal_brings_the_work_back_with_its_history() -> None:
    session = opened()
    header = JournalHeader("id", session.base, "s", "R", datetime(2026, 1, 1, tzinfo=UTC))
    data = encode_header(header)
    data += encode_record(Verb.DO, stroke(session, (4, 10, 10)))
    data += encode_record(Verb.DO, stroke(session, (5, 10, 10)))
    session.undo()
    data += encode_record(Verb.UNDO)
    session.redo()
    data += encode_record(Verb.REDO)
    again = opened()
    assert again.volumes_ml()[0].voxels == 0
    assert again.replay(decode(data)) == Box((4, 7, 7), (6, 14, 14))
    assert (again.labels == session.labels).all()
    assert again.volumes_ml() == session.volumes_ml()
    again.undo()
    again.undo()
    assert again.labels.sum() == 0
    with pytest.raises(CannotEdit, match="belongs to another mask"):
        opened(np.ones(GRID.shape, np.uint8)).replay(decode(data))
    with pytest.raises(CannotEdit, match="before the first"):
        session.replay(decode(data))


def test_the_history_goes_on_over_a_saved_version_and_counts_from_it() -> None:
    session = opened()
    stroke(session, (4, 10, 10))
    stroke(session, (5, 10, 10))
    session.mark_saved(Base("version", "1", labels_sha256(session.labels)))
    history = session.history
    assert not session.changed_since_base
    assert history.is_untouched
    assert (history.patches_saved, history.steps_since_saved) == (2, 0)
    session.undo()
    assert session.changed_since_base
    assert (history.patches_saved, history.steps_since_saved) == (1, 1)
    session.redo()
    assert not session.changed_since_base
    session.undo()
    stroke(session, (6, 10, 10))
    assert (history.patches_saved, history.steps_since_saved) == (1, 2)
    session.undo()
    session.undo()
    assert history.steps_since_saved == 2
    assert session.labels.sum() == 0


def test_steps_of_an_earlier_day_are_taken_back_only_where_the_mask_is_as_it_was() -> None:
    before = opened()
    steps = [stroke(before, (4, 10, 10)), stroke(before, (5, 10, 10))]
    before.undo()
    again = opened(before.labels.copy())
    again.history.load(before.history.patches, before.history.undone)
    assert not again.changed_since_base
    assert again.redo() == steps[1]
    assert (again.undo(), again.undo()) == (steps[1], steps[0])
    assert again.labels.sum() == 0
    other = opened(np.ones(GRID.shape, np.uint8))
    other.history.load(before.history.patches, before.history.undone)
    with pytest.raises(CannotEdit, match="cannot be undone: the mask is not as it was"):
        other.undo()
    with pytest.raises(CannotEdit, match="cannot be redone"):
        other.redo()
    assert other.labels.all()
    assert not other.changed_since_base
    assert other.undo() is None
    assert other.redo() is None


def test_the_read_out_gives_position_intensity_label_and_attention() -> None:
    attention = AttentionMap(2, 1, GRID.coarser((2, 2, 2)), np.full((4, 10, 12), 32768, np.uint16))
    session = opened(prediction=predicted(np.zeros(GRID.shape, np.uint8), attention))
    stroke(session, (4, 10, 10))
    found = session.read_out((4.2, 10.4, 9.6), session.attention_map((2, 1)))
    assert found.voxel == (4, 10, 10)
    assert found.position_mm == pytest.approx((10 + 9.6, 20 + 10.4, -30 + 4.2 * 5))
    assert found.value == 4 * 480 + 10 * 24 + 10
    assert found.label.name == "pancreas"
    assert found.attention == pytest.approx(0.5, abs=1e-4)
    bare = session.read_out((0, 0, 0))
    assert (bare.label, bare.label_value, bare.attention) == (None, 0, None)
    assert session.read_out((-0.6, 0, 0)) is None
    assert session.read_out((0, 0, 23.5)) is None
    assert session.attention_map((3, 1)) is None
    assert session.attention_map(None) is None


def test_the_slices_that_were_shown_are_counted_by_plane() -> None:
    session = opened()
    stroke(session, (4, 10, 10))
    for index in (3, 4, 4, 99):
        session.mark_seen(Plane.AXIAL, index)
    assert session.slices_seen == (
        PlaneSeen(Plane.AXIAL, 2, 8),
        PlaneSeen(Plane.CORONAL, 0, 20),
        PlaneSeen(Plane.SAGITTAL, 0, 24),
    )
    assert session.seen.share_of_mask(session.labels) == 1.0
    session.radius_mm = 1.0
    for z in range(4):
        stroke(session, (z, 10, 10))
    assert session.seen.share_of_mask(session.labels) == pytest.approx(2 / 5)
    assert session.seen.share_of_mask(np.zeros(GRID.shape, np.uint8)) == 1.0


def test_seen_slices_are_those_of_the_screen_also_where_the_array_runs_the_other_way() -> None:
    turned = GRID.reordering("LPI")  # array index 0 is the highest slice, which the screen numbers last
    frames = tuple(slice_frame(turned.apply_grid(GRID), plane) for plane in Plane)
    seen, labels = SeenSlices(frames), np.zeros(GRID.shape, np.uint8)
    labels[0] = 1
    seen.mark(Plane.AXIAL, 7)
    assert seen.share_of_mask(labels) == 1.0
    labels[0], labels[7] = 0, 1
    assert seen.share_of_mask(labels) == 0.0


def test_the_crosshair_and_the_radius_stay_within_their_bounds() -> None:
    session = opened()
    assert session.crosshair == (3.5, 9.5, 11.5)
    session.move_crosshair((-4, 10.25, 99))
    assert session.crosshair == (0.0, 10.25, 23.0)
    session.radius_mm = 0.0
    assert session.radius_mm == 0.1
    session.radius_mm = 1e9
    assert session.radius_mm == 200.0
