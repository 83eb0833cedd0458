"""The colours a label can take: the palette with its names, pictures of it for buttons and menus, and the swatch."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QColorDialog, QMenu, QWidget

from app.core.label_rules import PALETTE
from app.core.labels import Colour
from app.ui import theme
from app.ui.qt_bridge import SlotGuard

COLOUR_NAMES: dict[Colour, str] = dict(
    zip(
        PALETTE,
        ("Orange", "Sky blue", "Green", "Yellow", "Vermilion", "Purple", "Blue", "Grey"),
        strict=True,
    )
)
OTHER = "Other colour…"


def colour_name(colour: Colour) -> str:
    """A colour in words: its name in the palette, else its hexadecimal digits."""
    return COLOUR_NAMES.get(colour, QColor(*colour).name())


def colour_of(chosen: QColor) -> Colour:
    """Red, green and blue of a colour of Qt's."""
    return chosen.red(), chosen.green(), chosen.blue()


def colour_question(parent: QWidget, colour: Colour) -> QColorDialog:
    """Asks for any colour; `currentColor` has the answer once it is accepted."""
    asked = QColorDialog(QColor(*colour), parent)
    asked.setWindowTitle("Colour of the label")
    # The system's own dialog knows nothing of this window's theme.
    asked.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
    return asked


def fill_colour_menu(
    menu: QMenu,
    colour: Colour,
    choose: Callable[[Colour], object],
    ask: Callable[[], object],
    guard: SlotGuard,
) -> None:
    """The palette as entries of a menu, the present colour checked, and one more that asks for any other."""
    for each, name in COLOUR_NAMES.items():
        entry = menu.addAction(_icon(each), name)
        entry.setCheckable(True)
        entry.setChecked(each == colour)
        entry.triggered.connect(guard.wrap(lambda _=False, c=each: choose(c)))
    menu.addSeparator()
    menu.addAction(OTHER).triggered.connect(guard.wrap(lambda _=False: ask()))


class Swatch(QAbstractButton):
    """A square in a label's colour; pressed, it lets the reader choose another one."""

    def __init__(self, tip: str, side_px: int = 12) -> None:
        super().__init__()
        self._colour: Colour = (255, 255, 255)
        self._side = side_px
        self._hollow = False
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedSize(side_px + 14, side_px + 14)

    def show_colour(self, colour: Colour, *, hollow: bool = False) -> None:
        """Show a colour; `hollow` for a label that is not drawn."""
        self._colour, self._hollow = colour, hollow
        self.update()

    def sizeHint(self) -> QSize:
        """As large as it is."""
        return self.minimumSize()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the square, and a ring where it is pointed at, chosen, or has the keyboard."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if self.hasFocus() or self.isChecked() or (self.underMouse() and self.isEnabled()):
            ring = theme.ACCENT if self.hasFocus() else theme.TEXT if self.isChecked() else theme.FAINT
            painter.setPen(QPen(QColor(ring), 1.5))
            painter.drawRoundedRect(area.adjusted(2.5, 2.5, -2.5, -2.5), 5, 5)
        paint_square(painter, area, self._colour, self._side, hollow=self._hollow)


def paint_square(
    painter: QPainter, area: QRectF, colour: Colour, side: float, *, hollow: bool = False
) -> None:
    """A label's square in the middle of an area."""
    square = QRectF(0, 0, side, side)
    square.moveCenter(area.center())
    if hollow:
        painter.setPen(QPen(QColor(*colour), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        square.adjust(0.75, 0.75, -0.75, -0.75)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(*colour))
    painter.drawRoundedRect(square, 3, 3)


def _icon(colour: Colour) -> QIcon:
    made = QIcon()
    for ratio in (1.0, 2.0):
        picture = QPixmap(QSize(16, 16) * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_square(painter, QRectF(0, 0, 16, 16), colour, 14)
        painter.end()
        made.addPixmap(picture)
    return made
