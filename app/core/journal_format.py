"""A journal as bytes: a header, then every step, undo and redo of a session, with lengths and checksums.

Appending and fsync are `app.store.journal_store`. Layout, all numbers little-endian:

    magic "GLJOURNL", format version (uint16)
    records: kind (uint8), payload length (uint32), crc32 of kind, length and payload (uint32), payload
    kinds: 1 header (JSON); 2 patch (uint32 length of JSON, JSON, before, after); 3 undo; 4 redo;
    since version 2: 5 change of the label table (JSON)

Reading stops at the first record that is cut short or fails its checksum: a torn tail is ignored.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.core.base import Base
from app.core.history import Entry, History
from app.core.labels import LabelTable, TableStep
from app.core.patch import Labels, Patch
from model.errors import WorkspaceError
from model.grid import Box

MAGIC = b"GLJOURNL"
VERSION = 2

_PREAMBLE = struct.Struct("<8sH")
_RECORD = struct.Struct("<BII")
_KIND_AND_LENGTH = struct.Struct("<BI")
_LENGTH = struct.Struct("<I")
_HEADER, _PATCH, _UNDO, _REDO, _TABLE = 1, 2, 3, 4, 5


class Step(StrEnum):
    """A step in a journal that carries no voxels."""

    UNDO = "undo"
    REDO = "redo"


@dataclass(frozen=True)
class JournalHeader:
    """Whose work a journal holds.

    Attributes:
        case_id: the case.
        base: the mask it starts from.
        session: a name of the session, unique within the workspace.
        reader: the reader's name.
        started: when, with its time zone.
    """

    case_id: str
    base: Base
    session: str
    reader: str
    started: datetime

    @property
    def base_sha256(self) -> str:
        """`labels_sha256` of the mask the journal starts from."""
        return self.base.sha256


@dataclass(frozen=True)
class Journal:
    """What could be read of a journal.

    Attributes:
        header: whose work it is.
        records: changes, undos and redos, in order.
        torn: True if bytes after `valid_bytes` were ignored.
        valid_bytes: length of the part that was read whole; appending goes on from there.
    """

    header: JournalHeader
    records: tuple[Entry | Step, ...]
    torn: bool
    valid_bytes: int

    @property
    def strokes(self) -> int:
        """How many steps are in force after all records: changes and redos, less undos."""
        undone = sum(record is Step.UNDO for record in self.records)
        return len(self.records) - 2 * undone


def encode_header(header: JournalHeader) -> bytes:
    """The first bytes of a journal file."""
    content = {
        "case_id": header.case_id,
        "base": {"kind": header.base.kind, "reference": header.base.reference, "sha256": header.base.sha256},
        "session": header.session,
        "reader": header.reader,
        "started": header.started.isoformat(),
    }
    return _PREAMBLE.pack(MAGIC, VERSION) + _record(_HEADER, _json(content))


def encode_patch(patch: Patch) -> bytes:
    """A record for a patch; its voxels stay compressed as they are."""
    about = _json(
        {
            "box": [list(patch.box.start), list(patch.box.stop)],
            "name": patch.name,
            "label": patch.label,
            "before": len(patch.before),
            "after": len(patch.after),
            "added": patch.voxels_added,
            "removed": patch.voxels_removed,
        }
    )
    return _record(_PATCH, _LENGTH.pack(len(about)) + about + patch.before + patch.after)


def encode_table_step(step: TableStep) -> bytes:
    """A record for a change of the label table."""
    return _record(
        _TABLE,
        _json({"name": step.name, "before": step.before.to_json(), "after": step.after.to_json()}),
    )


def encode_entry(entry: Entry) -> bytes:
    """A record for any step of the history."""
    return encode_table_step(entry) if isinstance(entry, TableStep) else encode_patch(entry)


def encode_undo() -> bytes:
    """A record for one undo."""
    return _record(_UNDO, b"")


def encode_redo() -> bytes:
    """A record for one redo."""
    return _record(_REDO, b"")


def decode(data: bytes) -> Journal | None:
    """Everything whole in a journal's bytes, however they end; None if they end before the header does.

    Raises:
        WorkspaceError: the journal was written by a newer format.
    """
    if len(data) < _PREAMBLE.size or not data.startswith(MAGIC):
        return None
    version = _PREAMBLE.unpack_from(data)[1]
    if version > VERSION:
        raise WorkspaceError(
            f"A journal has format {version}, this program reads up to {VERSION}; open it with the newer one."
        )
    header: JournalHeader | None = None
    records: list[Entry | Step] = []
    valid = 0
    for kind, payload, end in _records(data):
        if (kind == _HEADER) != (header is None):
            break
        try:
            if kind == _HEADER:
                header = _header(payload)
            else:
                records.append(_step(kind, payload))
        except (ValueError, KeyError, TypeError, struct.error):
            break
        valid = end
    if header is None:
        return None
    return Journal(header, tuple(records), torn=valid < len(data), valid_bytes=valid)


def replay(journal: Journal, labels: Labels, history: History | None = None) -> History:
    """Make all steps of a journal, in place, in the mask (z, y, x) it starts from; gives their history.

    The label table they lead to is `History.table`.

    Args:
        journal: what was decoded.
        labels: the mask; whether it is the one of `journal.header.base` is for the caller to have checked.
        history: an empty history to fill; None for a new one.

    Raises:
        WorkspaceError: a patch lies outside the mask or does not hold its voxels; mask and history then
            stand, in step with each other, where the records before it led.
    """
    history = History() if history is None else history
    limit_bytes, minimum = history.limit_bytes, history.minimum
    # Without a bound while replaying, so that an undo recorded under any bound finds its patch.
    history.limit(1 << 62)
    try:
        for number, record in enumerate(journal.records, 1):
            _replay_one(number, record, labels, history)
    finally:
        history.limit(limit_bytes, minimum)
    return history


def _replay_one(number: int, record: Entry | Step, labels: Labels, history: History) -> None:
    try:
        if record is Step.UNDO:
            history.undo(labels)
        elif record is Step.REDO:
            history.redo(labels)
        else:
            if isinstance(record, Patch):
                if record.box.clipped(labels.shape) != record.box:
                    raise ValueError(f"box {record.box} lies outside a mask of {labels.shape}")
                # Both sides are unpacked, so that what was applied can also be undone.
                record.values_before(labels.dtype)
                record.apply(labels)
            history.push(record)
    except ValueError as error:
        raise WorkspaceError(
            f"Step {number} of a journal does not fit its mask ({error}); the steps before it can be kept."
        ) from error


def _record(kind: int, payload: bytes) -> bytes:
    crc = zlib.crc32(payload, zlib.crc32(_KIND_AND_LENGTH.pack(kind, len(payload))))
    return _RECORD.pack(kind, len(payload), crc) + payload


def _records(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Kind, payload and end offset of each whole record, up to the first that is torn or corrupt."""
    start = _PREAMBLE.size
    while start + _RECORD.size <= len(data):
        kind, length, crc = _RECORD.unpack_from(data, start)
        end = start + _RECORD.size + length
        payload = data[start + _RECORD.size : end]
        if len(payload) < length:
            return
        if zlib.crc32(payload, zlib.crc32(_KIND_AND_LENGTH.pack(kind, length))) != crc:
            return
        yield kind, payload, end
        start = end


