"""Kills a reader with SIGKILL in sessions of 200 steps, and says what the next start finds; not a test itself.

    python kill_campaign.py FOLDER KILLS SEED

It imports once and forks a reader for every kill; each takes back what the last one left and goes on with it. The
reader notes every state of the mask in a pipe before the journal can have it, so that no kill loses a note. Prints
one JSON object for each start that got as far as taking the work back: what was found of the kill or kills before it.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.jobs.runner import Job, Lane
from app.store.verify import verify
from tests.app.controllers.busy_reader import BusyReader, make_noise_workspace
from tests.app.controllers.unreadable_files import unreadable

STEPS = 200
_PAUSE_S = 0.02
"""Between steps, so that a session lasts about four seconds and "over a second ago" means something."""
_LONGEST_S = 60.0
Note = Callable[[str, dict[str, Any]], None]


# -- the reader, in a process of its own -----------------------------------------------------------------
def read(folder: Path, seed: int, steps: int, pipe: int) -> None:
    """Open the workspace, take back what there is, say what was found, and work on until killed."""

    def note(what: str, more: dict[str, Any]) -> None:
        os.write(pipe, json.dumps({"what": what, "at": time.monotonic(), **more}).encode() + b"\n")

    reader = BusyReader(folder, seed)
    try:
        _note_before_the_journal(reader, note)
        reader.open()
        reader.take_back()
        note("taken", {"state": reader.state, **_found(reader)})
        before = reader.state
        for _ in range(depth := min(3, reader.session.history.depth)):
            reader.controllers.editing.undo()
        for _ in range(depth):
            reader.controllers.editing.redo()
        note("undone and redone", {"state": reader.state, "same": reader.state == before})
        for _ in range(steps):
            _step(reader, note)
    except BaseException:
        note("failed", {"why": traceback.format_exc(limit=-3)})
        raise
    finally:
        reader.close()


def _step(reader: BusyReader, note: Note) -> None:
    draw = reader.chance.random()
    if draw < 0.03:
        note("accepting", {"state": reader.state})
        # Half of the readers go on at once; what they do meanwhile is refused.
        if draw < 0.015:
            reader.accept()
        else:
            reader.controllers.reviewing.accept(confirmed_empty=True)
    reader.step()
    note("step", {"state": reader.state, "troubles": reader.errors + reader.troubles})
    time.sleep(_PAUSE_S * reader.chance.uniform(0, 2))


def _note_before_the_journal(reader: BusyReader, note: Note) -> None:
    """A state is noted when it is handed to the journal's lane: afterwards a kill could come between."""
    runner, submit = reader.desk.runner, reader.desk.runner.submit

    def noting(lane: Lane, *args: Any, **named: Any) -> Job:
        if lane is Lane.JOURNAL and reader.desk.session is not None:
            note("handed over", {"state": reader.state})
        return submit(lane, *args, **named)

    runner.submit = noting  # type: ignore[method-assign]


def _found(reader: BusyReader) -> dict[str, Any]:
    """What the start after a kill finds in the workspace, besides the mask."""
    workspace = reader.desk.workspace
    assert workspace is not None
    return {
        "offered": len(reader.offers),
        "strokes": [offer.strokes for offer in reader.offers],
        "editable": reader.session.can_edit,
        "unreadable": list(unreadable(reader)),
        "problems": list(verify(workspace).problems) + reader.errors + reader.troubles,
        "adopted": len(workspace.adopted),
    }


# -- the one who kills -----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Plan:
    """When a reader is killed: so long after the nth line of a kind (the start of the process is line 0)."""

    what: str
    count: int
    delay_s: float

    @classmethod
    def drawn(cls, chance: random.Random) -> Plan:
        """One in eight while it opens, one in four around an Accept, the others anywhere in the session."""
        draw = chance.random()
        if draw < 1 / 8:
            return cls("opening", 0, chance.uniform(0.0, 0.2))
        if draw < 3 / 8:
            return cls("accepting", 1, chance.uniform(0.0, 0.06))
        return cls("step", chance.randint(1, STEPS), chance.uniform(0.0, 2 * _PAUSE_S))


