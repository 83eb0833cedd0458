"""A window of its own that is closed while it works: `python quitting_child.py WORKSPACE predict|save`."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app import ui
from app.controllers import Controllers, make_controllers
from app.core.planes import Plane
from app.store.settings import Settings


def main(folder: Path, what: str) -> int:
    def begin(controllers: Controllers) -> None:
        controllers.opening.after_opening = lambda: None
        controllers.desk.events.case_opened.subscribe(lambda session: QTimer.singleShot(0, act))
        controllers.opening.open_workspace(folder)

        def act() -> None:
            if what == "predict":
                controllers.predicting.predict()
            else:
                controllers.editing.set_tool("brush")
                controllers.editing.begin_stroke(Plane.AXIAL, (10.0, 12.0, 14.0))
                controllers.editing.end_stroke()
                controllers.reviewing.accept()
            for window in QApplication.topLevelWidgets():
                window.close()

    return ui.open_window(lambda deliver: make_controllers(deliver, Settings(reader="Dr. Quit")), begin)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2]))
