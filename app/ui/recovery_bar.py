"""The offer of work that an earlier run left unsaved: what it is, a picture of it, take it back or not now."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.controllers import Controllers
from app.controllers.desk import RecoveryOffer
from app.core.difference_picture import ADDED, REMOVED, Difference
from app.core.labels import Colour
from app.ui import bind, folding, theme, words
from app.ui.qt_bridge import SlotGuard

_SIDE_PX = 168
_SWATCH_PX = 14


class RecoveryBar(QFrame):
    """Work of an earlier run that never became a version: take it back, or not now.

    Attributes:
        picture: where most of it lies.
        take: the button that brings it back; `decline` leaves it on disk.
        decline: see `take`.
    """

    def __init__(self, controllers: Controllers, guard: SlotGuard) -> None:
        super().__init__()
        self.setObjectName("Recovery")
        self.setAccessibleName("Unsaved work was kept")
        self._icon = QLabel()
        self._text = folding.label(wraps=True)
        self.picture = DifferenceView()
        self._legend = _legend()
        self._place = folding.label(role="small", wraps=True)
        self.take = QPushButton("Take it back")
        self.take.setProperty("role", "primary")
        self.decline = QPushButton("Not now")
        self.decline.setProperty("role", "quiet")
        self.take.clicked.connect(guard.wrap(lambda _=False: self._answer(controllers.opening.take_recovery)))
        self.decline.clicked.connect(
            guard.wrap(lambda _=False: self._answer(controllers.opening.decline_recovery))
        )
        said = QWidget()
        column = folding.column(said, 6)
        column.setContentsMargins(0, 0, 0, 0)
        column.addStretch(1)
        for widget in (self._text, self._legend, self._place):
            column.addWidget(widget)
        column.addLayout(folding.line(self.take, self.decline, 1))
        column.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 8, 14, 8)
        layout.setSpacing(12)
        layout.addWidget(self._icon)
        layout.addWidget(self.picture)
        layout.addWidget(said, 1)
        for button in (self.take, self.decline):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        events = controllers.desk.events
        bind.listen(self, events.recovery_offered, self._offer)
        bind.listen(self, events.case_closed, lambda _: self.hide())
        self.hide()

    @property
    def text(self) -> str:
        """What is offered."""
        return self._text.text()

    def _offer(self, offer: RecoveryOffer) -> None:
        self._icon.setPixmap(theme.pixmap("history", 18, theme.WARNING, self.devicePixelRatioF()))
        when = offer.when.astimezone()
        by = f" by {offer.reader}" if offer.reader else ""
        self._text.setText(
            f"Work from {when:%d %B, %H:%M}{by} was kept: {words.count(offer.strokes, 'stroke')}, {_amount(offer)}."
        )
        found = offer.difference
        for widget in (self.picture, self._legend, self._place):
            widget.setVisible(found is not None)
        self.picture.show_difference(found)
        if found is not None:
            self._place.setText(
                f"Axial slice {found.slice_index + 1} of {found.slice_count}, where it changes most."
            )
        self.show()

    def _answer(self, call: Callable[[], None]) -> None:
        self.hide()
        call()


class DifferenceView(QWidget):
    """The picture of a difference with the patient's directions at its edges."""

    def __init__(self) -> None:
        super().__init__()
        self._found: Difference | None = None
        self._image = QImage()
        self._size = QSize(_SIDE_PX, _SIDE_PX)
        self.setAccessibleName("Where the unsaved work lies")

    def show_difference(self, found: Difference | None) -> None:
        """Show another difference; None lets go of the one before."""
        self._found = found
        if found is None:
            self._image = QImage()
            return
        rows, columns, _ = found.image.shape
        self._image = QImage(
            found.image.tobytes(), columns, rows, columns * 3, QImage.Format.Format_RGB888
        ).copy()
        scale = _SIDE_PX / max(rows, columns)
        self._size = QSize(round(columns * scale), round(rows * scale))
        self.setFixedSize(self._size)
        self.setAccessibleDescription(
            f"Axial slice {found.slice_index + 1}: added voxels filled blue, removed ones hatched orange"
        )
        self.update()

    def sizeHint(self) -> QSize:
        """As large as the picture is drawn."""
        return self._size

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture and the letters."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(self.rect(), self._image)
        if self._found is None:
            return
        letters, inner = self._found.letters, self.rect().adjusted(4, 2, -4, -2)
        painter.setFont(theme.font(theme.SMALL_PX, weight=QFont.Weight.DemiBold))
        middle, centre = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignHCenter
        for letter, where in (
            (letters.left, middle | Qt.AlignmentFlag.AlignLeft),
            (letters.right, middle | Qt.AlignmentFlag.AlignRight),
            (letters.top, centre | Qt.AlignmentFlag.AlignTop),
            (letters.bottom, centre | Qt.AlignmentFlag.AlignBottom),
        ):
            painter.setPen(QColor(0, 0, 0))
            painter.drawText(inner.translated(1, 1), int(where), letter)
            painter.setPen(QColor(theme.TEXT))
            painter.drawText(inner, int(where), letter)


class _Swatch(QWidget):
    """A small square drawn as the picture draws a kind of change: filled, or hatched."""

    def __init__(self, colour: Colour, *, hatched: bool) -> None:
        super().__init__()
        self._colour, self._hatched = QColor(*colour), hatched
        self.setFixedSize(_SWATCH_PX, _SWATCH_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._colour, 1.4))
        style = Qt.BrushStyle.FDiagPattern if self._hatched else Qt.BrushStyle.SolidPattern
        fill = QColor(self._colour)
        fill.setAlpha(255 if self._hatched else 130)
        painter.setBrush(fill)
        brush = painter.brush()
        brush.setStyle(style)
        painter.setBrush(brush)
        painter.drawRect(QRectF(1, 1, _SWATCH_PX - 2, _SWATCH_PX - 2))


def _legend() -> QWidget:
    """What the fills mean."""
    made = QWidget()
    made.setLayout(
        folding.line(
            _Swatch(ADDED, hatched=False),
            folding.label("added", "small"),
            _Swatch(REMOVED, hatched=True),
            folding.label("removed", "small"),
            1,
            spacing=6,
        )
    )
    return made


def _amount(offer: RecoveryOffer) -> str:
    """How much would change: "+1.20 mL −0.31 mL"; voxels where there is no picture of it."""
    found = offer.difference
    if found is None:
        return f"{words.count(offer.voxels, 'voxel')} changed"
    parts = [
        f"{sign}{words.millilitres(voxels * offer.voxel_ml)}"
        for sign, voxels in (("+", found.voxels_added), ("\N{MINUS SIGN}", found.voxels_removed))
        if voxels
    ]
    return " ".join(parts)
