"""Predicting: runs the serving model on the open case, or ahead on the next one, and keeps the result.

A result for a case that is no longer open goes to that case's folder and row; the screen is not touched.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from app import __version__
from app.controllers.case_loading import NO_LABELS
from app.controllers.desk import Desk
from app.core.labels import LabelTable
from app.core.session import Base, LabelCounts, Session, count_labels, labels_sha256
from app.jobs.runner import Job, Lane
from app.store.label_families import table_to_start_with
from app.store.review_store import CaseRow
from app.store.workspace import Workspace
from model.applicability import Applicability
from model.bundle import Bundle
from model.errors import CannotPredict
from model.grid import Box
from model.inference import predict
from model.prediction import Prediction, prediction_key
from model.progress import CancelCheck, Report
from model.scan_io import ScanRead

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class KeptPrediction:
    """A prediction, the base of a mask that starts from it, that mask's voxels by label, and what labels mean.

    `table` is the one a case without any begins with.
    """

    prediction: Prediction
    base: Base
    counts: LabelCounts
    table: LabelTable


def predict_and_keep(
    workspace: Workspace,
    row: CaseRow,
    scan: ScanRead,
    bundle: Bundle,
    report: Report,
    cancelled: CancelCheck,
    *,
    region: Box | None = None,
    override: bool = False,
    table: LabelTable | None = None,
) -> KeptPrediction:
    """Predict a scan, write the prediction and its row; raises `CannotPredict` where the model does not apply.

    `table` is what labels mean on the desk, where the case lies there. Runs outside the thread that owns the desk;
    cancelling leaves neither files nor row.
    """
    check_labels_fit(workspace, row, bundle, table)
    starts = table_to_start_with(workspace, bundle.labels, bundle.name)
    # Labels that were drawn first, without a model, keep their own table when the case is accepted.
    of_its_own = table is not None and table.entries and table.family != starts.family
    taken = starts.key if row.table_key is None and not of_its_own else None
    if taken is not None:
        workspace.reviews.check_table(row.id, taken)
    key = prediction_key(bundle.hash, region, scan.volume.grid.spacing, "override" if override else "")
    prediction = predict(
        scan.volume,
        bundle,
        region=region,
        override=override,
        report=lambda fraction, text: report(0.95 * fraction, text),
        cancelled=cancelled,
        program_version=__version__,
    )
    report(0.96, "keeping the prediction")
    workspace.predictions.save(row.id, key, prediction)
    if taken is not None:
        workspace.add_label_table(starts)
    workspace.reviews.set_prediction(row.id, key, bundle.hash, bundle.name, table_key=taken)
    base = Base("prediction", key, labels_sha256(prediction.labels))
    return KeptPrediction(prediction, base, count_labels(prediction.labels), starts)


def check_labels_fit(
    workspace: Workspace, row: CaseRow, bundle: Bundle, table: LabelTable | None = None
) -> None:
    """Refuse a model whose values mean something else than those of the table a case's labels began with.

    What the reader has added or renamed since on this case changes nothing of that.

    Args:
        workspace: where the case lies.
        row: the case.
        bundle: the model.
        table: the labels of the case as they are on the desk, saved or not; None: those it was saved with.

    Raises:
        CannotPredict: the model's labels do not fit.
    """
    if table is None or not table.entries:
        if row.table_key is None:
            return
        table = workspace.label_table(row.table_key)
    starts = table_to_start_with(workspace, bundle.labels, bundle.name)
    if row.table_key is None and table.family == starts.family:
        return
    began = next((kept for kept in workspace.label_tables if kept.key == table.family), None)
    if began is None:
        # The labels began without a model, so they fit one that gives its values the same names.
        fits = all(table.name(entry.value) == entry.name for entry in starts.entries)
    else:
        fits = began.means_the_same(starts)
    if fits:
        return
    if table.family == NO_LABELS.key:
        raise CannotPredict(
            f"{row.name} has labels that were made without a model, and {bundle.name} makes others; add the scan "
            "to another workspace to predict it."
        )
    raise CannotPredict(
        f"{row.name} has the labels of {table.family}, which {bundle.name} does not make; choose {table.family} as "
        "the model of this workspace."
    )


class PredictingController:
    """Starts and cancels predictions of the open case; hands results to the session they belong to."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._failed_ahead: set[tuple[str, str]] = set()
        self.after_predicting: Callable[[], None] = lambda: None
        """Called when the compute lane is free again after F5; set to go on with the work ahead."""

    def applicability(self) -> Applicability | None:
        """Whether the serving model applies to the open scan; None without a case or a model."""
        session, bundle = self._desk.session, self._desk.bundle
        if session is None or bundle is None:
            return None
        return bundle.check_scan(session.scan.volume, region=session.region)

    def predict(self, override: bool = False) -> None:
        """Predict the open case, inside the region box where there is one; Esc cancels."""
        desk = self._desk
        ready = self.ready()
        if ready is None:
            return
        session, bundle, workspace, row = ready
        region, scan, case_id, table = session.region, session.scan, row.id, session.table
        job = desk.runner.submit(
            Lane.COMPUTE,
            f"Predicting {row.name}",
            lambda report, cancelled: predict_and_keep(
                workspace, row, scan, bundle, report, cancelled, region=region, override=override, table=table
            ),
            lambda kept: self._arrived(workspace, case_id, kept),
            lambda error: self._did_not_arrive(row, error),
            case_id=case_id,
        )
        self.follow(job)

    def ready(self) -> tuple[Session, Bundle, Workspace, CaseRow] | None:
        """What a prediction of the open case needs, if one can begin now; else the reader is told what is missing."""
        desk = self._desk
        session, bundle, workspace, row = desk.session, desk.bundle, desk.workspace, desk.open_row
        if session is None or workspace is None or row is None:
            desk.say("Open a case first, then press F5.", "warning")
            return None
        if bundle is None:
            desk.say(
                "This workspace has no model; 'gatelens workspace new … --model NAME' makes one with it.",
                "warning",
            )
            return None
        if desk.predicting is not None:
            desk.say("A prediction is running; Esc cancels it.", "warning")
            return None
        return session, bundle, workspace, row

    def follow(self, job: Job) -> None:
        """Let a job be the running prediction until it is over."""
        desk = self._desk
        desk.predicting = job

        def ended(changed: object) -> None:
            if changed is job and job.is_over:
                unsubscribe()
                if desk.predicting is job:
                    desk.predicting = None
                    desk.events.conditions_changed.emit(None)
                    self.after_predicting()

        unsubscribe = desk.runner.changed.subscribe(ended)
        desk.events.conditions_changed.emit(None)

    def cancel(self) -> None:
        """Stop the running prediction; the mask and the last prediction stay as they are."""
        if self._desk.predicting is not None:
            self._desk.predicting.cancel()

    def predict_ahead(self, row: CaseRow, scan: ScanRead) -> None:
        """Predict a case that comes next, when the compute lane has nothing else to do."""
        desk = self._desk
        bundle, workspace = desk.bundle, desk.workspace
        if bundle is None or workspace is None or row.prediction_key is not None:
            return
        if (row.id, bundle.hash) in self._failed_ahead or not desk.runner.lane_is_idle(Lane.COMPUTE):
            return
        if not bundle.check_scan(scan.volume).applies:
            return

        def failed(error: Exception) -> None:
            # Said when the reader asks for it; what nobody asked for fails silently, once.
            self._failed_ahead.add((row.id, bundle.hash))
            _log.info("could not predict ahead case %s: %s", row.id[:8], type(error).__name__)

        desk.runner.submit(
            Lane.COMPUTE,
            f"Predicting {row.name} ahead",
            lambda report, cancelled: predict_and_keep(workspace, row, scan, bundle, report, cancelled),
            lambda kept: self._arrived(workspace, row.id, kept),
            failed,
            case_id=row.id,
            background=True,
        )

    def prepare(self) -> None:
        """Import torch in the compute lane while nothing is asked of it, so that the first F5 is quick."""
        from model.inference import prepare

        self._desk.runner.submit(
            Lane.COMPUTE, "Preparing the model", lambda report, cancelled: prepare(), lambda value: None
        )

    def _arrived(self, workspace: Workspace, case_id: str, kept: KeptPrediction) -> None:
        desk = self._desk
        if desk.workspace is not workspace:
            return
        desk.refresh_cases()
        session = desk.session
        if session is None or session.case.id != case_id:
            return
        if not session.table.entries:
            session.table = kept.table
            session.rules.kept_tables = workspace.label_tables
        session.prediction = kept.prediction
        provenance = kept.prediction.provenance
        marked = " (outside what the model is made for)" if provenance.overridden else ""
        told = f"Predicted in {provenance.seconds:.1f} s on {provenance.device}{marked}."
        if (
            session.history.is_untouched
            and session.base.kind != "version"
            and session.read_only_reason is None
        ):
            session.rebase(kept.prediction.labels, kept.base, kept.counts)
            desk.events.labels_changed.emit(Box.whole(session.labels.shape))
        else:
            told += " Your mask is kept; “Start again from the model's mask” takes the new one."
        desk.events.prediction_changed.emit(None)
        desk.events.conditions_changed.emit(None)
        desk.say(told)

    def _did_not_arrive(self, row: CaseRow, error: Exception) -> None:
        self._desk.fail(error, f"The prediction of {row.name}")
