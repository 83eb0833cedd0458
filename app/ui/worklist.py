"""The worklist: every case with its picture, state, model, reader, date and series; searched by typing.

A model over `desk.cases`, a filter, and the panel that holds them. How a row looks is `worklist_row`; opening a case
is the controllers' work.
"""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QItemSelectionModel,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.controllers import Controllers
from app.controllers.desk import UNDONE, Desk
from app.store.review_store import CaseRow
from app.ui import bind, folding, theme
from app.ui.qt_bridge import SlotGuard
from app.ui.worklist_row import ROW_ROLE, CaseDelegate, Index, describe


class CaseListModel(QAbstractListModel):
    """`desk.cases` as Qt wants it."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._rows: tuple[CaseRow, ...] = desk.cases

    def rowCount(self, parent: Index | None = None) -> int:
        """How many cases there are."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The name, the words for a tooltip and for screen readers, or the row itself."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return "\n".join(part for part in describe(row) if part)
        return row if role == ROW_ROLE else None

    def refresh(self) -> None:
        """Take the desk's rows; the selection survives where the cases are the same."""
        new = self._desk.cases
        if [row.id for row in new] == [row.id for row in self._rows]:
            self._rows = new
            if new:
                self.dataChanged.emit(self.index(0), self.index(len(new) - 1))
            return
        self.beginResetModel()
        self._rows = new
        self.endResetModel()

    def repaint_case(self, case_id: str) -> None:
        """Draw one row again (its picture has come)."""
        for number, row in enumerate(self._rows):
            if row.id == case_id:
                self.dataChanged.emit(self.index(number), self.index(number))


class CaseFilter(QSortFilterProxyModel):
    """Cases that hold every typed word in their name, state, reader, model, date or series."""

    def __init__(self, source: CaseListModel) -> None:
        super().__init__()
        self._words: list[str] = []
        self.setSourceModel(source)

    def search(self, text: str) -> None:
        """Keep the cases that match."""
        self.beginFilterChange()
        self._words = text.casefold().split()
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        """Whether a case matches."""
        row = self.sourceModel().index(source_row, 0).data(ROW_ROLE)
        if not isinstance(row, CaseRow):
            return False
        text = " ".join(part for part in describe(row) if part).casefold()
        return all(word in text for word in self._words)


class CaseListView(QListView):
    """The list itself: Return or a click opens, the arrow keys walk."""

    def event(self, event: QEvent) -> bool:
        """Say that Return, arrow and page keys are ours before the shortcuts of the views take them."""
        return folding.keeps(event, return_too=True) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the selected case on Return."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.activated.emit(self.currentIndex())
            event.accept()
            return
        super().keyPressEvent(event)


