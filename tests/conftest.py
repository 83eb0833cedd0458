"""What every test stands on: no screen, a data folder of its own, and no log line that nobody expected.

Fixtures of one subject live beside their tests; here is only what all of them need.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import hypothesis
import pytest

# Before anything imports Qt or a numerical library: they read these once. A developer's own choice stands.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.fonts.warning=false")

REPOSITORY = Path(__file__).resolve().parents[1]

# Shared runners are slow in bursts, so time per example proves nothing; a failing one is printed to be pinned.
hypothesis.settings.register_profile("gatelens", deadline=None, max_examples=50, print_blob=True)
hypothesis.settings.register_profile(
    "soak", parent=hypothesis.settings.get_profile("gatelens"), max_examples=2000
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gatelens"))


@dataclass(frozen=True)
class _Allowed:
    """A log record that a test expects: a pattern searched in the message, and a level (None: any)."""

    pattern: re.Pattern[str]
    level: int | None

    def allows(self, record: logging.LogRecord) -> bool:
        return (self.level is None or record.levelno == self.level) and bool(
            self.pattern.search(record.getMessage())
        )


@dataclass
class _LogWatch(logging.Handler):
    """Keeps every record of WARNING or above, from every thread, until the test is over."""

    records: list[logging.LogRecord] = field(default_factory=list)
    allowed: list[_Allowed] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(level=logging.WARNING)

    # A dataclass that defines equality cannot be hashed, and logging keeps handlers in sets.
    __hash__ = object.__hash__

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def unexpected(self) -> list[str]:
        return [
            f"{record.levelname} {record.name}: {record.getMessage()}"
            for record in self.records
            if not any(allowed.allows(record) for allowed in self.allowed)
        ]


class ExpectLog(Protocol):
    """Says that records of WARNING or above matching `pattern` belong to what the test does."""

    def __call__(self, pattern: str, level: int | None = None) -> None: ...


def pytest_configure(config: pytest.Config) -> None:
    """Points fixtures of module and session scope, too, away from the user's own data folder."""
    # A folder that cannot be made: what writes outside a test's own folder fails with this name in the error.
    os.environ["GATELENS_HOME"] = os.path.join(os.devnull, "only-tests-have-a-data-folder")


@pytest.fixture(autouse=True)
def gatelens_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gives the data folder of this one test; what the program keeps between starts goes there."""
    home = tmp_path_factory.mktemp("home", numbered=True)
    monkeypatch.setenv("GATELENS_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def _watch_log(request: pytest.FixtureRequest) -> Iterator[_LogWatch]:
    """Fails a test that logged a WARNING or worse without saying that it expects to."""
    watch = _LogWatch()
    for marker in request.node.iter_markers("expected_log"):
        pattern, level = (*marker.args, marker.kwargs.get("level"))[:2]
        watch.allowed.append(_Allowed(re.compile(pattern), level))
    root = logging.getLogger()
    root.addHandler(watch)
    try:
        yield watch
    finally:
        root.removeHandler(watch)
    unexpected = watch.unexpected()
    if unexpected:
        pytest.fail("the log holds what the test did not expect:\n" + "\n".join(unexpected), pytrace=False)


@pytest.fixture
def expected_log(_watch_log: _LogWatch) -> ExpectLog:
    """Gives a function to say, inside a test, which log records are part of what it shows."""

    def expect(pattern: str, level: int | None = None) -> None:
        _watch_log.allowed.append(_Allowed(re.compile(pattern), level))

    return expect


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Gives the folder of the development scans, or skips with the reason.

    GATELENS_TEST_DATA names it; without that it is `shared/data` beside the checkout (its README lists them).
    A test that takes this fixture carries `@pytest.mark.real_data`.
    """
    named = os.environ.get("GATELENS_TEST_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not (folder / "README.md").is_file():
        pytest.skip(f"no development scans in {folder} (GATELENS_TEST_DATA names another folder)")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """Gives the root of this checkout, for the tests that read the project's own files."""
    return REPOSITORY


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses a test that reads the development scans and is not marked, so that `-m` finds all of them."""
    for item in items:
        uses = "real_data" in getattr(item, "fixturenames", ())
        if uses and item.get_closest_marker("real_data") is None:
            raise pytest.UsageError(f"{item.nodeid} uses the fixture real_data but is not marked real_data")
