"""One session at a time has a case; a session that is gone does not keep it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from app.store.leases import Held, Lease, LeaseStore
from app.store.processes import ProcessIdentity, account, process_runs, this_process
from app.store.review_store import CaseRow
from app.store.workspace import Workspace


def age(workspace: Workspace, seconds: float) -> None:
    with workspace.database.write() as connection:
        connection.execute(text("UPDATE leases SET heartbeat = heartbeat - :s"), {"s": seconds})


def test_the_second_opener_is_told_who_has_the_case(workspace: Workspace, case: CaseRow) -> None:
    first = workspace.reviews.lease(case.id, "s1", "Ann")
    second = workspace.reviews.lease(case.id, "s2", "Bo")
    assert first == Lease(case.id, "s1")
    assert isinstance(second, Held)
    assert second.holder == "Ann"
    assert "by Ann" in second.sentence
    assert second.since_s < 5


def test_a_session_that_has_the_case_takes_it_again(workspace: Workspace, case: CaseRow) -> None:
    assert workspace.reviews.lease(case.id, "s1", "Ann") == workspace.reviews.lease(case.id, "s1", "Ann")


def test_a_released_case_is_free_and_only_its_holder_releases_it(workspace: Workspace, case: CaseRow) -> None:
    lease = workspace.reviews.lease(case.id, "s1", "Ann")
    assert isinstance(lease, Lease)
    workspace.reviews.release(Lease(case.id, "s2"))
    assert isinstance(workspace.reviews.lease(case.id, "s2", "Bo"), Held)
    workspace.reviews.release(lease)
    assert workspace.reviews.lease(case.id, "s2", "Bo") == Lease(case.id, "s2")


def test_a_lease_of_a_process_that_is_gone_is_taken_over_at_once(workspace: Workspace, case: CaseRow) -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    gone = ProcessIdentity(this_process().host, child.pid, psutil.Process(child.pid).create_time())
    child.wait()
    store = LeaseStore(workspace.database)
    assert store.take(case.id, "s1", "Ann", gone) == Lease(case.id, "s1")
    assert workspace.reviews.lease(case.id, "s2", "Bo") == Lease(case.id, "s2")
    assert workspace.audit.rows(case.id)[-1].kind == "stale lease taken over"
    assert not workspace.reviews.heartbeat(Lease(case.id, "s1"))


def test_a_process_id_used_again_by_another_program_does_not_keep_a_case(
    workspace: Workspace, case: CaseRow
) -> None:
    me = this_process()
    store = LeaseStore(workspace.database)
    store.take(case.id, "s1", "Ann", ProcessIdentity(me.host, me.pid, me.started - 5000))
    assert store.take(case.id, "s2", "Bo") == Lease(case.id, "s2")


@pytest.mark.parametrize(("silent_s", "free"), [(110, False), (130, True)])
@pytest.mark.parametrize("host", ["here", "elsewhere"])
def test_two_minutes_of_silence_free_a_case(
    workspace: Workspace, case: CaseRow, silent_s: float, free: bool, host: str
) -> None:
    me = this_process()
    who = me if host == "here" else ProcessIdentity("elsewhere", 1, 1.0)
    store = LeaseStore(workspace.database)
    store.take(case.id, "s1", "Ann", who)
    age(workspace, silent_s)
    assert isinstance(store.take(case.id, "s2", "Bo"), Lease) == free


def test_a_heartbeat_keeps_a_case(workspace: Workspace, case: CaseRow) -> None:
    lease = workspace.reviews.lease(case.id, "s1", "Ann")
    assert isinstance(lease, Lease)
    age(workspace, 110)
    assert workspace.reviews.heartbeat(lease)
    age(workspace, 110)
    assert isinstance(workspace.reviews.lease(case.id, "s2", "Bo"), Held)


def test_a_lease_taken_away_by_hand_is_audited(workspace: Workspace, case: CaseRow) -> None:
    assert workspace.reviews.unlock(case.id, "Eve") is None
    workspace.reviews.lease(case.id, "s1", "Ann")
    held = workspace.reviews.unlock(case.id, "Eve")
    assert held is not None
    assert held.holder == "Ann"
    assert workspace.audit.rows(case.id)[-1].details == '{"by":"Eve","from":"Ann"}'
    assert isinstance(workspace.reviews.lease(case.id, "s2", "Bo"), Lease)


def test_another_program_with_the_workspace_open_holds_its_case(
    workspace: Workspace, case: CaseRow, repository: Path
) -> None:
    code = (
        "import sys; from pathlib import Path; from app.store import workspace\n"
        "w = workspace.open(Path(sys.argv[1])); print(w.reviews.lease(sys.argv[2], 's9', 'Ann'), flush=True)\n"
        "sys.stdin.readline()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(workspace.folder), case.id],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=repository, text=True,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        assert "Lease" in child.stdout.readline()
        assert isinstance(workspace.reviews.lease(case.id, "s1", "Bo"), Held)
    finally:
        child.kill()
        child.communicate()
    assert isinstance(workspace.reviews.lease(case.id, "s1", "Bo"), Lease)


def test_this_process_runs_and_a_made_up_one_does_not() -> None:
    me = this_process()
    assert me.runs() is True
    assert not process_runs(me.pid, me.started - 100)
    assert not process_runs(2**22 + 1, time.time())
    assert ProcessIdentity("elsewhere", 1, 1.0).runs() is None
    assert ProcessIdentity("elsewhere", 1, 1.0).may_run(10)
    assert account() != ""
