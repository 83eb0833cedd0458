"""The tool in hand: what it does and its form; for a command of the mask the form with a button to run it.

What would change is said here too, with buttons to accept or drop it. The tools themselves are `app.core.tools`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QPushButton, QToolButton, QWidget

from app.controllers import Controllers
from app.controllers.conditions import Condition
from app.core.planes import Plane
from app.core.tools import TOOLS
from app.core.tools.parameters import Value
from app.ui import bind, folding, theme, words
from app.ui.actions import ACTIONS, Verbs
from app.ui.qt_bridge import SlotGuard
from app.ui.source_picker import SourcePicker
from app.ui.tool_form import Segments, ToolForm

# Commands that do something else in each plane.
_IN_A_PLANE = ("fill-between", "fill-holes", "take-slice")


class ToolHost(Protocol):
    """What the pane asks of the window round it."""

    @property
    def worked_plane(self) -> Plane:
        """The plane the reader worked in last."""
        ...

    def focus_view(self) -> None:
        """Give the keyboard back to the slices."""
        ...


class RunButton(QPushButton):
    """A button that Return presses too."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return is a click."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            event.accept()
        else:
            super().keyPressEvent(event)


class ToolPanel(QWidget):
    """The form of the tool or command, the preview.

    Attributes:
        form: the fields that are shown.
        run: runs the command that is shown.
        refusal: why the command was refused, if it was.
    """

    def __init__(
        self, controllers: Controllers, guard: SlotGuard, verbs: Verbs, host: ToolHost, commands: QMenu
    ) -> None:
        super().__init__()
        self._desk, self._editing, self._guard = controllers.desk, controllers.editing, guard
        self._host = host
        self._command: str | None = None
        self._ran: str | None = None
        self._shown = ""
        self._plane = Plane.AXIAL
        self.form = QWidget()
        self._title = folding.label(role="heading", wraps=True)
        self._help = folding.label(role="small", wraps=True)
        self._back = QToolButton()
        self._back.setIcon(theme.icon("x", theme.QUIET))
        self._back.setIconSize(QSize(14, 14))
        self._back.setToolTip("Back to the tool")
        self._back.setAccessibleName("Back to the tool")
        self._back.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._back.clicked.connect(guard.wrap(lambda _=False: self.show_tool()))
        self.planes = Segments(
            tuple((plane.value, plane.capitalize()) for plane in Plane), self._choose_plane
        )
        self.sources = SourcePicker(controllers, guard)
        self._plane_row = QWidget()
        self._plane_row.setLayout(folding.line(folding.label("Plane", "quiet"), self.planes))
        self.run = RunButton("Run")
        self.run.setProperty("role", "primary")
        self.run.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.run.clicked.connect(guard.wrap(lambda _=False: self.run_command()))
        self.refusal = folding.label(role="notice", wraps=True)
        self._commands = QToolButton()
        self._commands.setText("Commands")
        self._commands.setIcon(theme.icon("chevron-down", theme.QUIET))
        self._commands.setIconSize(QSize(14, 14))
        self._commands.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._commands.setToolTip("Fill, smooth, grow by a margin, take the prediction back, and more")
        self._commands.setAccessibleName("Commands for the label")
        self._commands.setObjectName("Segment")
        self._commands.setMenu(commands)
        self._commands.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._commands.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.preview = PreviewBox(controllers, guard, verbs)
        self._layout = folding.column(self, 8)
        self._layout.addLayout(self._title_line())
        for widget in (
            self._help,
            self.form,
            self.sources,
            self._plane_row,
            self.run,
            self.refusal,
            self.preview,
        ):
            self._layout.addWidget(widget)
        events = self._desk.events
        bind.listen(self, events.tool_changed, lambda _: self._tool_changed())
        bind.listen_all(self, (events.case_opened, events.case_closed), self._rebuild)
        bind.listen_all(self, (events.conditions_changed,), self._enable)
        bind.listen(self, self._editing.refused, self._refused)
        bind.listen(self, self._editing.preview_changed, lambda _: self.refusal.hide())
        self._rebuild()

    @property
    def command(self) -> str | None:
        """The command whose form is shown; None where it is the tool's."""
        return self._command

    def show_command(self, name: str) -> None:
        """Show a command's form; Return runs it."""
        self._command = name
        self._choose_plane(self._host.worked_plane)
        self._rebuild()
        self.run.setFocus()

    def show_tool(self) -> None:
        """Show the active tool's form."""
        self._command = None
        self._rebuild()

    def run_command(self) -> None:
        """Run the command that is shown; the keyboard goes back to the slices, where Enter accepts a preview."""
        if self._command is not None:
            self.refusal.hide()
            self._ran = self._command
            self._editing.run_command(self._command, self._plane)
            self._host.focus_view()

    def _title_line(self) -> QHBoxLayout:
        line = folding.line(self._title, self._back, self._commands, spacing=6)
        line.setStretchFactor(self._title, 1)
        return line

    def _choose_plane(self, plane: str) -> None:
        self._plane = Plane(plane)
        self.planes.choose(self._plane.value)

    def _tool_changed(self) -> None:
        """Another tool has another form; another value is shown in the form there is."""
        if self._command is None and self._shown != self._editing.tool:
            self._rebuild()
        elif isinstance(self.form, ToolForm):
            self.form.show_options(self._editing.options(self._shown))

    def _rebuild(self) -> None:
        self._shown = self._command or self._editing.tool
        tool, session = TOOLS[self._shown], self._desk.session
        is_ct = session is not None and session.scan.volume.hints.modality == "CT"
        form = ToolForm(self._editing.options(tool.name), self._set, self._guard, presets=is_ct)
        self._layout.replaceWidget(self.form, form)
        self.form.hide()
        self.form.deleteLater()
        self.form = form
        form.setVisible(bool(form.fields))
        self._title.setText(f"{tool.text} ({tool.key})" if tool.key else tool.text)
        self._help.setText(tool.help)
        runs = self._command is not None
        self.run.setVisible(runs)
        self.run.setText("Preview" if tool.preview else "Run")
        self.run.setAccessibleName(f"{self.run.text()}: {tool.text}")
        self.run.setToolTip(
            "Shows first what would change" if tool.preview else f"{tool.text} now (undo takes it back)"
        )
        self._back.setVisible(runs)
        self._plane_row.setVisible(self._shown in _IN_A_PLANE)
        self.sources.show_for(self._shown)
        self.refusal.hide()
        self._enable()

    def _enable(self) -> None:
        can = self._desk.is_on(Condition.CAN_EDIT)
        self.form.setEnabled(can)
        self.run.setEnabled(can)
        self._commands.setEnabled(can)

    def _set(self, name: str, value: Value) -> None:
        session, command = self._desk.session, self._command
        ours = command is not None and command == self._ran and TOOLS[command].preview
        shown = session is not None and (session.preview is not None or self._editing.computing)
        self._editing.set_option(self._shown, name, value)
        if command is not None and ours and shown:
            # What is shown, or on its way, belongs to the former value.
            self._editing.run_command(command, self._plane)

    def _refused(self, why: str) -> None:
        if self._command is not None:
            self.refusal.setText(why)
            self.refusal.show()


