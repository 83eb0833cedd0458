"""`workspace.json`: which workspace a folder is, and its label tables. It is the last file a new one gets."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from app.core.labels import LabelTable
from app.store import durable
from app.store.label_version import RESEARCH_USE
from model.errors import WorkspaceError

FORMAT = 1
FILE_NAME = "workspace.json"

Kind = Literal["normal", "personal", "demo", "tour"]
"""personal: scans opened one by one, label tables mixed. demo: generated. tour: a copy, never exported."""


@dataclass(frozen=True)
class WorkspaceFile:
    """The content of `workspace.json`.

    Attributes:
        id: 32 hex digits.
        salt: what DICOM patient ids are hashed with.
        label_tables: each under its own key.
    """

    id: str
    salt: str
    kind: Kind
    created: str
    label_tables: tuple[LabelTable, ...] = ()

    def table(self, key: str) -> LabelTable | None:
        """The table of this key, or None."""
        return next((table for table in self.label_tables if table.key == key), None)

    def with_table(self, table: LabelTable) -> WorkspaceFile:
        """The same with another table; raises `WorkspaceError` where its key stands for different labels."""
        known = self.table(table.key)
        if known == table:
            return self
        if known is not None:
            raise WorkspaceError(
                f"The label table {table.key!r} exists with other labels; give this one another key."
            )
        return replace(self, label_tables=(*self.label_tables, table))

    def write(self, folder: Path) -> None:
        """Write the file into the workspace's folder, replacing the old one at once."""
        content = {
            "format": FORMAT,
            "notice": RESEARCH_USE,
            "id": self.id,
            "salt": self.salt,
            "kind": self.kind,
            "created": self.created,
            "label_tables": {
                table.key: json.loads(table.to_json())["entries"] for table in self.label_tables
            },
        }
        durable.write_text(folder / FILE_NAME, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read(folder: Path) -> WorkspaceFile:
    """The file of a workspace.

    Raises:
        WorkspaceError: the folder is missing or no workspace, or a newer program made it.
    """
    path = folder / FILE_NAME
    if not folder.is_dir():
        raise WorkspaceError(
            f"{folder.name} is not a folder; make a workspace with `gatelens workspace new`."
        )
    if not path.is_file():
        raise WorkspaceError(
            f"{folder.name} is not a GateLens workspace (it has no {FILE_NAME}); make one with "
            "`gatelens workspace new`."
        )
    where = f"{folder.name}/{FILE_NAME}"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = int(content["format"])
        if found > FORMAT:
            raise WorkspaceError(
                f"{where} has format {found}, this GateLens reads up to {FORMAT}; install the newer version."
            )
        kind = content["kind"]
        if kind not in get_args(Kind):
            raise ValueError(f"unknown kind {kind!r}")
        tables = tuple(
            LabelTable.from_json(json.dumps({"key": key, "entries": entries}))
            for key, entries in content["label_tables"].items()
        )
        return WorkspaceFile(str(content["id"]), str(content["salt"]), kind, str(content["created"]), tables)
    except OSError as error:
        raise WorkspaceError(f"{where} cannot be read ({error.strerror}); check its permissions.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(
            f"{where} is damaged ({error}); restore it from a copy of the workspace."
        ) from error
