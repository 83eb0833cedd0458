"""Strokes against napari's: a step of the brush, undo; beside them the commit of a stroke and what strokes keep."""

from __future__ import annotations

import math

import numpy as np

from app.controllers.editing_bench import napari_labels
from app.controllers.editing_bench.napari_labels import NapariLabels
from app.controllers.editing_bench.peers import OURS, Peer, compare, is_installed
from app.controllers.editing_bench.scene import Scene
from app.controllers.editing_bench.table import INSTALL, Beside, EditRow
from app.controllers.editing_bench.turns import Side, take_turns
from app.core.planes import Plane
from app.core.session import Session
from model.grid import Float3
from model.progress import CancelCheck, stop_if

RADIUS_VOXELS = 20
_STEP_VOXELS = 4
"""What a hand moves between two events of a mouse, about."""
_COMMIT_AIM_MS = 20.0
_SHORT_STROKE = 10
_SHAPES = (("disc", False), ("ball", True))


class Hand:
    """Draws one and the same stroke on an empty mask of ours, again and again."""

    def __init__(self, scene: Scene, *, ball: bool) -> None:
        self.session: Session = scene.session()
        # Volumes are counted at the first look and kept up from then on, as while a window is open.
        self.session.volumes_ml()
        self.session.radius_mm = radius_mm(scene)
        self.session.sphere = ball

    def begin(self, places: list[Float3], tool: str = "brush") -> None:
        """Press at the first place; a stroke that is going on is taken back before."""
        self.session.cancel_stroke()
        self.session.begin_stroke(tool, Plane.AXIAL, places[0])

    def draw(self, places: list[Float3]) -> None:
        """Move through the places."""
        for place in places:
            self.session.extend_stroke(place)

    def undone(self) -> None:
        """Take the stroke back if it was committed."""
        if self.session.history.can_undo:
            self.session.undo()

    def done(self) -> None:
        """Make the stroke again if it was undone."""
        if self.session.history.can_redo:
            self.session.redo()


def radius_mm(scene: Scene) -> float:
    """The radius of napari's brush in mm: it adds half a voxel, and measures in the least spacing."""
    return (RADIUS_VOXELS + 0.5) * min(scene.spacing)


