"""From the tools as they are set on a case to strokes, proposals and the work that yields them; it changes no mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from app.core.messages import CannotEdit
from app.core.patch import Labels
from app.core.planes import Plane
from app.core.point import GrowPoint
from app.core.stroke import Stroke
from app.core.tools import TOOLS, Gesture
from app.core.tools.brush import Brush, FloatArray
from app.core.tools.commands import (
    COMMANDS,
    NO_PREDICTION,
    Compute,
    Scene,
    grown,
    outlined,
    refuse_under_a_voxel,
)
from app.core.tools.guard import Guard
from app.core.tools.lasso import lasso
from app.core.tools.margin import Ball
from app.core.tools.parameters import Options, Value
from app.core.tools.proposal import Proposal
from app.core.tools.take_prediction import TAKING, take
from app.core.tools.threshold import range_at
from app.core.tools.writers import Eraser, Painter, RangePainter, Restorer, Smoother, Writer
from model.grid import Box, Float3

if TYPE_CHECKING:
    from app.core.session import Session


class ToolUse:
    """The tools of one open case: what is set on them, and what they would do to it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._point: GrowPoint | None = None
        self._source: tuple[Labels, str] | None = None

    def stroke(self, tool: str, plane: Plane, voxel: Float3) -> Stroke:
        """A stroke of a tool from a place (continuous z, y, x) of a plane on, not yet drawn.

        Raises:
            CannotEdit: the tool cannot be used now.
        """
        if TOOLS[tool].gesture is not Gesture.STROKE:
            raise ValueError(f"{tool} is not drawn along a path")
        options = self.options(tool)
        guard = self._guard(options)
        writer = self._writer(tool, options, guard)
        name, spacing = self._step_name(tool, guard), self._session.grid.spacing
        return Stroke(writer, self._brush(plane), guard.label, name, voxel, spacing)

    def options(self, tool: str) -> Options:
        """What is set on a tool."""
        return self._session.settings.options(tool)

    def set_option(self, tool: str, name: str, value: Value) -> None:
        """Set a parameter of a tool, within its bounds; radius, ball and protection go for all tools at once."""
        self._session.settings.change(tool, name, value)

    def sample_range(self, voxel: Float3, tool: str = "threshold-brush") -> tuple[float, float]:
        """Set a tool's range to what lies under the brush at a place (continuous z, y, x); gives it.

        Raises:
            CannotEdit: the place is outside the scan or holds no number.
        """
        found = range_at(
            self._session.scan.volume.values, voxel, self._session.radius_mm, self._session.grid.spacing
        )
        if found is None:
            raise CannotEdit("There is no intensity to sample outside the scan; click inside it.")
        self.set_option(tool, "low", found[0])
        self.set_option(tool, "high", found[1])
        return found

    def take_from(self, labels: Labels | None, text: str = "the prediction") -> None:
        """What "take prediction" restores: another model's or reader's mask (z, y, x); None: the prediction."""
        if labels is not None and labels.shape != self._session.labels.shape:
            raise ValueError(f"a mask of {labels.shape} does not fit a scan of {self._session.labels.shape}")
        self._source = None if labels is None else (labels, text)

    @property
    def point(self) -> GrowPoint | None:
        """The place a growing tool is pressed at, with its tolerance."""
        return self._point

    def command(self, tool: str, plane: Plane, place: Float3 | None = None) -> Compute:
        """The work of a command (or of a click on an island), to be run anywhere, any time.

        Its result counts while `generation` stays what it is now.

        Args:
            tool: its name in `TOOLS`.
            plane: the plane it is used in.
            place: where (continuous z, y, x); None: at the crosshair.

        Raises:
            CannotEdit: it cannot be done; the work itself raises it too.
        """
        return COMMANDS[tool](self._scene(tool, plane, place))

    def refuse_unless_usable(self, tool: str, plane: Plane) -> None:
        """Raise `CannotEdit` where a tool cannot be used now: the case is read-only, the label locked or hidden."""
        self._scene(tool, plane, None)

    def outline(self, plane: Plane, slice_index: int, points_rc: FloatArray, tool: str = "lasso") -> Proposal:
        """What a closed line in a slice of a view would change.

        Args:
            plane: the plane it is drawn in.
            slice_index: the slice, as the view counts.
            points_rc: (n, 2) rows and columns of that view.
            tool: the one it is drawn with, lasso or polygon.

        Raises:
            CannotEdit: nothing would change; it says why.
        """
        if TOOLS[tool].gesture not in (Gesture.OUTLINE, Gesture.POLYGON):
            raise ValueError(f"{tool} draws no closed line")
        scene = self._scene(tool, plane, None)
        through = scene.options.switch("through_all")
        shape = self._session.grid.shape
        found = lasso(scene.frame, slice_index, points_rc, through_all=through, shape=shape)
        return outlined(scene, found)

    def from_mask(self, source: Labels, box: Box, name: str) -> Proposal:
        """What taking another mask's labels (z, y, x) within a box would change, as a prediction of that box gives.

        Raises:
            CannotEdit: nothing would change; it says why.
        """
        self._session.refuse_unless_editable(name)
        if source.shape != self._session.labels.shape:
            raise CannotEdit(
                f"The prediction has {_sizes(source.shape)} voxels and this scan "
                f"{_sizes(self._session.labels.shape)}; predict this scan again."
            )
        guard = Guard(0, locked=self._session.rules.untouchable)
        return take(self._session.labels, source, box.clipped(source.shape), guard, name)

    def begin_point(self, tool: str, plane: Plane, voxel: Float3) -> GrowPoint:
        """Press a growing tool at a place (continuous z, y, x); `point_command` is the work it asks for.

        Raises:
            CannotEdit: nothing can grow from here.
        """
        if tool != "grow":
            raise ValueError(f"{tool} does not grow from a place")
        scene = self._scene(tool, plane, voxel)
        flat = scene.frame.slice_axis if scene.options.switch("in_slice") else None
        self._session.moved_on()
        tolerance = scene.options.number("tolerance")
        self._point = GrowPoint.at(self._session.scan.volume.values, plane, voxel, tolerance, flat)
        return self._point

    def adjust_point(self, tolerance: float) -> GrowPoint | None:
        """Another tolerance, in units of intensity; None where nothing is pressed."""
        if self._point is not None:
            self._point = self._point.with_tolerance(tolerance)
        return self._point

    def point_command(self) -> Compute:
        """The work that grows from the pressed place as it is set now."""
        point = self._point
        if point is None:
            raise CannotEdit("Nothing is growing; click a place first.")
        return grown(self._scene("grow", point.plane, point.voxel), *point.range)

    def end_point(self) -> None:
        """The place is let go; the preview stays."""
        self._point = None

    def _guard(self, options: Options) -> Guard:
        """The rule for one edit with the active label, or with all of them; refuses where none is possible."""
        protect = options.switch("protect") if "protect" in options else True
        if "labels" in options and options.choice("labels") == "all":
            return Guard(0, protect, self._session.rules.untouchable)
        entry = self._session.table.entry(self._session.active_label)
        if entry is None:
            raise CannotEdit("There is no label to draw with; add or choose one in the list of labels.")
        self._session.rules.refuse_untouchable(entry)
        return Guard(entry.value, protect, self._session.rules.untouchable)

    def _step_name(self, tool: str, guard: Guard) -> str:
        text = TOOLS[tool].text.lower()
        taken = f" from {self._source[1]}" if self._source is not None and tool in TAKING else ""
        if not guard.label:
            return text + taken
        name = self._session.table.name(guard.label)
        named = {"clear-label": f"clear {name}", "take-label": f"take prediction of {name}"}
        return named.get(tool, f"{text} on {name}") + taken

    def _brush(self, plane: Plane) -> Brush:
        return Brush(
            self._session.radius_mm, None if self._session.sphere else self._session.frame(plane).slice_axis
        )

    def _restored(self) -> tuple[Labels, str] | None:
        """The mask that "take prediction" restores, and what it is called."""
        if self._source is not None:
            return self._source
        return (self._session.prediction.labels, "the prediction") if self._session.prediction else None

    def _writer(self, tool: str, options: Options, guard: Guard) -> Writer:
        match tool:
            case "erase":
                return Eraser(guard)
            case "threshold-brush":
                low, high = options.number("low"), options.number("high")
                return RangePainter(
                    guard, self._session.scan.volume.values, low, high, options.switch("inverse")
                )
            case "take-prediction":
                restored = self._restored()
                if restored is None:
                    raise CannotEdit(NO_PREDICTION)
                return Restorer(guard, *restored)
            case "smooth-brush":
                ball = Ball.of(options.number("smooth_mm"), self._session.grid.spacing)
                refuse_under_a_voxel(ball.radius_mm, ball.spacing)
                return Smoother(guard, ball, self._session.grid.shape)
        return Painter(guard)

    def _scene(self, tool: str, plane: Plane, place: Float3 | None) -> Scene:
        self._session.refuse_unless_editable(f"use {TOOLS[tool].text.lower()}")
        options = self.options(tool)
        guard = self._guard(options)
        labels = self._session.labels.view()
        labels.flags.writeable = False
        restored = self._restored()
        return Scene(
            labels=labels,
            values=self._session.scan.volume.values,
            spacing=self._session.grid.spacing,
            guard=guard,
            label=self._session.table.name(guard.label) if guard.label else "the mask",
            name=self._step_name(tool, guard),
            options=options,
            frame=self._session.frame(plane),
            place=self._session.crosshair if place is None else place,
            region=self._session.region,
            source=restored[0] if restored else None,
            probability=self._probability(guard.label),
            voxel_ml=self._session.grid.voxel_mm3 / 1000,
        )

    def _probability(self, label: int) -> npt.NDArray[np.uint8] | None:
        """What the model says of a label (z, y, x); None where it says nothing."""
        if self._session.prediction is None:
            return None
        pairs = zip(
            self._session.prediction.bundle_labels, self._session.prediction.probabilities, strict=True
        )
        return next((values for found, values in pairs if found.value == label), None)


def _sizes(shape: tuple[int, ...]) -> str:
    return "×".join(str(count) for count in reversed(shape))
