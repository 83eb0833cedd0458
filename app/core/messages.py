"""Words for the reader: a message at the bottom of the window, and the refusal of an edit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from model.errors import GateLensError

OUTSIDE = "That is outside the scan; nothing was changed."

MessageKind = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class Message:
    """One sentence shown without taking the focus."""

    kind: MessageKind
    text: str


class CannotEdit(GateLensError):
    """An edit was refused; nothing changed and the history has no entry. `str(error)` says why."""