def path(scene: Scene) -> list[Float3]:
    """The stroke: a bow through the middle slice, places 4 voxels apart."""
    depth, rows, columns = scene.shape
    first, last = 0.25 * columns, 0.75 * columns
    places = []
    for column in range(round(first), round(last), _STEP_VOXELS):
        row = rows / 2 + rows / 8 * math.sin(math.pi * (column - first) / (last - first))
        places.append((float(depth // 2), float(round(row)), float(column)))
    return places


def brush_steps(scene: Scene, repeats: int, cancelled: CancelCheck) -> list[EditRow]:
    """A step of a stroke, from one place of the mouse to the next, as a disc and as a ball."""
    rows = []
    for shape, ball in _SHAPES:
        places = path(scene)
        hand = Hand(scene, ball=ball)

        def peer(places: list[Float3] = places, ball: bool = ball) -> list[Side]:
            layer = NapariLabels(scene.shape, scene.spacing, RADIUS_VOXELS, ball=ball)
            return [
                Side("napari Labels.paint, no canvas", lambda: layer.draw(places), layer.undo, len(places))
            ]

        rows.append(
            compare(
                f"brush-step {shape}",
                Side(
                    OURS,
                    lambda hand=hand, places=places: hand.draw(places),  # type: ignore[misc]
                    lambda hand=hand, places=places: hand.begin(places),  # type: ignore[misc]
                    len(places),
                ),
                [Peer(napari_labels.PACKAGE, napari_labels.MODULE, peer)],
                target=1.0,
                note=f"a step of {_STEP_VOXELS} voxels, radius {RADIUS_VOXELS}, mean of a stroke of {len(places)}; "
                "both keep what was there for undo; ours sweeps without gaps, napari stamps once a step",
                repeats=repeats,
                cancelled=cancelled,
            )
        )
    return rows


def undo(scene: Scene, repeats: int, cancelled: CancelCheck) -> list[EditRow]:
    """Taking back the same strokes."""
    rows = []
    for shape, ball in _SHAPES:
        places = path(scene)
        hand = Hand(scene, ball=ball)
        hand.begin(places)
        hand.draw(places)
        hand.session.end_stroke()

        def peer(places: list[Float3] = places, ball: bool = ball) -> list[Side]:
            layer = NapariLabels(scene.shape, scene.spacing, RADIUS_VOXELS, ball=ball)
            layer.draw(places)
            return [Side("napari Labels.undo, no canvas, layer hidden", layer.undo, layer.redo)]

        rows.append(
            compare(
                f"undo {shape}",
                Side(OURS, hand.session.undo, hand.done),
                [Peer(napari_labels.PACKAGE, napari_labels.MODULE, peer)],
                target=1.0,
                note=f"a stroke of {len(places)} steps, radius {RADIUS_VOXELS}; ours unpacks its patch and keeps the "
                "labels' volumes up to date, napari keeps arrays unpacked",
                repeats=repeats,
                cancelled=cancelled,
            )
        )
    return rows


def commit(scene: Scene, repeats: int, cancelled: CancelCheck) -> list[Beside]:
    """The end of a stroke with the ball: its patch is made and packed."""
    hand, places = Hand(scene, ball=True), path(scene)

    def ready() -> None:
        hand.undone()
        hand.begin(places)
        hand.draw(places)

    times = take_turns([Side(OURS, hand.session.end_stroke, ready)], repeats, cancelled)
    patch = hand.session.history.next_undo
    assert patch is not None
    changed = int(np.count_nonzero(hand.session.labels))
    note = f"end of a ball's stroke of {changed:,} voxels, its patch packed with zstandard to {patch.nbytes:,} bytes"
    return [Beside("commit", times[OURS], "ms", _COMMIT_AIM_MS, {}, note)]


def memory(scene: Scene, strokes: int, cancelled: CancelCheck) -> list[Beside]:
    """What strokes keep for undo: discs and balls, each painted somewhere and erased again."""
    random = np.random.default_rng(5)
    hand = Hand(scene, ball=False)
    layers = {}
    if is_installed(napari_labels.MODULE):
        layers = {
            ball: NapariLabels(scene.shape, scene.spacing, RADIUS_VOXELS, ball=ball) for _, ball in _SHAPES
        }
    ours = theirs = 0
    for number in range(0, strokes, 2):
        stop_if(cancelled)
        places = _somewhere(scene, random)
        ball = number % 4 == 2
        hand.session.sphere = ball
        for tool, label in (("brush", 1), ("erase", 0)):
            hand.begin(places, tool)
            hand.draw(places)
            patch = hand.session.end_stroke()
            ours += patch.nbytes if patch else 0
            if layers:
                layers[ball].draw(places, label)
                theirs += layers[ball].last_stroke_bytes()
    peers = {"napari": theirs / strokes / 1024} if layers else {}
    missing = "" if layers else f"; napari is not installed: {INSTALL}"
    note = (
        f"bytes kept for undo, mean of {strokes:,} strokes of {_SHORT_STROKE} steps, half of them balls; "
        f"all together {ours / 2**20:.1f} MiB" + (f", napari {theirs / 2**20:.1f} MiB" if layers else missing)
    )
    return [Beside("memory of a stroke", ours / strokes / 1024, "KiB", None, peers, note)]


def _somewhere(scene: Scene, random: np.random.Generator) -> list[Float3]:
    """A short straight stroke at a place and in a direction of the random generator's choice, in one slice."""
    z, y, x = (float(round(place)) for place in random.random(3) * (np.array(scene.shape) - 1))
    angle = random.uniform(0, 2 * math.pi)
    down, right = math.sin(angle) * _STEP_VOXELS, math.cos(angle) * _STEP_VOXELS
    return [
        (
            z,
            min(scene.shape[1] - 1.0, max(0.0, y + step * down)),
            min(scene.shape[2] - 1.0, max(0.0, x + step * right)),
        )
        for step in range(_SHORT_STROKE)
    ]
