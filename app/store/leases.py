"""Who has a case open: one session at a time, so that two readers never correct one case over each other.

A lease names host, process and the start of that process, and is renewed by a heartbeat. It is stale once its
process is gone (same host) or two minutes silent (another host, which cannot be asked).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, select, update

from app.store import audit
from app.store.database import Database
from app.store.processes import ProcessIdentity, this_process
from app.store.schema import leases

HEARTBEAT_S = 30.0
"""How often the holder of a lease says that it is alive."""

STALE_S = 120.0
"""How long a lease counts after its last heartbeat."""


@dataclass(frozen=True)
class Lease:
    """The right to change a case, held by `session` until it is released or goes stale."""

    case_id: str
    session: str


@dataclass(frozen=True)
class Held:
    """Someone else has the case open.

    Attributes:
        holder: the reader's name, or the account where no name was given.
        host: the machine.
        since_s: seconds since the last heartbeat.
    """

    case_id: str
    holder: str
    host: str
    since_s: float

    @property
    def sentence(self) -> str:
        """What the reader is told."""
        return f"This case is open at {self.host} by {self.holder}; here it can be looked at only."


class LeaseStore:
    """The leases of one workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(
        self, case_id: str, session: str, holder: str, who: ProcessIdentity | None = None
    ) -> Lease | Held:
        """Take the case for `session`, or learn who holds it; a stale lease is taken over, audited."""
        me = who or this_process()
        now = time.time()
        with self._database.write() as connection:
            row = _row(connection, case_id)
            if row is not None and row["session"] != session:
                if _alive(row, now):
                    return Held(
                        case_id, str(row["holder"]), str(row["host"]), max(0.0, now - float(row["heartbeat"]))
                    )
                audit.add(
                    connection,
                    "stale lease taken over",
                    case_id,
                    {"from": str(row["holder"]), "host": str(row["host"]), "by": holder},
                )
            connection.execute(delete(leases).where(leases.c.case_id == case_id))
            connection.execute(
                leases.insert().values(
                    case_id=case_id,
                    session=session,
                    holder=holder,
                    host=me.host,
                    pid=me.pid,
                    process_started=me.started,
                    heartbeat=now,
                )
            )
        return Lease(case_id, session)

    def heartbeat(self, lease: Lease) -> bool:
        """Say that the holder lives; False if the lease is no longer this session's (it was taken over)."""
        query = (
            update(leases)
            .where(leases.c.case_id == lease.case_id, leases.c.session == lease.session)
            .values(heartbeat=time.time())
        )
        with self._database.write() as connection:
            return bool(connection.execute(query).rowcount)

    def release(self, lease: Lease) -> None:
        """Give the case free; nothing happens if it is another session's by now."""
        query = delete(leases).where(leases.c.case_id == lease.case_id, leases.c.session == lease.session)
        with self._database.write() as connection:
            connection.execute(query)

    def unlock(self, case_id: str, by: str) -> Held | None:
        """Take a lease away by hand (audited); gives who held it, None where nobody did."""
        with self._database.write() as connection:
            row = _row(connection, case_id)
            if row is None:
                return None
            connection.execute(delete(leases).where(leases.c.case_id == case_id))
            audit.add(connection, "lease taken away", case_id, {"from": str(row["holder"]), "by": by})
            return Held(case_id, str(row["holder"]), str(row["host"]), time.time() - float(row["heartbeat"]))


def _row(connection: Connection, case_id: str) -> RowMapping | None:
    return connection.execute(select(leases).where(leases.c.case_id == case_id)).mappings().first()


def _alive(row: RowMapping, now: float) -> bool:
    silent = now - float(row["heartbeat"])
    who = ProcessIdentity(str(row["host"]), int(row["pid"]), float(row["process_started"]))
    return silent <= STALE_S and who.runs() is not False
