"""Events, label tables, windows, read-out words."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.events import Event
from app.core.labels import LabelEntry, LabelTable
from app.core.read_out import position_text
from app.core.windowing import WINDOW_PRESETS, automatic_window, presets_for
from model.errors import WorkspaceError
from model.grid import Grid
from model.volume import DisplayHints, Volume


def test_an_event_tells_its_subscribers_in_order_until_they_leave() -> None:
    event: Event[int] = Event()
    heard: list[tuple[str, int]] = []
    leave = event.subscribe(lambda value: heard.append(("a", value)))
    event.subscribe(lambda value: heard.append(("b", value)))
    event.emit(1)
    leave()
    leave()
    event.emit(2)
    assert heard == [("a", 1), ("b", 1), ("b", 2)]


def test_one_function_subscribed_twice_is_called_twice_and_ended_once_at_a_time() -> None:
    event: Event[int] = Event()
    heard: list[int] = []
    event.subscribe(heard.append)
    leave = event.subscribe(heard.append)
    event.emit(1)
    leave()
    event.emit(2)
    assert heard == [1, 1, 2]


def test_who_is_unsubscribed_during_an_event_is_no_longer_called() -> None:
    event: Event[int] = Event()
    heard: list[str] = []
    leave: list = []
    event.subscribe(lambda _: leave[0]())
    leave.append(event.subscribe(lambda _: heard.append("late")))
    event.subscribe(lambda _: event.subscribe(lambda _: heard.append("new")))
    event.emit(1)
    assert heard == []


def test_a_label_table_survives_json_with_names_in_any_script() -> None:
    table = LabelTable(
        "hippocampus", (LabelEntry(1, "передний", (1, 2, 3), "SCT:1"), LabelEntry(2, "b", (4, 5, 6)))
    )
    assert LabelTable.from_json(table.to_json()) == table
    assert table.entry(2).name == "b"
    assert table.entry(9) is None
    assert [table.name(value) for value in (0, 1, 9)] == ["background", "передний", "label 9"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"key": "k", "entries": [{"value": 0}]}', '{"key": 1, "entries": 3}']
)
def test_what_is_no_label_table_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(WorkspaceError, match="label table cannot be read"):
        LabelTable.from_json(text)


def test_a_table_names_each_value_once_and_background_never() -> None:
    entry = LabelEntry(1, "a", (0, 0, 0))
    with pytest.raises(ValueError, match="twice"):
        LabelTable("t", (entry, entry))
    for wrong in ((0, "a", (0, 0, 0)), (1, " ", (0, 0, 0)), (1, "a", (0, 0, 256))):
        with pytest.raises(ValueError, match=r"label|colour"):
            LabelEntry(*wrong)
    background = type("B", (), {"value": 0, "name": "background", "colour": (0, 0, 0), "term": ""})()
    assert LabelTable.from_bundle((background, entry), "k") == LabelTable("k", (entry,))


def volume(values: np.ndarray, **hints: object) -> Volume:
    return Volume(values, Grid(values.shape), DisplayHints(**hints))


def test_the_automatic_window_takes_the_files_own_then_ct_then_percentiles() -> None:
    rng = np.random.default_rng(0)
    ct = np.where(rng.random((20, 20, 20)) < 0.4, -1000, 60).astype(np.int16)
    assert automatic_window(volume(ct, window=(55.0, 333.0))) == (55.0, 333.0)
    assert automatic_window(volume(ct, modality="CT")) == (40, 400)
    assert automatic_window(volume(ct)) == (40, 400)  # told by its negative air
    mr = rng.uniform(0, 1000, (20, 20, 20)).astype(np.float32)
    level, width = automatic_window(volume(mr, modality="MR"))
    assert level == pytest.approx(500, abs=15)
    assert width == pytest.approx(980, abs=15)


def test_a_flat_or_broken_scan_still_gets_a_window() -> None:
    for values in (np.zeros((3, 3, 3), np.uint8), np.full((3, 3, 3), np.nan, np.float32)):
        level, width = automatic_window(volume(values))
        assert level == 0
        assert width > 0


def test_presets_are_windows_in_hu_for_ct_and_percentiles_otherwise() -> None:
    values = np.arange(1000, dtype=np.int16).reshape(10, 10, 10)
    assert presets_for(volume(values, modality="CT")) == WINDOW_PRESETS
    assert 3 <= len(WINDOW_PRESETS) <= 9
    names = [preset.name for preset in presets_for(volume(values, modality="MR"))]
    assert "Abdomen" not in names
    assert all(preset.width > 0 for preset in presets_for(volume(values, modality="MR")))


def test_a_position_is_said_by_its_patient_directions() -> None:
    assert position_text((12.34, -4.0, 101.56)) == "L 12.3  A 4.0  S 101.6 mm"
    assert position_text((-0.01, 0.0, -7.0)) == "L 0.0  P 0.0  I 7.0 mm"
    assert position_text((-1.0, 2.0, 3.0), orientation_known=False) == "-1.0  2.0  3.0 mm"
