"""A reader who never stops: paints, undoes, runs tools, renames labels and accepts, through the real controllers.

Not a test: the campaigns of kills, bad disks and long sessions drive one. What it does is drawn from a seed.
"""

from __future__ import annotations

import hashlib
import logging
import random
from pathlib import Path

import numpy as np

from app.controllers import Controllers, make_controllers
from app.controllers.desk import RecoveryOffer
from app.controllers.reviewing import AcceptOutcome
from app.controllers.workspaces import make_workspace
from app.core.messages import Message
from app.core.planes import Plane
from app.core.session import Session
from app.jobs.runner import Mailbox
from app.store.settings import Settings
from model.grid import Float3, Grid
from model.scan_io import write_scan
from model.volume import DisplayHints, Volume

GRID = Grid((20, 36, 40), (2.0, 1.0, 1.5), (10.0, -20.0, 30.0))
_COMMANDS = ("fill-holes", "smooth", "islands", "margin")


def make_noise_workspace(folder: Path, grid: Grid = GRID) -> None:
    """A workspace of one scan of noise, which lies beside it; what a threshold brush paints in it fills disks."""
    values = np.random.default_rng(5).normal(0, 100, grid.shape).astype(np.int16)
    scan = folder.with_name(f"{folder.name}-scan.nii.gz")
    write_scan(scan, Volume(values, grid, DisplayHints(modality="CT", synthetic=True)))
    make_workspace(folder, [scan], None)


def state_of(session: Session) -> str:
    """A short hash of everything a reader would miss: the mask and what its labels are called."""
    digest = hashlib.sha256(np.ascontiguousarray(session.labels).data)
    digest.update(repr([(entry.value, entry.name) for entry in session.table.entries]).encode())
    return digest.hexdigest()[:24]


class BusyReader:
    """One reader at one workspace; `with` closes everything in order.

    Attributes:
        messages: what the reader was told, in order.
        offers: work of an earlier run that was offered back.
        troubles: records of the log at WARNING or above; a bug in a lane is one.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.mailbox = Mailbox()
        self.controllers: Controllers = make_controllers(
            self.mailbox.deliver, Settings(reader="Dr. Busy"), keep_settings=False
        )
        self.controllers.opening.after_opening = lambda: None
        self.desk = self.controllers.desk
        self.messages: list[Message] = []
        self.offers: list[RecoveryOffer] = []
        self.troubles: list[str] = []
        self.desk.events.message.subscribe(self.messages.append)
        self.desk.events.recovery_offered.subscribe(self.offers.append)
        self._watch = _Watch(self.troubles)
        logging.getLogger().addHandler(self._watch)

    # -- coming and going --------------------------------------------------------------------------------
    def open(self) -> None:
        """Open the workspace and its case; unsaved work is offered meanwhile, and not yet taken."""
        self.controllers.opening.open_workspace(self.folder)
        self.settle()

    def take_back(self) -> None:
        """Take the work that was offered."""
        if self.offers:
            self.controllers.opening.take_recovery()
            self.settle()

    def settle(self, seconds: float = 60) -> None:
        """Until everything asked for has been answered."""
        self.mailbox.pump_until(lambda: self.desk.runner.is_idle, seconds)

    def close(self) -> None:
        """End the program as a reader does; what waits for the disk is written first."""
        self.controllers.shutdown()
        self.mailbox.pump()
        logging.getLogger().removeHandler(self._watch)

    def __enter__(self) -> BusyReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # -- what there is -----------------------------------------------------------------------------------
    @property
    def session(self) -> Session:
        """The open case."""
        session = self.desk.session
        assert session is not None, [message.text for message in self.messages]
        return session

    @property
    def state(self) -> str:
        """`state_of` the open case."""
        return state_of(self.session)

    @property
    def errors(self) -> list[str]:
        """The errors that were told, in order."""
        return [message.text for message in self.messages if message.kind == "error"]

    # -- what it does ------------------------------------------------------------------------------------
    def step(self) -> None:
        """One thing a reader does that is not saving: mostly strokes, some undo and redo, now and then a tool."""
        if not self.session.table.entries:
            self.controllers.labelling.add("core")
            return
        draw = self.chance.random()
        if draw < 0.12:
            for _ in range(self.chance.randint(1, 3)):
                self.controllers.editing.undo()
        elif draw < 0.2:
            self.controllers.editing.redo()
        elif draw < 0.26:
            self.controllers.editing.run_command(self.chance.choice(_COMMANDS))
            self.mailbox.pump_until(lambda: not self.controllers.editing.computing, 60)
        elif draw < 0.3:
            self._name_labels()
        else:
            self.stroke()
        self.mailbox.pump()

    def stroke(self) -> None:
        """A stroke of two points anywhere, with the brush, the eraser or the threshold brush."""
        session, editing = self.session, self.controllers.editing
        session.radius_mm = self.chance.uniform(1.0, 6.0)
        session.sphere = self.chance.random() < 0.5
        editing.set_tool(
            self.chance.choice(("brush", "brush", "threshold-brush", "threshold-brush", "erase"))
        )
        z, y, x = self._place()
        editing.begin_stroke(Plane.AXIAL, (z, y, x))
        editing.extend_stroke((z, y + self.chance.uniform(-4, 4), x + self.chance.uniform(-4, 4)))
        editing.end_stroke()

    def paint(self) -> None:
        """Strokes until one changed the mask; the first of all labels is made where there is none."""
        before = self.state
        while self.state == before or not self.session.table.entries:
            self.stroke() if self.session.table.entries else self.controllers.labelling.add("core")
        self.mailbox.pump()

    def accept(self) -> bool:
        """Save the mask as a version and wait for the answer; True where it was saved."""
        before = len(self.controllers.reviewing.versions())
        if self.controllers.reviewing.accept(confirmed_empty=True) is AcceptOutcome.NOTHING:
            return False
        self.mailbox.pump_until(lambda: not self.desk.saving, 60)
        self.settle()
        return len(self.controllers.reviewing.versions()) > before

    def _name_labels(self) -> None:
        table = self.session.table
        if len(table.entries) < 3:
            self.controllers.labelling.add(f"label {self.chance.randint(0, 10**6)}")
        else:
            value = self.chance.choice(table.values)
            self.controllers.labelling.change(value, name=f"name {self.chance.randint(0, 10**6)}")
            self.controllers.labelling.set_active(self.chance.choice(table.values))

    def _place(self) -> Float3:
        z, y, x = (self.chance.uniform(0, count - 1) for count in self.session.labels.shape)
        return (float(round(z)), y, x)


class _Watch(logging.Handler):
    def __init__(self, records: list[str]) -> None:
        super().__init__(level=logging.WARNING)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._records.append(f"{record.name}: {record.getMessage()} {error!r}")