class Campaign:
    """Kill after kill on one workspace.

    Attributes:
        ledger: when each state was reached (s), oldest first, from the last that was over a second old at a kill.
        reports: what was found after the kills.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.ledger: list[tuple[float, str]] = []
        self.reports: list[dict[str, Any]] = []
        self._killed_at = 0.0
        self._since: list[str] = []
        self._troubles: list[str] = []

    def kill_one(self, number: int) -> None:
        """Fork a reader and kill it at a moment drawn by chance."""
        plan = Plan.drawn(self.chance)
        child, pipe = self._fork(number, STEPS)
        for what, count in self._listen(pipe):
            if (what, count) == (plan.what, plan.count) or what == "end":
                break
        # Notes must go on being taken, or the reader would wait for the pipe instead of working.
        until = time.monotonic() + plan.delay_s
        for _ in self._listen(pipe, until):
            pass
        os.kill(child, signal.SIGKILL)
        self._killed_at = time.monotonic()
        os.waitpid(child, 0)
        for _ in self._listen(pipe):
            pass
        os.close(pipe)
        self._since.append(plan.what)
        old = [index for index, (at, _) in enumerate(self.ledger) if self._killed_at - at > 1.0]
        del self.ledger[: old[-1] if old else 0]

    def end(self, number: int) -> None:
        """A last reader, who is left alone."""
        child, pipe = self._fork(number, 0)
        for _ in self._listen(pipe):
            pass
        _, status = os.waitpid(child, 0)
        os.close(pipe)
        if status:
            self._troubles.append(f"the last reader ended with {status}")

    def _fork(self, number: int, steps: int) -> tuple[int, int]:
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read_end)
            status = 1
            try:
                read(self.folder, number, steps, write_end)
                status = 0
            finally:
                os._exit(status)
        os.close(write_end)
        return child, read_end

    def _listen(self, pipe: int, until: float | None = None) -> Iterator[tuple[str, int]]:
        """Take notes, and give the kind of each with its count; ends with the reader, or at the time `until`."""
        counts: dict[str, int] = {}
        rest = b""
        end = until if until is not None else time.monotonic() + _LONGEST_S
        if until is None:
            yield "opening", 0
        while (left := end - time.monotonic()) > 0 or rest:
            ready, _, _ = select.select([pipe], [], [], max(0.0, left))
            data = os.read(pipe, 65536) if ready else b""
            if not data and (ready or not rest):
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                note = json.loads(line)
                self._take(note)
                counts[note["what"]] = counts.get(note["what"], 0) + 1
                yield note["what"], counts[note["what"]]

    def _take(self, note: dict[str, Any]) -> None:
        if note["what"] == "taken":
            if self._since:
                self._report(note)
            self.ledger.clear()
        if note["what"] == "failed" or not note.get("same", True):
            self._troubles.append(note.get("why", "undo and redo lead elsewhere"))
        self._troubles += [trouble for trouble in note.get("troubles", []) if trouble not in self._troubles]
        if "state" in note:
            self.ledger.append((note["at"], note["state"]))

    def _report(self, taken: dict[str, Any]) -> None:
        """Compare what came back with what the reader had before the kill."""
        known = [index for index, (_, state) in enumerate(self.ledger) if state == taken["state"]]
        lost = self.ledger[known[-1] + 1 :] if known else self.ledger
        self.reports.append(
            {
                "kills": len(self._since),
                "while": self._since[-1],
                "known": bool(known),
                "lost_states": len(lost),
                "lost_s": round(self._killed_at - lost[0][0], 3) if lost else 0.0,
                "troubles": self._troubles,
                **{key: taken[key] for key in taken if key not in ("what", "at", "state")},
            }
        )
        self._since, self._troubles = [], []


def main(folder: Path, kills: int, seed: int) -> None:
    if os.fork() == 0:
        # In a process of its own, so that whatever threads it starts are not forked.
        make_noise_workspace(folder / "W")
        os._exit(0)
    os.wait()
    campaign = Campaign(folder / "W", seed)
    for number in range(kills):
        campaign.kill_one(1000 * seed + number)
    campaign.end(1000 * seed + kills)
    for report in campaign.reports:
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
