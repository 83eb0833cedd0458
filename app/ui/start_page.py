"""What the centre shows while no case is open: what to do first, or which case is being read."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout

from app.controllers import Controllers
from app.store.review_store import CaseRow
from app.ui import bind, folding, theme
from app.ui.actions import Verbs, action
from app.ui.dialogs import RESEARCH_USE
from app.ui.qt_bridge import SlotGuard


class StartPage(QFrame):
    """A title, a sentence, and the verbs that lead to a scan."""

    def __init__(self, controllers: Controllers, guard: SlotGuard, verbs: Verbs) -> None:
        super().__init__()
        self._desk = controllers.desk
        self.setObjectName("StartPage")
        self.setStyleSheet(f"QFrame#StartPage {{ background: {theme.WINDOW}; }}")
        self._icon = QLabel()
        self._icon.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._icon.setPixmap(theme.pixmap("layers", 44, "#3f5262", 2.0))
        self._title = folding.label(role="title")
        self._title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._text = folding.label(role="quiet", wraps=True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._text.setFixedWidth(440)
        self._bar = QProgressBar()
        self._bar.setRange(0, 0)
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(220)
        self._buttons: list[QPushButton] = []
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addStretch(1)
        for action_id in ("file.open_scan", "file.open_folder", "file.open_workspace"):
            verb = action(action_id)
            button = folding.button(verb.text, verb.icon, verb.text)
            button.setMinimumHeight(36)
            button.clicked.connect(guard.wrap(lambda _=False, call=verb.call: _ignore(call(verbs))))
            self._buttons.append(button)
            row.addWidget(button)
        row.addStretch(1)
        note = folding.label(f"{RESEARCH_USE}.", "faint")
        note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        layout = QVBoxLayout(self)
        layout.setSpacing(14)
        layout.addStretch(3)
        layout.addWidget(self._icon)
        layout.addWidget(self._title)
        layout.addWidget(self._text, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self._bar, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addLayout(row)
        layout.addStretch(4)
        layout.addWidget(note)
        layout.addSpacing(12)
        self._opening: CaseRow | None = None
        events = self._desk.events
        bind.listen(self, events.case_opening, self._case_opening)
        bind.listen_all(
            self,
            (events.case_opened, events.case_closed, events.workspace_opened, events.cases_changed),
            self._settle,
        )
        bind.listen(self, events.message, lambda message: self._settle() if message.kind == "error" else None)
        bind.listen(self, events.job_changed, lambda _: self._say())
        self._say()

    def _case_opening(self, row: CaseRow) -> None:
        self._opening = row
        self._say()

    def _settle(self) -> None:
        self._opening = None
        self._say()

    def _say(self) -> None:
        desk = self._desk
        job = desk.running_job
        busy = self._opening is not None or (
            job is not None and desk.workspace is None and job.title.startswith("Opening")
        )
        if self._opening is not None:
            title, text = f"Opening {self._opening.name}", "Reading the scan and what was kept of it."
        elif busy and job is not None:
            title, text = job.title, "One moment."
        elif desk.workspace is None:
            title, text = (
                "Open a scan to begin",
                (
                    "A scan (NIfTI, NRRD, MetaImage), a folder with one DICOM series, or a workspace with many cases. "
                    "Nothing leaves this computer."
                ),
            )
        elif desk.cases:
            title, text = (
                "Choose a case",
                "Pick a case in the worklist on the left; N opens the next one to read.",
            )
        else:
            title, text = (
                "No cases yet",
                "Open a scan, or add scans to this workspace with “gatelens workspace add”.",
            )
        self._title.setText(title)
        self._text.setText(text)
        self._text.setFixedHeight(self._text.heightForWidth(self._text.width()))
        self._bar.setVisible(busy)
        for button in self._buttons:
            button.setVisible(not busy and not desk.cases)


def _ignore(value: object) -> None:
    """Slots give nothing back."""
