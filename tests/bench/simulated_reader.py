"""How much work correcting takes: a simulated reader corrects masks with brush and erase alone, and with every tool.

    PYTHONPATH=. python -m tests.bench.simulated_reader --set injected --seeds 0-9 --tools all --json effort.json

Given a prediction and the reference it takes the largest wrong region first, in the plane and the slice in which it is
largest, does what promises the most wrong voxels less per second there, and goes on until the mean Dice of the
reference's labels is 0.95 or 200 gestures are spent. What it does goes through the controllers; what a gesture is
says `reader_hand`, which tools it tries when says `reader_tactics`. Cost: 1.5 s a gesture and 0.02 s a mm of path.
Figures stand in docs/results.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from tests.bench.reader_cases import (
    ReaderCase,
    hippocampus_cases,
    hippocampus_folder,
    injected_case,
    opened,
    phantom_case,
    work_folder,
)
from tests.bench.reader_eye import Agreement, Eye, Region
from tests.bench.reader_hand import Hand
from tests.bench.reader_report import Reading, Step, report
from tests.bench.reader_situation import Experience, Plan, Situation
from tests.bench.reader_tactics import TOOLSETS, Toolset, plans

TARGET_DICE = 0.95
MOST_GESTURES = 200
SETS = ("phantom", "injected", "injected-prediction", "hippocampus")


def read_case(
    case: ReaderCase, tools: str, target: float = TARGET_DICE, most: int = MOST_GESTURES
) -> Reading:
    """Correct a case with a set of tools; the same seed gives the same reading."""
    began = time.perf_counter()
    with opened(case) as (controllers, mailbox):
        hand = Hand(controllers, mailbox, np.random.default_rng([case.seed, 1]))
        eye = Eye(case.reference)
        reader = _Reader(case, hand, eye, TOOLSETS[tools])
        start = now = eye.compare(hand.session.labels)
        while now.dice < target and hand.spent.gestures < most and not reader.stuck:
            now = reader.correct(now)
        ml = hand.session.grid.voxel_mm3 / 1000
        return Reading(
            case.name, tools, start.dice, now.dice, start.wrong * ml, now.wrong * ml, hand.spent.gestures,
            hand.spent.path_mm, now.dice >= target, reader.stuck, tuple(reader.steps),
            time.perf_counter() - began,
        )  # fmt: skip


class _Reader:
    """Decides what to do next, does it, and takes back what made it worse."""

    def __init__(self, case: ReaderCase, hand: Hand, eye: Eye, tools: Toolset) -> None:
        self.stuck = False
        self.steps: list[Step] = []
        self._case = case
        self._hand = hand
        self._eye = eye
        self._tools = tools
        self._experience = Experience()
        self._imagined = np.random.default_rng([case.seed, 2])

    def correct(self, before: Agreement) -> Agreement:
        """One thing done about the largest wrong region; gives how the mask agrees afterwards."""
        region = self._eye.largest(self._hand.session.labels)
        if region is None:
            self.stuck = True
            return before
        now = Situation(self._hand, self._eye, region, self._experience, self._imagined)
        chosen = self._best(now)
        if chosen is None:
            self._eye.pass_over(region, slice_only=True)
            return before
        spent, depth = self._hand.spent, self._hand.session.history.depth
        if chosen.first is not None:
            chosen.first(self._hand)
        self._hand.prepare(chosen.setting)
        chosen.act(self._hand)
        after = self._eye.compare(self._hand.session.labels)
        came = before.wrong - after.wrong
        if chosen.memory:
            self._experience.learn(chosen.memory, chosen.promise, came, self._hand.spent.gestures)
        if came <= 0:
            if self._hand.session.history.depth > depth:
                self._hand.undo()
                after = self._eye.compare(self._hand.session.labels)
            if not chosen.memory:
                self._eye.pass_over(region, slice_only=True)
        took = self._hand.spent - spent
        fixed = before.wrong - after.wrong
        self.steps.append(
            Step(chosen.tool, took.gestures, took.path_mm, fixed, after.dice, self._error_at(region))
        )
        return after

    def _best(self, now: Situation) -> Plan | None:
        """The plan with the most voxels a second; a setting is shared by the strokes that the region will take."""
        found = [plan for plan in plans(now, self._tools) if plan.promise >= 1]
        if not found:
            return None

        def rate(plan: Plan) -> float:
            return plan.rate(self._hand, min(2.0, now.region.size / plan.promise))

        found.sort(key=rate, reverse=True)
        others = [plan for plan in found if plan.tool != found[0].tool]
        now.rate_otherwise = rate(others[0]) if others else 0.0
        return found[0]

    def _error_at(self, region: Region) -> str:
        """Which injected error most of a region belongs to; empty where none."""
        where = self._case.error_where
        if where is None:
            return ""
        kinds = np.bincount(where[region.box.slices][region.mask], minlength=1)
        kind = int(kinds.argmax())
        return self._case.error_names[kind - 1] if kind else ""


def cases_of(name: str, seeds: Sequence[int], work: Path, limit: int | None) -> list[ReaderCase]:
    """The cases of a set, made where they are not kept yet."""
    if name == "hippocampus":
        data = hippocampus_folder()
        if data is None:
            print(
                "no hippocampus scans (GATELENS_TEST_DATA names their folder); that set is left out",
                file=sys.stderr,
            )
            return []
        return hippocampus_cases(data, work, limit)
    makers: dict[str, Callable[[int], ReaderCase]] = {
        "phantom": lambda seed: phantom_case(seed, work),
        "injected": lambda seed: injected_case(seed, work, "reference"),
        "injected-prediction": lambda seed: injected_case(seed, work, "prediction"),
    }
    return [makers[name](seed) for seed in list(seeds)[:limit]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the sets that are asked for, print a table of each, and write every reading as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", default="0-9", help="of the abdomens: 0-9, or 0,3,5")
    parser.add_argument("--set", default="all", choices=(*SETS, "all"), help="which cases")
    which = "which tools the reader has; both: brush and all, every: disc too"
    parser.add_argument("--tools", default="both", choices=(*TOOLSETS, "both", "every"), help=which)
    parser.add_argument("--limit", type=int, help="at most so many cases a set")
    parser.add_argument("--work", type=Path, default=work_folder(), help="where cases are kept between runs")
    parser.add_argument("--json", type=Path, help="write every reading to this file")
    parser.add_argument("--markdown", type=Path, help="write the tables as Markdown to this file")
    given = parser.parse_args(arguments)
    names = list(SETS) if given.set == "all" else [given.set]
    toolsets = {"both": ["brush", "all"], "every": list(TOOLSETS)}.get(given.tools, [given.tools])
    readings: dict[str, list[Reading]] = {}
    for name in names:
        readings[name] = []
        for case in cases_of(name, _numbers(given.seeds), given.work, given.limit):
            for tools in toolsets:
                reading = read_case(case, tools)
                readings[name].append(reading)
                print(_line(reading), file=sys.stderr, flush=True)
    found = {name: each for name, each in readings.items() if each}
    print("\n\n".join(report(name, each, markdown=False) for name, each in found.items()))
    if given.markdown:
        tables = (report(name, each, markdown=True) for name, each in found.items())
        given.markdown.write_text("\n\n".join(tables) + "\n", encoding="utf-8")
    if given.json:
        content = {name: [asdict(reading) for reading in found] for name, found in readings.items()}
        given.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0


def _numbers(text: str) -> list[int]:
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def _line(reading: Reading) -> str:
    end = "" if reading.reached else "  STUCK" if reading.stuck else "  not reached"
    return (
        f"{reading.case:16} {reading.tools:6} Dice {reading.start_dice:.3f} → {reading.dice:.3f}  "
        f"{reading.gestures:4} gestures  {reading.path_mm:6.0f} mm  {reading.seconds():6.1f} s  "
        f"(simulated in {reading.took_s:.1f} s){end}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
