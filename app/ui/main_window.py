"""The window: worklist, views, panes, foot. It puts them together, keeps track of the current plane, and closes well.

What the reader asks of it is `window_verbs`, what a verb does stands in the controllers, which keys there are in
`actions`.
"""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeyEvent, QResizeEvent
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
from app.controllers.auditing import FLUSH_EVERY_S
from app.controllers.conditions import Condition
from app.controllers.reading import LOOK_EVERY_S
from app.core.messages import Message
from app.core.planes import Plane
from app.store.leases import HEARTBEAT_S
from app.ui import bind, dialogs, folding, theme
from app.ui.action_bar import ActionSet
from app.ui.actions import Verbs
from app.ui.bottom_bar import JobBar, MessageBar, ReadOutLine
from app.ui.gate_ladder import GateLadder
from app.ui.heartbeat import Heartbeat
from app.ui.history_panel import HistoryPanel
from app.ui.label_panel import LabelPanel
from app.ui.model_panel import ModelPanel
from app.ui.overlay_panel import OverlayPanel
from app.ui.qt_bridge import SlotGuard
from app.ui.reader_signs import ReaderSigns
from app.ui.recovery_bar import RecoveryBar
from app.ui.slice_view import SliceView
from app.ui.start_page import StartPage
from app.ui.tool_panel import ToolPanel, command_menu
from app.ui.verdict_panel import VerdictPanel
from app.ui.view_pane import ElidedLabel, Pane, PaneGrid, slice_pane
from app.ui.window_verbs import ReaderVerbs
from app.ui.worklist import WorklistPanel

READER_UNKNOWN = "Who reads?"
_LEFT_PX, _RIGHT_PX = 280, 320
# Room for the reader's name in the narrowest window; a wider one gives it more, up to a whole name.
_NARROWEST_PX, _READER_PX, _READER_MOST_PX = 1060, 84, 240
# The job that imports torch; its time is counted apart in the heartbeat.
_IMPORT_TITLE = "Preparing the model"


