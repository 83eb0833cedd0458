"""Re-predicting here: the model looks at the region box again, and what it would change there is a preview.

Nothing is overwritten unasked: the mask, the case's stored prediction and its row stay as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from app import __version__
from app.controllers.changing import Changing
from app.controllers.desk import Desk
from app.controllers.predicting import PredictingController
from app.core.label_mapping import translated
from app.core.labels import LabelTable
from app.core.messages import CannotEdit
from app.core.patch import Labels
from app.core.session import Session
from app.core.tools.guard import Guard
from app.core.tools.proposal import Proposal
from app.core.tools.take_prediction import take
from app.jobs.runner import Lane
from app.store.label_families import table_to_start_with
from model.bundle import Bundle
from model.grid import Box, Grid
from model.inference import predict
from model.progress import CancelCheck, Report
from model.volume import Volume

NO_REGION = "Draw a region box first (R); the model then looks only inside it."


@dataclass(frozen=True, eq=False)
class _Found:
    """What the model says of a box of an open case.

    Attributes:
        session: the case it was asked for.
        box: the region box as it was then.
        labels: the box's labels (z, y, x), in the values of the case's table.
        table: that table.
        name: the step in words.
    """

    session: Session
    box: Box
    labels: Labels
    table: LabelTable
    name: str


class RepredictingController:
    """Asks the model about the region box and shows its answer when the reader's hand is free."""

    def __init__(self, desk: Desk, predicting: PredictingController, changing: Changing) -> None:
        self._desk = desk
        self._predicting = predicting
        self._changing = changing
        self._found: _Found | None = None
        self._comparing = False
        desk.events.case_closed.subscribe(lambda _: self._forget())
        desk.events.conditions_changed.subscribe(lambda _: self._show_when_free())

    def repredict(self) -> None:
        """Run the model on the open case's region box; Esc cancels, Enter accepts what it then shows."""
        desk = self._desk
        ready = self._predicting.ready()
        if ready is None:
            return
        session, bundle, workspace, row = ready
        try:
            session.refuse_unless_editable("predict here")
        except CannotEdit as refusal:
            self._changing.refuse(refusal)
            return
        box = session.region
        if box is None:
            self._changing.refuse(CannotEdit(NO_REGION))
            return
        self._found = None
        volume, table, kind = session.scan.volume, session.table, session.labels.dtype
        override = _was_overridden(session, bundle)
        name = f"re-prediction by {bundle.name}" + (", which is not made for this scan" if override else "")

        def work(report: Report, cancelled: CancelCheck) -> _Found:
            labels = _predicted(volume, bundle, box, override, report, cancelled)
            theirs = table_to_start_with(workspace, bundle.labels, bundle.name)
            ours = table if table.entries else theirs
            return _Found(session, box, translated(labels, theirs, ours, kind, bundle.name), ours, name)

        self._predicting.follow(
            desk.runner.submit(
                Lane.COMPUTE,
                f"Predicting the box in {row.name}",
                work,
                self._arrived,
                lambda error: desk.fail(error, f"The re-prediction of {row.name}"),
                case_id=row.id,
            )
        )

    def _arrived(self, found: _Found) -> None:
        session = self._desk.session
        if session is not found.session:
            return
        if not session.table.entries:
            session.table = found.table
            self._changing.show_table()
        self._found = found
        self._show_when_free()
        if not self._comparing:
            self._desk.say("The model's answer is here; it is shown once the stroke or the preview is done.")

    def _forget(self) -> None:
        self._found = None

    @property
    def _hand_is_free(self) -> bool:
        """Nothing is being drawn, saved, computed or decided on, so that a new preview takes nothing away."""
        session = self._desk.session
        return (
            session is not None
            and not session.stroke_active
            and session.preview is None
            and session.tools.point is None
            and not self._desk.saving
            and not self._changing.proposing.running
        )

    def _show_when_free(self) -> None:
        """Compare the answer with the mask as it is now, beside this thread, and show what differs."""
        found = self._found
        if found is None or self._comparing or not self._hand_is_free:
            return
        session, generation = found.session, found.session.generation
        labels, guard = session.labels[found.box.slices], Guard(0, locked=session.rules.untouchable)
        self._comparing = True

        def still_fits() -> bool:
            """Whether the mask is the one that was compared; where it is not, it is compared again."""
            self._comparing = False
            if self._found is not found or session.generation != generation or not self._hand_is_free:
                self._show_when_free()
                return False
            self._found = None
            return True

        def arrived(proposal: Proposal) -> None:
            if still_fits() and self._changing.ready() is not None:
                self._changing.show(proposal)

        def failed(error: Exception) -> None:
            if not still_fits():
                return
            if isinstance(error, CannotEdit):
                self._changing.refuse(error)
            else:
                self._desk.fail(error, "Comparing the prediction with the mask")

        self._desk.runner.submit(
            Lane.EDIT,
            "Comparing with the mask",
            lambda report, cancelled: _proposed(found, labels, guard),
            arrived,
            failed,
            case_id=session.case.id,
            quiet=True,
        )


def looked_at(grid: Grid, bundle: Bundle, box: Box) -> Box:
    """The box of voxels (z, y, x) a model looks at for an answer about a smaller one: half a window more all round.

    A network sees a place by its surroundings; cut off at the box's edge it would judge that edge blindly.
    """
    margin = [0, 0, 0]
    for place, axis in enumerate(grid.reordering(bundle.orientation).source):
        spacing = grid.spacing[axis] if bundle.target_spacing is None else bundle.target_spacing[place]
        margin[axis] = math.ceil(bundle.window_size[place] / 2 * spacing / grid.spacing[axis])
    return box.grown(margin).clipped(grid.shape)


def _was_overridden(session: Session, bundle: Bundle) -> bool:
    """Whether the reader ran this model on this scan though it says that it does not apply."""
    made = session.prediction.provenance if session.prediction is not None else None
    return made is not None and made.overridden and made.bundle_hash == bundle.hash


def _predicted(
    volume: Volume, bundle: Bundle, box: Box, override: bool, report: Report, cancelled: CancelCheck
) -> Labels:
    """The model's labels (z, y, x) of a box; errors as `model.inference.predict`."""
    around = looked_at(volume.grid, bundle, box)
    # Models for a part of the body may apply to the box and not to more.
    region = around if bundle.check_scan(volume, region=around).applies else box
    prediction = predict(
        volume,
        bundle,
        region=region,
        override=override,
        report=report,
        cancelled=cancelled,
        program_version=__version__,
        attention=False,
    )
    return np.array(prediction.labels[box.slices])


def _proposed(found: _Found, labels: Labels, guard: Guard) -> Proposal:
    """What the model's answer changes among the box's labels (z, y, x); raises `CannotEdit` where that is nothing."""
    proposal = take(labels, found.labels, Box.whole(labels.shape), guard, found.name)
    return replace(proposal, box=proposal.box.moved(found.box.start))
