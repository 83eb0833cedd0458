"""What a reader asks of the window itself: questions, layouts, layers of help, and verbs that say what they did.

The rows of `actions` call these; the work is the controllers'.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog

from app.controllers.conditions import Condition
from app.controllers.reviewing import AcceptOutcome
from app.core.label_rules import LabelRules
from app.core.labels import LabelEntry
from app.ui import dialogs
from app.ui.actions import LabelField
from app.ui.command_palette import CommandPalette
from app.ui.label_colours import colour_of, colour_question
from app.ui.label_dialog import LabelDialog

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


class ReaderVerbs:
    """`actions.WindowVerbs` for one window."""

    def __init__(self, window: MainWindow) -> None:
        self._window, self._controllers, self._desk = window, window.controllers, window.controllers.desk
        self._dialog: QDialog | None = None

    def ask_scan(self) -> None:
        """Ask for a scan's file and open it."""
        path = dialogs.ask_scan(self._window)
        if path is not None:
            self._controllers.opening.open_path(path)

    def ask_folder(self) -> None:
        """Ask for a folder with a DICOM series and open it."""
        path = dialogs.ask_folder(self._window, "Open a folder with one DICOM series")
        if path is not None:
            self._controllers.opening.open_path(path)

    def ask_workspace(self) -> None:
        """Ask for a workspace's folder and open it."""
        path = dialogs.ask_folder(self._window, "Open a workspace")
        if path is not None:
            self._controllers.opening.open_workspace(path)

    def save_elsewhere(self) -> None:
        """Ask where a copy of the mask is to go, and save it there."""
        session, elsewhere = self._desk.session, self._controllers.elsewhere
        asked = dialogs.mask_file_question(self._window, elsewhere.suggested_name)

        def answered() -> None:
            if self._desk.session is not session:
                self._desk.say("Another case came up meanwhile; nothing was saved elsewhere.", "warning")
            elif asked.selectedFiles():
                elsewhere.save_elsewhere(Path(asked.selectedFiles()[0]))

        self._ask(asked, answered)

    def ask_reader(self) -> None:
        """Ask who reads."""
        self._ask_reader()

    def _ask_reader(self, then: Callable[[], None] | None = None) -> None:
        asked = dialogs.ReaderQuestion(self._window, self._desk.reader)

        def answered() -> None:
            self._controllers.reviewing.set_reader(asked.name)
            self._window.show_reader()
            if then is not None and self._desk.reader:
                then()

        self._ask(asked, answered)

    def accept(self) -> None:
        """Accept and next; who reads is asked once, and an empty mask is asked about first."""
        session = self._desk.session
        if session is None:
            return
        if not self._desk.reader:
            self._ask_reader(then=self.accept)
            return
        outcome = self._controllers.reviewing.accept()
        if outcome is AcceptOutcome.ASK_EMPTY:
            asked = dialogs.empty_mask_question(self._window, session.case.name)
            self._ask(asked, lambda: self._controllers.reviewing.accept(True))

    def cancel(self) -> None:
        """Cancel what is going on: a drag, a stroke, else the running job."""
        dropped = [view for view in self._window.views.values() if view.cancel_drag()]
        if dropped:
            return
        if self._desk.is_on(Condition.STROKE_ACTIVE):
            self._controllers.editing.cancel_stroke()
            return
        if self._has_preview:
            self.drop_preview()
            return
        job = self._desk.running_job
        if job is not None:
            job.cancel()
        elif self._window.isFullScreen():
            self.toggle_full_screen()

    @property
    def _has_preview(self) -> bool:
        session = self._desk.session
        return session is not None and (session.preview is not None or self._controllers.editing.computing)

    def drop_preview(self) -> None:
        """Forget the change that is shown or being computed, and say so."""
        computing = self._controllers.editing.computing
        self._controllers.editing.drop_preview()
        self._desk.say(
            "Stopped; nothing was changed." if computing else "The preview was dropped; nothing was changed."
        )

    def choose_tool(self, tool: str) -> None:
        """Take a tool into the hand; a command's form makes way for its own."""
        self._controllers.editing.set_tool(tool)
        self._window.tools.show_tool()

    def show_command(self, tool: str) -> None:
        """The form of a command of the mask, with its button to run it."""
        self._window.show_tool_pane()
        self._window.tools.show_command(tool)

    @property
    def _active_label(self) -> tuple[LabelEntry, LabelRules] | None:
        session = self._desk.session
        entry = session.table.entry(session.active_label) if session is not None else None
        return None if session is None or entry is None else (entry, session.rules)

    def add_label(self, value: int | None = None) -> None:
        """Ask for a new label; `value` is one that the mask has without a name."""
        if self._desk.is_on(Condition.CAN_EDIT):
            self._open(LabelDialog(self._window, self._controllers, self._window.guard, value=value))

    def edit_label(self, value: int | None = None, field: LabelField = "name") -> None:
        """Ask for another name, colour or coded term of a label, the active one unless told which."""
        active = self._active_label
        if value is None and active is not None:
            value = active[0].value
        if value is None:
            self._desk.say("There is no label yet; add one first.", "warning")
        elif self._desk.is_on(Condition.CAN_EDIT):
            asked = LabelDialog(self._window, self._controllers, self._window.guard, value=value)
            self._open(asked)
            asked.start_in(field)

    def ask_label_colour(self, value: int) -> None:
        """Ask for any colour of a label."""
        session = self._desk.session
        entry = session.table.entry(value) if session is not None else None
        if entry is not None:
            asked = colour_question(self._window, entry.colour)

            def answered() -> None:
                # Another case may have opened meanwhile.
                if self._desk.session is session:
                    self._controllers.labelling.change(value, colour=colour_of(asked.currentColor()))

            self._ask(asked, answered)

    def toggle_lock(self) -> None:
        """Lock the active label, or unlock it, and say so."""
        if (active := self._active_label) is not None:
            entry, rules = active
            locked = entry.value not in rules.locked
            self._controllers.labelling.set_locked(entry.value, locked)
            self._desk.say(f"{entry.name} is {'locked: nothing changes it' if locked else 'unlocked'}.")

    def toggle_hidden(self) -> None:
        """Hide the active label, or show it, and say so."""
        if (active := self._active_label) is not None:
            entry, rules = active
            hidden = entry.value not in rules.hidden
            self._controllers.labelling.set_visible(entry.value, not hidden)
            self._desk.say(f"{entry.name} is {'hidden, and nothing changes it' if hidden else 'shown'}.")

    def undo(self) -> None:
        """Take the last step back, and say which."""
        self._step_and_say("Undone", self._controllers.editing.undo_name, self._controllers.editing.undo)

    def redo(self) -> None:
        """Make the step that was undone again, and say which."""
        self._step_and_say("Done again", self._controllers.editing.redo_name, self._controllers.editing.redo)

    def _step_and_say(self, verb: str, name: str, step: Callable[[], None]) -> None:
        before = self._desk.session.history.depth if self._desk.session else 0
        step()
        if self._desk.session is not None and self._desk.session.history.depth != before:
            self._desk.say(f"{verb}: {name}.")

    def next_attention(self) -> None:
        """The next level's map, and say which."""
        self._controllers.looking.next_attention()
        shown = self._desk.attention
        if shown is not None:
            note = "hardly varies" if shown.hardly_varies else f"standard deviation {shown.sd:.2f}"
            self._desk.say(f"Attention of {shown.name}: {note}.")
        elif self._desk.attention_maps:
            self._desk.say("Attention off.")

    def attention_off(self) -> None:
        """No attention over the scan."""
        self._controllers.looking.attention_off()
        self._desk.say("Attention off.")

    def scroll_slices(self, steps: int) -> None:
        """Slices of the current plane."""
        self._controllers.looking.scroll(self._window.current_plane, steps)

    def change_radius(self, steps: int) -> None:
        """A larger or smaller brush."""
        self._controllers.editing.change_radius(steps)

    def choose_label(self, number: int) -> None:
        """The label in this place of the list, from 1."""
        session = self._desk.session
        if session is not None and number <= len(session.table.values):
            self._controllers.labelling.set_active(session.table.values[number - 1])

    def next_layout(self) -> None:
        """The next layout of the panes."""
        kind = self._window.panes.next_layout(self._window.pane_of[self._window.current_plane])
        self._desk.say(f"Layout: {kind.value}.")

    def fit_views(self) -> None:
        """Whole slices in all views."""
        for view in self._window.views.values():
            view.fit()

    def toggle_full_screen(self) -> None:
        """Full screen, or back."""
        self._window.showNormal() if self._window.isFullScreen() else self._window.showFullScreen()

    def toggle_worklist(self) -> None:
        """Show or hide the worklist."""
        self._window.worklist.setVisible(self._window.worklist.isHidden())

    def search_cases(self) -> None:
        """Put the keyboard into the search field."""
        self._window.worklist.show()
        self._window.worklist.search.setFocus()
        self._window.worklist.search.selectAll()

    def show_palette(self) -> None:
        """Find a command by typing."""
        window, actions = self._window, self._window.actions_set
        palette = CommandPalette(window, actions.is_enabled, actions.trigger)
        self._open(palette)
        corner = window.mapToGlobal(window.rect().topLeft())
        palette.move(corner.x() + (window.width() - palette.width()) // 2, corner.y() + 110)

    def show_keys(self) -> None:
        """All keys and mouse gestures."""
        self._open(dialogs.KeysSheet(self._window))

    def show_about(self) -> None:
        """What the program is for."""
        self._open(dialogs.about(self._window))

    def quit(self) -> None:
        """Close the window."""
        self._window.close()

    @property
    def dialog(self) -> QDialog | None:
        """The dialog that is open, if any."""
        return self._dialog if self._dialog is not None and self._dialog.isVisible() else None

    def _ask(self, asked: QDialog, answered: Callable[[], object]) -> None:
        asked.accepted.connect(self._window.guard.wrap(lambda: _ignore(answered())))
        self._open(asked)

    def _open(self, dialog: QDialog) -> None:
        """Show a dialog without an event loop of its own, so that jobs and tests go on."""
        if self._dialog is not None:
            self._dialog.close()
            self._dialog.deleteLater()
        self._dialog = dialog
        dialog.open()


def _ignore(value: object) -> None:
    """Slots give nothing back."""
