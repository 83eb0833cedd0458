"""A journal as bytes: a header, then every step, undo and redo of a session, with lengths and checksums.

Appending and fsync are `app.store.journal_store`. Layout, all numbers little-endian:

    magic "GLJOURNL", format version (uint16)
    records: kind (uint8), payload length (uint32), crc32 of kind, length and payload (uint32), payload
    kinds: 1 header (JSON); 2 patch (uint32 length of JSON, JSON, before, after); 3 undo; 4 redo;
    since version 2: 5 change of the label table (JSON)
    since version 3: 6 undo, 7 redo of a step of an earlier journal: its kind (uint8) and payload

Reading stops at the first record that is cut short or fails its checksum: a torn tail is ignored.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from app.core.base import Base
from app.core.history import Entry, History
from app.core.journal_course import Course, Verb
from app.core.labels import LabelTable, TableStep
from app.core.patch import Labels, Patch
from model.errors import WorkspaceError
from model.grid import Box

MAGIC = b"GLJOURNL"
VERSION = 3

T = TypeVar("T")

_PREAMBLE = struct.Struct("<8sH")
_RECORD = struct.Struct("<BII")
_KIND_AND_LENGTH = struct.Struct("<BI")
_LENGTH = struct.Struct("<I")
_HEADER, _PATCH, _UNDO, _REDO, _TABLE, _UNDO_EARLIER, _REDO_EARLIER = 1, 2, 3, 4, 5, 6, 7
_BARE = {_UNDO: Verb.UNDO, _REDO: Verb.REDO}
_EARLIER = {_UNDO_EARLIER: Verb.UNDO_EARLIER, _REDO_EARLIER: Verb.REDO_EARLIER}


@dataclass(frozen=True)
class JournalRecord:
    """One record: what it does, and the step it holds; None where undo and redo mean a step of this journal."""

    verb: Verb
    entry: Entry | None = None


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
        records: steps, undos and redos, in order.
        torn: True if bytes after `valid_bytes` were ignored.
        valid_bytes: length of the part that was read whole; appending goes on from there.
    """

    header: JournalHeader
    records: tuple[JournalRecord, ...]
    torn: bool
    valid_bytes: int

    @property
    def strokes(self) -> int:
        """How many steps lead from the mask it starts from to where it ends."""
        return self.course().steps

    def course(self) -> Course[Entry]:
        """Where its records lead; undo and redo with nothing to take are passed over, as in a replay."""
        return self._course_of(lambda entry: entry)

    def sizes(self) -> Course[int]:
        """The same with the memory of each step in its place."""
        return self._course_of(lambda entry: entry.nbytes)

    def _course_of(self, item: Callable[[Entry], T]) -> Course[T]:
        course: Course[T] = Course()
        for record in self.records:
            follow(course, record.verb, item(record.entry) if record.entry is not None else None)
        return course


def encode_header(header: JournalHeader) -> bytes:
    """The first bytes of a journal file."""
    content = {
        "case_id": header.case_id,
        "base": {"kind": header.base.kind, "reference": header.base.reference, "sha256": header.base.sha256},
        "session": header.session,
        "reader": header.reader,
        "started": header.started.isoformat(),
    }
    return preamble() + _record(_HEADER, _json(content))


def preamble() -> bytes:
    """What a journal of this version begins with."""
    return _PREAMBLE.pack(MAGIC, VERSION)


def encode_record(verb: Verb, entry: Entry | None = None) -> bytes:
    """A record for what was done to a step; undo and redo of this journal's own steps do not hold it."""
    match verb:
        case Verb.UNDO:
            return _record(_UNDO, b"")
        case Verb.REDO:
            return _record(_REDO, b"")
    if entry is None:
        raise ValueError(f"{verb} brings a step along")
    kind, payload = (
        (_TABLE, _table_payload(entry)) if isinstance(entry, TableStep) else (_PATCH, _patch_payload(entry))
    )
    if verb is Verb.DO:
        return _record(kind, payload)
    return _record(_UNDO_EARLIER if verb is Verb.UNDO_EARLIER else _REDO_EARLIER, bytes([kind]) + payload)