class MainWindow(QMainWindow):
    """One reader's window onto one desk."""

    def __init__(self, controllers: Controllers, guard: SlotGuard) -> None:
        super().__init__()
        self.controllers, self._desk, self.guard = controllers, controllers.desk, guard
        self.doing = ReaderVerbs(self)
        self.verbs = Verbs(controllers, self.doing)
        self._closing = False
        guard.say = lambda kind, text: self._desk.say(text, "error" if kind == "error" else "info")
        self.setObjectName("main_window")
        self.setMinimumSize(_NARROWEST_PX, 640)
        self.resize(1480, 920)
        self.actions_set = ActionSet(self, self._desk, self.verbs, guard)
        self.worklist = WorklistPanel(controllers, guard)
        self.views = {plane: SliceView(plane, controllers, guard) for plane in Plane}
        self.ladder = GateLadder(controllers, guard)
        actions = self.actions_set.actions
        commands = command_menu(self, lambda menu, row: menu.addAction(actions[row]))
        self._current = self._worked = Plane.AXIAL
        self.tools = ToolPanel(controllers, guard, self.verbs, self, commands)
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
        # The lease of the open case says that its reader is alive.
        self._lease_timer = QTimer(self)
        self._lease_timer.setInterval(int(HEARTBEAT_S * 1000))
        self._lease_timer.timeout.connect(guard.wrap(controllers.opening.keep_lease))
        self._lease_timer.start()
        self._audit_timer = QTimer(self)
        self._audit_timer.setInterval(int(FLUSH_EVERY_S * 1000))
        self._audit_timer.timeout.connect(guard.wrap(controllers.auditing.flush))
        self._audit_timer.start()
        self._look_timer = QTimer(self)
        self._look_timer.setInterval(int(LOOK_EVERY_S * 1000))
        self._look_timer.timeout.connect(guard.wrap(controllers.reading.look))
        self._look_timer.start()
        self._signs = ReaderSigns(self, controllers.reading.touch)

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
        self._make_current(Plane.AXIAL)

    def _tool_bar(self) -> QToolBar:
        bar = self.actions_set.toolbar()
        # It takes what the buttons leave, and says it shorter in a narrow window; it never goes.
        self.research = ElidedLabel()
        self.research.setProperty("role", "notice")
        self.research.setFont(theme.font(theme.SMALL_PX))
        short = dialogs.RESEARCH_USE.split(",")[0]
        self.research.say(dialogs.RESEARCH_USE, short)
        self.research.setMinimumWidth(self.research.fontMetrics().horizontalAdvance(short) + 4)
        self.research.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.research.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(self.research)
        self._reader = QToolButton()
        self._reader.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._reader.setIcon(theme.icon("user", theme.QUIET))
        self._reader.setIconSize(QSize(18, 18))
        self._reader.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._reader.clicked.connect(self.guard.wrap(lambda _=False: self.doing.ask_reader()))
        bar.addWidget(self._reader)
        self.show_reader()
        return bar

    def _right_side(self) -> QWidget:
        panes = QWidget()
        panes.setObjectName("Side")
        column = QVBoxLayout(panes)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for title, content in (
            ("Labels", self.labels), ("Tool", self.tools), ("Model", self.model),
            ("Overlays and attention", self.overlays), ("History and versions", self.history),
        ):  # fmt: skip
            pane = folding.FoldingPane(title, content)
            column.addWidget(pane)
            if content is self.tools:
                self._tool_pane = pane
        column.addStretch(1)
        self._side_scroll = scroll = QScrollArea()
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
            view.worked.connect(lambda p=plane: self._work_in(p))
            view.hovered.connect(lambda voxel, p=plane: self._make_current(p) if voxel is not None else None)
        self._case_changed()

    def _case_changed(self) -> None:
        session = self._desk.session
        self._centre.setCurrentIndex(0 if session is None else 1)
        self.setWindowTitle(f"{session.case.name} – GateLens" if session else "GateLens")
        self.show_reader()

    def _make_current(self, plane: Plane) -> None:
        self._current = plane
        for other, pane in self.pane_of.items():
            pane.set_current(other is plane)

    @property
    def dialog(self) -> QDialog | None:
        """The dialog that is open, if any."""
        return self.doing.dialog

    def show_reader(self) -> None:
        """Say who reads."""
        name = self._desk.reader
        room = min(_READER_MOST_PX, _READER_PX + max(0, self.width() - _NARROWEST_PX))
        text, elide = name or READER_UNKNOWN, Qt.TextElideMode.ElideRight
        shown = self._reader.fontMetrics().elidedText(text, elide, room)
        self._reader.setText(f" {shown}")
        self._reader.setToolTip(
            f"Reading as {name}" if name else "Say who reads; the name stands beside every mask"
        )
        self._reader.setAccessibleName(self._reader.toolTip())

    def _section(self) -> str:
        job = self._desk.running_job
        if job is not None and job.title == _IMPORT_TITLE:
            return "import"
        return "predict" if self._desk.is_on(Condition.PREDICTING) else "idle"

    @property
    def current_plane(self) -> Plane:
        """The plane that the keys for slices move through: the one the pointer was over last."""
        return self._current

    @property
    def worked_plane(self) -> Plane:
        """The plane the reader pressed or scrolled in last; the pointer's way to a pane does not change it."""
        return self._worked

    def _work_in(self, plane: Plane) -> None:
        self._worked = plane

    def focus_view(self) -> None:
        """Give the keyboard to the slices."""
        self.views[self._worked].setFocus()

    def show_tool_pane(self) -> None:
        """Unfold the tool pane and bring it into sight."""
        self._tool_pane.unfold()
        self._side_scroll.ensureWidgetVisible(self._tool_pane, 0, 0)

    # -- the keyboard and the end --------------------------------------------------------------------------
    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """A held key is let go."""
        if not self.actions_set.key_released(event):
            super().keyReleaseEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A wider window has more room for the reader's name."""
        super().resizeEvent(event)
        self.show_reader()

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
