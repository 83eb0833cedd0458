"""The form of a tool, made from its parameters: a field for each, which shows what is set and sets what is typed.

It knows the three kinds of parameter and no tool; what a value does is `app.core.tools`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QEvent, QSignalBlocker, Qt
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from app.core.tools import RADIUS
from app.core.tools.parameters import Choice, Number, Options, Parameter, Switch, Value
from app.core.tools.threshold import RANGE_PRESETS
from app.ui import folding
from app.ui.qt_bridge import SlotGuard

_FIELD_PX = 92
# A slider is offered where it has no more stops than a hand can find.
_MOST_STOPS = 200
_RADIUS_SLIDER_MM = 40.0
# Choices whose name and texts are no longer than this together stand side by side; longer ones fold.
_SIDE_BY_SIDE = 40

Write = Callable[[str, Value], object]


class NumberField(QDoubleSpinBox):
    """A number with its unit; Return takes what was typed and gives the keyboard back, the wheel is the pane's."""

    def __init__(self, number: Number) -> None:
        super().__init__()
        self.setDecimals(number.decimals)
        self.setRange(number.low, number.high)
        self.setSingleStep(number.step)
        self.setSuffix(f" {number.unit}" if number.unit else "")
        self.setKeyboardTracking(False)
        self.setFixedWidth(_FIELD_PX)
        self.setMinimumHeight(28)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def event(self, event: QEvent) -> bool:
        """Say that Return and the walking keys are ours before shortcuts take them."""
        return folding.keeps(event, return_too=True) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return ends the typing."""
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.clearFocus()
            event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turning the wheel over the pane scrolls the pane, and never changes a value unseen."""
        event.ignore()


class ChoiceBox(QComboBox):
    """A list that folds; the wheel is the pane's."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumHeight(28)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Never changes a value unseen."""
        event.ignore()


class Segments(QWidget):
    """A few options side by side, one of them chosen."""

    def __init__(self, options: tuple[tuple[str, str], ...], chosen: Callable[[str], object]) -> None:
        super().__init__()
        self.buttons: dict[str, QToolButton] = {}
        group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for name, text in options:
            button = QToolButton()
            button.setText(text)
            button.setObjectName("Segment")
            button.setCheckable(True)
            button.setAccessibleName(text)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _=False, n=name: _ignore(chosen(n)))
            group.addButton(button)
            row.addWidget(button)
            self.buttons[name] = button

    def choose(self, name: str) -> None:
        """Show which is chosen."""
        self.buttons[name].setChecked(True)


class ToolForm(QWidget):
    """The fields of one tool.

    Attributes:
        fields: the widget of each parameter, by its name.
    """

    def __init__(self, options: Options, write: Write, guard: SlotGuard, *, presets: bool = False) -> None:
        """Build the form.

        Args:
            options: the parameters with their values.
            write: called with a parameter's name and value when the reader changes it.
            guard: for the slots.
            presets: offer the usual ranges of a CT where the tool has a range.
        """
        super().__init__()
        self._guard, self._write = guard, write
        self.fields: dict[str, QWidget] = {}
        self.presets: ChoiceBox | None = None
        self._shows: list[Callable[[Options], None]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        for parameter in options.parameters:
            self._add(parameter)
        if presets and "low" in options and "high" in options:
            self._add_presets()
        self.show_options(options)

    def show_options(self, options: Options) -> None:
        """Show these values."""
        for show in self._shows:
            show(options)

    def _add(self, parameter: Parameter) -> None:
        if isinstance(parameter, Switch):
            self._add_switch(parameter)
        elif isinstance(parameter, Choice):
            self._add_choice(parameter)
        else:
            self._add_number(parameter)

    def _add_switch(self, switch: Switch) -> None:
        box = folding.CheckBox(switch.text, switch.help)
        write = self._guard.wrap(lambda on: self._write(switch.name, bool(on)))
        # A plain function between: Qt gives a wrapped one no argument.
        box.clicked.connect(lambda on: _ignore(write(on)))
        self._shows.append(lambda options: box.setChecked(options.switch(switch.name)))
        self._grid.addWidget(box, self._grid.rowCount(), 0, 1, 3)
        self.fields[switch.name] = box

    def _add_choice(self, choice: Choice) -> None:
        write = self._guard.wrap(lambda name: self._write(choice.name, str(name)))
        field: QWidget
        if len(choice.text) + sum(len(text) + 2 for _, text in choice.options) <= _SIDE_BY_SIDE:
            field = segments = Segments(choice.options, write)
            self._shows.append(lambda options: segments.choose(options.choice(choice.name)))
        else:
            field = box = ChoiceBox()
            for name, text in choice.options:
                box.addItem(text, name)
            box.activated.connect(lambda _: write(box.currentData()))
            self._shows.append(lambda options: box.setCurrentIndex(box.findData(options.choice(choice.name))))
        self._place(choice, field)

    def _add_number(self, number: Number) -> None:
        field = NumberField(number)
        write = self._guard.wrap(lambda value: self._write(number.name, float(value)))
        field.valueChanged.connect(write)

        def show(options: Options) -> None:
            with QSignalBlocker(field):
                field.setValue(options.number(number.name))

        self._shows.append(show)
        high = min(number.high, _RADIUS_SLIDER_MM) if number.name == RADIUS.name else number.high
        slides = number.unit != "" and (high - number.low) / number.step <= _MOST_STOPS
        self._place(number, field, self._slider(number, high, write) if slides else None)

    def _slider(self, number: Number, high: float, write: Callable[[float], object]) -> QSlider:
        low = math.ceil(number.low / number.step)
        slider = folding.slider(number.text, low, math.floor(high / number.step), number.help)
        slider.valueChanged.connect(lambda stop: _ignore(write(stop * number.step)))

        def show(options: Options) -> None:
            with QSignalBlocker(slider):
                slider.setValue(round(options.number(number.name) / number.step))

        self._shows.append(show)
        return slider

    def _add_presets(self) -> None:
        self.presets = box = ChoiceBox()
        box.setPlaceholderText("Own range")
        for preset in RANGE_PRESETS:
            box.addItem(preset.text, preset.name)

        def chosen(index: int) -> None:
            self._write("low", RANGE_PRESETS[index].low)
            self._write("high", RANGE_PRESETS[index].high)

        def show(options: Options) -> None:
            low, high = options.number("low"), options.number("high")
            fits = (n for n, preset in enumerate(RANGE_PRESETS) if (preset.low, preset.high) == (low, high))
            box.setCurrentIndex(next(fits, -1))

        box.activated.connect(self._guard.wrap(chosen))
        self._shows.append(show)
        self._place(Choice("presets", "Usual range", (), "", "The usual ranges of a CT, in HU."), box)

    def _place(self, parameter: Choice | Number, field: QWidget, slider: QSlider | None = None) -> None:
        row = self._grid.rowCount()
        name = folding.label(parameter.text, "quiet")
        for widget in (name, field):
            widget.setToolTip(parameter.help)
        field.setAccessibleName(f"{parameter.text}, {parameter.help}" if parameter.help else parameter.text)
        self._grid.addWidget(name, row, 0)
        if slider is not None:
            self._grid.addWidget(slider, row, 1)
            self._grid.addWidget(field, row, 2)
        elif isinstance(parameter, Number):
            self._grid.addWidget(field, row, 1, 1, 2, Qt.AlignmentFlag.AlignRight)
        else:
            self._grid.addWidget(field, row, 1, 1, 2)
        self.fields[parameter.name] = field


def _ignore(value: object) -> None:
    """Slots give nothing back."""
