"""Tries the controllers at hospital size: a 512×512×600 scan, 500 cases, 200 opened in a row.

    PYTHONPATH=. python tests/soak/hospital_size.py FOLDER

Prints one line a measurement (median and largest, and resident memory). Nothing is asserted but that the work is
right; the figures stand in docs/results.md.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import numpy as np

from app.controllers import Controllers, make_controllers
from app.controllers.workspaces import make_workspace
from app.core.planes import Plane
from app.jobs.runner import Mailbox
from app.store import workspace as workspaces
from app.store.settings import Settings
from model.grid import Grid
from model.scan_io import write_scan
from model.volume import DisplayHints, Volume


def memory_mb() -> float:
    """Resident memory of this process in MB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def say(name: str, seconds: list[float]) -> None:
    print(
        f"{name:34} median {statistics.median(seconds) * 1000:8.1f} ms  max {max(seconds) * 1000:8.1f} ms  "
        f"n {len(seconds):3d}  memory {memory_mb():7.0f} MB",
        flush=True,
    )


class Owner:
    """The thread that owns a desk; `longest` is the longest single call it had to make, as a GUI would feel it."""

    def __init__(self, folder: Path) -> None:
        self.mailbox = Mailbox()
        self.longest = 0.0
        self.controllers: Controllers = make_controllers(
            self._deliver, Settings(reader="soak"), keep_settings=False
        )
        self.desk = self.controllers.desk
        self.controllers.opening.after_opening = lambda: None
        self.controllers.opening.open_workspace(folder)
        self.wait()

    def _deliver(self, call) -> None:  # type: ignore[no-untyped-def]
        def timed() -> None:
            started = time.perf_counter()
            call()
            self.longest = max(self.longest, time.perf_counter() - started)

        self.mailbox.deliver(timed)

    def wait(self) -> None:
        self.mailbox.pump_until(lambda: self.desk.runner.is_idle, 600)


def many_cases(folder: Path) -> None:
    scans = folder / "scans"
    scans.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(500):
        values = rng.integers(-100, 200, (24, 48, 48), dtype=np.int16)
        write_scan(scans / f"case_{number:03d}.nii.gz", Volume(values, Grid(values.shape, (3.0, 2.0, 2.0))))
    started = time.perf_counter()
    make_workspace(folder / "W", [scans], None)
    print(f"adding 500 cases took {time.perf_counter() - started:.1f} s")
    owner = Owner(folder / "W")
    seconds = []
    for row in owner.desk.cases[:200]:
        started = time.perf_counter()
        owner.controllers.opening.open_case(row.id)
        owner.wait()
        seconds.append(time.perf_counter() - started)
        if len(seconds) in (20, 200):
            say(f"opening, {len(seconds)} in a row", seconds)
    print(f"longest call on the owner's thread {owner.longest * 1000:.1f} ms")
    owner.controllers.shutdown()


def one_large_scan(folder: Path) -> None:
    shape = (600, 512, 512)
    values = np.zeros(shape, np.int16)
    rng = np.random.default_rng(1)
    noise = rng.integers(-200, 300, shape[1:], dtype=np.int16)
    for index in range(shape[0]):
        values[index] = np.roll(noise, index, axis=1)
    scan = folder / "large.nii.gz"
    write_scan(
        scan, Volume(values, Grid(shape, (1.0, 0.8, 0.8)), DisplayHints(modality="CT", synthetic=True))
    )
    del values
    make_workspace(folder / "L", [scan], "phantom-abdomen")
    before = memory_mb()
    started = time.perf_counter()
    owner = Owner(folder / "L")
    print(
        f"opening 512×512×600 took {time.perf_counter() - started:.1f} s, memory {memory_mb() - before:.0f} MB more"
    )
    print(f"longest call on the owner's thread {owner.longest * 1000:.1f} ms")
    session, editing = owner.desk.session, owner.controllers.editing
    assert session is not None
    session.radius_mm = 20
    editing.set_tool("brush")
    editing.set_option("brush", "ball", True)
    steps, ends, undos = [], [], []
    for number in range(20):
        editing.begin_stroke(Plane.AXIAL, (300.0, 200.0 + number, 200.0))
        for move in range(10):
            started = time.perf_counter()
            editing.extend_stroke((300.0, 200.0 + number, 202.0 + 4 * move))
            steps.append(time.perf_counter() - started)
        started = time.perf_counter()
        editing.end_stroke()
        ends.append(time.perf_counter() - started)
    say("stroke step, 20 mm sphere", steps)
    say("end of stroke", ends)
    for _ in range(10):
        started = time.perf_counter()
        editing.undo()
        undos.append(time.perf_counter() - started)
    say("undo", undos)
    large_labels(owner)
    owner.longest = 0.0
    started = time.perf_counter()
    owner.controllers.reviewing.accept()
    called = time.perf_counter() - started
    owner.wait()
    print(
        f"accept: {called * 1000:.1f} ms on the owner's thread, {time.perf_counter() - started:.1f} s until reopened"
    )
    print(f"longest call on the owner's thread {owner.longest * 1000:.1f} ms, memory {memory_mb():.0f} MB")
    owner.controllers.shutdown()
    with workspaces.open(folder / "L") as workspace:
        row = workspace.reviews.cases()[0]
        assert row.version == 1
        assert workspace.labels.load(row.id, 1).labels.any()
    started = time.perf_counter()
    owner = Owner(folder / "L")
    print(f"opening its version with what undo knows of it took {time.perf_counter() - started:.1f} s")
    assert owner.controllers.editing.undo_name
    started = time.perf_counter()
    owner.controllers.editing.undo()
    print(f"undo over Accept and restart took {(time.perf_counter() - started) * 1000:.1f} ms")
    owner.controllers.shutdown()


def large_labels(owner: Owner) -> None:
    """Two organs of some litres, and every command on them; what the owner's thread had to wait stands beside."""
    session, editing = owner.desk.session, owner.controllers.editing
    assert session is not None
    editing.set_tool("brush")
    session.active_label = session.table.values[1]
    session.radius_mm = 90.0
    for z in (150.0, 300.0, 450.0):
        editing.begin_stroke(Plane.AXIAL, (z, 200.0, 180.0))
        editing.extend_stroke((z, 300.0, 330.0))
        started = time.perf_counter()
        editing.end_stroke()
        say("end of a stroke of a litre", [time.perf_counter() - started])
    litres = sum(volume.ml for volume in session.volumes_ml()) / 1000
    print(f"the mask holds {litres:.1f} L")
    session.move_crosshair((300.0, 250.0, 250.0))
    for command in ("fill-between", "fill-holes", "smooth", "islands", "margin", "clear-label"):
        owner.longest = 0.0
        started = time.perf_counter()
        editing.run_command(command)
        called = time.perf_counter() - started
        owner.wait()
        if session.preview is not None:
            editing.accept_preview()
        took = time.perf_counter() - started
        wait = max(called, owner.longest) * 1000
        started = time.perf_counter()
        editing.undo()
        undone = (time.perf_counter() - started) * 1000
        print(
            f"{command:14} {took:6.2f} s until done, owner at most {wait:6.1f} ms, undo {undone:6.1f} ms, "
            f"memory {memory_mb():6.0f} MB",
            flush=True,
        )
        editing.redo()
        if command == "clear-label":
            editing.undo()


def main() -> int:
    folder = Path(sys.argv[1])
    many_cases(folder / "many")
    one_large_scan(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
