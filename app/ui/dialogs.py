"""The few questions that stop the reader: which file, an empty mask, the reader's name, and what the program is for.

Each is asked by a function that gives the answer; nothing is done here. The keys sheet is derived from the actions.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import __version__
from app.ui import folding, theme
from app.ui.actions import ACTIONS, GESTURES, Action, Group

RESEARCH_USE = "Research use only, not for diagnosis"
_MASKS = "Masks (*.nii.gz *.nii *.nrrd *.mha)"
_SCANS = "Scans (*.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd);;All files (*)"


def ask_scan(parent: QWidget) -> Path | None:
    """A scan's file, or None."""
    chosen, _ = QFileDialog.getOpenFileName(parent, "Open a scan", "", _SCANS)
    return Path(chosen) if chosen else None


def ask_folder(parent: QWidget, title: str) -> Path | None:
    """A folder, or None."""
    chosen = QFileDialog.getExistingDirectory(parent, title)
    return Path(chosen) if chosen else None


def mask_file_question(parent: QWidget, name: str) -> QFileDialog:
    """Where a mask is to be saved; asks before a file is replaced. Not yet open."""
    asked = QFileDialog(parent, "Save the mask elsewhere", str(Path.home() / name), _MASKS)
    asked.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    asked.setFileMode(QFileDialog.FileMode.AnyFile)
    asked.setDefaultSuffix("nii.gz")
    return asked


class Question(QDialog):
    """One question in plain words with a safe answer first in reach of Esc."""

    def __init__(self, parent: QWidget, title: str, text: str, yes: str, no: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(True)
        self.yes = QPushButton(yes)
        self.no = QPushButton(no)
        self.yes.setProperty("role", "primary")
        self.yes.clicked.connect(self.accept)
        self.no.clicked.connect(self.reject)
        self.no.setVisible(bool(no))
        body = folding.label(text, wraps=True)
        body.setMinimumWidth(380)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 20, 22, 18)
        layout.setSpacing(10)
        head = folding.label(title, "heading")
        head.setFont(theme.font(16, weight=QFont.Weight.DemiBold))
        layout.addWidget(head)
        layout.addWidget(body)
        self.extra = QVBoxLayout()
        layout.addLayout(self.extra)
        layout.addSpacing(6)
        layout.addLayout(folding.line(1, self.no, self.yes))


def empty_mask_question(parent: QWidget, case_name: str) -> Question:
    """Whether an empty mask is meant; accepted means yes."""
    asked = Question(
        parent, "Nothing is marked", f"The mask of {case_name} is empty. Keep it as “nothing there” and go on?",
        "Keep as empty", "Go back",
    )  # fmt: skip
    # An empty mask by a slip of the finger would be worse than one more key.
    asked.no.setDefault(True)
    return asked


class ReaderQuestion(Question):
    """The reader's name, stored beside every decision."""

    def __init__(self, parent: QWidget, name: str) -> None:
        text = "Your name stands beside every mask you accept, together with this computer's account."
        super().__init__(parent, "Who is reading?", text, "Save", "Cancel")
        self.field = QLineEdit(name)
        self.field.setPlaceholderText("For example: Dr. A. Reader")
        self.field.setAccessibleName("Reader's name")
        self.field.setMaxLength(80)
        self.field.textChanged.connect(lambda text: self.yes.setEnabled(bool(text.strip())))
        self.yes.setEnabled(bool(name.strip()))
        self.yes.setDefault(True)
        self.extra.addWidget(self.field)
        self.field.setFocus()

    @property
    def name(self) -> str:
        """What was typed."""
        return self.field.text().strip()


def about(parent: QWidget) -> Question:
    """What the program is and is not for."""
    text = (
        f"GateLens {__version__}\n\n"
        f"{RESEARCH_USE}. The masks and attention maps come from small networks trained on few scans; they are "
        "wrong at times and say nothing of a patient's health.\n\n"
        "Attention shows how strongly a gate lets features of a place through. It is not an explanation of a "
        "result, and high attention does not mean that something is found.\n\n"
        "Apache License 2.0. Font: Inter (SIL Open Font License). Icons: Lucide (ISC)."
    )
    asked = Question(parent, "About GateLens", text, "Close", "")
    asked.yes.setDefault(True)
    return asked


class KeysSheet(QDialog):
    """All keys and mouse gestures, by menu, derived from the table of actions."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys and mouse")
        self.lines: list[tuple[str, str]] = []
        sheet = QWidget()
        columns = QHBoxLayout(sheet)
        columns.setContentsMargins(26, 8, 26, 20)
        columns.setSpacing(40)
        for groups in (
            (Group.FILE, Group.CASE, Group.EDIT, Group.HELP),
            (Group.TOOLS, Group.VIEW, Group.ATTENTION),
            (Group.MASK,),
        ):
            column = QVBoxLayout()
            column.setSpacing(4)
            for group in groups:
                self._add_group(column, group.value, sheet_lines(group))
            if Group.MASK in groups:
                self._add_group(
                    column, "Mouse in a view", [(gesture.text, gesture.gesture) for gesture in GESTURES]
                )
            column.addStretch(1)
            columns.addLayout(column)
        scroll = QScrollArea()
        scroll.setWidget(sheet)
        scroll.setWidgetResizable(True)
        close = QPushButton("Close")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        title = folding.label("Keys and mouse", "title")
        title.setContentsMargins(26, 20, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(title)
        layout.addWidget(scroll, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(26, 4, 26, 16)
        note = folding.label("Single letters do nothing while a text field has the focus.", "small")
        foot.addWidget(note)
        foot.addStretch(1)
        foot.addWidget(close)
        layout.addLayout(foot)
        self.resize(1120, 740)

    def _add_group(self, column: QVBoxLayout, title: str, lines: list[tuple[str, str]]) -> None:
        heading = folding.label(title, "heading")
        heading.setContentsMargins(0, 12, 0, 4)
        heading.setStyleSheet(f"color: {theme.ACCENT};")
        column.addWidget(heading)
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(0, 1)
        for number, (text, keys) in enumerate(lines):
            self.lines.append((text, keys))
            what = folding.label(text, wraps=True)
            grid.addWidget(what, number, 0)
            key = QLabel(keys or "menu")
            key.setTextFormat(Qt.TextFormat.PlainText)
            key.setProperty("role", "small" if keys else "faint")
            key.setFont(
                theme.font(theme.SMALL_PX, weight=QFont.Weight.DemiBold if keys else QFont.Weight.Normal)
            )
            grid.addWidget(key, number, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        column.addLayout(grid)


def sheet_lines(group: Group) -> list[tuple[str, str]]:
    """Text and keys of a group's actions; rows of a numbered series share a line, "1 … 9"."""
    lines: list[tuple[str, str]] = []
    seen: set[str] = set()
    for row in (row for row in ACTIONS if row.group is group):
        if not row.series:
            lines.append((row.text.removesuffix("…"), "  ".join(native(key) for key in row.keys[:1])))
        elif row.series not in seen:
            seen.add(row.series)
            lines.append(
                (row.series, _series_keys([other for other in ACTIONS if other.series == row.series]))
            )
    return lines


def native(key: str) -> str:
    """A key as this platform writes it."""
    names = {"PgUp": "Page Up", "PgDown": "Page Down", "Ctrl+Return": "Ctrl+Enter"}
    shown = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
    return names.get(key, shown)


def _series_keys(rows: list[Action]) -> str:
    if len(rows) > 4:
        return f"{native(rows[0].key)} … {native(rows[-1].key)}"
    return "  ".join(native(row.key) for row in rows)
