"""napari's labels layer without a canvas: the peer of strokes and undo. napari is imported here alone, when asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from model.grid import Float3, Int3

if TYPE_CHECKING:
    from napari.layers import Labels

PACKAGE, MODULE = "napari", "napari"


class NapariLabels:
    """An empty labels layer drawn on as napari's own mouse handler draws, less the refresh of a picture.

    The layer is hidden, since napari's undo slices the volume for the picture else, and no canvas asks for it.
    """

    def __init__(self, size: Int3, spacing: Float3, radius_voxels: int, *, ball: bool) -> None:
        from napari.layers import Labels

        self._layer: Labels = Labels(np.zeros(size, np.uint8), scale=spacing)
        self._layer.brush_size = 2 * radius_voxels
        self._layer.n_edit_dimensions = 3 if ball else 2
        self._layer.visible = False

    @property
    def data(self) -> npt.NDArray[np.uint8]:
        """The mask (z, y, x)."""
        return np.asarray(self._layer.data)

    def draw(self, places: Sequence[Float3], label: int = 1) -> None:
        """One stroke, a stamp at each place (z, y, x): one item of the undo history."""
        with self._layer.block_history():
            for place in places:
                self._layer.paint(place, label, refresh=False)

    def undo(self) -> None:
        """Take the last stroke back."""
        self._layer.undo()

    def redo(self) -> None:
        """Make it again."""
        self._layer.redo()

    def last_stroke_bytes(self) -> int:
        """Bytes of the arrays in the newest item of the undo history; 0 where there is none."""
        history: Sequence[Any] = self._layer._undo_history
        return _bytes_of(history[-1]) if history else 0


def _bytes_of(item: object) -> int:
    """Bytes of all arrays in nested sequences, however a version of napari arranges them."""
    if isinstance(item, np.ndarray):
        return item.nbytes
    if isinstance(item, list | tuple):
        return sum(_bytes_of(part) for part in item)
    return 0
