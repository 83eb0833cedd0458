"""How the window looks: colours, font, style sheet, and icons tinted from the shipped SVG files.

One calm dark theme, so that nothing beside the scan is brighter than the scan. What a widget shows is its own
business.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from app.core.review import CaseState

WINDOW = "#0e1116"
PANEL = "#141920"
RAISED = "#1c232c"
HOVER = "#252e39"
LINE = "#29323d"
TEXT = "#e3e8ee"
QUIET = "#9ba8b6"
FAINT = "#76838f"
ACCENT = "#62b0dc"
CHOSEN = "#23506b"
PRIMARY = "#2b7aa8"
PRIMARY_HOVER = "#3389ba"
GOOD = "#6cc08b"
WARNING = "#e0ad53"
BAD = "#ea7a7f"
VIEW = "#000000"

FONT_PX = 13
SMALL_PX = 12

STATE_COLOURS: dict[CaseState, str] = {
    CaseState.NEW: "#8d99a6",
    CaseState.PREDICTED: ACCENT,
    CaseState.ACCEPTED: GOOD,
    CaseState.CORRECTED: "#45c1b1",
    CaseState.EMPTY: "#a99be0",
    CaseState.REJECTED: BAD,
    CaseState.LATER: WARNING,
    CaseState.FLAGGED: "#ee9153",
}
STATE_WORDS: dict[CaseState, str] = {
    CaseState.NEW: "New",
    CaseState.PREDICTED: "Predicted",
    CaseState.ACCEPTED: "Accepted",
    CaseState.CORRECTED: "Corrected",
    CaseState.EMPTY: "Nothing there",
    CaseState.REJECTED: "Rejected",
    CaseState.LATER: "Later",
    CaseState.FLAGGED: "Flagged",
}
MESSAGE_COLOURS = {"info": ACCENT, "warning": WARNING, "error": BAD}
MESSAGE_ICONS = {"info": "info", "warning": "triangle-alert", "error": "triangle-alert"}


_STYLE = f"""
QWidget {{ color: {TEXT}; }}
QMainWindow, QMainWindow > QWidget#Centre {{ background: {WINDOW}; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 5px 8px; }}
QMenuBar {{ background: {PANEL}; padding: 2px 6px; border-bottom: 1px solid {LINE}; }}
QMenuBar::item {{ padding: 4px 10px; border-radius: 4px; color: {QUIET}; background: transparent; }}
QMenuBar::item:selected {{ background: {HOVER}; color: {TEXT}; }}
QMenu {{ background: {RAISED}; border: 1px solid {LINE}; padding: 6px; }}
QMenu::item {{ padding: 6px 28px 6px 10px; border-radius: 4px; }}
QMenu::item:selected {{ background: {PRIMARY}; }}
QMenu::item:disabled {{ color: #5a6672; background: transparent; }}
QMenu::icon {{ padding-left: 8px; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 5px 8px; }}
QToolBar {{ background: {PANEL}; border: none; border-bottom: 1px solid {LINE}; spacing: 1px; padding: 5px 10px; }}
QToolBar::separator {{ width: 1px; background: {LINE}; margin: 5px 5px; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 5px; }}
QToolBar QToolButton {{ padding: 5px 4px; }}
QToolButton:hover {{ background: {HOVER}; }}
QToolButton:pressed {{ background: {LINE}; }}
QToolButton:checked {{ background: {CHOSEN}; }}
QToolButton#Tool {{ padding: 5px 0; font-size: 11px; }}
QToolButton#Segment {{ background: {RAISED}; border: 1px solid {LINE}; padding: 4px 3px; }}
QToolButton#Segment:hover {{ background: {HOVER}; }}
QToolButton#Segment:checked {{ background: {CHOSEN}; border-color: {CHOSEN}; }}
QToolButton#Segment:focus {{ border-color: {ACCENT}; }}
QToolButton::menu-indicator {{ image: none; }}
QFrame#Preview {{ background: #17242f; border: 1px solid #2d4c62; border-radius: 6px; }}
QToolButton#Switch {{ padding: 2px; }}
QToolButton#Switch:checked {{ background: transparent; }}
QToolButton:disabled {{ background: transparent; color: #5a6672; }}
QToolButton:focus {{ border-color: {ACCENT}; }}
QPushButton {{ background: {RAISED}; border: 1px solid {LINE}; border-radius: 6px; padding: 6px 12px; }}
QPushButton:hover {{ background: {HOVER}; }}
QPushButton:pressed {{ background: {LINE}; }}
QPushButton:focus {{ border-color: {ACCENT}; }}
QPushButton:disabled {{ color: #5a6672; background: {PANEL}; border-color: #212932; }}
QPushButton[role="primary"] {{ background: {PRIMARY}; border-color: {PRIMARY}; color: white; font-weight: 600; }}
QPushButton[role="primary"]:hover {{ background: {PRIMARY_HOVER}; }}
QPushButton[role="primary"]:focus {{ border-color: #b9def3; }}
QPushButton[role="primary"]:disabled {{ background: {RAISED}; border-color: {RAISED}; color: #5a6672; }}
QPushButton[role="quiet"] {{ background: transparent; border-color: transparent; color: {QUIET}; }}
QPushButton[role="quiet"]:hover {{ background: {HOVER}; color: {TEXT}; }}
QLineEdit {{ background: {WINDOW}; border: 1px solid {LINE}; border-radius: 6px; padding: 6px 8px;
  selection-background-color: {PRIMARY}; }}
QLineEdit:focus {{ border-color: {ACCENT}; }}
QFrame#Side, QWidget#Side {{ background: {PANEL}; }}
QFrame#SideLeft {{ background: {PANEL}; border: none; border-right: 1px solid {LINE}; }}
QFrame#SideRight {{ background: {PANEL}; border: none; border-left: 1px solid {LINE}; }}
QFrame#Bottom {{ background: {PANEL}; border: none; border-top: 1px solid {LINE}; }}
QFrame#Pinned {{ background: {PANEL}; border: none; border-top: 1px solid {LINE}; }}
QFrame#Pane {{ background: {PANEL}; border: 1px solid {LINE}; border-radius: 0; }}
QFrame#Pane[current="true"] {{ border-color: #3d6f8d; }}
QFrame#Fold {{ background: transparent; border: none; border-bottom: 1px solid {LINE}; }}
QToolButton#FoldTitle {{ text-align: left; font-weight: 600; padding: 8px 12px; border-radius: 0; border: none; }}
QToolButton#FoldTitle:hover {{ background: {RAISED}; }}
QToolButton#FoldTitle:checked {{ background: transparent; }}
QToolButton#FoldTitle:focus {{ background: {RAISED}; }}
QLabel[role="quiet"] {{ color: {QUIET}; }}
QLabel[role="faint"] {{ color: {FAINT}; font-size: {SMALL_PX}px; }}
QLabel[role="small"] {{ color: {QUIET}; font-size: {SMALL_PX}px; }}
QLabel[role="title"] {{ font-size: 20px; font-weight: 600; }}
QLabel[role="heading"] {{ font-weight: 600; }}
QLabel[role="notice"] {{ color: {WARNING}; font-size: {SMALL_PX}px; }}
QFrame#Recovery {{ background: #3a2f16; border: none; border-bottom: 1px solid #5c4a20; }}
QFrame#Message {{ background: {PANEL}; border: none; border-bottom: 1px solid {LINE}; }}
QFrame#Message[kind="info"] {{ background: #17242f; }}
QFrame#Message[kind="warning"] {{ background: #33291a; }}
QFrame#Message[kind="error"] {{ background: #3a2023; }}
QFrame#Message QToolButton {{ padding: 2px; }}
QListView, QListWidget {{ background: transparent; border: none; outline: none; }}
QListWidget::item {{ padding: 5px 8px; border-radius: 4px; }}
QListWidget::item:hover {{ background: {HOVER}; }}
QListWidget::item:selected {{ background: {CHOSEN}; color: white; }}
QScrollArea {{ background: transparent; border: none; }}
QScrollArea > QWidget > QWidget {{ background: transparent; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 2px; }}
QScrollBar::handle:vertical {{ background: #36414e; border-radius: 3px; min-height: 28px; }}
QScrollBar::handle:vertical:hover {{ background: #475564; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 2px; }}
QScrollBar::handle:horizontal {{ background: #36414e; border-radius: 3px; min-width: 28px; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{ background: none;
  border: none; width: 0; height: 0; }}
QSlider:horizontal {{ min-height: 22px; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: #323d49; }}
QSlider::sub-page:horizontal {{ background: {PRIMARY}; border-radius: 2px; }}
QSlider::sub-page:horizontal:disabled {{ background: #323d49; }}
QSlider::handle:horizontal {{ width: 14px; height: 14px; margin: -5px 0; border-radius: 7px; background: #d5dde6; }}
QSlider::handle:horizontal:hover {{ background: white; }}
QSlider::handle:horizontal:focus {{ background: {ACCENT}; }}
QSlider::handle:horizontal:disabled {{ background: #55606c; }}
QProgressBar {{ background: #2a333e; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ background: {ACCENT}; border-radius: 3px; }}
QSplitter::handle {{ background: {WINDOW}; }}
QDialog {{ background: {PANEL}; }}
"""


def apply_theme(app: QApplication) -> None:
    """Give the whole application its style, palette and font; once, before the first window."""
    app.setStyle("Fusion")
    app.setFont(_shipped_font())
    palette = QPalette()
    role = QPalette.ColorRole
    for which, colour in (
        (role.Window, PANEL), (role.WindowText, TEXT), (role.Base, RAISED), (role.AlternateBase, PANEL),
        (role.Text, TEXT), (role.Button, RAISED), (role.ButtonText, TEXT), (role.BrightText, "#ffffff"),
        (role.ToolTipBase, RAISED), (role.ToolTipText, TEXT), (role.PlaceholderText, FAINT),
        (role.Highlight, PRIMARY), (role.HighlightedText, "#ffffff"), (role.Link, ACCENT),
        (role.Mid, LINE), (role.Dark, WINDOW), (role.Shadow, "#000000"), (role.Light, HOVER),
    ):  # fmt: skip
        palette.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor("#5a6672"))
    app.setPalette(palette)
    app.setStyleSheet(_STYLE)


def font(px: int = FONT_PX, *, weight: QFont.Weight = QFont.Weight.Normal, tabular: bool = False) -> QFont:
    """The program's font in logical pixels; `tabular` keeps digits in columns."""
    made = QFont(QApplication.font())
    made.setPixelSize(px)
    made.setWeight(weight)
    if tabular:
        made.setFeature(QFont.Tag("tnum"), 1)
    return made


@lru_cache(maxsize=512)
def icon(name: str, colour: str = TEXT, on_colour: str = "#ffffff") -> QIcon:
    """A shipped icon by name, tinted; greyed where its control is off, `on_colour` where it is checked."""
    made = QIcon()
    for px in (16, 20, 24):
        for ratio in (1.0, 2.0):
            size = QSize(px, px)
            made.addPixmap(_render(name, colour, size, ratio), QIcon.Mode.Normal, QIcon.State.Off)
            made.addPixmap(_render(name, on_colour, size, ratio), QIcon.Mode.Normal, QIcon.State.On)
            for state in (QIcon.State.Off, QIcon.State.On):
                made.addPixmap(_render(name, "#4f5a66", size, ratio), QIcon.Mode.Disabled, state)
    return made


@lru_cache(maxsize=64)
def button_icon(name: str, colour: str = TEXT) -> QIcon:
    """An icon for push buttons, 22 × 16: Qt leaves no room between icon and words, so the picture brings it."""
    made = QIcon()
    for mode, tint in ((QIcon.Mode.Normal, colour), (QIcon.Mode.Disabled, "#4f5a66")):
        for ratio in (1.0, 2.0):
            wide = QPixmap(QSize(22, 16) * ratio)
            wide.setDevicePixelRatio(ratio)
            wide.fill(Qt.GlobalColor.transparent)
            painter = QPainter(wide)
            painter.drawPixmap(0, 0, _render(name, tint, QSize(16, 16), ratio))
            painter.end()
            made.addPixmap(wide, mode)
    return made


def pixmap(name: str, px: int, colour: str, ratio: float) -> QPixmap:
    """A shipped icon as a picture of `px` logical pixels."""
    return _render(name, colour, QSize(px, px), ratio)


def icon_names() -> frozenset[str]:
    """The icons that are shipped."""
    folder = resources.files("resources").joinpath("icons")
    return frozenset(entry.name[:-4] for entry in folder.iterdir() if entry.name.endswith(".svg"))


@lru_cache(maxsize=256)
def _svg(name: str) -> str:
    return resources.files("resources").joinpath("icons", f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=2048)
def _render(name: str, colour: str, size: QSize, ratio: float) -> QPixmap:
    made = QPixmap(size * ratio)
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(_svg(name).replace("currentColor", colour).encode()))
    painter = QPainter(made)
    renderer.render(painter, QRectF(0, 0, size.width(), size.height()))
    painter.end()
    return made


def _shipped_font() -> QFont:
    families: list[str] = []
    for entry in sorted(resources.files("resources").joinpath("fonts").iterdir(), key=lambda e: e.name):
        if entry.name.endswith((".ttf", ".otf")):
            number = QFontDatabase.addApplicationFontFromData(QByteArray(entry.read_bytes()))
            families += QFontDatabase.applicationFontFamilies(number) if number >= 0 else []
    made = QFont(families[0]) if families else QFont()
    made.setPixelSize(FONT_PX)
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return made
