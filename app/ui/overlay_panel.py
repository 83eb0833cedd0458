"""Overlays and attention: the mask's visibility and opacity, and one row for each gated level's map.

Which map is shown, and how strongly, is `desk.look`; this pane shows it and asks the looking controller.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from app.controllers import Controllers
from app.controllers.conditions import Condition
from app.ui import bind, folding, slice_overlay, theme
from app.ui.attention_plot import AttentionPlot
from app.ui.qt_bridge import SlotGuard
from model.attention import AttentionMap


class ColourBar(QWidget):
    """The fixed ramp of attention from 0 to 1, with its ends named."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(30)
        self.setAccessibleName("Colour bar of attention, fixed from 0 to 1")
        self.setToolTip(
            "Attention coefficients on a fixed scale from 0 to 1, the same for every level and case"
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw ramp and numbers."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bar = QRectF(0.5, 0.5, self.width() - 1, 9)
        painter.setPen(QColor(theme.LINE))
        painter.setBrush(slice_overlay.ramp(bar.topLeft(), bar.topRight()))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setFont(theme.font(11, tabular=True))
        painter.setPen(QColor(theme.QUIET))
        text = QRectF(0, 12, self.width(), 16)
        for word, flag in (
            ("0", Qt.AlignmentFlag.AlignLeft),
            ("0.5", Qt.AlignmentFlag.AlignHCenter),
            ("1", Qt.AlignmentFlag.AlignRight),
        ):  # fmt: skip
            painter.drawText(text, flag, word)


class LevelRow(QAbstractButton):
    """One map of the ladder: its level and gate, how much it varies, and whether it is the one shown."""

    def __init__(self, shown: AttentionMap | None) -> None:
        super().__init__()
        self.key = (shown.level, shown.gate) if shown else None
        self._name = shown.name.capitalize() if shown else "Off"
        self._fact, self._warns, tip = "", False, "No attention over the scan (Shift+A)"
        if shown is not None:
            self._warns = shown.hardly_varies
            self._fact = "hardly varies" if self._warns else f"sd {shown.sd:.2f}"
            size = " × ".join(str(n) for n in reversed(shown.grid.shape))
            tip = f"{self._name}: {size} coefficients, standard deviation {shown.sd:.3f} (A goes through the levels)"
            if self._warns:
                tip += "\nSo even a map shows next to nothing of where the model looks."
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(tip)
        self.setAccessibleName(f"Attention: {self._name} {self._fact}".strip())
        self.setMouseTracking(True)

    def sizeHint(self) -> QSize:
        """A line of its own."""
        return QSize(180, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the row."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isChecked() or self.underMouse() or self.hasFocus():
            painter.setBrush(QColor("#22303c" if self.isChecked() else theme.RAISED))
            painter.drawRoundedRect(area, 6, 6)
        centre = QPointF(16, area.center().y())
        painter.setPen(QColor(theme.ACCENT if self.isChecked() else theme.FAINT))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(centre, 6, 6)
        if self.isChecked():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.ACCENT))
            painter.drawEllipse(centre, 3.2, 3.2)
        text = area.adjusted(32, 0, -10, 0)
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, self._name)
        painter.setFont(theme.font(theme.SMALL_PX, tabular=True))
        painter.setPen(QColor(theme.WARNING if self._warns else theme.QUIET))
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._fact)


class OverlayPanel(QWidget):
    """Mask and attention over the scan."""

    def __init__(self, controllers: Controllers, guard: SlotGuard) -> None:
        super().__init__()
        self._desk, self._looking, self._guard = controllers.desk, controllers.looking, guard
        self.levels: list[LevelRow] = []
        self.mask_box = folding.CheckBox("Mask", "Mask on or off (O)")
        self.outline = folding.CheckBox("Outline", "A thin line along the border of each label")
        self.mask_opacity = folding.slider("Opacity of the mask", 0, 100, "Opacity of the mask's area")
        self.attention_opacity = folding.slider(
            "Opacity of attention", 0, 100, "Opacity of attention over the scan"
        )
        self._ladder = QVBoxLayout()
        self._ladder.setSpacing(2)
        self._none = folding.label("Attention appears with a prediction (F5).", "quiet", wraps=True)
        self._bar = ColourBar()
        self._scale = QWidget()
        layout = folding.column(self, 8)
        layout.addLayout(folding.line(self.mask_box, self.outline, 1, spacing=18))
        layout.addLayout(folding.line(folding.label("Fill", "quiet"), self.mask_opacity))
        layout.addSpacing(4)
        layout.addWidget(folding.label("Attention", "heading"))
        layout.addWidget(self._none)
        layout.addLayout(self._ladder)
        self._strength = QWidget()
        self._strength.setLayout(folding.line(folding.label("Strength", "quiet"), self.attention_opacity))
        layout.addWidget(self._strength)
        self.plot = AttentionPlot()
        scale = folding.column(self._scale, 0)
        scale.setContentsMargins(0, 0, 0, 0)
        scale.addWidget(self.plot)
        scale.addWidget(self._bar)
        layout.addWidget(self._scale)
        self._bind()
        self._show_levels()

    def _bind(self) -> None:
        events, desk, looking, wrap = self._desk.events, self._desk, self._looking, self._guard.wrap
        look = events.look_changed
        bind.check(self.mask_box, look, lambda: desk.look.mask_visible, wrap(looking.set_mask_visible))
        bind.check(self.outline, look, lambda: desk.look.outline, wrap(looking.set_outline))
        bind.slider(self.mask_opacity, look, lambda: desk.look.mask_opacity, wrap(looking.set_mask_opacity))
        bind.slider(
            self.attention_opacity,
            look,
            lambda: desk.look.attention_opacity,
            wrap(looking.set_attention_opacity),
        )
        for control in (self.mask_box, self.outline, self.mask_opacity):
            bind.enabled(control, events.conditions_changed, lambda: desk.is_on(Condition.HAS_CASE))
        bind.listen_all(
            self, (events.case_opened, events.case_closed, events.prediction_changed), self._show_levels
        )
        bind.listen(self, look, lambda _: self._show_chosen())

    def _show_levels(self) -> None:
        maps = sorted(self._desk.attention_maps, key=lambda found: (-found.level, found.gate))
        for row in self.levels:
            self._ladder.removeWidget(row)
            row.deleteLater()
        self.levels = [LevelRow(None), *(LevelRow(found) for found in maps)] if maps else []
        for row in self.levels:
            key = row.key
            row.clicked.connect(self._guard.wrap(lambda _=False, k=key: self._choose(k)))
            self._ladder.addWidget(row)
        for widget in (self._strength, self._scale):
            widget.setVisible(bool(maps))
        self._none.setVisible(not maps)
        self._show_chosen()

    def _choose(self, key: tuple[int, int] | None) -> None:
        self._looking.set_attention(key)
        self._show_chosen()

    def _show_chosen(self) -> None:
        for row in self.levels:
            row.setChecked(row.key == self._desk.look.attention_key)
        shown = self._desk.attention
        self.plot.setVisible(shown is not None)
        self.plot.show_map(shown)
