"""The window: worklist, views, panes, foot. It puts them together and does what only a window can do.

What a verb does stands in the controllers; which keys there are, in `actions`.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.controllers import Controllers
from app.controllers.conditions import Condition
from app.controllers.reviewing import AcceptOutcome
from app.core.messages import Message
from app.core.planes import Plane
from app.ui import bind, dialogs, folding, theme
from app.ui.action_bar import ActionSet
from app.ui.actions import Verbs
from app.ui.bottom_bar import JobBar, MessageBar, ReadOutLine, RecoveryBar
from app.ui.command_palette import CommandPalette
from app.ui.gate_ladder import GateLadder
from app.ui.heartbeat import Heartbeat
from app.ui.history_panel import HistoryPanel
from app.ui.label_panel import LabelPanel
from app.ui.model_panel import ModelPanel
from app.ui.overlay_panel import OverlayPanel
from app.ui.qt_bridge import SlotGuard
from app.ui.slice_view import SliceView
from app.ui.start_page import StartPage
from app.ui.verdict_panel import VerdictPanel
from app.ui.view_pane import Pane, PaneGrid, slice_pane
from app.ui.worklist import WorklistPanel

READER_UNKNOWN = "Who is reading?"
_LEFT_PX, _RIGHT_PX = 280, 320
# The job that imports torch; its time is counted apart in the heartbeat.
_IMPORT_TITLE = "Preparing the model"


class MainWindow(QMainWindow):
    """One reader's window onto one desk."""

    def __init__(self, controllers: Controllers, guard: SlotGuard) -> None:
        super().__init__()
        self.controllers, self._desk, self.guard = controllers, controllers.desk, guard
        self.verbs = Verbs(controllers, self)
        self._closing = False
        self._dialog: QDialog | None = None
        guard.say = lambda kind, text: self._desk.say(text, "error" if kind == "error" else "info")
        self.setObjectName("main_window")
        self.setMinimumSize(1060, 640)
        self.resize(1480, 920)
        self.actions_set = ActionSet(self, self._desk, self.verbs, guard)
        self.worklist = WorklistPanel(controllers, guard)
        self.views = {plane: SliceView(plane, controllers, guard) for plane in Plane}
        self.ladder = GateLadder(controllers, guard)
        self.labels = LabelPanel(controllers, guard, self.verbs)
        self.overlays = OverlayPanel(controllers, guard)
        self.model = ModelPanel(controllers, guard)
        self.history = HistoryPanel(controllers, guard)
        self.verdict = VerdictPanel(controllers, guard, self.verbs)
        self.read_out = ReadOutLine(controllers)
        self.jobs = JobBar(controllers, guard)
        self.messages = MessageBar(controllers)
        self.recovery = RecoveryBar(controllers, guard)
        self.heartbeat = Heartbeat(self._section, self)
        self._lay_out()
        self._subscribe()
        self._restore_geometry()
        self.views[Plane.AXIAL].setFocus()
        self.heartbeat.start()

    # -- putting it together -------------------------------------------------------------------------------
    def _lay_out(self) -> None:
        self.actions_set.fill_menus(self.menuBar())
        self.addToolBar(self._tool_bar())
        self.pane_of = {plane: slice_pane(view) for plane, view in self.views.items()}
        self.ladder_pane = Pane("Gate ladder", self.ladder, "#c8577a")
        self.ladder_pane.words.say("attention of each gated level, axial", "each gated level", "")
        self.panes = PaneGrid((*self.pane_of.values(), self.ladder_pane))
        self._centre = QStackedWidget()
        self._centre.addWidget(StartPage(self.controllers, self.guard, self.verbs))
        self._centre.addWidget(self.panes)
        centre = QWidget()
        centre.setObjectName("Centre")
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.recovery)
        column.addWidget(self._centre, 1)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(3)
        for widget in (self.worklist, centre, self._right_side()):
            self._splitter.addWidget(widget)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setSizes([_LEFT_PX, 880, _RIGHT_PX])
        whole = QWidget()
        layout = QVBoxLayout(whole)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._splitter, 1)
        layout.addWidget(self._foot())
        self.setCentralWidget(whole)
        self._current = Plane.AXIAL
        self._make_current(Plane.AXIAL)

    def _tool_bar(self) -> QToolBar:
        bar = self.actions_set.toolbar()
        gap = QWidget()
        gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(gap)
        self.research = folding.label(dialogs.RESEARCH_USE, "notice")
        self.research.setContentsMargins(8, 0, 14, 0)
        bar.addWidget(self.research)
        self._reader = QToolButton()
        self._reader.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._reader.setIcon(theme.icon("user", theme.QUIET))
        self._reader.setIconSize(QSize(18, 18))
        self._reader.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._reader.clicked.connect(self.guard.wrap(lambda _=False: self.ask_reader()))
        bar.addWidget(self._reader)
        self._show_reader()
        return bar

    def _right_side(self) -> QWidget:
        panes = QWidget()
        panes.setObjectName("Side")
        column = QVBoxLayout(panes)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for title, content in (
            ("Model", self.model), ("Labels and tools", self.labels), ("Overlays and attention", self.overlays),
            ("History and versions", self.history),
        ):  # fmt: skip
            column.addWidget(folding.FoldingPane(title, content))
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(panes)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        side = QFrame()
        side.setObjectName("SideRight")
        side.setMinimumWidth(300)
        layout = QVBoxLayout(side)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.verdict)
        self.worklist.setMinimumWidth(220)
        return side

    def _foot(self) -> QWidget:
        foot = QFrame()
        foot.setObjectName("Bottom")
        row = QHBoxLayout()
        row.setContentsMargins(14, 0, 10, 0)
        row.addWidget(self.read_out)
        row.addStretch(1)
        row.addWidget(self.jobs)
        line = QWidget()
        line.setFixedHeight(34)
        line.setLayout(row)
        layout = QVBoxLayout(foot)
        layout.setContentsMargins(0, 1, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.messages)
        layout.addWidget(line)
        return foot

    def _subscribe(self) -> None:
        events = self._desk.events
        bind.listen_all(self, (events.case_opened, events.case_closed), self._case_changed)
        bind.listen(self, events.conditions_changed, lambda _: self._go_on_closing())
        bind.listen(self, events.message, self._heard)
        self.worklist.search.left.connect(lambda: self.views[self._current].setFocus())
        for plane, view in self.views.items():
            view.hovered.connect(self.read_out.hover)
            view.hovered.connect(lambda voxel, p=plane: self._make_current(p) if voxel is not None else None)
        self._case_changed()

    def _case_changed(self) -> None:
        session = self._desk.session
        self._centre.setCurrentIndex(0 if session is None else 1)
        self.setWindowTitle(f"{session.case.name} – GateLens" if session else "GateLens")
        self._show_reader()

    def _make_current(self, plane: Plane) -> None:
        self._current = plane
        for other, pane in self.pane_of.items():
            pane.set_current(other is plane)

    def _show_reader(self) -> None:
        name = self._desk.reader
        self._reader.setText(f" {name or READER_UNKNOWN}")
        self._reader.setToolTip(
            f"Reading as {name}" if name else "Say who reads; the name stands beside every mask"
        )
        self._reader.setAccessibleName(self._reader.toolTip())

    def _section(self) -> str:
        job = self._desk.running_job
        if job is not None and job.title == _IMPORT_TITLE:
            return "import"
        return "predict" if self._desk.is_on(Condition.PREDICTING) else "idle"

    # -- verbs of the window (actions.WindowVerbs) ---------------------------------------------------------
    @property
    def current_plane(self) -> Plane:
        """The plane that the keys for slices move through: the one the pointer was over last."""
        return self._current

    def ask_scan(self) -> None:
        """Ask for a scan's file and open it."""
        path = dialogs.ask_scan(self)
        if path is not None:
            self.controllers.opening.open_path(path)

    def ask_folder(self) -> None:
        """Ask for a folder with a DICOM series and open it."""
        path = dialogs.ask_folder(self, "Open a folder with one DICOM series")
        if path is not None:
            self.controllers.opening.open_path(path)

    def ask_workspace(self) -> None:
        """Ask for a workspace's folder and open it."""
        path = dialogs.ask_folder(self, "Open a workspace")
        if path is not None:
            self.controllers.opening.open_workspace(path)

    def ask_reader(self) -> None:
        """Ask who reads."""
        asked = dialogs.ReaderQuestion(self, self._desk.reader)

        def answered() -> None:
            self.controllers.reviewing.set_reader(asked.name)
            self._show_reader()

        self._ask(asked, answered)

    def accept(self) -> None:
        """Accept and next; an empty mask is asked about first."""
        session = self._desk.session
        if session is None:
            return
        outcome = self.controllers.reviewing.accept()
        if outcome is AcceptOutcome.ASK_EMPTY:
            asked = dialogs.empty_mask_question(self, session.case.name)
            self._ask(asked, lambda: self.controllers.reviewing.accept(True))

    def cancel(self) -> None:
        """Cancel what is going on: a drag, a stroke, else the running job."""
        dropped = [view for view in self.views.values() if view.cancel_drag()]
        if dropped:
            return
        if self._desk.is_on(Condition.STROKE_ACTIVE):
            self.controllers.editing.cancel_stroke()
            return
        job = self._desk.running_job
        if job is not None:
            job.cancel()
        elif self.isFullScreen():
            self.toggle_full_screen()

    def undo(self) -> None:
        """Take the last step back, and say which."""
        self._step_and_say("Undone", self.controllers.editing.undo_name, self.controllers.editing.undo)

    def redo(self) -> None:
        """Make the step that was undone again, and say which."""
        self._step_and_say("Done again", self.controllers.editing.redo_name, self.controllers.editing.redo)

    def _step_and_say(self, verb: str, name: str, step: Callable[[], None]) -> None:
        before = self._desk.session.history.depth if self._desk.session else 0
        step()
        if self._desk.session is not None and self._desk.session.history.depth != before:
            self._desk.say(f"{verb}: {name}.")

    def next_attention(self) -> None:
        """The next level's map, and say which."""
        self.controllers.looking.next_attention()
        shown = self._desk.attention
        if shown is not None:
            note = "hardly varies" if shown.hardly_varies else f"standard deviation {shown.sd:.2f}"
            self._desk.say(f"Attention of {shown.name}: {note}.")
        elif self._desk.attention_maps:
            self._desk.say("Attention off.")

    def attention_off(self) -> None:
        """No attention over the scan."""
        self.controllers.looking.attention_off()
        self._desk.say("Attention off.")

    def scroll_slices(self, steps: int) -> None:
        """Slices of the current plane."""
        self.controllers.looking.scroll(self._current, steps)

    def change_radius(self, steps: int) -> None:
        """A larger or smaller brush."""
        self.controllers.editing.change_radius(steps)

    def choose_label(self, number: int) -> None:
        """The label in this place of the list, from 1."""
        session = self._desk.session
        if session is not None and number <= len(session.table.values):
            self.controllers.editing.set_active_label(session.table.values[number - 1])

    def next_layout(self) -> None:
        """The next layout of the panes."""
        kind = self.panes.next_layout(self.pane_of[self._current])
        self._desk.say(f"Layout: {kind.value}.")

    def fit_views(self) -> None:
        """Whole slices in all views."""
        for view in self.views.values():
            view.fit()

    def toggle_full_screen(self) -> None:
        """Full screen, or back."""
        self.showNormal() if self.isFullScreen() else self.showFullScreen()

    def toggle_worklist(self) -> None:
        """Show or hide the worklist."""
        self.worklist.setVisible(self.worklist.isHidden())

    def search_cases(self) -> None:
        """Put the keyboard into the search field."""
        self.worklist.show()
        self.worklist.search.setFocus()
        self.worklist.search.selectAll()

    def show_palette(self) -> None:
        """Find a command by typing."""
        palette = CommandPalette(self, self.actions_set.is_enabled, self.actions_set.trigger)
        self._open(palette)
        corner = self.mapToGlobal(self.rect().topLeft())
        palette.move(corner.x() + (self.width() - palette.width()) // 2, corner.y() + 110)

    def show_keys(self) -> None:
        """All keys and mouse gestures."""
        self._open(dialogs.KeysSheet(self))

    def show_about(self) -> None:
        """What the program is for."""
        self._open(dialogs.about(self))

    def quit(self) -> None:
        """Close the window."""
        self.close()

    @property
    def dialog(self) -> QDialog | None:
        """The dialog that is open, if any."""
        return self._dialog if self._dialog is not None and self._dialog.isVisible() else None

    def _ask(self, asked: QDialog, answered: Callable[[], object]) -> None:
        asked.accepted.connect(self.guard.wrap(lambda: _ignore(answered())))
        self._open(asked)

    def _open(self, dialog: QDialog) -> None:
        """Show a dialog without an event loop of its own, so that jobs and tests go on."""
        if self._dialog is not None:
            self._dialog.close()
            self._dialog.deleteLater()
        self._dialog = dialog
        dialog.open()

    # -- the keyboard and the end --------------------------------------------------------------------------
    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """A held key is let go."""
        if not self.actions_set.key_released(event):
            super().keyReleaseEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """A window that loses the keyboard never hears a key being let go."""
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.actions_set.release_all()
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Wait for a save, which takes seconds at most; then leave everything in order."""
        if self._desk.saving:
            self._closing = True
            self.setEnabled(False)
            self._desk.say("The mask is being saved; the window closes when it is safe on disk.")
            event.ignore()
            return
        self.heartbeat.stop()
        self._desk.change_settings(
            window_geometry=_text(self.saveGeometry()), window_state=_text(self._splitter.saveState())
        )
        self.controllers.shutdown()
        event.accept()

    def _go_on_closing(self) -> None:
        if self._closing and not self._desk.saving:
            self.close()

    def _heard(self, message: Message) -> None:
        # A mask that could not be saved keeps the window open, so that the reader hears of it.
        if self._closing and message.kind == "error":
            self._closing = False
            self.setEnabled(True)

    def _restore_geometry(self) -> None:
        settings = self._desk.settings
        if settings.window_geometry:
            self.restoreGeometry(QByteArray.fromBase64(settings.window_geometry.encode()))
        if settings.window_state:
            self._splitter.restoreState(QByteArray.fromBase64(settings.window_state.encode()))


def _text(encoded: QByteArray) -> str:
    return bytes(encoded.toBase64().data()).decode("ascii")


def _ignore(value: object) -> None:
    """Slots give nothing back."""
