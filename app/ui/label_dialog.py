"""One question for a label: its name, colour and coded term, for a new one, a changed one, or a value without a name.

What is refused is said in the dialog, which stays open; the labelling controller says what fits.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QCompleter,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.controllers import Controllers
from app.core.label_rules import PALETTE
from app.core.labels import Colour
from app.ui import bind, folding, theme
from app.ui.actions import LabelField
from app.ui.label_colours import COLOUR_NAMES, OTHER, Swatch, colour_name, colour_of, colour_question
from app.ui.qt_bridge import SlotGuard

_TERM = "SCT:15776009"
_TERM_HINT = "Optional: scheme and code, such as SCT:15776009 for the pancreas in SNOMED CT"
# Stands in for the name until one is typed, so that value and colour can be shown.
_NOT_YET = "…"
_LONGEST_NAME, _LONGEST_TERM = 80, 60


class LabelDialog(QDialog):
    """Asks for a label and makes it; closes once it is made.

    Attributes:
        name: the field of the name. `term` likewise.
        swatches: the colours of the palette, in its order.
        yes: the button that makes it.
    """

    def __init__(
        self, parent: QWidget, controllers: Controllers, guard: SlotGuard, *, value: int | None = None
    ) -> None:
        """Ask for a new label; with `value`, for what is to be another with a label, or for a name it lacks."""
        super().__init__(parent)
        self.setModal(True)
        self._labelling, self._guard, self._value = controllers.labelling, guard, value
        session = controllers.desk.session
        assert session is not None
        self._entry = session.table.entry(value) if value is not None else None
        self._chosen: Colour | None = self._entry.colour if self._entry else None
        self._shown: Colour = self._chosen or PALETTE[0]
        self._refused = ""
        self._other: QDialog | None = None
        title, yes = self._words()
        self.setWindowTitle(title)
        self.name, self.term = QLineEdit(), QLineEdit()
        self.swatches = tuple(self._swatch(colour) for colour in COLOUR_NAMES)
        self.custom = Swatch("The colour chosen", 16)
        self.other = QToolButton()
        self.colour_words = folding.label(role="small")
        self.note = folding.label(role="small", wraps=True)
        self.refusal = folding.label(role="notice", wraps=True)
        self.yes, self._no = QPushButton(yes), QPushButton("Cancel")
        self._prepare(session.rules.names_elsewhere(session.table, None if self._entry else value))
        self._lay_out(title)
        self._fill(session.rules.names_elsewhere(session.table, value) if value and not self._entry else ())
        events = controllers.desk.events
        # The next case may open meanwhile, such as when a save ends; the question was about this one.
        bind.listen_all(self, (events.case_opened, events.case_closed), self.reject)
        self.name.textChanged.connect(guard.wrap(lambda _="": self._look()))
        self._look()
        self.setFixedWidth(460)

    def start_in(self, field: LabelField) -> None:
        """Put the keyboard into a field, with what is in it selected."""
        chosen = self.name if field == "name" else self.term
        chosen.setFocus()
        chosen.selectAll()

    def accept(self) -> None:
        """Make the label; what is refused is said here."""
        self._refused = ""
        end = self._labelling.refused.subscribe(self._hear)
        try:
            self._guard.run(self._make)
        finally:
            end()
        if self._refused:
            self._say(self._refused)
            self.name.setFocus()
        else:
            super().accept()

    def _make(self) -> None:
        name, term = self.name.text(), self.term.text()
        if self._entry is not None:
            self._labelling.change(self._entry.value, name=name, colour=self._chosen, term=term)
        else:
            self._labelling.add(name, self._chosen, term, self._value)

    def _hear(self, why: str) -> None:
        self._refused = why

    # -- putting it together -------------------------------------------------------------------------------
    def _words(self) -> tuple[str, str]:
        if self._entry is not None:
            return f"Label {self._entry.value}", "Save"
        if self._value is not None:
            return f"Name label {self._value}", "Name it"
        return "New label", "Add label"

    def _swatch(self, colour: Colour) -> Swatch:
        made = Swatch(COLOUR_NAMES[colour], 16)
        made.setCheckable(True)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.show_colour(colour)
        made.clicked.connect(self._guard.wrap(lambda _=False: self._choose(colour)))
        return made

    def _prepare(self, names: tuple[str, ...]) -> None:
        self.name.setAccessibleName("Name")
        self.name.setPlaceholderText("For example: cyst")
        self.name.setMaxLength(_LONGEST_NAME)
        if names:
            # Labels of other cases, so that the same thing gets the same name and value.
            completer = QCompleter(list(names), self)
            completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            self.name.setCompleter(completer)
        self.term.setAccessibleName("Coded term")
        self.term.setPlaceholderText(_TERM)
        self.term.setToolTip(_TERM_HINT)
        self.term.setMaxLength(_LONGEST_TERM)
        self.other.setText(OTHER)
        self.other.setObjectName("Segment")
        self.other.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.other.clicked.connect(self._guard.wrap(lambda _=False: self._ask_colour()))
        self.custom.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.custom.clicked.connect(self._guard.wrap(lambda _=False: self._ask_colour()))
        self.yes.setProperty("role", "primary")
        self.yes.setDefault(True)
        self.yes.clicked.connect(self.accept)
        self._no.clicked.connect(self.reject)

    def _lay_out(self, title: str) -> None:
        head = folding.label(title, "heading")
        head.setFont(theme.font(16, weight=QFont.Weight.DemiBold))
        colours = QHBoxLayout()
        colours.setSpacing(0)
        for swatch in self.swatches:
            colours.addWidget(swatch)
        colours.addStretch(1)
        fields = QGridLayout()
        fields.setHorizontalSpacing(14)
        fields.setVerticalSpacing(6)
        fields.addWidget(folding.label("Name", "quiet"), 0, 0)
        fields.addWidget(self.name, 0, 1)
        fields.addWidget(folding.label("Colour", "quiet"), 1, 0)
        fields.addLayout(colours, 1, 1)
        fields.addLayout(folding.line(self.custom, self.colour_words, 1, self.other, spacing=4), 2, 1)
        fields.addWidget(folding.label("Coded term", "quiet"), 3, 0)
        fields.addWidget(self.term, 3, 1)
        fields.addWidget(folding.label(_TERM_HINT, "faint", wraps=True), 4, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 20, 22, 18)
        layout.setSpacing(10)
        layout.addWidget(head)
        layout.addLayout(fields)
        layout.addWidget(self.note)
        layout.addWidget(self.refusal)
        layout.addSpacing(4)
        layout.addLayout(folding.line(1, self._no, self.yes))

    def _fill(self, known_names: tuple[str, ...]) -> None:
        if self._entry is not None:
            self.name.setText(self._entry.name)
            self.term.setText(self._entry.term)
        elif known_names:
            self.name.setText(known_names[0])
        self.start_in("name")

    # -- what is chosen ------------------------------------------------------------------------------------
    @property
    def colour_dialog(self) -> QDialog | None:
        """The dialog for any colour, if it is open."""
        return self._other if self._other is not None and self._other.isVisible() else None

    def _choose(self, colour: Colour) -> None:
        self._chosen = colour
        self._look()

    def _ask_colour(self) -> None:
        asked = colour_question(self, self._shown)
        asked.colorSelected.connect(self._guard.wrap(lambda chosen: self._choose(colour_of(chosen))))
        self._other = asked
        asked.open()

    def _look(self) -> None:
        """Show what would be made, or why it would not."""
        typed = self.name.text().strip()
        self.yes.setEnabled(bool(typed))
        made = self._entry or self._labelling.label_to_be(typed or _NOT_YET, self._value)
        if isinstance(made, str):
            self._say(made)
        else:
            self._say("")
            self._shown = made.colour
            stays = " and stays so; undo takes the change back" if self._entry else ""
            self.note.setText(f"It is value {made.value} in the mask{stays}.")
            if self._entry is None:
                self.term.setPlaceholderText(made.term or _TERM)
        self._shown = self._chosen or self._shown
        for swatch, colour in zip(self.swatches, COLOUR_NAMES, strict=True):
            swatch.setChecked(colour == self._shown)
        self.custom.show_colour(self._shown)
        self.colour_words.setText(colour_name(self._shown) + ("" if self._chosen else ", chosen for you"))

    def _say(self, why: str) -> None:
        self.refusal.setText(why)
        self.refusal.setVisible(bool(why))
        self.note.setVisible(not why)
