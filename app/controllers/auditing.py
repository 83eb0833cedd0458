"""What the audit hears of a case while it is read: that it was opened, every step, what was shown, that it was closed.

Steps are collected and written in batches in the store lane, one row a batch: a stroke costs its reader nothing.
Those of the last seconds before a crash are in the journal and not in the audit.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from app import __version__
from app.controllers.desk import Desk, StepMade
from app.controllers.reading import ReadingController
from app.core.journal_format import Journal
from app.core.patch import Patch
from app.core.session import Session
from app.jobs.runner import Lane
from app.store import audit
from app.store.audit import Detail, Line
from app.store.workspace import Workspace

_log = logging.getLogger(__name__)

FLUSH_EVERY_S = 5.0
"""How often `flush` is to be called."""

_BATCH = 500
"""So many steps go into a row at most, about 100 kB."""

Details = dict[str, Detail]


@dataclass(frozen=True)
class _Opened:
    """A case that is or was open."""

    workspace: Workspace
    session: Session


class AuditingController:
    """Collects what happens to the open case and hands it to the audit."""

    def __init__(self, desk: Desk, reading: ReadingController) -> None:
        self._desk = desk
        self._reading = reading
        self._opened: _Opened | None = None
        self._steps: list[Detail] = []
        self._lines: list[tuple[Workspace, Line]] = []
        """What is to be written, with what the disk refused before it."""
        self._told = False
        desk.events.case_opened.subscribe(self._open)
        desk.events.case_closed.subscribe(lambda _: self._close())
        desk.events.step_made.subscribe(self._step)
        desk.events.work_restored.subscribe(self._restored)

    def flush(self) -> None:
        """Write what was collected; to be called every `FLUSH_EVERY_S`, and before a mask is saved."""
        if self._opened is not None:
            self._add_steps(self._opened)
        lines, self._lines = self._lines, []
        # One transaction a workspace: after trouble there may be lines of the one before.
        for workspace in dict.fromkeys(workspace for workspace, _ in lines):
            self._write(workspace, tuple(line for where, line in lines if where is workspace))

    def _open(self, session: Session) -> None:
        workspace = self._desk.workspace
        if workspace is None:
            return
        self._opened = _Opened(workspace, session)
        base = session.base
        details = self._who(session) | {
            "base": f"{base.kind} {base.reference}".strip(),
            "read_only": not session.can_edit,
        }
        self._add(self._opened, "case opened", details)
        self.flush()

    def _close(self) -> None:
        opened = self._opened
        if opened is None:
            return
        worked = self._reading.since_opening
        details = self._who(opened.session) | {
            "seconds": worked.active_s,
            "idle_seconds": worked.idle_s,
            "shown": {
                shown.plane.value: {"seen": shown.seen, "of": shown.count}
                for shown in opened.session.slices_seen
            },
        }
        self._add_steps(opened)
        self._add(opened, "case closed", details)
        self._opened = None
        self.flush()

    def _step(self, step: StepMade) -> None:
        if self._opened is None:
            return
        self._steps.append(_described(step, self._opened.session.grid.voxel_mm3 / 1000))
        if len(self._steps) >= _BATCH:
            self.flush()

    def _restored(self, journal: Journal) -> None:
        """Work of a journal came back: whose it was, and how many steps it came to."""
        if self._opened is None:
            return
        header = journal.header
        details = self._who(self._opened.session) | {
            "journal": header.session,
            "worked": header.reader,
            "started": header.started.isoformat(),
            "steps": journal.strokes,
        }
        self._add(self._opened, "work restored", details)

    def _who(self, session: Session) -> Details:
        prediction = session.prediction
        return {
            "reader": self._desk.reader,
            "model": prediction.provenance.bundle_hash if prediction is not None else "",
            "program": __version__,
        }

    def _add(self, opened: _Opened, kind: str, details: Details) -> None:
        self._lines.append((opened.workspace, (kind, opened.session.case.id, details)))

    def _add_steps(self, opened: _Opened) -> None:
        steps, self._steps = self._steps, []
        if steps:
            self._add(opened, "edits", {"reader": self._desk.reader, "program": __version__, "steps": steps})

    def _write(self, workspace: Workspace, lines: tuple[Line, ...]) -> None:
        self._desk.runner.submit(
            Lane.STORE,
            "Keeping the audit",
            lambda report, cancelled: workspace.audit.append_all(lines),
            lambda value: self._written(),
            lambda error: self._not_written(workspace, lines, error),
            must_finish=True,
            quiet=True,
        )

    def _written(self) -> None:
        """Trouble that comes after this is told again."""
        self._told = False

    def _not_written(self, workspace: Workspace, lines: tuple[Line, ...], error: Exception) -> None:
        _log.info("%d audit lines could not be written: %s", len(lines), type(error).__name__)
        self._lines[:0] = [(workspace, line) for line in lines]
        if not self._told:
            self._told = True
            self._desk.fail(error, "Keeping the audit of this case")


def _described(step: StepMade, ml: float) -> Details:
    """A step as the audit keeps it; `ml` is the volume of a voxel.

    One that was taken back or made again is described as it was made: an undo takes away what `added` says.
    """
    entry = step.entry
    told: Details = {"at": audit.now(), "step": step.direction, "name": entry.name}
    if isinstance(entry, Patch):
        return told | {
            "label": entry.label,
            "box": [list(entry.box.start), list(entry.box.stop)],
            "added": entry.voxels_added,
            "removed": entry.voxels_removed,
            "ml_added": round(entry.voxels_added * ml, 6),
            "ml_removed": round(entry.voxels_removed * ml, 6),
        }
    return told | {"table": (entry.before if step.direction == "undo" else entry.after).key}
