"""How long work says where it is and learns that it should stop; the same two callables everywhere."""

from __future__ import annotations

from collections.abc import Callable

from model.errors import Cancelled

Report = Callable[[float, str], None]
"""Called with a fraction in [0, 1] and a few words."""

CancelCheck = Callable[[], bool]
"""Returns True once the work should stop; asked at least every 250 ms or every window."""


def silent(fraction: float, text: str) -> None:
    """A report that says nothing."""


def never() -> bool:
    """A check for work nobody can cancel."""
    return False


def stop_if(cancelled: CancelCheck) -> None:
    """Raise `Cancelled` where the work should stop."""
    if cancelled():
        raise Cancelled("The work was cancelled; nothing was changed.")
