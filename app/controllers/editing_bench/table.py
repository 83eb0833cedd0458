"""What `gatelens bench edit` prints: rows of ours against the fastest of several peers, and figures beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from model.bench.rows import Machine, Row

INSTALL = "pip install 'gatelens[bench]'"


@dataclass(frozen=True)
class EditRow:
    """One tool against its peers, in medians of one unit.

    Attributes:
        name: "margin".
        ours: our figure.
        unit: of all figures.
        target: what the ratio is to be at most.
        peers: the figure of each peer that is installed, by its name in words.
        missing: the packages of peers that are not installed.
        note: what was compared.
    """

    name: str
    ours: float
    unit: str
    target: float
    peers: Mapping[str, float]
    missing: tuple[str, ...]
    note: str

    @property
    def row(self) -> Row | None:
        """Ours against the fastest of the peers; None where none is installed."""
        if not self.peers:
            return None
        fastest = min(self.peers, key=lambda name: self.peers[name])
        return Row(self.name, self.ours, self.peers[fastest], fastest, self.unit)

    @property
    def reached(self) -> bool | None:
        """Whether the ratio is within its target; None where there is no peer."""
        row = self.row
        return row.ratio <= self.target if row else None

    def to_json(self) -> dict[str, object]:
        """The fields of a row (`peer`, `peer_name` and `ratio` null without a peer), the target, and every peer."""
        row = self.row
        plain: dict[str, object] = {
            "name": self.name, "ours": self.ours, "peer": None, "peer_name": None, "unit": self.unit,
            "ratio": None,
        }  # fmt: skip
        return {
            **(row.to_json() if row else plain),
            "target": self.target,
            "reached": self.reached,
            "peers": dict(self.peers),
            "missing": list(self.missing),
            "note": self.note,
        }

    def lines(self) -> list[str]:
        """The row, then every other peer, what is not installed, and the note."""
        row = self.row
        head = f"{self.name:22} {self.ours:9.3f} "
        if row is None:
            lines = [f"{head}{self.unit}, against nothing"]
        else:
            word = "within" if self.reached else "misses"
            lines = [
                f"{head}against {row.peer:9.3f} {self.unit}  ratio {row.ratio:5.2f}, {word} {self.target:g}  "
                f"{row.peer_name}"
            ]
        indent = " " * 23
        fastest = row.peer_name if row else ""
        lines += [
            f"{indent}{figure:9.3f} {self.unit} {name}"
            for name, figure in self.peers.items()
            if name != fastest
        ]
        lines += [f"{indent}{package} is not installed: {INSTALL}" for package in self.missing]
        return [*lines, f"{indent}{self.note}"]


@dataclass(frozen=True)
class Beside:
    """A figure that is reported without a ratio.

    Attributes:
        name: "commit of a stroke".
        value: ours; None where it could not be measured, and the note says why.
        unit: its unit.
        aim: what it should be at most; None where it is only told.
        peers: others' figures of the same, by their names in words.
        note: what was measured.
    """

    name: str
    value: float | None
    unit: str
    aim: float | None
    peers: Mapping[str, float]
    note: str

    def to_json(self) -> dict[str, object]:
        """The fields by name."""
        return {**asdict(self), "peers": dict(self.peers)}

    def lines(self) -> list[str]:
        """The figure, others' beside it, and the note."""
        value = "not measured" if self.value is None else f"{self.value:9.3f} {self.unit}"
        aim = "" if self.aim is None else f", aim {self.aim:g} {self.unit}"
        others = "".join(f"; {name} {figure:.3f} {self.unit}" for name, figure in self.peers.items())
        return [f"{self.name:22} {value}{aim}{others}", f"{' ' * 23}{self.note}"]


@dataclass(frozen=True)
class EditTable:
    """Everything one run measured, and where."""

    machine: Machine
    size: tuple[int, int, int]
    rows: tuple[EditRow, ...]
    beside: tuple[Beside, ...]

    def to_json(self) -> dict[str, object]:
        """{"machine": {…}, "size": [z, y, x], "rows": […], "beside": […]}."""
        return {
            "machine": asdict(self.machine),
            "size": list(self.size),
            "rows": [row.to_json() for row in self.rows],
            "beside": [figure.to_json() for figure in self.beside],
        }

    def to_text(self) -> str:
        """The machine in one line, then the rows, then the figures beside them."""
        machine = self.machine
        load = "" if machine.load_average is None else f", load {machine.load_average:.1f}"
        z, y, x = self.size
        lines = [f"{machine.processor}, {machine.cores} cores{load}; {x}×{y}×{z} voxels"]
        for row in self.rows:
            lines += row.lines()
        for figure in self.beside:
            lines += figure.lines()
        return "\n".join(lines)
