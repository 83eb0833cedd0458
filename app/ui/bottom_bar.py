"""The foot of the window: what lies under the pointer, the running job with Cancel, and messages that take no focus."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QToolButton,
    QWidget,
)

from app.controllers import Controllers
from app.controllers.conditions import Condition
from app.core.messages import Message
from app.jobs.runner import Job, JobState
from app.ui import bind, folding, theme, words
from app.ui.qt_bridge import SlotGuard
from app.ui.view_pane import ElidedLabel
from model.grid import Float3

_INFO_MS = 8000
# A job shorter than this comes and goes unseen; a bar that flashes up is noise.
_SHOW_JOB_AFTER_MS = 250

TOOL_HINTS = {
    "crosshair": "Crosshair: drag to link the three planes.  Wheel: slices.  Ctrl+wheel: zoom.  Hold X: bare scan.",
    "brush": "Brush: drag to paint.  Shift+wheel: radius.  Alt+1–9: label.  E: erase.  Hold X: bare scan.",
    "erase": "Erase: drag to take away the active label.  Shift+wheel: radius.  B: brush.  Hold X: bare scan.",
    "threshold-brush": "Threshold brush: drag to paint within the range.  Ctrl+click: the range there.  [, ]: radius.",
    "take-prediction": "Take prediction: drag to bring the model's labels back.  Shift+wheel: radius.",
    "lasso": "Lasso: draw round what to add or remove.  Esc: drop the line.  Hold X: bare scan.",
    "polygon": "Polygon: click its corners; double click or Enter closes it.  Backspace: one back.  Esc: drop it.",
    "smooth-brush": "Smooth brush: drag over a rough edge.  Shift+wheel: radius.  Hold X: bare scan.",
    "grow": "Grow: press in a structure, drag up or down for the tolerance, let go to accept.  Esc: drop.",
    "island": "Island: click a part that hangs apart to delete it, keep it alone, or give it the active label.",
    "region": "Region box: drag a box, or its edges.  F5: predict inside it.  Shift+F5: predict there as a preview.",
}


class ReadOutLine(QWidget):
    """Position, intensity, label and attention under the pointer; where there is none, at the crosshair."""

    def __init__(self, controllers: Controllers) -> None:
        super().__init__()
        self._desk, self._looking = controllers.desk, controllers.looking
        self._voxel: Float3 | None = None
        self.setAccessibleName("Read-out: position, intensity, label and attention under the pointer")
        self._parts: list[QLabel] = []
        self._captions: list[QLabel] = []
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for caption, wide in (
            ("Position", 190),
            ("Value", 70),
            ("Window", 110),
            ("Label there", 96),
            ("", 190),
        ):
            name = folding.label(caption, "faint")
            value = folding.label()
            value.setFont(theme.font(tabular=True))
            value.setMinimumWidth(wide)
            value.setAccessibleName(f"{caption or 'Attention'} under the pointer")
            self._captions.append(name)
            self._parts.append(value)
            layout.addWidget(name)
            layout.addWidget(value)
            layout.addSpacing(8)
        events = self._desk.events
        bind.listen_all(
            self, (events.crosshair_changed, events.labels_changed, events.look_changed), self._show
        )
        bind.listen(self, events.prediction_changed, lambda _: self._show())
        # The pointer was over a voxel of another scan; it must move before it says anything of this one.
        bind.listen_all(self, (events.case_opened, events.case_closed), partial(self.hover, None))
        self._show()

    @property
    def text(self) -> str:
        """All that is said, for tests and the tour."""
        return "  ".join(part.text() for part in self._parts)

    def hover(self, voxel: Float3 | None) -> None:
        """The pointer is over a voxel (z, y, x), or over none."""
        self._voxel = voxel
        self._show()

    def _show(self) -> None:
        session = self._desk.session
        place = self._voxel if self._voxel is not None or session is None else session.crosshair
        found = self._looking.read_out(place) if place is not None else None
        values = (
            (found.position, found.intensity, found.window, found.label, found.attention)
            if found
            else ("–", "–", "–", "–", "")
        )
        shows_attention = bool(values[-1])
        self._captions[-1].setVisible(shows_attention)
        self._parts[-1].setVisible(shows_attention)
        for label, text in zip(self._parts, values, strict=True):
            label.setText(text[:1].upper() + text[1:])


class JobBar(QWidget):
    """The running job: title, how far, how long still, and Cancel."""

    def __init__(self, controllers: Controllers, guard: SlotGuard) -> None:
        super().__init__()
        self._desk = controllers.desk
        self._title = folding.label()
        self._left = folding.label(role="small")
        self._left.setFont(theme.font(theme.SMALL_PX, tabular=True))
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(130)
        self.bar.setAccessibleName("Progress")
        self.cancel = folding.button("Cancel", "circle-stop", "Cancel the running job (Esc)")
        self.cancel.setProperty("role", "quiet")
        self.cancel.clicked.connect(guard.wrap(lambda _=False: self._cancel()))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        for widget in (self._title, self.bar, self._left, self.cancel):
            layout.addWidget(widget)
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_SHOW_JOB_AFTER_MS)
        self._delay.timeout.connect(self._appear)
        bind.listen(self, self._desk.events.job_changed, self._job_changed)
        bind.listen(self, self._desk.events.conditions_changed, lambda _: self._job_changed(None))
        self.hide()

    def _cancel(self) -> None:
        job = self._desk.running_job
        if job is not None:
            job.cancel()
            self._title.setText(f"{job.title}: stopping…")

    def _job_changed(self, _: Job | None) -> None:
        job = self._desk.running_job
        if job is None:
            self._delay.stop()
            self.hide()
            return
        text = f"{job.title}: {job.text}" if job.text else job.title
        metrics = self._title.fontMetrics()
        self._title.setText(metrics.elidedText(text, Qt.TextElideMode.ElideRight, 300))
        self._title.setToolTip(text)
        self.bar.setRange(0, 1000 if job.fraction > 0 else 0)
        self.bar.setValue(round(job.fraction * 1000))
        seconds = job.remaining_seconds
        self._left.setText(
            f"about {words.duration(seconds)} left" if seconds is not None and seconds > 1 else ""
        )
        self.cancel.setEnabled(not job.must_finish and not job.is_cancelled)
        if self.isHidden() and not self._delay.isActive():
            self._delay.start()

    def _appear(self) -> None:
        if self._desk.is_on(Condition.JOB_RUNNING):
            self.show()


class MessageBar(QFrame):
    """The newest message, or else a hint for the tool in hand.

    It has its own line, always there, so that nothing above it ever moves under the pointer. Information goes by
    itself; warnings and errors stay until they are closed or another one comes.
    """

    def __init__(self, controllers: Controllers) -> None:
        super().__init__()
        self._desk, self._editing = controllers.desk, controllers.editing
        self.setObjectName("Message")
        self.setAccessibleName("Message")
        self.setFixedHeight(32)
        self._icon = QLabel()
        self._icon.setFixedWidth(18)
        self._text = ElidedLabel()
        self._close = QToolButton()
        self._close.setIcon(theme.icon("x", theme.QUIET))
        self._close.setIconSize(QSize(14, 14))
        self._close.setToolTip("Close this message")
        self._close.setAccessibleName("Close this message")
        self._close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._close.clicked.connect(self.clear)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 0, 6, 0)
        layout.setSpacing(8)
        layout.addWidget(self._icon)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._close)
        self._gone = QTimer(self)
        self._gone.setSingleShot(True)
        self._gone.setInterval(_INFO_MS)
        self._gone.timeout.connect(self.clear)
        self._message: Message | None = None
        events = self._desk.events
        bind.listen(self, events.message, self.show_message)
        bind.listen(self, events.case_opening, lambda _: self._dismiss("info", "warning"))
        bind.listen(self, events.step_made, lambda _: self._dismiss("info"))
        bind.listen(self, events.job_changed, self._job_changed)
        bind.listen_all(self, (events.tool_changed, events.case_opened, events.case_closed), self._show)
        self._show()

    @property
    def text(self) -> str:
        """The message on the screen; empty where there is none."""
        return self._message.text if self._message else ""

    @property
    def kind(self) -> str:
        """The kind of the message on the screen; empty where there is none."""
        return self._message.kind if self._message else ""

    def show_message(self, message: Message) -> None:
        """Show a message; an error on the screen is not pushed away by mere information."""
        if message.kind == "info" and self.kind == "error":
            return
        self._message = message
        if message.kind == "info":
            self._gone.start()
        else:
            self._gone.stop()
        self._show()

    def clear(self) -> None:
        """Take the message away."""
        self._message = None
        self._show()

    def _job_changed(self, job: Job) -> None:
        if job.state is JobState.CANCELLED:
            self.show_message(Message("info", f"{job.title} was cancelled; nothing was changed."))

    def _dismiss(self, *kinds: str) -> None:
        if self.kind in kinds:
            self.clear()

    def _show(self) -> None:
        message = self._message
        self._close.setVisible(message is not None)
        self._icon.setVisible(message is not None)
        kind = message.kind if message else "hint"
        if self.property("kind") != kind:
            self.setProperty("kind", kind)
            self.style().polish(self)
        hint = TOOL_HINTS.get(self._editing.tool, "") if self._desk.session is not None else ""
        self._text.say(message.text if message else hint)
        self._text.setStyleSheet(f"color: {theme.TEXT if message else theme.FAINT};")
        if message is not None:
            colour = theme.MESSAGE_COLOURS[message.kind]
            self._icon.setPixmap(
                theme.pixmap(theme.MESSAGE_ICONS[message.kind], 16, colour, self.devicePixelRatioF())
            )