def follow(course: Course[T], verb: Verb, item: T | None) -> None:
    """Let a course follow a record about `item`; undo and redo of the course's own steps do not need it."""
    match verb:
        case Verb.UNDO:
            course.undo()
        case Verb.REDO:
            course.redo()
        case _:
            assert item is not None
            step = {
                Verb.DO: course.do,
                Verb.UNDO_EARLIER: course.undo_earlier,
                Verb.REDO_EARLIER: course.redo_earlier,
            }
            step[verb](item)


def compacted(journal: Journal) -> bytes:
    """The shortest journal that leads to the same mask, with the same undo and redo."""
    records = (encode_record(verb, entry) for verb, entry in journal.course().shortest())
    return encode_header(journal.header) + b"".join(records)


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
    records: list[JournalRecord] = []
    valid = 0
    for kind, payload, end in _records(data):
        if (kind == _HEADER) != (header is None):
            break
        try:
            if kind == _HEADER:
                header = _header(payload)
            else:
                records.append(_journal_record(kind, payload))
        except (ValueError, KeyError, TypeError, IndexError, struct.error):
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
        history: what was done before that mask, if it is known; None for a new one.

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


def retrace(journal: Journal, done: list[Entry], undone: list[Entry]) -> None:
    """What undo and redo know after a journal, given what they knew before it; without a mask.

    Args:
        journal: what was decoded.
        done: steps in force, oldest first; changed in place.
        undone: steps taken back, the next one to be made again last; changed in place.
    """
    for record in journal.records:
        entry = record.entry
        match record.verb:
            case Verb.UNDO if done:
                undone.append(done.pop())
            case Verb.REDO if undone:
                done.append(undone.pop())
            case Verb.DO if entry is not None:
                undone.clear()
                done.append(entry)
            case Verb.UNDO_EARLIER if entry is not None:
                _take(done, entry)
                undone.append(entry)
            case Verb.REDO_EARLIER if entry is not None:
                _take(undone, entry)
                done.append(entry)


def _take(steps: list[Entry], entry: Entry) -> None:
    """Take the last step off; where it is another one, what was known does not lead here and is forgotten."""
    if steps and steps[-1] == entry:
        steps.pop()
    else:
        steps.clear()


def _replay_one(number: int, record: JournalRecord, labels: Labels, history: History) -> None:
    entry = record.entry
    try:
        if isinstance(entry, Patch):
            if entry.box.clipped(labels.shape) != entry.box:
                raise ValueError(f"box {entry.box} lies outside a mask of {labels.shape}")
            # Both sides are unpacked, so that what is done can also be undone; a new step's own side by making it.
            entry.values_before(labels.dtype)
            if record.verb is not Verb.DO:
                entry.values_after(labels.dtype)
        match record.verb:
            case Verb.UNDO:
                history.undo(labels)
            case Verb.REDO:
                history.redo(labels)
            case Verb.DO:
                assert entry is not None
                if isinstance(entry, Patch):
                    entry.apply(labels)
                history.push(entry)
            case Verb.UNDO_EARLIER:
                assert entry is not None
                history.undo_this(entry, labels)
            case Verb.REDO_EARLIER:
                assert entry is not None
                history.redo_this(entry, labels)
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


def _journal_record(kind: int, payload: bytes) -> JournalRecord:
    if kind in _BARE:
        return JournalRecord(_BARE[kind])
    if kind in _EARLIER:
        return JournalRecord(_EARLIER[kind], _entry(payload[0], payload[1:]))
    return JournalRecord(Verb.DO, _entry(kind, payload))


def _entry(kind: int, payload: bytes) -> Entry:
    if kind == _TABLE:
        return _table_step(payload)
    if kind == _PATCH:
        return _patch(payload)
    raise ValueError(f"unknown kind of record {kind}")


def _patch_payload(patch: Patch) -> bytes:
    """Its voxels stay compressed as they are."""
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
    return _LENGTH.pack(len(about)) + about + patch.before + patch.after


def _patch(payload: bytes) -> Patch:
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


def _table_payload(step: TableStep) -> bytes:
    return _json({"name": step.name, "before": step.before.to_json(), "after": step.after.to_json()})


def _table_step(payload: bytes) -> TableStep:
    content = json.loads(payload)
    try:
        before, after = (LabelTable.from_json(str(content[side])) for side in ("before", "after"))
    except WorkspaceError as error:
        raise ValueError(f"a table step holds no label table: {error}") from error
    return TableStep(str(content["name"]), before, after)


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
