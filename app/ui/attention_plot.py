"""How the coefficients of one map are spread from 0 to 1: a small histogram that stands on the colour bar.

A map that hardly varies is a single spike, seen at once. Which map that is, is the overlay pane's business.
"""

from __future__ import annotations

import numpy as np
import pyqtgraph
from PySide6.QtGui import QColor

from app.ui import theme
from model.attention import AttentionMap

_BINS = 64
_HEIGHT_PX = 44


class AttentionPlot(pyqtgraph.PlotWidget):
    """The histogram of one map on the fixed scale; heights by square root, so that small shares are seen."""

    def __init__(self) -> None:
        super().__init__(background=None, enableMenu=False)
        self.setFixedHeight(_HEIGHT_PX)
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        self.setFrameStyle(0)
        self.setAccessibleName("How the coefficients of the chosen level are spread between 0 and 1")
        item = self.getPlotItem()
        item.hideAxis("left")
        item.hideAxis("bottom")
        item.setContentsMargins(0, 0, 0, 0)
        item.getViewBox().setDefaultPadding(0.0)
        # Nothing here answers the mouse: a drag would move a scale that is fixed.
        self.setInteractive(False)
        colour = QColor(theme.ACCENT)
        self.shares = np.zeros(_BINS)
        self._bars = pyqtgraph.BarGraphItem(
            x0=np.arange(_BINS) / _BINS, width=1 / _BINS, height=self.shares, brush=colour, pen=None
        )
        self.addItem(self._bars)
        self.setXRange(0.0, 1.0, padding=0.0)
        self.setYRange(0.0, 1.0, padding=0.0)

    def show_map(self, shown: AttentionMap | None) -> None:
        """Draw a map's histogram; nothing for none."""
        self.shares = spread(shown) if shown is not None else np.zeros(_BINS)
        self._bars.setOpts(height=np.sqrt(self.shares / max(float(self.shares.max()), 1e-9)))
        text = f"{shown.name.capitalize()}: standard deviation {shown.sd:.3f}" if shown is not None else ""
        self.setToolTip(text)


def spread(shown: AttentionMap) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The share of a map's coefficients in each of 64 equal steps from 0 to 1."""
    steps = (shown.values >> 10).ravel()  # 65536 values in 64 steps of 1024
    return np.bincount(steps, minlength=_BINS).astype(np.float64) / steps.size
