"""Runs long work in lanes of one thread each and brings results back to the thread that owns the session.

A job is plain code that takes `report` and `cancelled`; it returns a value or raises, and never touches a session.
What the reader asks for goes before work ahead (background) in its lane and cancels what of it is running.
This module knows no Qt: whoever builds the runner hands it `deliver`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from app.core.events import Event
from model.errors import Cancelled, GateLensError
from model.progress import CancelCheck, Report

_log = logging.getLogger(__name__)

T = TypeVar("T")
Deliver = Callable[[Callable[[], None]], None]

_REPORT_EVERY_S = 0.05
"""Progress reaches the screen at most this often; faster is not seen and costs the GUI thread."""


class Lane(StrEnum):
    """The threads of the program (besides the one that owns the window)."""

    COMPUTE = "compute"
    FILES = "files"
    EDIT = "edit"
    STORE = "store"
    JOURNAL = "journal"


class JobState(StrEnum):
    """Where a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job:
    """One piece of work in a lane, as the rest of the program sees it.

    Attributes:
        title: what it does, in a few words for the reader.
        case_id: the case it belongs to, or None.
        background: work ahead, which gives way to what the reader asks for and is not shown.
        must_finish: closing the program waits for it (a save); it takes no cancel.
        quiet: too short to be worth the reader's eye (a journal line, a row); not shown in the job bar.
        state, fraction, text: where it is.
    """

    def __init__(
        self,
        lane: Lane,
        title: str,
        case_id: str | None = None,
        *,
        background: bool = False,
        must_finish: bool = False,
        quiet: bool = False,
    ) -> None:
        self.lane = lane
        self.title = title
        self.case_id = case_id
        self.background = background
        self.must_finish = must_finish
        self.quiet = quiet
        self.state = JobState.WAITING
        self.fraction = 0.0
        self.text = ""
        self._cancelled = threading.Event()
        self._started: float | None = None

    def cancel(self) -> None:
        """Ask the job to stop; it does at its next check. A job that must finish goes on."""
        if not self.must_finish:
            self._cancelled.set()

    @property
    def is_cancelled(self) -> bool:
        """True once somebody asked it to stop."""
        return self._cancelled.is_set()

    @property
    def is_over(self) -> bool:
        """True once it has been answered."""
        return self.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)

    @property
    def remaining_seconds(self) -> float | None:
        """A straight-line guess from the fraction done; None before there is enough to guess from."""
        if self._started is None or self.fraction < 0.02 or self.is_over:
            return None
        elapsed = time.monotonic() - self._started
        return elapsed * (1 - self.fraction) / self.fraction


class _Work(Protocol):
    job: Job

    def run(self, report: Report) -> None: ...


