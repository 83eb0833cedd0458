"""The job runner: order, cancel, errors, and a clean end."""

import threading

import pytest

from app.jobs.runner import Job, JobRunner, JobState, Lane, Mailbox
from model.errors import ScanError
from model.progress import CancelCheck, Report, stop_if


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def runner(mailbox: Mailbox):
    made = JobRunner(mailbox.deliver)
    yield made
    made.shutdown()


def test_a_result_is_delivered_on_the_owners_thread(runner: JobRunner, mailbox: Mailbox) -> None:
    seen: list[tuple[int, str, str]] = []

    def work(report: Report, cancelled: CancelCheck) -> str:
        return threading.current_thread().name

    runner.submit(
        Lane.FILES, "read", work, lambda name: seen.append((1, name, threading.current_thread().name))
    )
    mailbox.pump_until(lambda: bool(seen), 5)
    assert seen == [(1, "lane files", threading.current_thread().name)]
    assert runner.is_idle


def test_what_the_reader_asks_for_cancels_work_ahead(runner: JobRunner, mailbox: Mailbox) -> None:
    started = threading.Event()
    answers: list[str] = []

    def ahead(report: Report, cancelled: CancelCheck) -> str:
        started.set()
        for _ in range(500):
            stop_if(cancelled)
            threading.Event().wait(0.01)
        return "ahead"

    job = runner.submit(Lane.COMPUTE, "ahead", ahead, answers.append, background=True)
    assert started.wait(5)
    runner.submit(Lane.COMPUTE, "asked", lambda report, cancelled: "asked", answers.append)
    mailbox.pump_until(lambda: runner.is_idle, 5)
    assert answers == ["asked"]
    assert job.state is JobState.CANCELLED


def test_a_failure_nobody_handles_is_an_event_and_the_lane_goes_on(
    runner: JobRunner, mailbox: Mailbox
) -> None:
    failures: list[tuple[Job, Exception]] = []
    runner.failed.subscribe(failures.append)

    def broken(report: Report, cancelled: CancelCheck) -> None:
        raise ScanError("a.nii.gz is empty; copy it again.")

    job = runner.submit(Lane.FILES, "read", broken, lambda value: None)
    after: list[int] = []
    runner.submit(Lane.FILES, "next", lambda report, cancelled: 7, after.append)
    mailbox.pump_until(lambda: runner.is_idle, 5)
    assert [(found is job, str(error)) for found, error in failures] == [
        (True, "a.nii.gz is empty; copy it again.")
    ]
    assert after == [7]


def test_shutdown_cancels_what_may_be_cancelled_and_waits_for_a_save(mailbox: Mailbox) -> None:
    runner = JobRunner(mailbox.deliver)
    saved: list[str] = []
    running = threading.Event()

    def save(report: Report, cancelled: CancelCheck) -> None:
        running.set()
        threading.Event().wait(0.1)
        saved.append("refused" if cancelled() else "whole")

    def long(report: Report, cancelled: CancelCheck) -> None:
        while True:
            stop_if(cancelled)
            threading.Event().wait(0.01)

    runner.submit(Lane.STORE, "save", save, lambda value: None, must_finish=True)
    predict = runner.submit(Lane.COMPUTE, "predict", long, lambda value: None)
    assert running.wait(5)
    runner.shutdown()
    mailbox.pump()
    assert saved == ["whole"]
    assert predict.state is JobState.CANCELLED
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lane ")]


def test_progress_never_runs_backwards_and_gives_a_remaining_time(
    runner: JobRunner, mailbox: Mailbox
) -> None:
    fractions: list[float] = []
    runner.changed.subscribe(lambda job: fractions.append(job.fraction))
    go_on = threading.Event()

    def work(report: Report, cancelled: CancelCheck) -> None:
        report(0.5, "half")
        report(0.2, "less")
        go_on.wait(5)

    job = runner.submit(Lane.EDIT, "grow", work, lambda value: None)
    mailbox.pump_until(lambda: job.fraction == 0.5, 5)
    assert job.remaining_seconds is not None
    go_on.set()
    mailbox.pump_until(lambda: runner.is_idle, 5)
    assert fractions == sorted(fractions)
    assert job.fraction == 1.0