class PreviewBox(QFrame):
    """What would change, in one sentence, with buttons for Enter and Esc; hidden where nothing would."""

    def __init__(self, controllers: Controllers, guard: SlotGuard, verbs: Verbs) -> None:
        super().__init__()
        self._desk = controllers.desk
        self.setObjectName("Preview")
        self._text = folding.label(wraps=True)
        self.accept = folding.button("Accept", "check", "Make the change that is shown (Enter)", primary=True)
        self.drop = folding.button("Drop", "x", "Leave the mask as it is (Esc)")
        self.accept.clicked.connect(guard.wrap(lambda _=False: controllers.editing.accept_preview()))
        self.drop.clicked.connect(guard.wrap(lambda _=False: verbs.window.drop_preview()))
        layout = folding.column(self, 8)
        layout.setContentsMargins(10, 8, 10, 10)
        layout.addWidget(self._text)
        layout.addLayout(folding.line(self.accept, self.drop))
        events = self._desk.events
        bind.listen_all(
            self,
            (
                controllers.editing.preview_changed,
                events.case_opened,
                events.case_closed,
                events.history_changed,
            ),
            self._show,
        )
        self._show()

    @property
    def text(self) -> str:
        """What is said."""
        return self._text.text() if not self.isHidden() else ""

    def _show(self) -> None:
        session = self._desk.session
        shown = session.preview if session is not None else None
        # While a growing tool is held down, letting go accepts; the sentence stands at the pointer.
        held = session is not None and session.tools.point is not None
        self.setVisible(shown is not None and not held)
        if session is not None and shown is not None:
            self._text.setText(f"{words.preview(session, shown)}. Enter accepts, Esc drops it.")


def command_menu(parent: QWidget, add: Callable[[QMenu, str], object]) -> QMenu:
    """A menu of the commands of the table of tools; `add` puts the action of one into it."""
    menu = QMenu(parent)
    for row in ACTIONS:
        if row.id.removeprefix("mask.") in TOOLS and row.id.startswith("mask."):
            add(menu, row.id)
    return menu
