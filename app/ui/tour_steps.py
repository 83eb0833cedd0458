"""The steps of a tour, each with a picture and a proof. Copying the workspace and running the window is `tour`.

A step is ok only if it found its effect in the session, in the pixels of the views, or on disk.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.controllers.conditions import Condition
from app.controllers.starting import TourRequest
from app.core.planes import Plane
from app.core.session import Session
from app.ui.main_window import MainWindow
from app.ui.tour_hands import Hands, TourFailed
from app.ui.tour_report import CaseResult, Fact, Step, TourReport
from model.grid import Box, Float3
from model.scan_io import read_labels

_PREDICT_S = 600
_AHEAD_S = 300
# Nobody paints within half a pixel; the reach of a stroke is its radius and this.
_REACH_MARGIN_VOXELS = 1.0

Found = dict[str, Fact]


class Tour:
    """Reads `request.cases` cases in a window whose controllers work on the copy."""

    def __init__(self, window: MainWindow, request: TourRequest, copy: Path) -> None:
        self._window = window
        self._controllers = window.controllers
        self._desk = window.controllers.desk
        self._hands = Hands(window)
        self._request = request
        self._copy = copy
        self._pictures: set[str] = set()
        self._reach: npt.NDArray[np.bool_] | None = None
        self._erased: tuple[Float3, Float3] = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
        self.report = TourReport()

    # -- the whole ---------------------------------------------------------------------------------------
    def run(self) -> None:
        """Every step of every case; the first problem ends it and stands in the report."""
        hands = self._hands
        try:
            self._controllers.predicting.prepare()
            hands.wait_for(lambda: self._desk.runner.is_idle, "the model to be prepared")
            self._controllers.opening.open_workspace(self._copy)
            hands.wait_for(lambda: self._desk.session is not None, "the workspace to open")
            self._step("worklist", self._worklist)
            for number in range(self._request.cases):
                self._read_case(number)
                if not self.report.steps[-1].ok:
                    raise TourFailed(
                        f"{self._session.case.name} was not read to the end; the tour stops here."
                    )
        except TourFailed as failure:
            self.report.problem = str(failure)

    def _read_case(self, number: int) -> None:
        if number == 0:
            self._step("open", self._open)
        self._step("planes", self._planes)
        if number == 0:
            self._step("cancel", self._cancel)
        self._step("predict", self._predict)
        self._step("mask", self._mask)
        for attention in sorted(self._desk.attention_maps, key=lambda m: (-m.level, m.gate)):
            key = (attention.level, attention.gate)
            self._step(f"attention_level{key[0]}_gate{key[1]}", partial(self._attention, key))
        self._step("attention_off", self._attention_off)
        self._step("brush", self._brush)
        self._step("erase", self._erase)
        self._step("undo", self._undo)
        self._step("redo", self._redo)
        last = number + 1 >= self._request.cases
        self._step("accept", lambda: self._accept(last))

    def _step(self, name: str, do: Callable[[], Found]) -> None:
        """Do a step, take its picture, and write down what it found; "ok" is the step's own verdict."""
        started = time.monotonic()
        case = self._session.case.name if self._desk.session is not None else ""
        problem: TourFailed | None = None
        try:
            found = do()
        except TourFailed as failure:
            problem, found = failure, {"ok": False, "problem": str(failure)}
        seconds = time.monotonic() - started
        number = len(self.report.steps) + 1
        picture = f"{number:02d}_{case or 'start'}_{name}.png"
        self._hands.settle()
        pixels = self._hands.picture(self._request.out / picture)
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()
        found["picture_is_new"] = digest not in self._pictures
        self._pictures.add(digest)
        ok = bool(found.pop("ok")) and bool(found["picture_is_new"])
        self.report.steps.append(Step(number, case, name, picture, seconds, ok, tuple(found.items())))
        if problem is not None:
            raise problem

    @property
    def _session(self) -> Session:
        session = self._desk.session
        if session is None:
            raise TourFailed("No case is open.")
        return session

    # -- the steps ---------------------------------------------------------------------------------------
    def _worklist(self) -> Found:
        rows = self._window.worklist.view.model().rowCount()
        return {"ok": rows == len(self._desk.cases) > 0, "rows": rows}

    def _open(self) -> Found:
        wanted = next(i for i, row in enumerate(self._desk.cases) if row.role == "read")
        opened: list[str] = []
        end = self._desk.events.case_opened.subscribe(lambda session: opened.append(session.case.id))
        self._hands.open_row(wanted)
        self._hands.wait_for(
            lambda: bool(opened) or self._session.case.id == self._desk.cases[wanted].id, "the case to open"
        )
        end()
        self._point_at(self._session.crosshair)
        return {"ok": self._session.case.id == self._desk.cases[wanted].id, "case": self._session.case.name}

    def _planes(self) -> Found:
        self._hands.act("attention.off") if self._desk.is_on(Condition.HAS_ATTENTION) else None
        spread = {plane: float(self._hands.view_pixels(plane).std()) for plane in Plane}
        slices = [self._window.views[plane].slice_index for plane in Plane]
        for plane in Plane:
            self._hands.wheel(plane, 1)
        moved = [
            abs(self._window.views[plane].slice_index - was) for plane, was in zip(Plane, slices, strict=True)
        ]
        for plane in Plane:
            self._hands.wheel(plane, -1)
        back = [self._window.views[plane].slice_index for plane in Plane]
        letters = "".join(
            getattr(self._window.views[plane].frame.letters, edge)
            for plane in Plane
            for edge in ("left", "top")
        )
        z, y, x = self._session.crosshair
        self._point_at((z + 2, y, x), Plane.CORONAL)
        known = self._session.grid.orientation_known
        return {
            "ok": min(spread.values()) > 2
            and moved == [1, 1, 1]
            and letters == ("RARSAS" if known else "")
            and back == slices,
            "letters": letters,
            "grey_spread": round(min(spread.values()), 2),
            "wheel_moved_slices": min(moved),
        }

    def _cancel(self) -> Found:
        session, before = self._session, self._session.labels.copy()
        was = session.prediction
        # Without a pause in between: a small scan would be predicted before the hand is at the other key.
        self._hands.act("case.predict", settle=False)
        started = self._desk.is_on(Condition.PREDICTING)
        self._hands.act("case.cancel")
        self._hands.wait_for(lambda: not self._desk.is_on(Condition.PREDICTING), "the cancel", 30)
        same = bool(np.array_equal(before, session.labels))
        ok = started and same and session.prediction is was
        return {"ok": ok, "started": started, "mask_unchanged": same}

    def _predict(self) -> Found:
        session, was = self._session, self._session.prediction
        fractions: list[float] = []
        end = self._desk.events.job_changed.subscribe(lambda job: fractions.append(job.fraction))
        self._hands.act("case.predict")
        self._hands.wait_for(
            lambda: not self._desk.is_on(Condition.PREDICTING) and self._desk.session is session,
            "the prediction",
            _PREDICT_S,
        )
        end()
        prediction = session.prediction
        if prediction is None or prediction is was:
            raise TourFailed(f"There is no prediction; the window says: {self._window.messages.text}")
        equal = bool(np.array_equal(session.labels, prediction.labels))
        voxels = int(np.count_nonzero(prediction.labels))
        return {
            "ok": equal and voxels > 0 and bool(prediction.attention),
            "voxels": voxels,
            "maps": len(prediction.attention),
            "seconds": round(prediction.provenance.seconds, 2),
            "device": prediction.provenance.device,
            "progress_steps": len({round(fraction, 2) for fraction in fractions}),
        }

    def _mask(self) -> Found:
        session = self._session
        if not self._desk.look.mask_visible:
            self._hands.act("attention.mask")
        value = session.table.values[0]
        here = session.labels == value
        if not here.any():
            value = int(session.labels[session.labels > 0][0])
            here = session.labels == value
        session.active_label = value
        self._controllers.labelling.set_active(value)
        self._controllers.looking.move_crosshair(_busiest(here))
        self._hands.settle()
        with_mask = self._hands.view_pixels(Plane.AXIAL)
        self._hands.act("attention.mask")
        without = self._hands.view_pixels(Plane.AXIAL)
        self._hands.act("attention.mask")
        differ = _differ(with_mask, without)
        return {"ok": differ > 0, "pixels_of_mask": differ, "label": session.table.name(value)}

    def _attention(self, key: tuple[int, int]) -> Found:
        without = self._hands.view_pixels(Plane.AXIAL) if self._desk.look.attention_key is None else None
        self._hands.act("attention.next")
        shown = self._desk.attention
        if shown is None or (shown.level, shown.gate) != key:
            return {"ok": False, "shown": shown.name if shown is not None else "nothing"}
        pixels = self._hands.view_pixels(Plane.AXIAL)
        self._controllers.looking.set_attention(None)
        bare = self._hands.view_pixels(Plane.AXIAL) if without is None else without
        self._controllers.looking.set_attention(key)
        differ = _differ(pixels, bare)
        place = self._session.crosshair
        self._hands.hover(Plane.AXIAL, place)
        view = self._window.views[Plane.AXIAL]
        pointed = view.voxel_at(view.point_of(place).toPoint().toPointF())
        expected = float(shown.at_mm(self._session.grid.to_mm(pointed)))
        text = self._window.read_out.text
        return {
            "ok": differ > 0 and f"{expected:.2f}" in text,
            "pixels_of_attention": differ,
            "value_under_cursor": round(expected, 2),
            "read_out": text,
            "sd": round(shown.sd, 4),
            "grid": " × ".join(str(n) for n in shown.grid.size_xyz),
        }

    def _attention_off(self) -> Found:
        on = self._hands.view_pixels(Plane.AXIAL)
        self._hands.act("attention.off")
        off = self._hands.view_pixels(Plane.AXIAL)
        self._point_at(self._beside_the_mask()[0])
        return {
            "ok": self._desk.look.attention_key is None and _differ(on, off) > 0,
            "pixels": _differ(on, off),
        }

    def _brush(self) -> Found:
        session = self._session
        self._reach = np.zeros(session.labels.shape, dtype=bool)
        self._controllers.editing.set_radius_mm(max(3.0, 1.5 * max(session.grid.spacing)))
        start, stop = self._beside_the_mask()
        return self._stroke("brush", start, stop, lambda before, after: (after != 0) & (before == 0))

    def _erase(self) -> Found:
        session = self._session
        frame = session.frame(Plane.AXIAL)
        here = np.argwhere(
            frame.cut(session.labels == session.active_label, frame.slice_at(session.crosshair))
        )
        row, column = here[len(here) // 2]
        start = frame.to_voxel(frame.slice_at(session.crosshair), float(row), float(column))
        stop = frame.to_voxel(frame.slice_at(session.crosshair), float(row), float(column) + 2)
        self._erased = (start, stop)
        return self._stroke("erase", start, stop, lambda before, after: (after == 0) & (before != 0))

    def _stroke(
        self,
        tool: str,
        start: Float3,
        stop: Float3,
        expected: Callable[[npt.NDArray[np.uint8], npt.NDArray[np.uint8]], npt.NDArray[np.bool_]],
    ) -> Found:
        session = self._session
        before, seen = session.labels.copy(), self._hands.view_pixels(Plane.AXIAL)
        self._hands.act(f"tool.{tool}")
        path = self._hands.drag(Plane.AXIAL, start, stop)
        after = session.labels
        changed = before != after
        assert self._reach is not None
        self._reach |= _reach(session, path)
        stray = int(np.count_nonzero(changed & ~self._reach))
        right = bool(expected(before, after)[changed].all())
        differ = _differ(seen, self._hands.view_pixels(Plane.AXIAL))
        voxels = int(np.count_nonzero(changed))
        return {
            "ok": voxels > 0 and stray == 0 and right and differ > 0,
            "voxels": voxels,
            "voxels_outside_the_stroke": stray,
            "pixels": differ,
            "undo": self._controllers.editing.undo_name,
        }

    def _undo(self) -> Found:
        self._hands.act("tool.crosshair")
        before = self._session.labels.copy()
        self._hands.act("edit.undo")
        voxels = int(np.count_nonzero(before != self._session.labels))
        self._point_at(self._erased[1])
        return {"ok": voxels > 0 and self._desk.is_on(Condition.CAN_REDO), "voxels": voxels}

    def _redo(self) -> Found:
        before = self._session.labels.copy()
        self._hands.act("edit.redo")
        voxels = int(np.count_nonzero(before != self._session.labels))
        self._point_at(self._erased[0])
        return {"ok": voxels > 0 and not self._desk.is_on(Condition.CAN_REDO), "voxels": voxels}

    def _accept(self, last: bool) -> Found:
        desk, session, workspace = self._desk, self._session, self._desk.workspace
        assert workspace is not None
        assert session.prediction is not None
        assert self._reach is not None
        following = desk.neighbour(1)
        if following is not None:
            self._hands.wait_for(
                lambda: self._is_predicted(following.id) or desk.runner.is_idle,
                f"{following.name} to be predicted ahead",
                _AHEAD_S,
            )
        mask, grid, case_id = session.labels.copy(), session.grid, session.case.id
        changed = mask != session.prediction.labels
        painted = changed & self._reach
        self._hands.act("case.accept")
        self._hands.wait_for(lambda: not desk.saving and desk.runner.is_idle, "the save", 120)
        row = desk.row(case_id)
        version = workspace.labels.versions(case_id)[-1]
        saved = read_labels(version.path)
        whole = bool(np.array_equal(saved.labels, mask)) and saved.grid.close_to(grid)
        chain = workspace.audit.verify()
        opened = desk.session
        ahead = following is None or (
            opened is not None and opened.case.id == following.id and opened.prediction is not None
        )
        state = row.state.value if row is not None else "?"
        changed_voxels, painted_voxels = int(np.count_nonzero(changed)), int(np.count_nonzero(painted))
        self.report.cases.append(
            CaseResult(
                session.case.name,
                str(version.path.relative_to(self._request.out.resolve())),
                changed_voxels,
                painted_voxels,
            )
        )
        return {
            "ok": whole
            and state == "corrected"
            and chain.ok
            and ahead
            and changed_voxels == painted_voxels > 0,
            "state": state,
            "version": version.number,
            "reads_back_on_the_scans_grid": whole,
            "changed_voxels": changed_voxels,
            "audit_chain": chain.ok,
            "next_case": opened.case.name if opened is not None else None,
            "next_is_predicted": ahead,
        }

    def _point_at(self, voxel: Float3, plane: Plane = Plane.AXIAL) -> None:
        """Read out a place, as a reader does to check what a step did."""
        self._hands.hover(plane, voxel)

    # -- small things ------------------------------------------------------------------------------------
    def _is_predicted(self, case_id: str) -> bool:
        row = self._desk.row(case_id)
        return row is not None and row.prediction_key is not None

    def _beside_the_mask(self) -> tuple[Float3, Float3]:
        """A short way through background just beside the mask, in the axial slice of the crosshair."""
        session = self._session
        frame = session.frame(Plane.AXIAL)
        index = frame.slice_at(session.crosshair)
        labels = frame.cut(session.labels, index)
        around = Box.around((labels == session.active_label)[None])
        assert around is not None
        free = np.argwhere(labels == 0)
        middle = np.array([(a + b) / 2 for a, b in zip(around.start[1:], around.stop[1:], strict=True)])
        row, column = (int(v) for v in free[np.argmin(((free - middle) ** 2).sum(axis=1))])
        step = 3 if column + 3 < frame.columns else -3
        return frame.to_voxel(index, row, column), frame.to_voxel(index, row, column + step)


def _busiest(mask: npt.NDArray[np.bool_]) -> Float3:
    """The voxel of a mask nearest to the middle of its largest axial (first axis) slice."""
    counts = mask.reshape(mask.shape[0], -1).sum(axis=1)
    index = int(np.argmax(counts))
    places = np.argwhere(mask[index])
    row, column = places[np.argmin(((places - places.mean(axis=0)) ** 2).sum(axis=1))]
    return float(index), float(row), float(column)


def _reach(session: Session, path: tuple[Float3, ...]) -> npt.NDArray[np.bool_]:
    """Every voxel a brush along `path` could have touched: by distance in mm, worked out apart from the tool."""
    shape, spacing = session.labels.shape, np.asarray(session.grid.spacing)
    limit = session.radius_mm + _REACH_MARGIN_VOXELS * float(spacing.max())
    reach = np.zeros(shape, dtype=bool)
    axes = [np.arange(n) * mm for n, mm in zip(shape, spacing, strict=True)]
    for a, b in pairwise(path):
        for share in np.linspace(0, 1, 5):
            z, y, x = (np.asarray(a) + share * (np.asarray(b) - np.asarray(a))) * spacing
            square = (axes[0] - z)[:, None, None] ** 2 + (axes[1] - y)[:, None] ** 2 + (axes[2] - x) ** 2
            reach |= square <= limit**2
    return reach


def _differ(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> int:
    """How many pixels differ."""
    return int((a != b).any(axis=-1).sum()) if a.shape == b.shape else a.shape[0] * a.shape[1]
