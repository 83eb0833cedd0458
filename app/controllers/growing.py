"""Grow: a place is pressed, what it would add is shown while the tolerance is dragged, release accepts."""

from __future__ import annotations

from app.controllers.changing import Changing
from app.controllers.desk import Desk
from app.core.messages import CannotEdit
from app.core.planes import Plane
from app.core.session import Session
from app.core.tools.commands import Compute
from app.core.tools.proposal import Proposal
from model.grid import Float3


class Growing:
    """The place that is pressed, and the newest wish while the last one is computed."""

    def __init__(self, desk: Desk, changing: Changing) -> None:
        self._desk = desk
        self._changing = changing
        self._accept_on_arrival = False
        self._next: Compute | None = None
        changing.preview_dropped.subscribe(lambda _: self._forget_wishes())

    def begin(self, session: Session, plane: Plane, voxel: Float3) -> None:
        """Press at a voxel (z, y, x)."""
        try:
            session.tools.begin_point("grow", plane, voxel)
        except CannotEdit as refusal:
            self._changing.refuse(refusal)
            return
        self._grow(session)

    def adjust(self, tolerance: float) -> None:
        """Grow with another tolerance, in units of intensity, while the tool is pressed."""
        session = self._desk.session
        if session is not None and session.tools.adjust_point(tolerance) is not None:
            self._grow(session)

    @property
    def tolerance(self) -> float | None:
        """The tolerance of what is pressed; None where nothing is."""
        session = self._desk.session
        point = session.tools.point if session is not None else None
        return point.tolerance if point is not None else None

    def end(self) -> None:
        """Release: what is shown is accepted, or what is still being computed once it is there."""
        session = self._desk.session
        if session is None or session.tools.point is None:
            return
        session.tools.end_point()
        if self._changing.proposing.running:
            self._accept_on_arrival = True
        elif session.preview is not None:
            self._changing.accept_preview()

    def cancel(self) -> None:
        """Let go of the place and of what it showed."""
        session = self._desk.session
        if session is not None and session.tools.point is not None:
            session.tools.end_point()
            self._changing.drop_preview()

    def _forget_wishes(self) -> None:
        self._accept_on_arrival, self._next = False, None

    def _grow(self, session: Session) -> None:
        """Compute what grows now; while the last is computed, the newest wish waits, so that something is shown."""
        compute = session.tools.point_command()
        if self._changing.proposing.running:
            self._next = compute
        else:
            self._compute(session, compute)

    def _compute(self, session: Session, compute: Compute) -> None:
        self._next = None
        proposing = self._changing.proposing
        proposing.compute(session, "Grow", compute, self._grown, failed=self._did_not_grow, quiet=True)

    def _grown(self, proposal: Proposal) -> None:
        session = self._changing.present(proposal)
        if self._next is not None:
            self._compute(session, self._next)
        elif self._accept_on_arrival:
            self._accept_on_arrival = False
            self._changing.accept_preview()

    def _did_not_grow(self) -> None:
        """What is shown belongs to another tolerance: it goes, and a newer wish has its turn."""
        self._changing.hide_preview()
        session = self._desk.session
        if session is not None and self._next is not None:
            self._compute(session, self._next)
        else:
            self._accept_on_arrival = False
