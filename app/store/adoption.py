"""What the next start makes of what a crash left: whole versions are taken in, unfinished work is cleared.

Nothing that another process is still making is touched, and nothing that is not ours is removed.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from app.store import durable, label_version, schema
from app.store.checksums import file_sha256
from app.store.commit import STAGED_JSON, STAGED_LABELS, VERSION_NAME
from app.store.database import Database
from app.store.label_version import VersionFile
from app.store.processes import is_abandoned, is_staging
from model.errors import WorkspaceError


@dataclass(frozen=True)
class Adopted:
    """A version that was whole on disk without a row and now has one."""

    case_id: str
    number: int


def adopt_orphans(database: Database, cases_folder: Path) -> tuple[Adopted, ...]:
    """Clear abandoned work in all cases, and take whole versions without a row into the database."""
    if not cases_folder.is_dir():
        return ()
    versions, cases = schema.versions, schema.cases
    with database.read() as connection:
        known = {
            (row.case_id, row.number)
            for row in connection.execute(select(versions.c.case_id, versions.c.number))
        }
        case_ids = set(connection.execute(select(cases.c.id)).scalars())
    adopted: list[Adopted] = []
    for entry in os.scandir(cases_folder):
        if not entry.is_dir():
            continue
        durable.clear_temporary(Path(entry.path))
        clear_staging(Path(entry.path, "predictions"))
        folder = Path(entry.path, "labels")
        if not folder.is_dir():
            continue
        names = sorted(os.listdir(folder))
        numbers = {int(match[1]) for name in names if (match := VERSION_NAME.match(name))}
        orphans = {number for number in numbers if (entry.name, number) not in known}
        _clear(folder, names, orphans)
        if entry.name in case_ids:
            adopted += _adopt(database, folder, entry.name, sorted(orphans))
    return tuple(adopted)


def clear_staging(folder: Path) -> None:
    """Remove the staging folders in `folder` whose process is gone."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if is_staging(path) and is_abandoned(path, time.time()):
            durable.remove_tree(path)


def _clear(folder: Path, names: list[str], orphans: set[int]) -> None:
    """Remove abandoned staging folders, and what was published from them without being finished."""
    for name in names:
        staging = folder / name
        if not (is_staging(staging) and is_abandoned(staging, time.time())):
            continue
        for number in orphans:
            target, marker = folder / f"v{number:04d}.nii.gz", folder / f"v{number:04d}.json"
            # Finished: the marker is complete, which is written last.
            if _is_part_of(marker, staging / STAGED_JSON) and _same_size(marker, staging / STAGED_JSON):
                continue
            if _is_part_of(target, staging / STAGED_LABELS):
                if _is_part_of(marker, staging / STAGED_JSON):
                    durable.remove_file(marker)
                durable.remove_file(target)
        durable.remove_tree(staging)


def _adopt(database: Database, folder: Path, case_id: str, numbers: list[int]) -> list[Adopted]:
    adopted: list[Adopted] = []
    for number in numbers:
        target, marker = folder / f"v{number:04d}.nii.gz", folder / f"v{number:04d}.json"
        file = _whole(case_id, target, marker)
        if file is None or file.writer.may_run(time.time() - marker.stat().st_mtime):
            continue
        durable.make_read_only(target)
        durable.make_read_only(marker)
        versions = schema.versions
        with database.write() as connection:
            # Another process may have been faster.
            taken = select(versions.c.id).where(versions.c.case_id == case_id, versions.c.number == number)
            if connection.execute(taken).first() is not None:
                continue
            label_version.add_rows(connection, number, file, "version adopted", file_sha256(marker))
        adopted.append(Adopted(case_id, number))
    return adopted


def _whole(case_id: str, target: Path, marker: Path) -> VersionFile | None:
    """The description of a version whose two files are complete and belong to the case; None otherwise."""
    try:
        file = VersionFile.from_json(marker.name, marker.read_text(encoding="utf-8"))
        if file.case_id == case_id and file_sha256(target) == file.file_sha256:
            return file
    except (OSError, UnicodeDecodeError, WorkspaceError):
        return None
    return None


def _is_part_of(published: Path, staged: Path) -> bool:
    """True if `published` is `staged` under another name, or the beginning of its copy."""
    if not (published.is_file() and staged.is_file()):
        return False
    if os.path.samefile(published, staged):
        return True
    return published.stat().st_size <= staged.stat().st_size and staged.read_bytes().startswith(
        published.read_bytes()
    )


def _same_size(published: Path, staged: Path) -> bool:
    return published.stat().st_size == staged.stat().st_size
