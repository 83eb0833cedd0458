"""How a label version comes into being: steps a crash can cut anywhere without leaving half of one.

The version is whole once both its files have their names, the JSON last: should the program end before its
rows are committed, `adoption` adds them. Until then all lies in a staging folder that the next start removes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from app.core.base import labels_sha256
from app.store import durable, label_version
from app.store.checksums import file_sha256
from app.store.database import Database
from app.store.label_version import LabelVersion, VersionFile, VersionInfo
from app.store.processes import staging_name
from model.errors import WorkspaceError
from model.grid import Grid
from model.scan_io import read_labels, write_labels

Labels = npt.NDArray[np.unsignedinteger[Any]]
StepHook = Callable[[str], None]

VERSION_NAME = re.compile(r"^v(\d{4,9})\.(nii\.gz|json)$")
STAGED_LABELS, STAGED_JSON = "labels.nii.gz", "version.json"
_MOST_COLLISIONS = 1000

STEPS = (
    "staged",
    "written",
    "synced",
    "read back",
    "compared",
    "described",
    "linked",
    "marked",
    "folder synced",
    "staging removed",
    "rows added",
    "committed",
)
"""The names `step` is called with, in order, each after what it names is done."""


def no_step(name: str) -> None:
    """The hook of ordinary use; kill tests pass one that ends the process."""


def commit_version(
    database: Database,
    folder: Path,
    case_id: str,
    labels: Labels,
    grid: Grid,
    info: VersionInfo,
    step: StepHook = no_step,
) -> LabelVersion:
    """Save labels as the case's next version: files first, whole and checked, then its rows at once.

    Args:
        database: where the rows go.
        folder: the case's `labels` folder; made where it is missing.
        case_id: the case.
        labels: the mask (z, y, x); uint8 or uint16.
        grid: the scan's grid.
        info: whose labels these are and what was decided.
        step: called after each of `STEPS`.

    Raises:
        WorkspaceError: the disk refuses or does not give back what was written; nothing is left behind.
    """
    wanted = as_stored(labels)
    staging = folder / staging_name()
    published: list[Path] = []
    committed = False
    try:
        durable.make_folder(staging, inside=folder.parents[1])
        staged, staged_json = staging / STAGED_LABELS, staging / STAGED_JSON
        step("staged")
        write_labels(staged, wanted, grid)
        step("written")
        durable.fsync_file(staged)
        durable.fsync_folder(staging)
        step("synced")
        read = read_labels(staged)
        step("read back")
        if not (np.array_equal(read.labels, wanted) and read.grid.close_to(grid)):
            raise WorkspaceError("The disk did not give back the labels that were written; check the disk.")
        step("compared")
        file = VersionFile.of(case_id, labels_sha256(wanted), file_sha256(staged), info)
        durable.write_text(staged_json, file.to_json())
        json_sha256 = file_sha256(staged_json)
        step("described")
        number, target = _publish_next(staged, folder, published)
        step("linked")
        marker = target.with_name(f"v{number:04d}.json")
        durable.publish(staged_json, marker)
        published.append(marker)
        step("marked")
        durable.fsync_folder(folder)
        durable.fsync_folder(folder.parent)
        step("folder synced")
        durable.remove_tree(staging)
        durable.make_read_only(target)
        durable.make_read_only(marker)
        step("staging removed")
        with database.write() as connection:
            label_version.add_rows(connection, number, file, "version saved", json_sha256)
            step("rows added")
        committed = True
        step("committed")
    except OSError as error:
        raise WorkspaceError(
            f"The labels cannot be saved in {folder.parent.name[:12]} ({error.strerror or error}), but your changes "
            "are kept; check the folder and the free space."
        ) from error
    finally:
        if not committed:
            # The description goes first; where it stays, so do its labels, and the next start adopts a whole version.
            for path in reversed(published):
                if not durable.clear_away(path):
                    break
        durable.clear_away(staging)
    return LabelVersion(
        case_id, number, target, file.labels_sha256, file.file_sha256, info.reader, info.created
    )


def _publish_next(staged: Path, folder: Path, published: list[Path]) -> tuple[int, Path]:
    """Give the staged labels the first free number; whoever is faster gets the lower one."""
    first = next_number(folder)
    for number in range(first, first + _MOST_COLLISIONS):
        target = folder / f"v{number:04d}.nii.gz"
        try:
            durable.publish(staged, target)
        except FileExistsError:
            continue
        published.append(target)
        return number, target
    raise WorkspaceError(
        f"No number is free for another version in {folder.parent.name[:12]}; check the folder."
    )


def next_number(folder: Path) -> int:
    """One more than the highest number in use, of labels or of their JSON."""
    numbers = [int(match[1]) for name in os.listdir(folder) if (match := VERSION_NAME.match(name))]
    return max(numbers, default=0) + 1


def as_stored(labels: Labels) -> Labels:
    """The labels as uint8 where their values allow, as reading the file gives them back; so hashes agree."""
    if labels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"labels are uint8 or uint16, not {labels.dtype}")
    if labels.dtype == np.uint16 and int(labels.max(initial=0)) <= 255:
        return labels.astype(np.uint8)
    return labels
