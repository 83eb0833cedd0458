"""Polygon: its corners are set one by one; nothing changes before it is closed.

It stays on its slice while the reader scrolls. A corner in another slice or plane begins a new one; another tool,
another case or Esc drops it.
"""

from __future__ import annotations

from app.controllers.changing import Changing
from app.controllers.desk import Desk
from app.core.events import Event
from app.core.messages import CannotEdit
from app.core.patch import Patch
from app.core.planes import Plane
from app.core.session import Session
from app.core.tools.polygon import Place, Polygon

_TOOL = "polygon"


class Outlining:
    """The polygon that is being drawn.

    Attributes:
        polygon: its corners and where it lies; None where none is drawn.
        changed: it is another one now.
    """

    def __init__(self, desk: Desk, changing: Changing) -> None:
        self._desk = desk
        self._changing = changing
        self.polygon: Polygon | None = None
        self.changed: Event[None] = Event("polygon changed")
        desk.events.case_opened.subscribe(lambda _: self.cancel())
        desk.events.case_closed.subscribe(lambda _: self.cancel())
        desk.events.tool_changed.subscribe(lambda _: self._tool_changed())

    def add_corner(self, plane: Plane, slice_index: int, place: Place) -> None:
        """Set a corner at a row and column of a slice; in another slice or plane than before it is the first one."""
        session = self._changing.ready()
        if session is None:
            return
        polygon = self.polygon
        if polygon is None or not polygon.lies_in(plane, slice_index):
            try:
                session.tools.refuse_unless_usable(_TOOL, plane)
            except CannotEdit as refusal:
                self._changing.refuse(refusal)
                return
            polygon = Polygon(plane, slice_index)
        self._set(polygon.with_corner(place))

    def remove_corner(self) -> None:
        """Take the last corner back."""
        if self.polygon is not None:
            self._set(self.polygon.without_last())

    def close(self) -> None:
        """Change the mask by what it encloses, as one step; where that is refused it stays as it is."""
        polygon, session = self.polygon, self._desk.session
        if polygon is None or session is None:
            return
        if not polygon.can_close:
            self._changing.refuse(
                CannotEdit("A polygon needs three corners; click more of them, or press Esc.")
            )
        elif session.frame(polygon.plane).slice_at(session.crosshair) != polygon.slice_index:
            self._changing.refuse(
                CannotEdit(f"The polygon lies in another {polygon.plane} slice; go back to it, or press Esc.")
            )
        elif self._changing.at_once(lambda session: _closed(session, polygon)) is not None:
            self._set(None)

    def cancel(self) -> None:
        """Drop it; the mask stays as it is."""
        self._set(None)

    def _tool_changed(self) -> None:
        if self._desk.tool != _TOOL:
            self.cancel()

    def _set(self, polygon: Polygon | None) -> None:
        if polygon != self.polygon:
            self.polygon = polygon
            self.changed.emit(None)


def _closed(session: Session, polygon: Polygon) -> Patch:
    return session.commit(session.tools.outline(polygon.plane, polygon.slice_index, polygon.points_rc, _TOOL))
