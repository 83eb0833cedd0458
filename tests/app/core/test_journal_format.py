"""A journal reads back whatever was written whole, and ignores the rest."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from app.core import journal_format
from app.core.base import Base, labels_sha256
from app.core.history import History
from app.core.journal_course import Verb
from app.core.journal_format import (
    Journal,
    JournalHeader,
    decode,
    encode_header,
    encode_record,
    replay,
)
from app.core.patch import Patch, make_patch
from model.errors import WorkspaceError
from model.grid import Box

SHAPE = (3, 4, 5)
EMPTY = np.zeros(SHAPE, np.uint8)
HEADER = JournalHeader(
    case_id="c" * 64,
    base=Base("version", "v0003", labels_sha256(EMPTY)),
    session="s1",
    reader="Dr. Ä",
    started=datetime(2026, 11, 24, 15, 0, tzinfo=UTC),
)


def step(before: np.ndarray, place: tuple, value: int) -> tuple[np.ndarray, Patch]:
    after = before.copy()
    after[place] = value
    patch = make_patch(f"brush on label {value}", value, Box.whole(SHAPE), before, after)
    assert patch is not None
    return after, patch


def written() -> tuple[list[bytes], list[np.ndarray]]:
    """The pieces of a journal, and the mask after each."""
    one, first = step(EMPTY, (0, 1, 2), 1)
    two, second = step(one, (2, slice(0, 3), 4), 2)
    pieces = [
        encode_header(HEADER),
        encode_record(Verb.DO, first),
        encode_record(Verb.DO, second),
        encode_record(Verb.UNDO),
        encode_record(Verb.REDO),
    ]
    return pieces, [EMPTY, one, two, one, two]


def read(data: bytes) -> Journal:
    journal = decode(data)
    assert journal is not None
    return journal


def test_what_was_written_reads_back() -> None:
    pieces, _ = written()
    journal = read(b"".join(pieces))
    assert journal.header == HEADER
    assert journal.header.base_sha256 == HEADER.base.sha256
    assert [record.verb for record in journal.records] == [Verb.DO, Verb.DO, Verb.UNDO, Verb.REDO]
    assert encode_record(Verb.DO, journal.records[0].entry) == pieces[1]
    assert [record.entry for record in journal.records[2:]] == [None, None]
    assert journal.strokes == 2
    assert not journal.torn
    assert journal.valid_bytes == sum(map(len, pieces))


def test_a_tail_torn_at_any_byte_is_ignored() -> None:
    pieces, states = written()
    data = b"".join(pieces)
    ends = np.cumsum([len(piece) for piece in pieces])
    for length in range(len(data) + 1):
        journal = decode(data[:length])
        whole = int((ends <= length).sum())
        if whole == 0:
            assert journal is None
            continue
        assert journal is not None
        assert len(journal.records) == whole - 1
        assert journal.valid_bytes == ends[whole - 1]
        assert journal.torn == (length > ends[whole - 1])
        mask = EMPTY.copy()
        replay(journal, mask)
        assert (mask == states[whole - 1]).all()


def test_any_changed_byte_ends_the_journal_there_and_never_raises() -> None:
    pieces, _ = written()
    data = b"".join(pieces)
    ends = np.cumsum([len(piece) for piece in pieces])
    for place in range(len(data)):
        if place in (8, 9):
            continue  # the format's version, tested below
        damaged = bytearray(data)
        damaged[place] ^= 0x41
        journal = decode(bytes(damaged))
        whole = int((ends <= place).sum())
        if whole == 0:
            assert journal is None
        else:
            assert journal is not None
            assert journal.torn
            assert journal.valid_bytes == ends[whole - 1]


def test_appending_after_the_valid_part_goes_on_where_it_broke_off() -> None:
    pieces, states = written()
    torn = b"".join(pieces[:2]) + pieces[2][:-3]
    journal = read(torn)
    mended = read(torn[: journal.valid_bytes] + pieces[2])
    mask = EMPTY.copy()
    replay(mended, mask)
    assert (mask == states[2]).all()


def test_bytes_that_are_no_journal_and_empty_files_hold_none() -> None:
    assert decode(b"") is None
    assert decode(b"PK\x03\x04 something else entirely") is None


def test_a_newer_format_is_refused_in_a_sentence() -> None:
    data = bytearray(encode_header(HEADER))
    data[8] = journal_format.VERSION + 1
    with pytest.raises(WorkspaceError, match="newer"):
        decode(bytes(data))


@pytest.mark.parametrize("version", [1, 2])
def test_a_journal_of_an_earlier_format_still_opens(version: int) -> None:
    pieces, _ = written()
    data = bytearray(b"".join(pieces))
    assert data[8] == journal_format.VERSION == 3
    data[8] = version
    assert decode(bytes(data)) == decode(b"".join(pieces))


@pytest.mark.parametrize("before", ["{}", '{"key": "t", "entries": [{"value": 0}]}', "no table"])
def test_a_step_that_holds_no_label_table_ends_the_journal_there(before: str) -> None:
    content = {"name": "x", "before": before, "after": before}
    record = journal_format._record(5, journal_format._json(content))
    journal = decode(encode_header(HEADER) + record)
    assert journal is not None
    assert (journal.records, journal.torn) == ((), True)


def test_replay_gives_the_history_too_and_keeps_its_bounds() -> None:
    pieces, states = written()
    mask = EMPTY.copy()
    history = replay(read(b"".join(pieces)), mask)
    history.undo(mask)
    assert (mask == states[1]).all()
    mask = EMPTY.copy()
    small = replay(read(b"".join(pieces)), mask, History(limit_bytes=0, minimum=1))
    assert (mask == states[-1]).all()
    assert len(small.patches) == 1
    assert small.depth == 2


def test_steps_back_that_a_small_history_would_have_forgotten_replay_too() -> None:
    pieces, _ = written()
    mask = EMPTY.copy()
    replay(
        read(b"".join([*pieces[:3], encode_record(Verb.UNDO), encode_record(Verb.UNDO)])),
        mask,
        History(limit_bytes=0, minimum=1),
    )
    assert (mask == EMPTY).all()


def test_a_patch_that_does_not_fit_is_refused_and_what_came_before_it_stands() -> None:
    pieces, _ = written()
    small = np.zeros((3, 4, 4), np.uint8)
    history = History()
    with pytest.raises(WorkspaceError, match=r"Step 2 .* does not fit"):
        replay(read(b"".join(pieces)), small, history)
    assert history.depth == 1
    assert small.sum() == 1


def test_the_hash_of_a_mask_knows_its_shape_and_its_voxels_and_not_its_layout() -> None:
    mask = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert labels_sha256(mask) == labels_sha256(np.asfortranarray(mask))
    assert labels_sha256(mask) != labels_sha256(mask.reshape(2, 4, 3))
    assert labels_sha256(mask) != labels_sha256(mask[::-1])
    assert labels_sha256(mask) != labels_sha256(mask.astype(np.uint16))
