"""The model: which one serves, whether it applies to this scan and how sure that is, and the button that predicts."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QPushButton, QWidget

from app.controllers import Controllers
from app.controllers.conditions import Condition
from app.ui import bind, folding, words
from app.ui.qt_bridge import SlotGuard
from model.applicability import Applicability


class ModelPanel(QWidget):
    """Words about the model and the prediction, Predict, and the marked override where the model does not apply."""

    def __init__(self, controllers: Controllers, guard: SlotGuard) -> None:
        super().__init__()
        self._desk, self._predicting = controllers.desk, controllers.predicting
        self._name = folding.label(role="heading", wraps=True)
        self._facts = folding.label(role="small", wraps=True)
        self._applies = folding.label(role="small", wraps=True)
        self.predict = folding.button(
            "Predict", "wand-sparkles", "Run the model on this scan, or on the region box (F5)"
        )
        self.predict.clicked.connect(guard.wrap(lambda _=False: self._predicting.predict()))
        self.here = folding.button(
            "Re-predict here",
            "wand-sparkles",
            "Run the model on the region box and show what would change; prediction and mask stay (Shift+F5)",
        )
        self.here.clicked.connect(guard.wrap(lambda _=False: controllers.repredicting.repredict()))
        self.override = QPushButton("Predict anyway")
        self.override.setToolTip("Run the model outside what it is made for; the prediction is marked so")
        self.override.clicked.connect(guard.wrap(lambda _=False: self._predicting.predict(True)))
        self.override.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        layout = folding.column(self, 6)
        for widget in (self._name, self._applies, self._facts):
            layout.addWidget(widget)
        layout.addSpacing(2)
        layout.addLayout(folding.line(self.predict, self.override, spacing=6))
        layout.addWidget(self.here)
        # Judging a scan looks at its values; once a box is at rest is often enough.
        self._judge_soon = QTimer(self)
        self._judge_soon.setSingleShot(True)
        self._judge_soon.setInterval(150)
        self._judge_soon.timeout.connect(guard.wrap(self._judge))
        self._verdict: Applicability | None = None
        events = self._desk.events
        bind.listen_all(self, (events.case_opened, events.case_closed, events.workspace_opened), self._judge)
        bind.listen(self, events.region_changed, lambda _: self._judge_soon.start())
        bind.listen_all(self, (events.prediction_changed, events.conditions_changed), self._show)
        self._judge()

    def _judge(self) -> None:
        self._verdict = self._predicting.applicability()
        self._show()

    def _show(self) -> None:
        desk, session, verdict = self._desk, self._desk.session, self._verdict
        bundle = desk.bundle
        self._name.setText(bundle.name if bundle else "No model serves this workspace")
        fits = verdict is not None and verdict.applies
        if bundle is None:
            applies = desk.bundle_trouble or (
                "A workspace gets its model when it is made: gatelens workspace new … --model NAME."
                if desk.workspace
                else "Open a workspace or a scan first."
            )
        else:
            applies = verdict.reason if verdict else ""
        self._applies.setText(applies)
        predicted = session is not None and session.prediction is not None
        # Once it has run and fits, that it applies is no news.
        self._applies.setVisible(bool(applies) and not (fits and predicted))
        self._name.setToolTip(applies)
        role = "small" if fits or verdict is None else "notice"
        if self._applies.property("role") != role:
            self._applies.setProperty("role", role)
            self._applies.style().polish(self._applies)
        facts = self._prediction_words()
        self._facts.setText(facts)
        self._facts.setVisible(bool(facts))
        has_region = session is not None and session.region is not None
        again = predicted
        self.predict.setText("Predict in the box" if has_region else "Predict again" if again else "Predict")
        # Once there is a prediction, Accept is the next step and the only loud button.
        wanted = "primary" if fits and not again else ""
        if self.predict.property("role") != wanted:
            self.predict.setProperty("role", wanted)
            self.predict.style().polish(self.predict)
        can = desk.is_on(Condition.CAN_PREDICT)
        self.predict.setEnabled(can and fits)
        self.override.setEnabled(can)
        self.override.setVisible(verdict is not None and not fits)
        self.here.setVisible(bundle is not None and has_region)
        self.here.setEnabled(desk.is_on(Condition.CAN_PREDICT_HERE))

    def _prediction_words(self) -> str:
        session = self._desk.session
        if self._desk.is_on(Condition.PREDICTING):
            return "Predicting… the window stays usable; Esc cancels."
        if session is None or session.prediction is None:
            return ""
        made = session.prediction.provenance
        parts = [f"Predicted in {words.duration(made.seconds)} on {made.device}"]
        parts.append("inside the region box" if made.region is not None else "whole scan")
        if made.overridden:
            parts.append("outside what the model is made for")
        return ", ".join(parts) + "."
