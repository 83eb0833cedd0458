"""What every `gatelens bench` prints: rows of ours against a peer, and the machine they were measured on."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Machine:
    """Where and in what company a measurement ran.

    `load_average` is that of the last minute before the measurement (None where the system does not tell): beside
    other work times are long, and only ratios of alternating runs say something.
    """

    processor: str
    cores: int
    threads: int
    device: str
    precision: str
    system: str
    python: str
    torch: str
    load_average: float | None


@dataclass(frozen=True)
class Row:
    """One comparison: medians of ours and of the peer's, in the same unit."""

    name: str
    ours: float
    peer: float
    peer_name: str
    unit: str

    @property
    def ratio(self) -> float:
        """Ours as a part of the peer's; NaN where the peer's is 0."""
        return self.ours / self.peer if self.peer else float("nan")

    def to_json(self) -> dict[str, object]:
        """The fields and the ratio by name."""
        return {
            "name": self.name,
            "ours": self.ours,
            "peer": self.peer,
            "peer_name": self.peer_name,
            "unit": self.unit,
            "ratio": self.ratio,
        }


@dataclass(frozen=True)
class Table:
    """All rows of one run."""

    machine: Machine
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, object]:
        """{"machine": {…}, "rows": [{"name", "ours", "peer", "peer_name", "unit", "ratio"}]}."""
        return {"machine": asdict(self.machine), "rows": [row.to_json() for row in self.rows]}

    def to_text(self) -> str:
        """The machine in one line, then one line a row."""
        machine = self.machine
        load = "" if machine.load_average is None else f", load {machine.load_average:.1f}"
        lines = [
            f"{machine.processor}, {machine.cores} cores, {machine.threads} threads used{load}; "
            f"{machine.device}, {machine.precision}, torch {machine.torch}"
        ]
        lines += [
            f"{row.name:30} {row.ours:9.3f} against {row.peer:9.3f} {row.unit:5} ratio {row.ratio:6.3f}  "
            f"{row.peer_name}"
            for row in self.rows
        ]
        return "\n".join(lines)


def median_row(name: str, ours: Sequence[float], peer: Sequence[float], peer_name: str, unit: str) -> Row:
    """The row of repeated measurements."""
    return Row(name, statistics.median(ours), statistics.median(peer), peer_name, unit)


def processor_name() -> str:
    """The processor in the system's words."""
    if _CPUINFO.is_file():
        for line in _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def load_average() -> float | None:
    """The load of the last minute, where the system tells."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None
