"""Takes the disk away from a reader at work, and says what came of it; not a test itself.

    unshare --user --map-root-user --mount python disk_campaign.py full FOLDER SEED FREE_KIB...
    unshare --user --map-root-user --mount python disk_campaign.py away FOLDER SEED KIND...

`full`: a disk of its own, in memory, with so many KiB free once the case is open. `away`: KIND is one of `KINDS`.
Mounts are seen by this process alone and go with it. Prints one JSON object for each size or kind.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.store.verify import verify
from model.scan_io import read_labels
from tests.app.controllers.busy_reader import BusyReader, make_noise_workspace, state_of
from tests.app.controllers.sentences import unclear
from tests.app.controllers.unreadable_files import unreadable

NEXT_TO_NOTHING_KIB = 8
"""What is left where the next record, or the next page of the database, is too large for it."""
_MOST_STEPS, _ACCEPT_EVERY, _STEPS_AFTER = 1000, 20, 12


def mount(*arguments: str | Path) -> None:
    """Mount something; the system says why where it cannot."""
    subprocess.run(["mount", *map(str, arguments)], check=True)


# -- a full disk -----------------------------------------------------------------------------------------
def fill(folder: Path, seed: int, free_kib: int) -> dict[str, Any]:
    """Paint and accept until the disk is full, go on in memory, make room, and start again."""
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=64m", "none", folder)
    make_noise_workspace(folder / "W")
    reader = BusyReader(folder / "W", seed)
    try:
        reader.open()
        size = _size_kib(folder) - _free_kib(folder) + free_kib
        mount("-o", f"remount,size={size}k", folder)
        accepts = []
        for step in range(1, _MOST_STEPS):
            reader.step()
            if step % _ACCEPT_EVERY == 0:
                accepts.append(_accept(reader))
            reader.settle()
            if accepts and not accepts[-1].saved and _free_kib(folder) <= NEXT_TO_NOTHING_KIB:
                break
        report = {"free KiB": _free_kib(folder)} | _go_on_without(reader, accepts)
        mount("-o", "remount,size=64m", folder)
        return report | _with_the_disk_again(reader)
    finally:
        reader.close()


def _size_kib(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_blocks * found.f_frsize // 1024


def _free_kib(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bfree * found.f_frsize // 1024


# -- a disk that goes away -------------------------------------------------------------------------------
def _cover_read_only(folder: Path) -> None:
    mount("--bind", folder, folder)
    mount("-o", "remount,bind,ro", folder)


def _cover_empty(folder: Path) -> None:
    mount("-t", "tmpfs", "-o", "ro", "none", folder)


def _cover_with_an_empty_disk(folder: Path) -> None:
    mount("-t", "tmpfs", "none", folder)


def _uncover(folder: Path) -> None:
    # Lazily, as what was opened meanwhile may still be open.
    subprocess.run(["umount", "--lazy", folder], check=True)


def _forbid(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o500)


def _allow(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o700)


def _take_away(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def _put_back(folder: Path) -> None:
    # Whatever was written meanwhile where the folder used to be is no workspace.
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_name("elsewhere").rename(folder)


@dataclass(frozen=True)
class Kind:
    """A way for a disk to go, and to come back."""

    leave: Callable[[Path], None]
    come_back: Callable[[Path], None]


KINDS: Mapping[str, Kind] = {
    "read-only": Kind(_cover_read_only, _uncover),
    "lost": Kind(_cover_empty, _uncover),
    # What an unmounted share leaves: the folder it was mounted on, where anybody can write.
    "unmounted": Kind(_cover_with_an_empty_disk, _uncover),
    "forbidden": Kind(_forbid, _allow),
    "moved": Kind(_take_away, _put_back),
}


def lose(folder: Path, seed: int, name: str) -> dict[str, Any]:
    """Paint, lose the disk the workspace is on, go on in memory, save elsewhere, get the disk back, start again.

    A name that ends in "-first" loses it before the first stroke, so that there is no open file to write to.
    """
    kind = KINDS[name.removesuffix("-first")]
    share = folder / "share"
    share.mkdir(parents=True)
    make_noise_workspace(share / "W")
    reader = BusyReader(share / "W", seed)
    try:
        reader.open()
        if not name.endswith("-first"):
            for _ in range(_STEPS_AFTER):
                reader.step()
            reader.settle()
        kind.leave(share)
        try:
            report = _go_on_without(reader, [_accept(reader)])
        finally:
            kind.come_back(share)
        return report | _with_the_disk_again(reader)
    finally:
        reader.close()


# -- what both ask ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Accepted:
    """An Accept: whether it was said to be saved, and what it said."""

    saved: bool
    told: tuple[str, ...]


def _accept(reader: BusyReader) -> Accepted:
    before = len(reader.messages)
    saved = reader.accept()
    return Accepted(saved, tuple(message.text for message in reader.messages[before:]))


def _go_on_without(reader: BusyReader, accepts: list[Accepted]) -> dict[str, Any]:
    """Steps, an undo, an Accept and a copy elsewhere, while the disk refuses."""
    states = {reader.state}
    for _ in range(_STEPS_AFTER):
        reader.paint()
        reader.settle()
        states.add(reader.state)
    reader.controllers.editing.undo()
    accepts.append(_accept(reader))
    return {
        "works on": len(states) == _STEPS_AFTER + 1,
        "accepts": len(accepts),
        "silent accepts": sum(not accepted.told for accepted in accepts),
        "last accept saved": accepts[-1].saved,
        "saved": sum(accepted.saved for accepted in accepts),
        "errors": reader.errors,
        "elsewhere": _save_elsewhere(reader),
    }


def _save_elsewhere(reader: BusyReader) -> bool:
    """Whether a copy outside the workspace holds the mask as it is."""
    target = Path(os.environ["CAMPAIGN_ELSEWHERE"]) / "copy.nii.gz"
    reader.controllers.elsewhere.save_elsewhere(target)
    reader.settle()
    same = bool((read_labels(target).labels == reader.session.labels).all())
    target.unlink()
    return same


def _with_the_disk_again(reader: BusyReader) -> dict[str, Any]:
    """What waited is written at the next sign of life; the next start finds the mask as it was left."""
    reader.controllers.opening.keep_lease()
    reader.settle()
    left, messages, troubles = reader.state, reader.messages, reader.troubles
    refused = list(unreadable(reader))
    reader.close()
    later = BusyReader(reader.folder, 0)
    try:
        later.open()
        later.take_back()
        workspace = later.desk.workspace
        assert workspace is not None
        report = {
            "same": state_of(later.session) == left,
            "offered": len(later.offers),
            "unreadable": refused + list(unreadable(later)),
            "problems": list(verify(workspace).problems) + later.errors,
            "unclear": unclear(messages),
            "troubles": troubles + later.troubles,
            "versions": len(workspace.labels.versions(later.session.case.id)) - len(workspace.adopted),
        }
        later.paint()
        return report | {"accepted at last": later.accept()}
    finally:
        later.close()


def main(what: str, folder: Path, seed: int, each: list[str]) -> None:
    elsewhere = folder / "other disk"
    elsewhere.mkdir()
    os.environ["CAMPAIGN_ELSEWHERE"] = str(elsewhere)
    for number, one in enumerate(each):
        place = folder / f"{what}-{number}"
        found = fill(place, seed + number, int(one)) if what == "full" else lose(place, seed + number, one)
        print(json.dumps({"what": one} | found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
