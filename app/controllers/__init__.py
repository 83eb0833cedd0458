"""What a reader does, one controller an activity; the window and the command line call the same verbs."""

from __future__ import annotations

from dataclasses import dataclass

from app.controllers.auditing import AuditingController
from app.controllers.changing import Changing
from app.controllers.desk import Desk
from app.controllers.editing import EditingController
from app.controllers.labelling import LabellingController
from app.controllers.looking import LookingController
from app.controllers.opening import OpeningController
from app.controllers.predicting import PredictingController
from app.controllers.reading import ReadingController
from app.controllers.repredicting import RepredictingController
from app.controllers.reviewing import ReviewingController
from app.controllers.saving_elsewhere import SavingElsewhereController
from app.controllers.taking import TakingController
from app.jobs.runner import Deliver, JobRunner
from app.store.settings import Settings


@dataclass(frozen=True)
class Controllers:
    """Everything a window needs to call."""

    desk: Desk
    opening: OpeningController
    looking: LookingController
    predicting: PredictingController
    editing: EditingController
    labelling: LabellingController
    reviewing: ReviewingController
    reading: ReadingController
    auditing: AuditingController
    repredicting: RepredictingController
    taking: TakingController
    elsewhere: SavingElsewhereController

    def shutdown(self) -> None:
        """Leave everything in order: cancels a prediction, waits for saves (seconds at most), joins every lane."""
        self.opening.close()
        self.desk.runner.shutdown()


def make_controllers(deliver: Deliver, settings: Settings, *, keep_settings: bool = True) -> Controllers:
    """Wire the controllers of one window; `deliver` brings callables to the thread that owns them."""
    desk = Desk(JobRunner(deliver), settings, keep_settings=keep_settings)
    opening = OpeningController(desk)
    predicting = PredictingController(desk)
    changing = Changing(desk, lambda: opening.journal)
    reading = ReadingController(desk)
    auditing = AuditingController(desk, reading)
    # What the reader asks for cancels the work ahead, so it begins again afterwards.
    opening.after_opening = predicting.after_predicting = lambda: opening.read_ahead(predicting.predict_ahead)
    return Controllers(
        desk=desk,
        opening=opening,
        looking=LookingController(desk),
        predicting=predicting,
        editing=EditingController(desk, changing),
        labelling=LabellingController(desk, changing),
        reviewing=ReviewingController(desk, opening, reading, auditing),
        reading=reading,
        auditing=auditing,
        repredicting=RepredictingController(desk, predicting, changing),
        taking=TakingController(desk),
        elsewhere=SavingElsewhereController(desk),
    )
