"""What lies on the reader's desk: the workspace, the open case, how it is looked at, and the events views follow.

The controllers change it, one per activity; the views and the command line read it. No Qt, no disk, no work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

from app.controllers.conditions import Condition
from app.core.difference_picture import Difference
from app.core.display import Look
from app.core.events import Event
from app.core.history import Entry
from app.core.journal_format import Journal
from app.core.messages import Message, MessageKind
from app.core.review import CaseState
from app.core.session import Session
from app.jobs.runner import Job, JobRunner, Lane
from app.store import settings as settings_file
from app.store.review_store import CaseRow
from app.store.settings import Settings
from app.store.workspace import Workspace
from model.attention import AttentionMap
from model.bundle import Bundle
from model.errors import GateLensError
from model.grid import Box, Float3

UNDONE = (CaseState.NEW, CaseState.PREDICTED, CaseState.LATER)
"""The states of a case that somebody still has to read."""


@dataclass(frozen=True)
class RecoveryOffer:
    """Work of an earlier run that never became a version.

    Attributes:
        strokes: how many edits would come back.
        when: when that run began.
        reader: who worked.
        voxels: voxels that differ from the mask on the screen.
        difference: the same as a picture; None where nothing differs.
        voxel_ml: the volume of a voxel.
    """

    strokes: int
    when: datetime
    reader: str
    voxels: int
    difference: Difference | None = None
    voxel_ml: float = 0.0


@dataclass(frozen=True)
class StepMade:
    """A step of the open case's history, as it was made, taken back or made again.

    Attributes:
        entry: the patch or the change of the label table.
        direction: "do" for a new step, "undo" where it was taken back, "redo" where it was made again.
    """

    entry: Entry
    direction: Literal["do", "undo", "redo"]


_OF_THE_CASE: Mapping[Condition, Callable[[Session], bool]] = {
    Condition.HAS_CASE: lambda session: True,
    Condition.HAS_PREDICTION: lambda session: session.prediction is not None,
    Condition.HAS_PREVIEW: lambda session: session.preview is not None,
    Condition.HAS_REGION: lambda session: session.region is not None,
    Condition.STROKE_ACTIVE: lambda session: session.stroke_active,
}
"""The conditions that an open case alone decides."""


@dataclass(frozen=True)
class DeskEvents:
    """What views subscribe to; always emitted on the thread that owns the desk."""

    workspace_opened: Event[None] = field(default_factory=lambda: Event("workspace opened"))
    cases_changed: Event[None] = field(default_factory=lambda: Event("cases changed"))
    thumbnail_changed: Event[str] = field(default_factory=lambda: Event("thumbnail changed"))
    case_opening: Event[CaseRow] = field(default_factory=lambda: Event("case opening"))
    case_opened: Event[Session] = field(default_factory=lambda: Event("case opened"))
    case_closed: Event[None] = field(default_factory=lambda: Event("case closed"))
    labels_changed: Event[Box] = field(default_factory=lambda: Event("labels changed"))
    step_made: Event[StepMade] = field(default_factory=lambda: Event("step made"))
    work_restored: Event[Journal] = field(default_factory=lambda: Event("work restored"))
    history_changed: Event[None] = field(default_factory=lambda: Event("history changed"))
    prediction_changed: Event[None] = field(default_factory=lambda: Event("prediction changed"))
    look_changed: Event[Look] = field(default_factory=lambda: Event("look changed"))
    crosshair_changed: Event[Float3] = field(default_factory=lambda: Event("crosshair changed"))
    tool_changed: Event[None] = field(default_factory=lambda: Event("tool changed"))
    region_changed: Event[None] = field(default_factory=lambda: Event("region changed"))
    job_changed: Event[Job] = field(default_factory=lambda: Event("job changed"))
    message: Event[Message] = field(default_factory=lambda: Event("message"))
    conditions_changed: Event[None] = field(default_factory=lambda: Event("conditions changed"))
    recovery_offered: Event[RecoveryOffer] = field(default_factory=lambda: Event("recovery offered"))


class Desk:
    """The state the controllers share; every attribute changes on the owner's thread only."""

    def __init__(self, runner: JobRunner, settings: Settings, *, keep_settings: bool = True) -> None:
        self.runner = runner
        self.settings = settings
        self._keep_settings = keep_settings
        self.events = DeskEvents()
        self.workspace: Workspace | None = None
        self.cases: tuple[CaseRow, ...] = ()
        self.session: Session | None = None
        self.look = Look()
        self.tool = "crosshair"
        self.bundle: Bundle | None = None
        """The model that predicts in this workspace."""
        self.bundle_trouble = ""
        """Why there is no model though the workspace was given one, in a sentence."""
        self.predicting: Job | None = None
        self.saving = False
        self.thumbnails: dict[str, npt.NDArray[np.uint8]] = {}
        self._running: Job | None = None
        runner.changed.subscribe(self._on_job)
        runner.failed.subscribe(lambda failure: self.fail(failure[1], failure[0].title))

    # -- reading the desk --------------------------------------------------------------------------------
    @property
    def reader(self) -> str:
        """The name the reader gave; empty until one is given."""
        return self.settings.reader

    @property
    def open_row(self) -> CaseRow | None:
        """The worklist row of the open case."""
        return self.row(self.session.case.id) if self.session else None

    def row(self, case_id: str) -> CaseRow | None:
        """The worklist row of a case; None if the worklist does not have it."""
        return next((row for row in self.cases if row.id == case_id), None)

    def thumbnail(self, case_id: str) -> npt.NDArray[np.uint8] | None:
        """A 64×64 grey picture of a case if it has been loaded."""
        return self.thumbnails.get(case_id)

    @property
    def attention(self) -> AttentionMap | None:
        """The attention map the reader chose to see, if the prediction has it."""
        if self.session is None or self.session.prediction is None or self.look.attention_key is None:
            return None
        for found in self.session.prediction.attention:
            if (found.level, found.gate) == self.look.attention_key:
                return found
        return None

    @property
    def attention_maps(self) -> tuple[AttentionMap, ...]:
        """The attention maps of the open case's prediction."""
        if self.session is None or self.session.prediction is None:
            return ()
        return self.session.prediction.attention

    def neighbour(self, step: int) -> CaseRow | None:
        """The next (step 1) or previous (−1) undone case in worklist order, wrapping round; None if there is none."""
        here = next(
            (i for i, row in enumerate(self.cases) if self.session and row.id == self.session.case.id), None
        )
        order = list(self.cases) if here is None else [*self.cases[here + 1 :], *self.cases[:here]]
        if step < 0:
            order.reverse()
        return next((row for row in order if row.state in UNDONE and row.role == "read"), None)

    def is_on(self, condition: Condition) -> bool:
        """Whether a named condition holds now."""
        session = self.session
        if condition in _OF_THE_CASE:
            return session is not None and _OF_THE_CASE[condition](session)
        can_edit = session is not None and session.read_only_reason is None and not self.saving
        match condition:
            case Condition.HAS_WORKSPACE:
                return self.workspace is not None
            case Condition.HAS_ATTENTION:
                return bool(self.attention_maps)
            case Condition.CAN_PREDICT:
                return session is not None and self.bundle is not None and self.predicting is None
            case Condition.CAN_PREDICT_HERE:
                return can_edit and self.is_on(Condition.CAN_PREDICT)
            case Condition.PREDICTING:
                return self.predicting is not None
            case Condition.CAN_EDIT:
                return can_edit
            case Condition.CAN_UNDO:
                return can_edit and session is not None and session.history.can_undo
            case Condition.CAN_REDO:
                return can_edit and session is not None and session.history.can_redo
            case Condition.CAN_ACCEPT:
                return can_edit and self.predicting is None
            case Condition.HAS_NEXT:
                return self.neighbour(1) is not None
            case Condition.HAS_PREVIOUS:
                return self.neighbour(-1) is not None
            case Condition.JOB_RUNNING:
                return self._running is not None
        raise AssertionError(condition)

    # -- telling the reader ------------------------------------------------------------------------------
    def say(self, text: str, kind: MessageKind = "info") -> None:
        """Show one sentence at the bottom of the window."""
        self.events.message.emit(Message(kind, text))

    def fail(self, error: Exception, doing: str, offer: str = "") -> None:
        """Put a failure into words: its own sentence, or that it is a bug and where the trace is.

        Args:
            error: what happened.
            doing: what failed, in a few words.
            offer: what else the reader can do, "or save it elsewhere"; ends the sentence.
        """
        if isinstance(error, GateLensError):
            text = str(error)
        else:
            text = (
                f"{doing} failed inside the program ({type(error).__name__}); your work is kept, "
                "the log has the trace."
            )
        self.say(f"{text.removesuffix('.')}, {offer}." if offer else text, "error")

    @property
    def running_job(self) -> Job | None:
        """The job the job bar shows and Esc cancels."""
        return self._running

    def _on_job(self, job: Job) -> None:
        if job.background or job.quiet:
            return
        if job.is_over:
            if self._running is job:
                self._running = None
                self.events.conditions_changed.emit(None)
        elif self._running is not job:
            self._running = job
            self.events.conditions_changed.emit(None)
        self.events.job_changed.emit(job)

    # -- settings ----------------------------------------------------------------------------------------
    def change_settings(self, **changes: str) -> None:
        """Change settings by name; they are written in the store lane."""
        self.settings = changed = replace(self.settings, **changes)
        if not self._keep_settings:
            return
        self.runner.submit(
            Lane.STORE,
            "Keeping settings",
            lambda report, cancelled: settings_file.save(changed),
            lambda value: None,
            must_finish=True,
            quiet=True,
        )

    # -- rows --------------------------------------------------------------------------------------------
    def refresh_cases(self, then: Callable[[], None] = lambda: None) -> None:
        """Read the worklist again in the store lane, and call `then` once it is here."""
        workspace = self.workspace
        if workspace is None:
            return

        def done(rows: tuple[CaseRow, ...]) -> None:
            if self.workspace is workspace:
                self.cases = rows
                self.events.cases_changed.emit(None)
                self.events.conditions_changed.emit(None)
                then()

        self.runner.submit(
            Lane.STORE,
            "Reading the worklist",
            lambda report, cancelled: workspace.reviews.cases(),
            done,
            quiet=True,
        )
