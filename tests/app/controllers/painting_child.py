"""A reader in a process of its own, who paints until killed: `python painting_child.py WORKSPACE`.

Prints "NUMBER SECONDS" as each stroke is committed, on the clock the parent can read too.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from app.controllers import Controllers, make_controllers
from app.core.planes import Plane
from app.jobs.runner import Mailbox
from app.store.settings import Settings


def main(folder: Path) -> None:
    mailbox = Mailbox()
    controllers = make_controllers(mailbox.deliver, Settings(reader="Dr. Child"), keep_settings=False)
    controllers.opening.after_opening = lambda: None
    try:
        paint(controllers, mailbox, folder)
    finally:
        controllers.shutdown()


def paint(controllers: Controllers, mailbox: Mailbox, folder: Path) -> None:
    controllers.opening.open_workspace(folder)
    mailbox.pump_until(lambda: controllers.desk.session is not None, 60)
    session, editing = controllers.desk.session, controllers.editing
    assert session is not None
    session.radius_mm = 1.0
    for number in range(2000):
        editing.set_tool("brush" if number % 3 else "erase")
        place = (float(number % 18), float((number * 7) % 22), float((number * 5) % 26))
        before = session.history.depth
        editing.begin_stroke(Plane.AXIAL, place)
        editing.extend_stroke((place[0], place[1] + 1.5, place[2]))
        editing.end_stroke()
        mailbox.pump()
        if session.history.depth > before:
            sys.stdout.write(f"{session.history.depth} {time.monotonic()}\n")
            sys.stdout.flush()
        time.sleep(0.01)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
