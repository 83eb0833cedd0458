"""A workspace: making, opening and copying the folder that keeps cases, decisions and labels."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from types import TracebackType

from sqlalchemy import delete, select, update

from app.core.labels import LabelTable
from app.store import audit, durable, schema, thumbnails, workspace_file
from app.store.adoption import Adopted
from app.store.audit import Audit
from app.store.database import Database
from app.store.journal_store import JournalStore
from app.store.label_store import LabelStore
from app.store.prediction_store import PredictionStore
from app.store.processes import account, is_staging
from app.store.review_store import ReviewStore
from app.store.scan_paths import absolute, relative_text
from app.store.subjects import Subjects
from app.store.thumbnails import Thumbnail
from app.store.workspace_file import Kind, WorkspaceFile
from model.errors import WorkspaceError

DATABASE_NAME = "review.sqlite"
_OWN_NAMES = {DATABASE_NAME, f"{DATABASE_NAME}-journal", "scans", "cases", "models"}
_CASE_ID = re.compile(r"^[0-9a-f]{8,64}$")


class Workspace:
    """An open workspace; `close` it, or use it in a `with` block.

    Attributes:
        folder: where it is, absolute.
        adopted: versions a crash had left without a row, taken in when this was opened.
        reviews: cases, decisions, leases, serving model. The other stores likewise, each its own part.
    """

    def __init__(self, folder: Path, file: WorkspaceFile, database: Database) -> None:
        self.folder = folder
        self.database = database
        self._file = file
        cases = folder / "cases"
        self.reviews = ReviewStore(database, folder, mixes_tables=file.kind == "personal")
        self.labels = LabelStore(database, cases)
        self.predictions = PredictionStore(cases)
        self.journals = JournalStore(database, cases)
        self.audit = Audit(database)
        self.subjects = Subjects(file.salt)
        self.adopted: tuple[Adopted, ...] = ()
        self._adding = threading.Lock()

    @property
    def id(self) -> str:
        """32 hex digits that name this workspace wherever it lies."""
        return self._file.id

    @property
    def salt(self) -> str:
        """What DICOM patient ids are hashed with."""
        return self._file.salt

    @property
    def kind(self) -> Kind:
        """What it is for; nothing is exported from a tour."""
        return self._file.kind

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def models_folder(self) -> Path:
        """Candidate bundles made here."""
        return self.folder / "models"

    # -- label tables ------------------------------------------------------------------------------------
    @property
    def label_tables(self) -> tuple[LabelTable, ...]:
        """All label tables."""
        return self._file.label_tables

    def read_label_tables(self) -> tuple[LabelTable, ...]:
        """All label tables as they are on disk now; another process may have added some."""
        with self._adding:
            self._file = workspace_file.read(self.folder)
            return self._file.label_tables

    def label_table(self, key: str) -> LabelTable:
        """A label table by key; raises `WorkspaceError` where there is none."""
        table = self._file.table(key)
        if table is None:
            self.read_label_tables()
            table = self._file.table(key)
        if table is None:
            raise WorkspaceError(
                f"{self.name} has no label table {key!r}; predict a case with its model first."
            )
        return table

    def add_label_table(self, table: LabelTable) -> None:
        """Keep a label table; raises `WorkspaceError` where its key stands for other labels or the disk refuses."""
        # A prediction and a save may both bring one, each from its own thread.
        with self._adding:
            if not is_workspace(self.folder):
                raise WorkspaceError(f"The folder of {self.name} is gone; connect its disk again.")
            # Read again: another process may have added one since.
            current = workspace_file.read(self.folder)
            changed = current.with_table(table)
            if changed != current:
                try:
                    changed.write(self.folder)
                except OSError as error:
                    raise WorkspaceError(
                        f"The names of the labels cannot be kept in {self.name} ({error.strerror or error}); check "
                        "the folder and the free space."
                    ) from error
                self.audit.append("label table", details={"key": table.key, "labels": len(table.entries)})
            self._file = changed

    # -- parts of a case that are only files -------------------------------------------------------------
    def case_folder(self, case_id: str) -> Path:
        """`W/cases/ID`; it may not exist yet."""
        if not _CASE_ID.match(case_id):
            raise WorkspaceError(f"{case_id[:40]!r} does not name a case.")
        return self.folder / "cases" / case_id

    def save_thumbnail(self, case_id: str, image: Thumbnail) -> None:
        """Keep the case's picture for the worklist, uint8 (64, 64)."""
        thumbnails.save(self.case_folder(case_id), image)

    def load_thumbnail(self, case_id: str) -> Thumbnail | None:
        """The case's picture, or None."""
        return thumbnails.load(self.case_folder(case_id))

    def close(self) -> None:
        """Close the database; leases are released by whoever took them."""
        self.database.close()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def create(folder: Path, label_tables: Iterable[LabelTable] = (), kind: Kind = "normal") -> Workspace:
    """Make a workspace in a folder that is missing or empty.

    Raises:
        WorkspaceError: the folder holds something, or cannot be written.
    """
    folder = folder.expanduser().resolve()
    try:
        _make_room(folder)
        file = WorkspaceFile(uuid.uuid4().hex, secrets.token_hex(16), kind, audit.now())
        for table in label_tables:
            file = file.with_table(table)
        for name in ("scans", "cases", "models"):
            (folder / name).mkdir(exist_ok=True)
        database = Database(folder / DATABASE_NAME)
        try:
            database.upgrade()
            Audit(database).append(
                "workspace created", details={"id": file.id, "kind": kind, "account": account()}
            )
            # Last, so that a folder with this file always is a whole workspace.
            file.write(folder)
        except BaseException:
            database.close()
            raise
    except OSError as error:
        raise WorkspaceError(
            f"A workspace cannot be made in {folder.name} ({error.strerror}); choose another folder."
        ) from error
    return Workspace(folder, file, database)