def _header(payload: bytes) -> JournalHeader:
    content = json.loads(payload)
    base = content["base"]
    if base["kind"] not in ("version", "prediction", "empty"):
        raise ValueError(f"unknown kind of base {base['kind']!r}")
    return JournalHeader(
        case_id=str(content["case_id"]),
        base=Base(base["kind"], str(base["reference"]), str(base["sha256"])),
        session=str(content["session"]),
        reader=str(content["reader"]),
        started=datetime.fromisoformat(content["started"]),
    )


def _step(kind: int, payload: bytes) -> Entry | Step:
    if kind == _UNDO:
        return Step.UNDO
    if kind == _REDO:
        return Step.REDO
    if kind == _TABLE:
        return _table_step(payload)
    if kind != _PATCH:
        raise ValueError(f"unknown kind of record {kind}")
    (length,) = _LENGTH.unpack_from(payload)
    about = json.loads(payload[_LENGTH.size : _LENGTH.size + length])
    first = _LENGTH.size + length
    second = first + int(about["before"])
    if second + int(about["after"]) != len(payload):
        raise ValueError("a patch record has another length than it says")
    (z0, y0, x0), (z1, y1, x1) = about["box"]
    return Patch(
        box=Box((int(z0), int(y0), int(x0)), (int(z1), int(y1), int(x1))),
        name=str(about["name"]),
        label=int(about["label"]),
        before=payload[first:second],
        after=payload[second:],
        voxels_added=int(about["added"]),
        voxels_removed=int(about["removed"]),
    )


def _table_step(payload: bytes) -> TableStep:
    content = json.loads(payload)
    try:
        before, after = (LabelTable.from_json(str(content[side])) for side in ("before", "after"))
    except WorkspaceError as error:
        raise ValueError(f"a table step holds no label table: {error}") from error
    return TableStep(str(content["name"]), before, after)


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
