"""Where "take prediction" takes from: a list of the case's masks, shown with the tools that take."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QWidget

from app.controllers import Controllers
from app.core.tools.take_prediction import TAKING
from app.ui import bind, folding
from app.ui.qt_bridge import SlotGuard
from app.ui.tool_form import ChoiceBox

_PREDICTION = "the prediction"
_HELP = "Whose labels the tool brings back: this prediction, another model's, a saved version."


class SourcePicker(QWidget):
    """A line "From" with the masks to choose from, and what is being read.

    Attributes:
        box: the list; its first row is the prediction on the desk.
    """

    def __init__(self, controllers: Controllers, guard: SlotGuard) -> None:
        super().__init__()
        self._desk, self._taking = controllers.desk, controllers.taking
        self.box = ChoiceBox()
        self.box.setToolTip(
            "Whose labels the tool brings back: this prediction, another model's, a saved version"
        )
        self.box.setAccessibleName("Take from")
        self.box.activated.connect(guard.wrap(self._choose))
        self._reading = folding.label(role="small", wraps=True)
        line = folding.line(folding.label("From", "quiet"), self.box, spacing=10)
        line.setStretchFactor(self.box, 1)
        layout = folding.column(self, 4)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(line)
        layout.addWidget(self._reading)
        events = self._desk.events
        bind.listen(self, self._taking.changed, lambda _: self._show())
        # Another prediction or version has come: a worklist that was read again says so.
        bind.listen_all(
            self, (events.case_opened, events.prediction_changed, events.cases_changed), self._look
        )
        self._show()

    def show_for(self, tool: str) -> None:
        """Show the list with a tool that takes from another mask, by its name."""
        self.setVisible(tool in TAKING and self._desk.session is not None)
        self._look()

    @property
    def text(self) -> str:
        """The mask that is taken from."""
        return self.box.currentText()

    def _look(self) -> None:
        if not self.isHidden():
            self._taking.look()

    def _choose(self, row: int) -> None:
        self._taking.choose(self.box.itemData(row))
        self._show()

    def _show(self) -> None:
        sources, chosen = self._taking.sources, self._taking.source
        with QSignalBlocker(self.box):
            self.box.clear()
            self.box.addItem(_PREDICTION, None)
            for source in sources:
                self.box.addItem(source.text, source)
            self.box.setCurrentIndex(1 + sources.index(chosen) if chosen in sources else 0)
        # The list may be too narrow for a long name.
        self.box.setToolTip(f"{_HELP} Now: {self.text}.")
        self.box.setEnabled(self._taking.reading is None)
        reading = self._taking.reading
        self._reading.setText(f"Reading {reading.text}…" if reading is not None else "")
        self._reading.setVisible(reading is not None)