class _Typed(Generic[T]):
    """A job with its work and what becomes of the result; run in the lane, answered through `deliver`."""

    def __init__(
        self,
        job: Job,
        work: Callable[[Report, CancelCheck], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
        over: Callable[[Job], None],
        deliver: Deliver,
    ) -> None:
        self.job = job
        self._work = work
        self._done = done
        self._failed = failed
        self._over = over
        self._deliver = deliver

    def run(self, report: Report) -> None:
        job = self.job
        try:
            if job.is_cancelled:
                raise Cancelled(f"{job.title} was cancelled.")
            job.state = JobState.RUNNING
            job._started = time.monotonic()
            report(0.0, "")
            value = self._work(report, lambda: job.is_cancelled)
        except Cancelled:
            self._finish(JobState.CANCELLED, None)
        except Exception as error:  # noqa: BLE001 - the job runner is one of the three boundaries
            if not isinstance(error, GateLensError):
                _log.exception("job %r failed (case %s)", job.title, job.case_id)
            caught = error
            self._finish(JobState.FAILED, lambda: self._failed(caught))
        else:
            self._finish(JobState.DONE, lambda: self._done(value))

    def _finish(self, state: JobState, answer: Callable[[], None] | None) -> None:
        def on_owner_thread() -> None:
            self.job.state = state
            if state is JobState.DONE:
                self.job.fraction = 1.0
            try:
                if answer is not None:
                    answer()
            finally:
                self._over(self.job)

        self._deliver(on_owner_thread)


class JobRunner:
    """Lanes, started when first used, cancelled and joined at the end.

    Args:
        deliver: brings a callable to the thread that owns the session; may be called from any thread.
    """

    def __init__(self, deliver: Deliver) -> None:
        self.changed: Event[Job] = Event("job changed")
        """Emitted on the owner's thread: progress, and once when a job is over."""
        self.failed: Event[tuple[Job, Exception]] = Event("job failed")
        """Emitted for failures that nobody asked to handle."""
        self._deliver = deliver
        self._lanes: dict[Lane, _LaneThread] = {}
        self._unanswered = 0
        self._closed = False

    def submit(
        self,
        lane: Lane,
        title: str,
        work: Callable[[Report, CancelCheck], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
        *,
        case_id: str | None = None,
        background: bool = False,
        must_finish: bool = False,
        quiet: bool = False,
    ) -> Job:
        """Queue `work`; `done` or `failed` is called on the owner's thread. A cancelled job calls neither."""
        job = Job(lane, title, case_id, background=background, must_finish=must_finish, quiet=quiet)
        if self._closed:
            job.state = JobState.CANCELLED
            return job

        def on_failure(error: Exception) -> None:
            if failed is not None:
                failed(error)
            else:
                self.failed.emit((job, error))

        self._unanswered += 1
        typed = _Typed(job, work, done, on_failure, self._over, self._deliver)
        self._lane(lane).put(typed, self._reporter(job))
        self.changed.emit(job)
        return job

    def cancel_background(self, lane: Lane) -> None:
        """Drop the work ahead in a lane, waiting or running."""
        if lane in self._lanes:
            self._lanes[lane].cancel_background()

    @property
    def is_idle(self) -> bool:
        """True when every job has been answered."""
        return self._unanswered == 0

    def lane_is_idle(self, lane: Lane) -> bool:
        """True when a lane has nothing waiting or running."""
        return lane not in self._lanes or self._lanes[lane].is_idle

    def shutdown(self) -> None:
        """Cancel what may be cancelled, let the rest finish, and join every lane; nothing is taken after this."""
        self._closed = True
        for lane in self._lanes.values():
            lane.close()
        for lane in self._lanes.values():
            lane.join()

    def _lane(self, lane: Lane) -> _LaneThread:
        if lane not in self._lanes:
            self._lanes[lane] = _LaneThread(lane)
        return self._lanes[lane]

    def _over(self, job: Job) -> None:
        self._unanswered -= 1
        self.changed.emit(job)

    def _reporter(self, job: Job) -> Report:
        last = 0.0

        def report(fraction: float, text: str) -> None:
            nonlocal last
            now = time.monotonic()
            job.fraction = max(job.fraction, min(1.0, fraction))
            job.text = text
            if now - last >= _REPORT_EVERY_S:
                last = now
                self._deliver(lambda: None if job.is_over else self.changed.emit(job))

        return report


class _LaneThread:
    """One thread with two queues: what the reader asked for, then work ahead."""

    def __init__(self, lane: Lane) -> None:
        self._asked: deque[tuple[_Work, Report]] = deque()
        self._ahead: deque[tuple[_Work, Report]] = deque()
        self._current: Job | None = None
        self._wake = threading.Condition()
        self._closing = False
        # Never a daemon: a daemon thread inside torch at interpreter exit aborts the process.
        self._thread = threading.Thread(target=self._loop, name=f"lane {lane}", daemon=False)
        self._thread.start()

    @property
    def is_idle(self) -> bool:
        with self._wake:
            return self._current is None and not self._asked and not self._ahead

    def put(self, work: _Work, report: Report) -> None:
        with self._wake:
            if work.job.background:
                self._ahead.append((work, report))
            else:
                self._asked.append((work, report))
                if self._current is not None and self._current.background:
                    self._current.cancel()
            self._wake.notify()

    def cancel_background(self) -> None:
        with self._wake:
            for work, _ in self._ahead:
                work.job.cancel()
            if self._current is not None and self._current.background:
                self._current.cancel()

    def close(self) -> None:
        with self._wake:
            self._closing = True
            for work, _ in (*self._asked, *self._ahead):
                work.job.cancel()
            if self._current is not None:
                self._current.cancel()
            self._wake.notify()

    def join(self) -> None:
        self._thread.join()

    def _loop(self) -> None:
        while True:
            with self._wake:
                self._current = None
                while not (self._asked or self._ahead or self._closing):
                    self._wake.wait()
                if not (self._asked or self._ahead):
                    return
                work, report = (self._asked or self._ahead).popleft()
                self._current = work.job
            work.run(report)


class Mailbox:
    """A `deliver` for programs without an event loop: the command line and tests pump it themselves."""

    def __init__(self) -> None:
        self._calls: deque[Callable[[], None]] = deque()
        self._wake = threading.Condition()

    def deliver(self, call: Callable[[], None]) -> None:
        """Keep a call until the owner pumps; from any thread."""
        with self._wake:
            self._calls.append(call)
            self._wake.notify()

    def pump(self) -> None:
        """Run what has arrived so far, on the calling thread."""
        while True:
            with self._wake:
                if not self._calls:
                    return
                call = self._calls.popleft()
            call()

    def pump_until(self, condition: Callable[[], bool], timeout_s: float = 600.0) -> None:
        """Run calls as they arrive until `condition` holds; raises TimeoutError after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while True:
            self.pump()
            if condition():
                return
            with self._wake:
                if not self._calls:
                    self._wake.wait(0.25)
                if not self._calls and time.monotonic() >= deadline:
                    raise TimeoutError("the jobs did not answer in time")
