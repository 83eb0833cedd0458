"""`gatelens bench edit` on a few voxels: every row is there, both sides do the same, and what is missing is said."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from app.controllers import editing_bench
from app.controllers.editing_bench import (
    ROWS,
    RepaintTimes,
    Setting,
    library_peers,
    measure,
    napari_labels,
    peers,
    strokes,
    turns,
    volume_tools,
)
from app.controllers.editing_bench.scene import LIVER, LIVER_HU, PANCREAS, Scene, make_scene
from app.controllers.editing_bench.table import Beside, EditRow, EditTable
from app.controllers.editing_bench.turns import Side, take_turns
from app.core.session import Session
from app.core.tools.fill_between import fill_between
from app.core.tools.islands import smaller_than
from app.core.tools.margin import margin
from app.core.tools.region_grow import grow
from model.errors import Cancelled
from model.progress import never
from tests.app.core.tools.slow_references import painted

# Where napari is installed, importing it warns of what it uses itself.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SIZE = (40, 64, 64)
NARROW_HU = (110.0, 120.0)
COMPARED = [
    "brush-step disc", "brush-step ball", "undo disc", "undo ball", "region-grow", "region-grow 50 mm", "islands",
    "islands in a box", "margin", "fill-between",
]  # fmt: skip


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(SIZE)


def row(ours: float = 2.0, **peers: float) -> EditRow:
    return EditRow("margin", ours, "ms", 1.1, peers, (), "3 mm")


def without(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """As if these were not installed."""
    there = peers.is_installed
    for place in (peers, strokes):
        monkeypatch.setattr(place, "is_installed", lambda module: module not in modules and there(module))


def sides(found: Sequence[Side]) -> dict[str, Side]:
    return {side.name: side for side in found}


# -- the scene ---------------------------------------------------------------------------------------------------
def test_the_scene_has_what_the_rows_are_about(scene: Scene) -> None:
    labels = scene.labels()
    assert set(np.unique(labels)) == {0, LIVER, PANCREAS}
    assert (labels == LIVER).sum() > 10 * (labels == PANCREAS).sum() > 0
    drawn = scene.drawn.any(axis=(1, 2)).nonzero()[0]
    assert (np.diff(drawn) > 1).any()  # slices are missing between drawn ones
    assert scene.liver[tuple(int(place) for place in scene.seed)]
    found = grow(scene.values, scene.seed, *LIVER_HU, spacing=scene.spacing)
    assert found is not None
    assert found.mask.sum() < 1.1 * scene.liver.sum()  # it does not leak


def test_the_scene_is_the_same_each_time(scene: Scene) -> None:
    again = make_scene(SIZE)
    assert (again.values == scene.values).all()
    assert (again.liver == scene.liver).all()


# -- both sides do the same ----------------------------------------------------------------------------------------
def test_the_peers_find_what_our_tools_find(scene: Scene) -> None:
    whole = scene.shape
    # So few voxels are in range that it matters whether they hang together by faces alone.
    grown = painted(grow(scene.values, scene.seed, *NARROW_HU, spacing=scene.spacing), whole)
    cc3d = sides(library_peers.grow_cc3d(scene, *NARROW_HU))["cc3d of the threshold, whole volume"].run()
    assert (cc3d == grown).all()

    gone = painted(smaller_than(scene.liver, 200), whole)
    dust = sides(library_peers.dust_cc3d(scene.liver, 200))["cc3d.dust, whole volume"].run()
    assert ((dust != 0) == (scene.liver & ~gone)).all()
    assert gone.any()

    wider = painted(margin(scene.drawn, 3.0, scene.spacing), whole)
    edt = sides(library_peers.margin_edt(scene.drawn, 3.0, scene.spacing, (3, 3, 3)))[
        "edt.edtsq, whole volume"
    ].run()
    assert (edt == wider).all()

    added = painted(fill_between(scene.drawn, 0, scene.spacing), whole)
    filled = library_peers.between_edt(scene.drawn, scene.spacing)[0].run()
    assert np.count_nonzero(filled) == np.count_nonzero(scene.drawn | added)
    assert added.any()


def test_simpleitk_finds_what_our_tools_find(scene: Scene) -> None:
    import SimpleITK as sitk  # noqa: N813 - the name its users know

    def array(side: Side) -> np.ndarray:
        return sitk.GetArrayFromImage(side.run()) != 0

    grown = painted(grow(scene.values, scene.seed, *NARROW_HU, spacing=scene.spacing), scene.shape)
    assert (array(library_peers.grow_sitk(scene, *NARROW_HU)[0]) == grown).all()
    gone = painted(smaller_than(scene.liver, 200), scene.shape)
    assert (array(library_peers.dust_sitk(scene.liver, 200)[0]) == (scene.liver & ~gone)).all()
    wider = margin(scene.drawn, 3.0, scene.spacing)
    assert wider is not None
    exact = array(library_peers.margin_sitk(scene.drawn, 3.0, scene.spacing, (3, 3, 3))[0])
    assert (exact == wider.mask).all()


def test_a_stroke_is_drawn_and_taken_back(scene: Scene) -> None:
    hand, places = strokes.Hand(scene, ball=True), strokes.path(scene)
    hand.begin(places)
    hand.draw(places)
    assert hand.session.end_stroke() is not None
    assert hand.session.labels.any()
    hand.undone()
    assert not hand.session.labels.any()
    hand.done()
    assert hand.session.labels.any()


def test_napari_draws_as_much_as_we_do(scene: Scene) -> None:
    pytest.importorskip("napari", reason="napari is not installed: pip install 'gatelens[bench]'")
    hand, places = strokes.Hand(scene, ball=True), strokes.path(scene)
    layer = napari_labels.NapariLabels(scene.shape, scene.spacing, strokes.RADIUS_VOXELS, ball=True)
    hand.begin(places)
    hand.draw(places)
    layer.draw(places)
    theirs, ours = np.count_nonzero(layer.data), np.count_nonzero(hand.session.labels)
    assert ours == pytest.approx(theirs, rel=0.1)
    assert layer.last_stroke_bytes() > theirs
    layer.undo()
    assert not layer.data.any()


# -- the arithmetic ------------------------------------------------------------------------------------------------
def test_the_ratio_is_ours_over_the_fastest_peer() -> None:
    found = row(2.2, edt=4.0, SimpleITK=2.0).to_json()
    assert (found["peer_name"], found["peer"], found["ratio"]) == ("SimpleITK", 2.0, pytest.approx(1.1))
    assert found["peers"] == {"edt": 4.0, "SimpleITK": 2.0}


@pytest.mark.parametrize(("ours", "reached"), [(2.19, True), (2.21, False)])
def test_a_target_is_reached_up_to_its_ratio(ours: float, reached: bool) -> None:
    found = row(ours, edt=2.0)
    assert found.reached is reached
    assert ("within" if reached else "misses") in found.lines()[0]


def test_sides_take_turns_and_the_first_run_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    clock = iter([0.0, 9.0, 9.0, 9.0, *(t for t in (10.0, 10.008, 20.0, 20.002) for _ in range(1))])
    monkeypatch.setattr(turns.time, "perf_counter", lambda: next(clock))
    found = take_turns(
        [
            Side("a", lambda: told.append("a"), lambda: told.append("ready"), 4),
            Side("b", lambda: told.append("b")),
        ],
        1,
        never,
    )
    assert told == ["ready", "a", "b", "ready", "a", "b"]
    assert found == {"a": pytest.approx(2.0), "b": pytest.approx(2.0)}


def test_measuring_stops_between_two_runs() -> None:
    with pytest.raises(Cancelled):
        take_turns([Side("a", lambda: None)], 3, lambda: True)


# -- the whole ---------------------------------------------------------------------------------------------------
def test_every_row_is_there_with_ours_and_every_library_of_the_program(scene: Scene) -> None:
    asked: list[tuple[Session, int]] = []

    def repaint(session: Session, moves: int) -> RepaintTimes:
        asked.append((session, moves))
        return RepaintTimes(1.5, 2.5, "two views of a test")

    told: list[str] = []
    table = measure(Setting(SIZE, 1, 8), repaint, lambda fraction, text: told.append(text))

    assert [found.name for found in table.rows] == COMPARED
    assert all(found.ours > 0 for found in table.rows)
    assert all(found.row is not None for found in table.rows if not found.name.startswith(("brush", "undo")))
    assert [found.name for found in table.beside] == [
        "commit", "memory of a stroke", "repaint of one view", "repaint of three views"
    ]  # fmt: skip
    assert [found.value for found in table.beside[2:]] == [1.5, 2.5]
    assert told == ["making the scan", *ROWS]
    session, moves = asked[0]
    assert (session.labels == scene.labels()).all()
    assert moves == 10


def test_the_json_has_numbers_targets_and_every_peer() -> None:
    table = measure(Setting(SIZE, 1, rows=("margin", "commit")), None)
    found = table.to_json()
    assert set(found) == {"machine", "size", "rows", "beside"}
    assert found["size"] == list(SIZE)
    (margin_row,) = found["rows"]  # type: ignore[misc]
    assert set(margin_row) == {
        "name", "ours", "peer", "peer_name", "unit", "ratio", "target", "reached", "peers", "missing", "note",
    }  # fmt: skip
    assert (margin_row["name"], margin_row["target"]) == ("margin", 1.1)
    assert margin_row["ratio"] == pytest.approx(margin_row["ours"] / min(margin_row["peers"].values()))
    (commit,) = found["beside"]  # type: ignore[misc]
    assert set(commit) == {"name", "value", "unit", "aim", "peers", "note"}
    assert (commit["unit"], commit["aim"]) == ("ms", 20.0)


def test_a_peer_that_is_not_installed_is_named_and_the_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "napari", "edt")
    table = measure(Setting(SIZE, 1, 4, ("brush-step", "margin", "memory")), None)

    disc, _, margin_row = table.rows
    assert disc.row is None
    assert disc.to_json()["ratio"] is None
    assert disc.reached is None
    assert disc.ours > 0
    assert margin_row.row is not None
    assert set(margin_row.peers) == {
        "SimpleITK SignedMaurerDistanceMap, on the new mask's box", "SimpleITK BinaryDilate, on the new mask's box",
    }  # fmt: skip
    text = table.to_text()
    assert "napari is not installed: pip install 'gatelens[bench]'" in text
    assert "edt is not installed: pip install 'gatelens[bench]'" in text
    assert table.beside[0].peers == {}


def test_without_a_window_the_repaint_says_that_it_was_not_measured() -> None:
    table = measure(Setting(SIZE, 1, rows=("repaint",)), None)
    assert [found.value for found in table.beside] == [None, None]
    assert "not measured" in table.to_text()


def test_a_row_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no row speed"):
        measure(Setting(SIZE, 1, rows=("speed",)), None)


def test_the_text_says_where_what_and_how_it_compares() -> None:
    machine = editing_bench._machine()
    table = EditTable(
        machine,
        SIZE,
        (row(1.0, edt=4.0, SimpleITK=8.0),),
        (Beside("commit", 3.0, "ms", 20.0, {}, "its end"),),
    )
    lines = table.to_text().splitlines()
    assert lines[0].endswith("64×64×40 voxels")
    assert "ratio  0.25, within 1.1  edt" in lines[1]
    assert "8.000 ms SimpleITK" in lines[2]
    assert lines[3].strip() == "3 mm"
    assert "3.000 ms, aim 20 ms" in lines[4]


def test_memory_counts_what_strokes_keep(scene: Scene) -> None:
    (found,) = strokes.memory(scene, 8, never)
    assert found.value is not None
    assert 0 < found.value < 100
    assert math.isfinite(found.value)


def test_each_volume_tool_gives_rows_of_its_name(scene: Scene) -> None:
    (found,) = volume_tools.margins(scene, 1, never)
    assert found.name == "margin"
    assert found.peers