def open(folder: Path) -> Workspace:
    """Open a workspace: bring its tables up to date, clear what a crash left, adopt versions without a row.

    Raises:
        WorkspaceError: it is none, is damaged, or was made by a newer program.
    """
    folder = folder.expanduser().resolve()
    file = workspace_file.read(folder)
    if not (folder / DATABASE_NAME).is_file():
        raise WorkspaceError(
            f"{folder.name} has lost its {DATABASE_NAME}; restore it from a copy of the workspace."
        )
    database = Database(folder / DATABASE_NAME)
    try:
        if database.schema_version() == "":
            raise WorkspaceError(
                f"{folder.name}/{DATABASE_NAME} is empty; restore it from a copy of the workspace."
            )
        database.upgrade()
        workspace = Workspace(folder, file, database)
        durable.clear_temporary(folder)
        workspace.adopted = workspace.labels.adopt_orphans()
    except OSError as error:
        database.close()
        raise WorkspaceError(
            f"{folder.name} cannot be opened ({error.strerror}); check its permissions."
        ) from error
    except BaseException:
        database.close()
        raise
    return workspace


def open_or_create(folder: Path, kind: Kind = "normal") -> Workspace:
    """Open the workspace in `folder`, which is made on the first use."""
    if (folder / workspace_file.FILE_NAME).exists():
        return open(folder)
    return create(folder, kind=kind)


def is_workspace(folder: Path) -> bool:
    """True if the folder says that it is a workspace."""
    return (folder / workspace_file.FILE_NAME).is_file()


def copy(source: Workspace, folder: Path, kind: Kind) -> Workspace:
    """A copy with its own id under another folder, which must be missing or empty; the source is not changed.

    Scans outside the workspace stay where they are. Leases and journals of unsaved work are not copied.

    Raises:
        WorkspaceError: the folder holds something, or the disk refuses.
    """
    folder = folder.expanduser().resolve()
    try:
        _make_room(folder)
        for name in ("scans", "cases", "models"):
            if (source.folder / name).is_dir():
                shutil.copytree(source.folder / name, folder / name, ignore=_not_copied)
            else:
                (folder / name).mkdir()
        _copy_database(source.database.path, folder / DATABASE_NAME)
    except OSError as error:
        raise WorkspaceError(
            f"{source.name} cannot be copied to {folder.name} ({error}); make room."
        ) from error
    file = workspace_file.read(source.folder)
    file = WorkspaceFile(uuid.uuid4().hex, file.salt, kind, audit.now(), file.label_tables)
    database = Database(folder / DATABASE_NAME)
    try:
        _repoint(database, source, folder)
    finally:
        database.close()
    file.write(folder)
    return open(folder)


def _make_room(folder: Path) -> None:
    """Make the folder, or clear what an interrupted `create` left in it; refuse any other content."""
    if not folder.exists():
        folder.mkdir(parents=True)
        return
    if not folder.is_dir():
        raise WorkspaceError(f"{folder.name} is a file; choose a folder for the workspace.")
    if is_workspace(folder):
        raise WorkspaceError(f"{folder.name} is a workspace already; open it, or choose another folder.")
    names = {entry.name for entry in os.scandir(folder)}
    cases = folder / "cases"
    if not names <= _OWN_NAMES or (cases.is_dir() and any(cases.iterdir())):
        raise WorkspaceError(f"{folder.name} holds other files; choose an empty folder for the workspace.")
    for name in (DATABASE_NAME, f"{DATABASE_NAME}-journal"):
        (folder / name).unlink(missing_ok=True)


def _not_copied(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "journal" or is_staging(Path(folder, name))]


def _copy_database(source: Path, target: Path) -> None:
    # SQLite's own backup sees one consistent state, whoever writes meanwhile.
    with (
        closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as original,
        closing(sqlite3.connect(target)) as made,
    ):
        original.backup(made)
    durable.fsync_file(target)


def _repoint(database: Database, source: Workspace, folder: Path) -> None:
    """Let the copy's cases find their scans: in the copy if they lay in the source, else where they are."""
    cases = schema.cases
    with database.write() as connection:
        for row in connection.execute(select(cases.c.id, cases.c.path)).all():
            scan = absolute(row.path, source.folder)
            inside = scan.is_relative_to(source.folder)
            text = row.path if inside and not Path(row.path).is_absolute() else relative_text(scan, folder)
            connection.execute(update(cases).where(cases.c.id == row.id).values(path=text))
        connection.execute(delete(schema.leases))
        audit.add(connection, "workspace copied", None, {"from": source.id})
