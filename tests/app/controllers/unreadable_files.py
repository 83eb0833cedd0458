"""Looks for files of a workspace that cannot be read, or that nobody should find lying about; not a test itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from app.core.journal_format import decode
from model.errors import GateLensError
from tests.app.controllers.busy_reader import BusyReader


def unreadable(reader: BusyReader) -> Iterator[str]:
    """A line for each file of the open workspace that cannot be read, or that an error or a kill left behind."""
    workspace, session = reader.desk.workspace, reader.session
    assert workspace is not None
    yield from _unreadable_journals(workspace.folder)
    for version in workspace.labels.versions(session.case.id):
        try:
            workspace.labels.load(session.case.id, version.number, like=session.grid)
        except GateLensError as error:
            yield str(error)
    for path in sorted(workspace.folder.rglob("*")):
        if path.name.startswith(".") or path.name.endswith(("-journal", "-wal", ".tmp", ".part")):
            yield f"{path.name} was left"


def _unreadable_journals(folder: Path) -> Iterator[str]:
    for path in sorted((*folder.rglob("*.journal"), *folder.rglob("*.sealed"))):
        try:
            journal = decode(path.read_bytes())
        except (GateLensError, OSError) as error:
            yield f"{path.name}: {error}"
            continue
        if path.suffix == ".sealed" and (journal is None or journal.torn):
            yield f"{path.name} was sealed and is not whole"
