"""What simulated readings took, and tables of it, as plain text or Markdown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.bench.reader_hand import Cost

FACTORS = ((1.0, 1.0), (0.5, 1.0), (2.0, 1.0), (1.0, 0.5), (1.0, 2.0), (0.5, 0.5), (2.0, 2.0))
"""Times the constants: of a gesture, of a mm."""


@dataclass(frozen=True)
class Step:
    """One thing the reader did.

    Attributes:
        tool: with which tool.
        gestures: how many it took, settings and undo among them; `path_mm` of path.
        path_mm: see `gestures`.
        fixed: by how many voxels fewer were wrong.
        dice: the mean afterwards.
        error: the injected error it was at; empty where none.
    """

    tool: str
    gestures: int
    path_mm: float
    fixed: int
    dice: float
    error: str = ""

    @property
    def seconds(self) -> float:
        """What it cost."""
        return Cost(self.gestures, self.path_mm).seconds()


@dataclass(frozen=True)
class Reading:
    """One case corrected with one set of tools.

    Attributes:
        case: its name; `tools` the set's.
        tools: see `case`.
        start_dice: mean over the reference's labels at the start; `dice` at the end.
        dice: see `start_dice`.
        start_wrong_ml: wrong voxels in mL at the start; `wrong_ml` at the end.
        wrong_ml: see `start_wrong_ml`.
        gestures: all of them.
        path_mm: of all strokes and lines.
        reached: whether the target was reached.
        stuck: the reader saw nothing more that it could better.
        steps: what it did.
        took_s: how long the simulation ran.
    """

    case: str
    tools: str
    start_dice: float
    dice: float
    start_wrong_ml: float
    wrong_ml: float
    gestures: int
    path_mm: float
    reached: bool
    stuck: bool
    steps: tuple[Step, ...]
    took_s: float

    def seconds(self, gesture_factor: float = 1.0, path_factor: float = 1.0) -> float:
        """What it cost, with the constants times a factor."""
        return Cost(self.gestures, self.path_mm).seconds(gesture_factor, path_factor)

    def seconds_until(self, dice: float) -> float:
        """What it cost until the mean Dice was that for the first time; all of it where it never was."""
        spent = Cost()
        if self.start_dice >= dice:
            return 0.0
        for step in self.steps:
            spent += Cost(step.gestures, step.path_mm)
            if step.dice >= dice:
                break
        return spent.seconds()


def report(name: str, readings: Sequence[Reading], *, markdown: bool) -> str:
    """The tables of one set of cases."""
    sides = {
        tools: [r for r in readings if r.tools == tools] for tools in dict.fromkeys(r.tools for r in readings)
    }
    parts = [
        (f"{name}: medians over cases", _overall(sides)),
        ("Median seconds with other constants, and all tools against the brush", _sensitivity(sides)),
        ("Seconds until both were equally good (the lower Dice of their ends)", _equally_good(sides)),
        ("Which tools earned it, with all tools", _tools(sides)),
        ("Median seconds by injected error", _errors(sides)),
    ]
    return "\n\n".join(
        (f"**{title}**\n\n" if markdown else f"{title}\n") + _written(rows, markdown=markdown)
        for title, rows in parts
        if len(rows) > 1
    )


Rows = list[tuple[str, ...]]
Sides = dict[str, list[Reading]]


def _overall(sides: Sides) -> Rows:
    rows: Rows = [("tools", "cases", "reached", "seconds", "gestures", "path, mm", "1 − Dice before", "after",
                   "wrong before, mL", "after")]  # fmt: skip
    for tools, found in sides.items():
        figures = (
            _median(found, lambda r: r.seconds()), _median(found, lambda r: r.gestures),
            _median(found, lambda r: r.path_mm),
        )  # fmt: skip
        rest = (
            f"{_median(found, lambda r: 1 - r.start_dice):.3f}", f"{_median(found, lambda r: 1 - r.dice):.3f}",
            f"{_median(found, lambda r: r.start_wrong_ml):.1f}", f"{_median(found, lambda r: r.wrong_ml):.1f}",
        )  # fmt: skip
        reached = str(sum(r.reached for r in found))
        rows.append((tools, str(len(found)), reached, *(f"{figure:.0f}" for figure in figures), *rest))
    return rows


def _sensitivity(sides: Sides) -> Rows:
    rows: Rows = [("gesture ×", "mm ×", *sides, "all / brush", "median of ratios", "of totals")]
    pairs = _pairs(sides)
    for gesture, mm in FACTORS:
        medians = [statistics.median(r.seconds(gesture, mm) for r in found) for found in sides.values()]
        ratios = ("–", "–", "–")
        if pairs:
            before = [a.seconds(gesture, mm) for a, _ in pairs]
            after = [b.seconds(gesture, mm) for _, b in pairs]
            each = [b / a for a, b in zip(before, after, strict=True) if a > 0]
            ratios = (
                _ratio(statistics.median(after), statistics.median(before)),
                f"{statistics.median(each):.2f}" if each else "–",
                _ratio(sum(after), sum(before)),
            )
        rows.append((f"{gesture:g}", f"{mm:g}", *(f"{value:.0f}" for value in medians), *ratios))
    return rows


def _equally_good(sides: Sides) -> Rows:
    """For cases in which a reader did not reach the target: how long each took for what both reached."""
    rows: Rows = [("cases", "brush", "all", "all / brush", "median of ratios", "of totals")]
    pairs = [(min(a.dice, b.dice), a, b) for a, b in _pairs(sides)]
    before = [a.seconds_until(dice) for dice, a, _ in pairs]
    after = [b.seconds_until(dice) for dice, _, b in pairs]
    each = [b / a for a, b in zip(before, after, strict=True) if a > 0]
    if each:
        medians = statistics.median(before), statistics.median(after)
        rows.append((str(len(pairs)), *(f"{value:.0f}" for value in medians), _ratio(medians[1], medians[0]),
                     f"{statistics.median(each):.2f}", _ratio(sum(after), sum(before))))  # fmt: skip
    return rows


def _tools(sides: Sides) -> Rows:
    """Seconds saved: what the voxels a tool put right would have taken at the two tools' pace, less what they took."""
    rows: Rows = [
        ("tool", "used", "in vain", "seconds", "voxels put right", "voxels a second", "seconds saved")
    ]
    pace = {
        r.case: sum(step.fixed for step in r.steps) / r.seconds()
        for r in sides.get("brush", [])
        if r.gestures
    }
    steps = [(reading.case, step) for reading in sides.get("all", []) for step in reading.steps]
    by_tool: dict[str, list[tuple[str, Step]]] = {}
    for case, step in steps:
        by_tool.setdefault(step.tool, []).append((case, step))
    for tool, found in sorted(by_tool.items(), key=lambda item: -sum(step.fixed for _, step in item[1])):
        seconds = sum(step.seconds for _, step in found)
        fixed = sum(step.fixed for _, step in found)
        saved = [step.fixed / pace[case] - step.seconds for case, step in found if pace.get(case, 0) > 0]
        vain = sum(step.fixed <= 0 for _, step in found)
        rows.append((tool, str(len(found)), str(vain), f"{seconds:.0f}", str(fixed), f"{fixed / seconds:.1f}",
                     f"{sum(saved):.0f}" if saved else "–"))  # fmt: skip
    return rows


def _errors(sides: Sides) -> Rows:
    names = dict.fromkeys(step.error for found in sides.values() for r in found for step in r.steps)
    if set(names) <= {""}:
        return []
    rows: Rows = [("error", *sides)]
    for name in sorted(names):
        medians = (
            statistics.median(sum(step.seconds for step in r.steps if step.error == name) for r in found)
            for found in sides.values()
        )
        rows.append((name or "of the model", *(f"{value:.0f}" for value in medians)))
    return rows


def _pairs(sides: Sides) -> list[tuple[Reading, Reading]]:
    after = {r.case: r for r in sides.get("all", [])}
    return [(r, after[r.case]) for r in sides.get("brush", []) if r.case in after]


def _median(found: Iterable[Reading], of: Callable[[Reading], float]) -> float:
    values = [of(reading) for reading in found]
    return float(statistics.median(values)) if values else math.nan


def _ratio(after: float, before: float) -> str:
    return f"{after / before:.2f}" if before > 0 else "–"


def _written(rows: Rows, *, markdown: bool) -> str:
    if markdown:
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "|" + "---|" * len(rows[0]))
        return "\n".join(lines)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