class SearchField(QLineEdit):
    """The search: Esc clears it and gives the keyboard back, Down goes into the list."""

    left = Signal()
    entered_list = Signal()

    def event(self, event: QEvent) -> bool:
        """Say that Esc and Down are ours before the window's shortcuts take them."""
        mine = (Qt.Key.Key_Escape, Qt.Key.Key_Down)
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in mine
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave the field on Esc and on Down."""
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.left.emit()
        elif event.key() == Qt.Key.Key_Down:
            self.entered_list.emit()
        else:
            super().keyPressEvent(event)


class WorklistPanel(QFrame):
    """Search field, counts and the list; words where there is nothing to list."""

    def __init__(self, controllers: Controllers, guard: SlotGuard) -> None:
        super().__init__()
        self._controllers, self._desk, self._guard = controllers, controllers.desk, guard
        self.setObjectName("SideLeft")
        self.setAccessibleName("Worklist")
        self._asked: str | None = None
        self.model = CaseListModel(self._desk)
        self.filter = CaseFilter(self.model)
        self._heading = QLabel("Worklist")
        self._heading.setProperty("role", "heading")
        self._counts = QLabel()
        self._counts.setProperty("role", "small")
        self.search = SearchField()
        self.search.entered_list.connect(self._enter_list)
        self.search.setObjectName("worklist_search")
        self.search.setPlaceholderText("Search cases")
        self.search.setAccessibleName("Search the worklist")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(theme.icon("search", theme.FAINT), QLineEdit.ActionPosition.LeadingPosition)
        self.search.textChanged.connect(self._search)
        self.view = CaseListView()
        self.view.setObjectName("worklist")
        self.view.setAccessibleName("Cases")
        self.view.setModel(self.filter)
        self.view.setItemDelegate(CaseDelegate(self._desk))
        self.view.setUniformItemSizes(True)
        self.view.setMouseTracking(True)
        self.view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.clicked.connect(guard.wrap(self._open))
        self.view.activated.connect(guard.wrap(self._open))
        self._empty = QLabel()
        self._empty.setProperty("role", "quiet")
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter)
        self._empty.setContentsMargins(24, 40, 24, 24)
        self._lay_out()
        events = self._desk.events
        bind.listen(self, events.cases_changed, lambda _: self._refresh())
        bind.listen(self, events.workspace_opened, lambda _: self._refresh())
        bind.listen(self, events.thumbnail_changed, self.model.repaint_case)
        bind.listen(self, events.case_opened, lambda _: self._select_open())
        bind.listen_all(
            self, (events.case_opened, events.case_closed, events.workspace_opened), self._answered
        )
        bind.listen(
            self, events.message, lambda message: self._answered() if message.kind == "error" else None
        )
        self._refresh()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._heading)
        head.addStretch(1)
        head.addWidget(self._counts)
        body = QWidget()
        self._stack = QStackedLayout(body)
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 12, 0, 0)
        layout.setSpacing(10)
        for inner in (head, self.search):
            line = QHBoxLayout()
            line.setContentsMargins(14, 0, 14, 0)
            line.addLayout(inner) if isinstance(inner, QHBoxLayout) else line.addWidget(inner)
            layout.addLayout(line)
        layout.addWidget(body, 1)

    def _enter_list(self) -> None:
        if not self.view.currentIndex().isValid() and self.filter.rowCount():
            self.view.setCurrentIndex(self.filter.index(0, 0))
        self.view.setFocus()

    def _open(self, index: Index) -> None:
        row = index.data(ROW_ROLE)
        session = self._desk.session
        # The second click of a double click asks for what the first has asked for already.
        if isinstance(row, CaseRow) and row.id not in (session.case.id if session else None, self._asked):
            self._asked = row.id
            self._controllers.opening.open_case(row.id)

    def _answered(self) -> None:
        self._asked = None
        self.view.viewport().update()

    def _search(self, text: str) -> None:
        self.filter.search(text)
        self._say_empty()

    def _refresh(self) -> None:
        self.model.refresh()
        rows = [row for row in self._desk.cases if row.role == "read"]
        left = sum(row.state in UNDONE for row in rows)
        self._counts.setText(f"{left} of {len(rows)} to read" if rows else "")
        workspace = self._desk.workspace
        self._heading.setText(workspace.folder.name if workspace else "Worklist")
        self._heading.setToolTip(str(workspace.folder) if workspace else "")
        self._say_empty()
        self._select_open()

    def _say_empty(self) -> None:
        if self.filter.rowCount() > 0:
            self._stack.setCurrentWidget(self.view)
            return
        if self._desk.cases:
            text = "No case matches the search."
        elif self._desk.workspace is None:
            text = "No workspace is open. Open one, or a single scan, from the File menu."
        else:
            text = "This workspace holds no cases yet. Add scans with\n“gatelens workspace add”."
        self._empty.setText(text)
        self._stack.setCurrentWidget(self._empty)

    def _select_open(self) -> None:
        session = self._desk.session
        for number in range(self.filter.rowCount()):
            index = self.filter.index(number, 0)
            row = index.data(ROW_ROLE)
            if session is not None and isinstance(row, CaseRow) and row.id == session.case.id:
                flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
                self.view.selectionModel().setCurrentIndex(index, flag)
                self.view.scrollTo(index)
        self.view.viewport().update()
