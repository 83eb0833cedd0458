"""What every tool of the table keeps to, through a session's verbs, on every kind of grid and in all three planes.

The tools are those of `TOOLS`: one that is added is tested here, or the first test says what is missing. What each
does to a mask in particular is in the tests of its own file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from app.core.labels import LabelEntry, LabelTable
from app.core.messages import CannotEdit
from app.core.patch import Patch
from app.core.planes import Plane
from app.core.session import Base, CaseIdentity, Session, labels_sha256
from app.core.tools import TOOLS, Gesture
from app.core.tools.commands import COMMANDS
from model.grid import Float3, Grid
from model.progress import never, silent
from model.volume import Volume

ORGAN, NEIGHBOUR, LOCKED, HIDDEN = 1, 2, 3, 300
TABLE = LabelTable(
    "t",
    (
        LabelEntry(ORGAN, "Organ", (255, 0, 0)), LabelEntry(NEIGHBOUR, "Neighbour", (0, 255, 0)),
        LabelEntry(LOCKED, "Locked one", (0, 0, 255)), LabelEntry(HIDDEN, "Hidden one", (9, 9, 9)),
    ),
)  # fmt: skip

SHAPE = (14, 16, 18)
_C, _S = math.cos(0.35), math.sin(0.35)
GRIDS = {
    "plain": Grid(SHAPE),
    "anisotropic": Grid(SHAPE, (3.0, 0.8, 1.25), (4.0, -7.0, 12.0)),
    "oblique": Grid(
        SHAPE, (1.5, 0.9, 1.1), (1.0, 2.0, 3.0), ((_S, 0.0, _C), (0.0, 1.0, 0.0), (_C, 0.0, -_S))
    ),
    "left-handed": Grid(
        SHAPE, (2.0, 1.0, 0.7), direction=((0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0))
    ),
    "sagittal stack": Grid(
        SHAPE, (2.5, 1.0, 1.0), direction=((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
    ),
}
ONE_SLICE = Grid((1, 16, 18), (5.0, 0.8, 1.25))

EDITING = [tool.name for tool in TOOLS.values() if tool.gesture not in (Gesture.NONE, Gesture.BOX)]
STROKES = [tool.name for tool in TOOLS.values() if tool.gesture is Gesture.STROKE]
PLANES = list(Plane)
FAR = (-40.0, -40.0, -40.0)


# z, y, x of a place where there is something to do, in each plane; elsewhere at the root of the spike.
PLACES = {
    **dict.fromkeys(("brush", "threshold-brush", "lasso", "polygon"), (7.0, 10.0, 14.0)),
    "take-prediction": (7.0, 12.0, 13.0),
    "island": (1.0, 2.0, 2.0),
}


# -- the scene -------------------------------------------------------------------------------------------------
def organ_and_others() -> np.ndarray:
    """An organ with a hole, a spike, a crumb and a gap; a neighbour, a locked and a hidden label touch it."""
    labels = np.zeros(SHAPE, np.uint16)
    z, y, x = np.ogrid[:14, :16, :18]
    labels[((z - 7) / 4.2) ** 2 + ((y - 8) / 5.2) ** 2 + ((x - 9) / 5.2) ** 2 <= 1] = ORGAN
    labels[7, 8, 12:17] = ORGAN
    labels[6:8, 8, 9] = 0
    labels[1, 2, 2:4] = ORGAN
    labels[5:10, 12:15, 6:12] = NEIGHBOUR
    labels[5:10, 1:4, 6:12] = LOCKED
    labels[5:10, 5:11, 1:5] = HIDDEN
    return labels


def prediction_for(labels: np.ndarray) -> np.ndarray:
    """The organ one voxel along, the neighbour one the other way, the others as they are not."""
    predicted = np.roll(np.where(labels == ORGAN, ORGAN, 0), 1, axis=1)
    predicted[np.roll(labels == NEIGHBOUR, -1, axis=2)] = NEIGHBOUR
    predicted[2:5, 1:4, 6:9] = LOCKED
    return predicted.astype(labels.dtype)


def opened(grid: Grid, labels: np.ndarray, values: np.ndarray, predicted: np.ndarray | None) -> Session:
    """A session with the organ active, one label locked and one hidden; the arrays are copied."""
    prediction = None
    if predicted is not None:
        likely = [np.where(predicted == value, 220, 30).astype(np.uint8) for value in TABLE.values]
        prediction = SimpleNamespace(
            labels=np.ascontiguousarray(predicted),
            attention=(),
            bundle_labels=TABLE.entries,
            probabilities=likely,
        )
    labels = np.ascontiguousarray(labels).copy()
    session = Session(
        CaseIdentity("c", "case"), SimpleNamespace(volume=Volume(np.ascontiguousarray(values), grid)), TABLE,
        labels, Base("empty", "", labels_sha256(labels)), prediction,
    )  # fmt: skip
    session.radius_mm, session.active_label = 2.6, ORGAN
    session.set_locked(LOCKED, True)
    session.set_visible(HIDDEN, False)
    session.tools.set_option("smooth-brush", "smooth_mm", 3.5)
    session.tools.set_option("smooth", "smooth_mm", 3.5)
    session.tools.set_option("grow", "tolerance", 5.0)
    session.tools.set_option("margin", "mm", 3.5)
    return session


def scan_for(labels: np.ndarray) -> np.ndarray:
    """Bright where the organ is and beyond it, so that growing has somewhere to go."""
    bright = (labels == ORGAN) | (np.roll(labels == ORGAN, 2, axis=0)) | (np.roll(labels == ORGAN, 2, axis=2))
    return np.where(bright, 60, -80).astype(np.int16)


@dataclass
class Scene:
    """A session, the place a tool is used at, and how the session was made."""

    session: Session
    place: Float3
    labels: np.ndarray


def scene(grid: Grid, plane: Plane, tool: str, *, with_prediction: bool = True) -> Scene:
    """The organ on a grid, in which a tool has something to do in a plane."""
    whole = organ_and_others()
    labels = whole[7:8].copy() if grid.shape[0] == 1 else whole
    place = PLACES.get(tool, (7.0, 8.0, 13.0))
    if grid.shape[0] == 1:
        place = (0.0, *((0.0, 8.0, 13.0) if tool == "island" else place)[1:])
    session = opened(grid, labels, scan_for(labels), prediction_for(labels) if with_prediction else None)
    gap = session.labels[session.frame(plane).box(session.frame(plane).slice_at((place[0], 8.0, 9.0))).slices]
    if tool == "fill-between":
        gap[gap == ORGAN] = 0
    if tool == "threshold-brush":
        session.tools.sample_range(place)
    return Scene(session, place, session.labels.copy())


def line_round(session: Session, plane: Plane, place: Float3) -> tuple[int, np.ndarray]:
    """The slice that holds a place, and a line round it that no flip or turn leaves as it is."""
    frame = session.frame(plane)
    _, row, column = frame.from_voxel(place)
    corners = np.array([(-2.4, -3.4), (-2.4, 2.4), (0.6, 2.4), (2.4, -1.4)])
    return frame.slice_at(place), corners + np.array([row, column])


def to_and_fro(session: Session, plane: Plane, place: Float3) -> tuple[Float3, ...]:
    """Three places in the slice of a place."""
    frame = session.frame(plane)
    index, row, column = frame.from_voxel(place)
    return tuple(
        frame.to_voxel(index, row + down, column + right) for down, right in ((0, 0), (1, 2), (-2, 0))
    )


# -- how each is used ------------------------------------------------------------------------------------------
def by_stroke(session: Session, tool: str, plane: Plane, place: Float3) -> Patch | None:
    path = to_and_fro(session, plane, place)
    session.begin_stroke(tool, plane, path[0])
    for point in path:
        session.extend_stroke(point)
    return session.end_stroke()


def by_outline(session: Session, tool: str, plane: Plane, place: Float3) -> Patch:
    index, points = line_round(session, plane, place)
    return session.commit(session.tools.outline(plane, index, points, tool))


def by_point(session: Session, tool: str, plane: Plane, place: Float3) -> Patch:
    if tool in COMMANDS:
        return by_command(session, tool, plane, place)
    session.tools.begin_point(tool, plane, place)
    try:
        session.propose(session.tools.point_command()(silent, never))
    finally:
        session.tools.end_point()
    return session.accept_preview()


def by_command(session: Session, tool: str, plane: Plane, place: Float3) -> Patch:
    return session.commit(session.tools.command(tool, plane, place)(silent, never))


Use = Callable[[Session, str, Plane, Float3], Patch | None]
USES: dict[Gesture, Use] = {
    Gesture.STROKE: by_stroke,
    Gesture.OUTLINE: by_outline,
    Gesture.POLYGON: by_outline,
    Gesture.POINT: by_point,
    Gesture.COMMAND: by_command,
}


def use(session: Session, tool: str, plane: Plane, place: Float3) -> Patch | None:
    return USES[TOOLS[tool].gesture](session, tool, plane, place)


def test_every_tool_of_the_table_is_used_here_and_the_others_have_no_way_to_the_mask() -> None:
    assert {TOOLS[name].gesture for name in EDITING} == set(USES)
    idle = set(TOOLS) - set(EDITING)
    assert idle == {"crosshair", "region"}
    made = scene(GRIDS["plain"], Plane.AXIAL, "brush")
    for tool in idle:
        for way in (by_stroke, by_outline, by_point):
            with pytest.raises((ValueError, KeyError)):
                way(made.session, tool, Plane.AXIAL, made.place)
    assert (made.session.labels == made.labels).all()
    assert made.session.history.depth == 0


# -- a change --------------------------------------------------------------------------------------------------
def takes_all(tool: str) -> bool:
    """Whether a tool is about all labels, as it is set."""
    return "labels" in TOOLS[tool].options and TOOLS[tool].options.choice("labels") == "all"


def check(made: Scene, patch: Patch, tool: str, *, protected: bool) -> None:
    """A change is inside its box, about its label, spares what is to be spared, and undo and redo are exact."""
    session, before = made.session, made.labels
    after, changed = session.labels.copy(), session.labels != before
    outside = np.ones(before.shape, bool)
    outside[patch.box.slices] = False
    assert changed.any()
    assert not changed[outside].any()
    label = 0 if takes_all(tool) else ORGAN
    assert patch.label == label
    for kept in (LOCKED, HIDDEN):
        assert not changed[(before == kept) | (after == kept)].any()
    if label and protected:
        assert np.isin(before[changed], (0, ORGAN)).all()
    if label:
        assert not changed[(before != ORGAN) & (after != ORGAN) & (after != 0)].any()
        assert (patch.voxels_added, patch.voxels_removed) == (
            (changed & (after == ORGAN)).sum(), (changed & (before == ORGAN)).sum(),
        )  # fmt: skip
    assert session.history.depth == 1
    assert session.undo_text.startswith(patch.name)
    assert session.undo() is not None
    assert (session.labels == before).all()
    assert session.redo() is not None
    assert (session.labels == after).all()
    session.undo()
    assert session.history.depth == 0


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("tool", EDITING)
def test_it_changes_its_label_alone_within_its_box_and_undo_is_exact(
    tool: str, grid: str, plane: Plane
) -> None:
    for protected in (True, False):
        made = scene(GRIDS[grid], plane, tool)
        made.session.protect = protected
        patch = use(made.session, tool, plane, made.place)
        assert patch is not None
        check(made, patch, tool, protected=protected)


@pytest.mark.parametrize("ball", [False, True])
@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("tool", STROKES)
def test_a_stroke_stays_in_its_slice_unless_it_is_a_ball(tool: str, plane: Plane, ball: bool) -> None:
    made = scene(GRIDS["anisotropic"], plane, tool)
    made.session.sphere = ball
    made.session.radius_mm = 5.0
    patch = use(made.session, tool, plane, made.place)
    assert patch is not None
    thick = patch.box.shape[made.session.frame(plane).slice_axis]
    assert thick > 1 if ball else thick == 1
    check(made, patch, tool, protected=True)


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("tool", ["lasso", "polygon"])
def test_a_line_removes_what_it_encloses_from_every_slice_where_it_is_told_to(
    tool: str, plane: Plane
) -> None:
    made = scene(GRIDS["anisotropic"], plane, tool)
    made.session.tools.set_option(tool, "action", "subtract")
    made.session.tools.set_option(tool, "through_all", True)
    patch = use(made.session, tool, plane, made.place)
    assert patch is not None
    assert patch.box.shape[made.session.frame(plane).slice_axis] > 1
    assert patch.voxels_added == 0
    check(made, patch, tool, protected=True)


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("tool", EDITING)
def test_on_a_volume_of_one_slice_it_does_the_same_or_says_a_sentence(tool: str, plane: Plane) -> None:
    made = scene(ONE_SLICE, plane, tool)
    generation = made.session.generation
    try:
        patch = use(made.session, tool, plane, made.place)
    except CannotEdit as refusal:
        unchanged(made, generation, str(refusal), TOOLS[tool].gesture)
    else:
        assert patch is not None
        check(made, patch, tool, protected=True)


def test_on_a_volume_of_one_slice_most_tools_work() -> None:
    refused = []
    for tool in EDITING:
        made = scene(ONE_SLICE, Plane.AXIAL, tool)
        try:
            use(made.session, tool, Plane.AXIAL, made.place)
        except CannotEdit:
            refused.append(tool)
    assert refused == ["fill-between", "islands"]  # there is nothing between one slice, and no crumb in it


# -- the same on any grid --------------------------------------------------------------------------------------
@pytest.mark.parametrize("codes", ["LPS", "RPS", "SLA", "ARI"])
@pytest.mark.parametrize("grid", ["anisotropic", "oblique"])
@pytest.mark.parametrize("tool", EDITING)
def test_the_same_scan_stored_the_other_way_round_is_changed_in_the_same_places(
    tool: str, grid: str, codes: str
) -> None:
    for plane in PLANES:
        made = scene(GRIDS[grid], plane, tool)
        turning = made.session.grid.reordering(codes)
        turned_grid = turning.apply_grid(made.session.grid)
        prediction = made.session.prediction
        assert prediction is not None
        turned = opened(
            turned_grid, turning.apply(made.labels), turning.apply(made.session.scan.volume.values),
            turning.apply(prediction.labels),
        )  # fmt: skip
        for name in ("low", "high") if tool == "threshold-brush" else ():
            turned.tools.set_option(tool, name, made.session.tools.options(tool).number(name))
        there = turned_grid.to_voxel(made.session.grid.to_mm(made.place))
        rounded = tuple(round(float(place), 6) for place in there)

        assert use(made.session, tool, plane, made.place) is not None
        assert use(turned, tool, plane, (rounded[0], rounded[1], rounded[2])) is not None

        assert (turning.undo(turned.labels) == made.session.labels).all()


# -- refusals --------------------------------------------------------------------------------------------------
def unchanged(made: Scene, generation: int, told: str, gesture: Gesture) -> None:
    """A refusal is a sentence; mask and history are as they were, and what was computed still counts."""
    assert told.endswith(".")
    assert not told[0].islower()
    assert len(told) > 15
    session = made.session
    assert (session.labels == made.labels).all()
    assert session.history.depth == 0
    assert not session.stroke_active
    assert session.preview is None
    if gesture not in (Gesture.STROKE, Gesture.POINT):  # those had begun, so what was shown has gone
        assert session.generation == generation


def refuses(made: Scene, tool: str, plane: Plane, place: Float3 | None = None) -> str:
    """The sentence a tool is refused with, nothing having changed."""
    generation = made.session.generation
    with pytest.raises(CannotEdit) as refusal:
        use(made.session, tool, plane, made.place if place is None else place)
    unchanged(made, generation, str(refusal.value), TOOLS[tool].gesture)
    return str(refusal.value)


def about_the_organ(made: Scene, tool: str) -> Scene:
    """The tool set so that it is about the active label."""
    if "labels" in TOOLS[tool].options:
        made.session.tools.set_option(tool, "labels", "active")
    return made


def refused_at_once(made: Scene, tool: str, plane: Plane) -> str:
    """The same before anything has begun: nothing at all has changed, previews included."""
    generation = made.session.generation
    told = refuses(made, tool, plane)
    assert made.session.generation == generation
    return told


@pytest.mark.parametrize("tool", EDITING)
def test_a_locked_or_hidden_active_label_is_refused_with_what_to_do(tool: str) -> None:
    for plane in PLANES:
        made = about_the_organ(scene(GRIDS["anisotropic"], plane, tool), tool)
        made.session.set_locked(ORGAN, True)
        assert "Organ is locked; unlock it" in refused_at_once(made, tool, plane)
        made.session.set_locked(ORGAN, False)
        made.session.set_visible(ORGAN, False)
        assert "Organ is hidden; show it" in refused_at_once(made, tool, plane)


@pytest.mark.parametrize("tool", EDITING)
def test_a_read_only_case_is_refused_with_its_reason(tool: str) -> None:
    made = scene(GRIDS["plain"], Plane.AXIAL, tool)
    made.session.read_only_reason = "Somebody else reads this case."
    assert refused_at_once(made, tool, Plane.AXIAL) == "Somebody else reads this case."


@pytest.mark.parametrize("tool", EDITING)
def test_while_a_stroke_is_drawn_no_other_tool_changes_the_mask(tool: str) -> None:
    made = scene(GRIDS["plain"], Plane.AXIAL, tool)
    made.session.begin_stroke("brush", Plane.AXIAL, made.place)
    with pytest.raises(CannotEdit, match="A stroke is being drawn; finish it, or press Esc"):
        use(made.session, tool, Plane.AXIAL, made.place)
    made.session.cancel_stroke()
    assert (made.session.labels == made.labels).all()
    assert made.session.history.depth == 0


HAVE_A_PLACE = [name for name in EDITING if TOOLS[name].gesture is not Gesture.COMMAND] + ["take-slice"]


@pytest.mark.parametrize("tool", HAVE_A_PLACE)
def test_outside_the_scan_it_says_so(tool: str) -> None:
    for plane in PLANES:
        told = refuses(scene(GRIDS["anisotropic"], plane, tool), tool, plane, FAR)
        assert "outside the scan" in told or "encloses no voxel of the scan" in told


NEED_THE_LABEL = [
    *("smooth-brush", "island", "fill-between", "fill-holes", "smooth", "islands", "margin", "clear-label"),
]
NEED_A_PREDICTION = ["take-prediction", "probability", "take-slice", "take-label"]


@pytest.mark.parametrize("tool", [name for name in EDITING if name not in NEED_A_PREDICTION])
def test_on_an_empty_label_it_says_that_there_is_nothing_to_change_or_adds_to_it(tool: str) -> None:
    for plane in PLANES:
        made = scene(GRIDS["anisotropic"], plane, tool)
        made.session.labels[made.session.labels == ORGAN] = 0
        made.labels = made.session.labels.copy()
        if tool in NEED_THE_LABEL:
            told = refuses(made, tool, plane)
            assert ("Organ" if tool in ("smooth-brush", "island") else "Organ is empty") in told
        elif tool == "erase":  # over nothing the picture shows why
            assert use(made.session, tool, plane, made.place) is None
            assert made.session.history.depth == 0
        else:
            patch = use(made.session, tool, plane, made.place)
            assert patch is not None
            assert patch.voxels_removed == 0
            check(made, patch, tool, protected=True)


@pytest.mark.parametrize("tool", NEED_A_PREDICTION)
def test_without_a_prediction_it_says_how_to_get_one(tool: str) -> None:
    made = scene(GRIDS["plain"], Plane.AXIAL, tool, with_prediction=False)
    assert refused_at_once(made, tool, Plane.AXIAL) == "There is no prediction to take; press F5."


def test_no_other_tool_needs_a_prediction() -> None:
    for tool in sorted(set(EDITING) - set(NEED_A_PREDICTION)):
        made = scene(GRIDS["plain"], Plane.AXIAL, tool, with_prediction=False)
        assert use(made.session, tool, Plane.AXIAL, made.place) is not None


@pytest.mark.parametrize("ball", [False, True])
@pytest.mark.parametrize("tool", STROKES)
def test_a_brush_under_a_voxel_changes_the_voxels_right_under_its_way(tool: str, ball: bool) -> None:
    for plane in PLANES:
        made = scene(GRIDS["anisotropic"], plane, tool)
        made.session.radius_mm, made.session.sphere = 0.1, ball
        patch = use(made.session, tool, plane, made.place)
        assert patch is not None
        assert 1 <= (made.session.labels != made.labels).sum() <= 9
        check(made, patch, tool, protected=True)


@pytest.mark.parametrize(
    ("tool", "name"), [("smooth-brush", "smooth_mm"), ("smooth", "smooth_mm"), ("margin", "mm")]
)
def test_a_distance_under_a_voxel_is_refused_with_the_size_of_a_voxel(tool: str, name: str) -> None:
    for plane in PLANES:
        made = scene(GRIDS["anisotropic"], plane, tool)
        made.session.tools.set_option(tool, name, 0.5)
        told = refused_at_once(made, tool, plane)
        assert told == "0.5 mm is less than a voxel, which is 0.8 mm; choose more."


@pytest.mark.parametrize("tool", ["lasso", "polygon"])
@pytest.mark.parametrize(
    "points", [[], [(3, 3)], [(3, 3), (9, 9)], [(3, 3), (9, 9), (5, 5)], [(3.1, 3.1)] * 5]
)
def test_a_line_without_an_area_is_refused_with_what_to_do(tool: str, points: list) -> None:
    made = scene(GRIDS["plain"], Plane.AXIAL, tool)
    outline = np.array(points, float).reshape(-1, 2)
    with pytest.raises(CannotEdit, match="encloses no voxel of the scan; draw it round what is meant"):
        made.session.tools.outline(Plane.AXIAL, 7, outline, tool)


def test_a_smoothing_stroke_where_the_label_is_smooth_already_says_so() -> None:
    made = scene(GRIDS["plain"], Plane.AXIAL, "smooth-brush")
    made.session.labels[:] = 0
    made.session.labels[:, 3:13] = ORGAN  # a slab right through the volume
    made.labels = made.session.labels.copy()
    told = refuses(made, "smooth-brush", Plane.AXIAL, (7.0, 3.0, 9.0))
    assert "Organ is as smooth as that here already" in told
