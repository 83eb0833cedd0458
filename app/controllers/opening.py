"""Opening: a workspace, a scan, a case; and the next one read ahead.

The case on the screen stays until the new one is whole in memory, so a scan that cannot be read changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.controllers.case_loading import LoadedCase, load_case, read_case_scan
from app.controllers.desk import Desk
from app.controllers.journaling import SessionJournal
from app.controllers.models import serving_bundle
from app.controllers.recovering import Recovery
from app.core.session import Session
from app.jobs.runner import Lane
from app.store import workspace as workspaces
from app.store.journal_store import new_session_name
from app.store.label_version import LabelVersion
from app.store.leases import Held, Lease
from app.store.review_store import CaseRow
from app.store.workspace import Workspace
from model.bundle import Bundle
from model.errors import GateLensError
from model.progress import CancelCheck, Report
from model.scan_io import ScanRead

_log = logging.getLogger(__name__)


class OpeningController:
    """Opens and closes; the one place where `desk.session` is set."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._run_id = new_session_name()
        self._wanted: str | None = None
        self._lease: Lease | None = None
        self._ahead: tuple[str, ScanRead] | None = None
        self._recovery = Recovery(desk)
        self.journal: SessionJournal | None = None
        self.versions: tuple[LabelVersion, ...] = ()
        self.after_opening: Callable[[], None] = lambda: None
        """Called once a case is on the screen; composition sets it to start the work ahead."""

    # -- workspaces --------------------------------------------------------------------------------------
    def open_workspace(self, folder: Path, then_open: str | None = None) -> None:
        """Open a workspace and then a case of it (`then_open`, else the first undone one)."""

        def work(
            report: Report, cancelled: CancelCheck
        ) -> tuple[Workspace, tuple[CaseRow, ...], Bundle | None, str]:
            opened = workspaces.open(folder)
            try:
                return opened, opened.reviews.cases(), serving_bundle(opened), ""
            except GateLensError as error:
                return opened, opened.reviews.cases(), None, str(error)

        def done(found: tuple[Workspace, tuple[CaseRow, ...], Bundle | None, str]) -> None:
            opened, rows, bundle, trouble = found
            self._leave_workspace()
            desk = self._desk
            desk.workspace, desk.cases, desk.bundle, desk.bundle_trouble = opened, rows, bundle, trouble
            desk.change_settings(last_workspace=str(folder))
            desk.events.workspace_opened.emit(None)
            desk.events.cases_changed.emit(None)
            desk.events.conditions_changed.emit(None)
            for adopted in opened.adopted:
                row = desk.row(adopted.case_id)
                name = row.name if row is not None else adopted.case_id[:12]
                desk.say(
                    f"{name}: version {adopted.number} was whole on disk when the program ended; it is kept."
                )
            self._load_thumbnails(opened, rows)
            first = then_open or next((row.id for row in [desk.neighbour(1), *rows] if row is not None), None)
            if first is not None:
                self.open_case(first)

        self._desk.runner.submit(Lane.STORE, f"Opening {folder.name}", work, done)

    def open_path(self, path: Path) -> None:
        """Open what the reader chose: a workspace, or a scan, which then belongs to the personal workspace."""
        if workspaces.is_workspace(path):
            self.open_workspace(path)
            return

        def work(report: Report, cancelled: CancelCheck) -> tuple[Path, str]:
            from app.controllers.workspaces import add_to_personal

            return add_to_personal(path, report, cancelled)

        def done(found: tuple[Path, str]) -> None:
            self.open_workspace(*found)

        self._desk.runner.submit(Lane.FILES, f"Reading {path.name}", work, done)

    # -- cases -------------------------------------------------------------------------------------------
    def open_case(self, case_id: str) -> None:
        """Show a case; the one on the screen stays if this one cannot be read."""
        desk = self._desk
        workspace, row = desk.workspace, desk.row(case_id)
        if workspace is None or row is None:
            return
        if desk.saving:
            desk.say("The mask is being saved; the next case opens in a moment.")
            return
        self._wanted = case_id
        desk.events.case_opening.emit(row)
        run_id, reader = self._run_id, desk.reader

        def leased(lease: Lease | Held) -> None:
            if self._wanted != case_id:
                self._release(workspace, lease if isinstance(lease, Lease) else None)
                return
            scan = self._ahead[1] if self._ahead is not None and self._ahead[0] == case_id else None
            bundle = desk.bundle
            reason = lease.sentence if isinstance(lease, Held) else None
            # The row is read again in the lane: a prediction or version may have come since the list was drawn.
            desk.runner.submit(
                Lane.FILES,
                f"Reading {row.name}",
                lambda report, cancelled: load_case(
                    workspace, workspace.reviews.case(case_id), bundle, scan, reason, report, cancelled
                ),
                lambda loaded: self._show(workspace, loaded, lease),
                lambda error: self._could_not_open(workspace, lease, error, row),
                case_id=case_id,
            )

        desk.runner.submit(
            Lane.STORE,
            f"Opening {row.name}",
            lambda report, cancelled: workspace.reviews.lease(case_id, run_id, reader),
            leased,
            lambda error: desk.fail(error, f"Opening {row.name}"),
            case_id=case_id,
            quiet=True,
        )

    def keep_lease(self) -> None:
        """Say that the open case is still being read; to be called every `leases.HEARTBEAT_S` seconds."""
        desk, lease, workspace = self._desk, self._lease, self._desk.workspace
        if self.journal is not None:
            self.journal.try_again()
        if lease is None or workspace is None:
            return

        def done(held: bool) -> None:
            session = desk.session
            if not held and self._lease is lease and session is not None:
                reason = f"{session.case.name} was taken over by somebody else; your strokes are kept in its journal."
                session.read_only_reason = reason
                desk.say(reason, "warning")
                desk.events.conditions_changed.emit(None)

        desk.runner.submit(
            Lane.STORE,
            "Keeping the case",
            lambda report, cancelled: workspace.reviews.heartbeat(lease),
            done,
            quiet=True,
        )

    def next_case(self) -> None:
        """The next case that somebody still has to read."""
        self._step(1, "Every case of this worklist has been read.")

    def previous_case(self) -> None:
        """The case before this one that somebody still has to read."""
        self._step(-1, "There is no earlier case left to read.")

    def start_from_version(self, session: Session, version: LabelVersion) -> None:
        """The open case was saved: its journal is sealed, and further strokes begin another on that version."""
        self._end_journal()
        session.mark_saved(version.base)
        self.versions += (version,)
        workspace = self._desk.workspace
        if workspace is not None and self._desk.session is session:
            self.journal = SessionJournal(self._desk, workspace, session)
            self._recovery.begin(self.journal)
        self._desk.events.history_changed.emit(None)
        self._desk.events.conditions_changed.emit(None)

    def _end_journal(self) -> None:
        if self.journal is not None:
            self.journal.close()
            self.journal = None

    def close_case(self) -> None:
        """Put the case away; its strokes stay in the journal."""
        desk = self._desk
        session = desk.session
        self._recovery.forget()
        if session is None:
            return
        if session.stroke_active:
            session.cancel_stroke()
        if desk.predicting is not None:
            desk.predicting.cancel()
        self._end_journal()
        if desk.workspace is not None:
            self._release(desk.workspace, self._lease)
        self._lease = None
        desk.session = None
        self.versions = ()
        desk.events.case_closed.emit(None)
        desk.events.conditions_changed.emit(None)

    def close(self) -> None:
        """Leave everything in order before the program ends; the caller then shuts the runner down."""
        self._wanted = None
        self._leave_workspace()

    def _step(self, step: int, otherwise: str) -> None:
        row = self._desk.neighbour(step)
        if row is None:
            self._desk.say(otherwise)
        else:
            self.open_case(row.id)

    def _show(self, workspace: Workspace, loaded: LoadedCase, lease: Lease | Held) -> None:
        desk = self._desk
        if self._wanted != loaded.row.id or desk.workspace is not workspace:
            self._release(workspace, lease if isinstance(lease, Lease) else None)
            return
        # The lease of a case that is opened again is the same row; it must not be released with the old session.
        if desk.session is not None and desk.session.case.id == loaded.row.id:
            self._lease = None
        self.close_case()
        session = loaded.session
        self._lease = lease if isinstance(lease, Lease) else None
        desk.session = session
        self.versions = loaded.versions
        if session.can_edit:
            self.journal = SessionJournal(desk, workspace, session)
        level, width = loaded.window
        # What the reader set for overlays stays from case to case; the grey window belongs to the scan.
        desk.look = replace(
            desk.look, level=level, width=width, inverted=session.scan.volume.hints.inverted, bare=False
        )
        desk.events.look_changed.emit(desk.look)
        desk.events.case_opened.emit(session)
        desk.events.conditions_changed.emit(None)
        if session.read_only_reason is not None:
            desk.say(session.read_only_reason, "warning")
        for note in session.scan.notes:
            desk.say(f"{loaded.row.name}: {note}", "warning")
        if self.journal is not None:
            self._recovery.look_at(loaded.journals, self.journal)
        self.after_opening()

    def _could_not_open(
        self, workspace: Workspace, lease: Lease | Held, error: Exception, row: CaseRow
    ) -> None:
        reopened = self._desk.session is not None and self._desk.session.case.id == row.id
        if isinstance(lease, Lease) and not reopened:
            self._release(workspace, lease)
        self._wanted = self._desk.session.case.id if self._desk.session else None
        self._desk.fail(error, f"Opening {row.name}")
        self._desk.events.conditions_changed.emit(None)

    def _release(self, workspace: Workspace, lease: Lease | None) -> None:
        if lease is None:
            return
        self._desk.runner.submit(
            Lane.STORE,
            "Closing the case",
            lambda report, cancelled: workspace.reviews.release(lease),
            lambda value: None,
            must_finish=True,
            quiet=True,
        )

    def _leave_workspace(self) -> None:
        self.close_case()
        self._ahead = None
        workspace, self._desk.workspace = self._desk.workspace, None
        if workspace is not None:
            self._desk.runner.submit(
                Lane.STORE,
                "Closing the workspace",
                lambda report, cancelled: workspace.close(),
                lambda value: None,
                must_finish=True,
                quiet=True,
            )

    def _load_thumbnails(self, workspace: Workspace, rows: tuple[CaseRow, ...]) -> None:
        for row in rows:
            if row.id in self._desk.thumbnails:
                continue

            def done(picture: npt.NDArray[np.uint8] | None, case_id: str = row.id) -> None:
                if picture is not None:
                    self._desk.thumbnails[case_id] = picture
                    self._desk.events.thumbnail_changed.emit(case_id)

            def work(
                report: Report, cancelled: CancelCheck, case_id: str = row.id
            ) -> npt.NDArray[np.uint8] | None:
                return workspace.load_thumbnail(case_id)

            self._desk.runner.submit(Lane.FILES, "Reading pictures", work, done, background=True)

    # -- work ahead --------------------------------------------------------------------------------------
    def read_ahead(self, then: Callable[[CaseRow, ScanRead], None]) -> None:
        """Read the next undone case in the background and hand it on, so that it opens at once."""
        desk = self._desk
        row = desk.neighbour(1)
        if row is None or desk.session is None or row.id == desk.session.case.id:
            return
        if self._ahead is not None and self._ahead[0] == row.id:
            then(row, self._ahead[1])
            return

        def done(scan: ScanRead) -> None:
            self._ahead = (row.id, scan)
            then(row, scan)

        def failed(error: Exception) -> None:
            # Said when the reader opens that case; work ahead is silent.
            _log.info("could not read ahead case %s: %s", row.id[:8], type(error).__name__)

        desk.runner.submit(
            Lane.FILES,
            f"Reading {row.name} ahead",
            lambda report, cancelled: read_case_scan(row, report, cancelled),
            done,
            failed,
            case_id=row.id,
            background=True,
        )

    # -- work of an earlier run --------------------------------------------------------------------------
    def take_recovery(self) -> None:
        """Bring back the strokes that were offered."""
        self._recovery.take()

    def decline_recovery(self) -> None:
        """Leave the offered strokes where they are; they are offered again next time."""
        self._recovery.forget()
