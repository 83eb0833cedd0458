"""Predicting: runs the serving model on the open case, or ahead on the next one, and keeps the result.

A result for a case that is no longer open goes to that case's folder and row; the screen is not touched.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from app import __version__
from app.controllers.desk import Desk
from app.core.labels import LabelTable
from app.core.session import Base, LabelCounts, count_labels, labels_sha256
from app.jobs.runner import Lane
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
    """A prediction, the base of a mask that starts from it, and that mask's voxels by label."""

    prediction: Prediction
    base: Base
    counts: LabelCounts


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
) -> KeptPrediction:
    """Predict a scan, write the prediction and its row; raises `CannotPredict` where the model does not apply.

    Runs outside the thread that owns the desk; cancelling leaves neither files nor row.
    """
    check_labels_fit(workspace, row, bundle)
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
    if row.table_key is None:
        workspace.add_label_table(LabelTable.from_bundle(bundle.labels, bundle.name))
    workspace.reviews.set_prediction(
        row.id, key, bundle.hash, bundle.name, table_key=row.table_key or bundle.name
    )
    base = Base("prediction", key, labels_sha256(prediction.labels))
    return KeptPrediction(prediction, base, count_labels(prediction.labels))


def check_labels_fit(workspace: Workspace, row: CaseRow, bundle: Bundle) -> None:
    """Refuse a model whose labels mean something else than those the case already has."""
    if row.table_key is None:
        return
    kept = workspace.label_table(row.table_key)
    made = LabelTable.from_bundle(bundle.labels, bundle.name)
    if [(e.value, e.name) for e in kept.entries] != [(e.value, e.name) for e in made.entries]:
        raise CannotPredict(
            f"{row.name} has the labels of {row.table_key}, which {bundle.name} does not make; "
            f"choose {row.table_key} as the model of this workspace."
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
        session, bundle, workspace, row = desk.session, desk.bundle, desk.workspace, desk.open_row
        if session is None or workspace is None or row is None:
            desk.say("Open a case first, then press F5.", "warning")
            return
        if bundle is None:
            desk.say(
                "This workspace has no model; 'gatelens workspace new … --model NAME' makes one with it.",
                "warning",
            )
            return
        if desk.predicting is not None:
            desk.say("A prediction is running; Esc cancels it.", "warning")
            return
        region, scan, case_id = session.region, session.scan, row.id
        desk.predicting = desk.runner.submit(
            Lane.COMPUTE,
            f"Predicting {row.name}",
            lambda report, cancelled: predict_and_keep(
                workspace, row, scan, bundle, report, cancelled, region=region, override=override
            ),
            lambda kept: self._arrived(workspace, case_id, kept),
            lambda error: self._did_not_arrive(row, error),
            case_id=case_id,
        )
        job = desk.predicting

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
            session.table = LabelTable.from_bundle(
                kept.prediction.bundle_labels, kept.prediction.provenance.bundle_name
            )
        session.prediction = kept.prediction
        provenance = kept.prediction.provenance
        marked = " (outside what the model is made for)" if provenance.overridden else ""
        told = f"Predicted in {provenance.seconds:.1f} s on {provenance.device}{marked}."
        if session.history.is_untouched and session.base.kind != "version" and session.read_only_reason is None:
            session.rebase(kept.prediction.labels, kept.base, kept.counts)
            desk.events.labels_changed.emit(Box.whole(session.labels.shape))
        else:
            told += " Your mask is kept; “Start again from the model's mask” takes the new one."
        desk.events.prediction_changed.emit(None)
        desk.events.conditions_changed.emit(None)
        desk.say(told)

    def _did_not_arrive(self, row: CaseRow, error: Exception) -> None:
        self._desk.fail(error, f"The prediction of {row.name}")
