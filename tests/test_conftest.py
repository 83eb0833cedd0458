"""The safety net of tests/conftest.py itself: it must catch what it is there for."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).with_name("conftest.py")


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makeini("[pytest]\nmarkers =\n    real_data: x\n    expected_log: x\nfilterwarnings = error\n")
    return pytester


@pytest.mark.expected_log("disk nearly full|lane broke")  # the inner run shares this process's root logger
def test_an_unexpected_warning_in_the_log_fails_the_test_that_caused_it(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        "import logging, threading\n"
        "def test_quiet(): logging.getLogger('x').info('fine')\n"
        "def test_loud(): logging.getLogger('x').warning('disk nearly full')\n"
        "def test_thread():\n"
        "    t = threading.Thread(target=lambda: logging.getLogger('x').error('lane broke'))\n"
        "    t.start(); t.join()\n"
    )
    result = suite.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(["*WARNING x: disk nearly full*"])


def test_a_test_refuses_the_scans_without_the_mark(suite: pytest.Pytester) -> None:
    suite.makepyfile("def test_a(real_data): pass\n")
    result = suite.runpytest_inprocess("-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.expected_log("nearly full", level=logging.WARNING)
def test_a_marked_warning_is_allowed() -> None:
    logging.getLogger("x").warning("disk nearly full")


def test_a_warning_said_beforehand_is_allowed_from_any_thread(expected_log: Callable[[str], None]) -> None:
    expected_log("nearly full")
    thread = threading.Thread(target=lambda: logging.getLogger("x").warning("disk nearly full"))
    thread.start()
    thread.join()


def test_the_data_folder_is_the_tests_own(
    gatelens_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert os.environ["GATELENS_HOME"] == str(gatelens_home)
    assert gatelens_home.is_relative_to(tmp_path_factory.getbasetemp())


def test_a_warning_is_an_error() -> None:
    with pytest.raises(UserWarning):
        warnings.warn("careless", UserWarning, stacklevel=1)
