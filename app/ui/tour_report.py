"""What a tour writes down: `tour.json` with one entry a step."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from app.ui.heartbeat import Lateness

Fact = str | int | float | bool | None


@dataclass(frozen=True)
class Step:
    """One step: what it was, its picture, and the effect it found."""

    number: int
    case: str
    name: str
    picture: str
    seconds: float
    ok: bool
    found: tuple[tuple[str, Fact], ...]

    def to_json(self) -> dict[str, object]:
        """The entry of `steps`."""
        return {
            "number": self.number,
            "case": self.case,
            "name": self.name,
            "picture": self.picture,
            "seconds": round(self.seconds, 2),
            "ok": self.ok,
            "found": dict(self.found),
        }


@dataclass(frozen=True)
class CaseResult:
    """A case that was read: its saved label, voxels that differ from the prediction, and those the tour painted."""

    case: str
    saved_label: str
    changed_voxels: int
    painted_voxels: int


@dataclass
class TourReport:
    """Everything a tour found, filled as it goes."""

    steps: list[Step] = field(default_factory=list)
    cases: list[CaseResult] = field(default_factory=list)
    problem: str = ""

    def write(self, path: Path, predict: Lateness, importing: Lateness) -> bool:
        """Write `tour.json`; gives whether every step did its work and the heartbeat was measured."""
        ok = not self.problem and bool(self.steps) and all(step.ok for step in self.steps)
        content = {
            "ok": ok,
            "problem": self.problem or None,
            "cases": [
                {
                    "case": result.case,
                    "saved_label": result.saved_label,
                    "changed_voxels": result.changed_voxels,
                    "painted_voxels": result.painted_voxels,
                }
                for result in self.cases
            ],
            "steps": [step.to_json() for step in self.steps],
            "changed_voxels": sum(result.changed_voxels for result in self.cases),
            "painted_voxels": sum(result.painted_voxels for result in self.cases),
            "heartbeat_ms": {"predict": _late(predict), "import": _late(importing)},
        }
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return ok


def _late(lateness: Lateness) -> dict[str, float]:
    return {"p50": lateness.p50, "p99": lateness.p99, "max": lateness.max}
