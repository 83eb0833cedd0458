"""The labels of the case: which one tools work on, how large each is, which are locked or hidden; add, change, clear.

Shows the session and calls the labelling controller; the tools have a pane of their own (`tool_panel`).
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QMenu, QScrollArea, QVBoxLayout, QWidget

from app.controllers import Controllers
from app.controllers.conditions import Condition
from app.core.labels import Colour, LabelEntry
from app.ui import bind, folding, words
from app.ui.actions import Verbs, action
from app.ui.dialogs import native
from app.ui.label_colours import fill_colour_menu
from app.ui.label_row import LabelLine, LabelRow, UnnamedLine
from app.ui.qt_bridge import SlotGuard

# A longer list scrolls, so that the tools below stay in sight.
_MOST_PX = 312
_NO_CASE = "Labels appear with a case."
_NO_LABELS = "This case has no labels yet; add one to draw with it."


class LabelPanel(QWidget):
    """The list of labels.

    Attributes:
        lines: a line for each label of the table, in its order.
        unnamed: a line for each value of the mask that the table does not name.
        add: the button for a new label.
        refusal: why the last thing asked for here was not done; empty otherwise.
    """

    def __init__(self, controllers: Controllers, guard: SlotGuard, verbs: Verbs) -> None:
        super().__init__()
        self._desk, self._labelling, self._guard = controllers.desk, controllers.labelling, guard
        self._verbs = verbs
        self.lines: list[LabelLine] = []
        self.unnamed: list[UnnamedLine] = []
        self.menu: QMenu | None = None
        self._asking = False
        self._list = QWidget()
        self._column = QVBoxLayout(self._list)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._scroll = QScrollArea()
        self._scroll.setWidget(self._list)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._empty = folding.label(_NO_CASE, "quiet", wraps=True)
        key = native(action("label.add").key)
        self.add = folding.button(
            "Add label", "plus", f"A new label to draw with ({key}); undo takes it away"
        )
        self.add.clicked.connect(guard.wrap(lambda _=False: verbs.window.add_label()))
        self.refusal = folding.label(role="notice", wraps=True)
        self.refusal.hide()
        layout = folding.column(self, 8)
        for widget in (self._scroll, self._empty, self.refusal):
            layout.addWidget(widget)
        layout.addLayout(folding.line(self.add, 1))
        events = self._desk.events
        bind.listen_all(
            self,
            (
                events.case_opened,
                events.case_closed,
                events.prediction_changed,
                self._labelling.table_changed,
            ),
            self._show_labels,
        )
        bind.listen_all(self, (events.case_opened, events.case_closed), self._close_menu)
        bind.listen(self, events.history_changed, lambda _: self._show_volumes())
        bind.listen(self, events.tool_changed, lambda _: self._show_active())
        bind.listen(self, events.conditions_changed, lambda _: self._enable())
        bind.listen(self, self._labelling.refused, self._refused)
        self._show_labels()

    @property
    def rows(self) -> list[LabelRow]:
        """The rows, without their colours and switches."""
        return [line.row for line in self.lines]

    # -- what it shows -------------------------------------------------------------------------------------
    def _show_labels(self) -> None:
        session = self._desk.session
        entries = session.table.entries if session else ()
        if tuple(row.entry for row in self.rows) != entries:
            self._rebuild(entries)
        if session is not None:
            for line in self.lines:
                line.show_rules(session.rules)
        self.refusal.hide()
        self._show_volumes()
        self._show_active()
        self._enable()

    def _rebuild(self, entries: tuple[LabelEntry, ...]) -> None:
        # Not `hasFocus`: a dialog may have the keyboard just now, and it comes back to this row.
        last = self.window().focusWidget()
        held = next((row.entry.value for row in self.rows if row is last), None)
        for line in self.lines:
            self._column.removeWidget(line)
            line.hide()
            line.deleteLater()
        self.lines = [self._line(entry, number) for number, entry in enumerate(entries, 1)]
        for place, line in enumerate(self.lines):
            self._column.insertWidget(place, line)
            # Else Qt shows it later, and the list would be measured without it.
            line.show()
            if line.entry.value == held:
                line.row.setFocus()

    def _line(self, entry: LabelEntry, number: int) -> LabelLine:
        line, value, verb = LabelLine(entry, number), entry.value, self._asked
        labelling, guard, row = self._labelling, self._guard, line.row
        row.clicked.connect(guard.wrap(lambda _=False: labelling.set_active(value)))
        row.rename_asked.connect(guard.wrap(lambda: self._verbs.window.edit_label(value)))
        row.clear_asked.connect(guard.wrap(lambda: verb(lambda: labelling.clear(value))))
        row.walked.connect(guard.wrap(lambda steps: self._walk(line, steps)))
        row.focused.connect(guard.wrap(lambda: self._reach(line)))
        row.menu_asked.connect(guard.wrap(lambda at: self._open_menu(self.menu_of(value), at)))
        line.swatch.clicked.connect(guard.wrap(lambda _=False: self._open_colours(line)))
        lock = guard.wrap(lambda on: verb(lambda: labelling.set_locked(value, bool(on))))
        hide = guard.wrap(lambda on: verb(lambda: labelling.set_visible(value, not on)))
        # Plain functions between: Qt gives wrapped ones no argument.
        line.lock.clicked.connect(lambda on: lock(on))
        line.eye.clicked.connect(lambda on: hide(on))
        return line

    def _show_active(self) -> None:
        session = self._desk.session
        active = session.active_label if session is not None else 0
        for line in self.lines:
            line.row.setChecked(line.entry.value == active)
        held = [
            line for line in self.lines if line.row.hasFocus() or line.lock.hasFocus() or line.eye.hasFocus()
        ]
        chosen = [line for line in self.lines if line.entry.value == active]
        for line in (held or chosen or self.lines)[:1]:
            self._reach(line)
        for line in chosen:
            self._scroll.ensureWidgetVisible(line, 0, 0)

    def _show_volumes(self) -> None:
        session = self._desk.session
        named = {volume.value: volume.ml for volume in session.volumes_ml()} if session is not None else {}
        for row in self.rows:
            row.set_volume(words.millilitres(named.get(row.entry.value, 0.0)))
        unnamed = session.unnamed_ml() if session is not None else ()
        if [line.value for line in self.unnamed] != [volume.value for volume in unnamed]:
            for line in self.unnamed:
                self._column.removeWidget(line)
                line.hide()
                line.deleteLater()
            self.unnamed = [
                UnnamedLine(volume.value, self._verbs.window.add_label, self._guard) for volume in unnamed
            ]
            for line in self.unnamed:
                self._column.addWidget(line)
                line.show()
        for line, volume in zip(self.unnamed, unnamed, strict=True):
            line.show_volume(volume)
        self._fit()

    def _fit(self) -> None:
        filled = bool(self.lines or self.unnamed)
        self._scroll.setVisible(filled)
        self._empty.setVisible(not self.lines)
        self._empty.setText(_NO_LABELS if self._desk.session is not None else _NO_CASE)
        self._column.activate()
        high = self._column.sizeHint().height()
        self._scroll.setFixedHeight(min(_MOST_PX, high))
        # At once, so that a new line at the end can be scrolled to.
        self._list.resize(self._list.width(), high)

    def _enable(self) -> None:
        can = self._desk.is_on(Condition.CAN_EDIT)
        self.add.setEnabled(can)
        for line in self.lines:
            line.swatch.setEnabled(can)
        for unnamed in self.unnamed:
            unnamed.offer.setEnabled(can)

    # -- the keyboard --------------------------------------------------------------------------------------
    def _walk(self, line: LabelLine, steps: int) -> None:
        place = max(0, min(len(self.lines) - 1, self.lines.index(line) + steps))
        self.lines[place].row.setFocus(Qt.FocusReason.TabFocusReason)
        self._scroll.ensureWidgetVisible(self.lines[place], 0, 0)

    def _reach(self, reached: LabelLine) -> None:
        for line in self.lines:
            line.set_in_reach(line is reached)

    # -- what is asked -------------------------------------------------------------------------------------
    def menu_of(self, value: int) -> QMenu:
        """All there is to do with a label."""
        session = self._desk.session
        assert session is not None
        entry, labelling, window = session.table.entry(value), self._labelling, self._verbs.window
        assert entry is not None
        can, verb = self._desk.is_on(Condition.CAN_EDIT), self._asked
        locked, hidden = value in session.rules.locked, value in session.rules.hidden
        menu = QMenu(self)
        menu.setToolTipsVisible(True)

        def add(text: str, call: Callable[[], object], tip: str = "", *, enabled: bool = True) -> None:
            made = menu.addAction(text)
            made.setToolTip(tip or text)
            made.setEnabled(enabled)
            made.triggered.connect(self._guard.wrap(lambda _=False: call()))

        undone = "Undo takes it back"
        add(f"Work on {entry.name}", lambda: labelling.set_active(value))
        menu.addSeparator()
        add("Rename…\tF2", lambda: window.edit_label(value), undone, enabled=can)
        colours = menu.addMenu("Colour")
        colours.setEnabled(can)
        self._fill_colours(colours, entry)
        add("Coded term…", lambda: window.edit_label(value, "term"), undone, enabled=can)
        menu.addSeparator()
        add(
            "Unlock" if locked else "Lock",
            lambda: verb(lambda: labelling.set_locked(value, not locked)),
            "A locked label does not change",
        )
        add(
            "Show" if hidden else "Hide",
            lambda: verb(lambda: labelling.set_visible(value, hidden)),
            "A hidden label does not change",
        )
        menu.addSeparator()
        add(
            "Clear label\tDel",
            lambda: verb(lambda: labelling.clear(value)),
            "Takes it away everywhere; undo brings it back",
            enabled=can,
        )
        menu.addSeparator()
        add(f"Add label…\t{native(action('label.add').key)}", lambda: window.add_label(), undone, enabled=can)
        return menu

    def _fill_colours(self, menu: QMenu, entry: LabelEntry) -> None:
        def choose(colour: Colour) -> None:
            self._asked(lambda: self._labelling.change(entry.value, colour=colour))

        fill_colour_menu(
            menu, entry.colour, choose, lambda: self._verbs.window.ask_label_colour(entry.value), self._guard
        )

    def _open_colours(self, line: LabelLine) -> None:
        menu = QMenu(self)
        self._fill_colours(menu, line.entry)
        self._open_menu(menu, line.swatch.mapToGlobal(line.swatch.rect().bottomLeft()))

    def _open_menu(self, menu: QMenu, at: QPoint) -> None:
        """Open a menu without an event loop of its own, so that jobs and tests go on."""
        self._close_menu()
        self.menu = menu
        menu.popup(at)

    def _close_menu(self) -> None:
        """Take the menu away: it is about a label of the case that was open."""
        if self.menu is not None:
            self.menu.close()
            self.menu.deleteLater()
            self.menu = None

    def _asked(self, verb: Callable[[], object]) -> None:
        """Do what was asked for here; a refusal is said here too."""
        self.refusal.hide()
        self._asking = True
        try:
            verb()
        finally:
            self._asking = False
        self._show_rules_again()

    def _show_rules_again(self) -> None:
        """A switch that was refused springs back."""
        session = self._desk.session
        if session is not None:
            for line in self.lines:
                line.show_rules(session.rules)

    def _refused(self, why: str) -> None:
        if self._asking:
            self.refusal.setText(why)
            self.refusal.show()
