"""Which libraries there are to compare with, and one comparison: our way and theirs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.controllers.editing_bench.table import EditRow
from app.controllers.editing_bench.turns import Side, take_turns
from model.progress import CancelCheck

OURS = "GateLens"


@dataclass(frozen=True)
class Peer:
    """A library's way.

    Attributes:
        package: what is installed for it, as pip names it.
        module: what is imported.
        make: gives its sides; called only where the module is there.
    """

    package: str
    module: str
    make: Callable[[], Sequence[Side]]


def is_installed(module: str) -> bool:
    """Whether a module can be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a submodule, where its package is missing
        return False


def compare(
    name: str,
    ours: Side,
    peers: Sequence[Peer],
    *,
    target: float,
    note: str,
    repeats: int,
    cancelled: CancelCheck,
) -> EditRow:
    """The row of a tool: all sides take turns; a peer that is not installed is named.

    Raises:
        Cancelled: between two runs.
    """
    there = [peer for peer in peers if is_installed(peer.module)]
    sides = [side for peer in there for side in peer.make()]
    times = dict(take_turns([ours, *sides], repeats, cancelled))
    missing = tuple(dict.fromkeys(peer.package for peer in peers if peer not in there))
    return EditRow(name, times.pop(ours.name), "ms", target, times, missing, note)
