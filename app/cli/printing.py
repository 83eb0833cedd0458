"""How the command line speaks: a bar on a terminal, plain lines otherwise, JSON lines on request."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from model.progress import CancelCheck, Report

_PLAIN_EVERY_S = 2.0


def print_json(value: object) -> None:
    """One object on stdout and nothing else."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


@contextmanager
def progress(
    title: str, *, events: bool = False, quiet: bool = False
) -> Iterator[tuple[Report, CancelCheck]]:
    """Progress of one long call and its cancel, which Ctrl+C sets; everything goes to stderr but `events`.

    Args:
        title: what is going on.
        events: JSON lines on stdout instead.
        quiet: nothing is printed (with --json).
    """
    stop = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        stop.set()

    on_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, interrupt) if on_main else None
    try:
        if events:
            yield _event_lines(title), stop.is_set
        elif quiet:
            yield (lambda fraction, text: None), stop.is_set
        elif sys.stderr.isatty():
            with _bar(title) as report:
                yield report, stop.is_set
        else:
            yield _plain_lines(title), stop.is_set
    finally:
        if on_main:
            signal.signal(signal.SIGINT, before)


def _event_lines(title: str) -> Report:
    def report(fraction: float, text: str) -> None:
        print(
            json.dumps({"event": "progress", "title": title, "fraction": round(fraction, 4), "text": text}),
            flush=True,
        )

    return report


def _plain_lines(title: str) -> Report:
    # Nothing is printed for what is over at once.
    last = time.monotonic()

    def report(fraction: float, text: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _PLAIN_EVERY_S:
            last = now
            print(f"{title}: {fraction:4.0%} {text}".rstrip(), file=sys.stderr, flush=True)

    return report


@contextmanager
def _bar(title: str) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0, text="")
        yield lambda fraction, text: bar.update(task, completed=fraction, text=text)
