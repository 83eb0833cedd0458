"""A mask in the values of another label table: by name, never by chance."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.label_mapping import translated
from app.core.labels import LabelEntry, LabelTable
from app.core.messages import CannotEdit

RED = (200, 0, 0)


def table(key: str, **labels: int) -> LabelTable:
    return LabelTable(key, tuple(LabelEntry(value, name, RED) for name, value in labels.items()))


def mask(*values: int, dtype: type = np.uint8) -> np.ndarray:
    return np.array(values, dtype).reshape(1, 1, -1)


def test_labels_go_by_their_names_in_place() -> None:
    labels = mask(0, 1, 2, 1)
    found = translated(labels, table("a", core=1, rim=2), table("b", Rim=1, Core=5), np.uint8, "it")
    assert found is labels
    assert found.ravel().tolist() == [0, 5, 1, 5]


def test_a_mask_of_the_same_values_is_not_copied_and_a_read_only_one_not_changed() -> None:
    same = table("a", core=1, rim=2)
    labels = mask(0, 1, 2)
    labels.flags.writeable = False
    assert translated(labels, same, same, np.uint8, "it") is labels
    found = translated(labels, same, table("b", rim=1, core=2), np.uint8, "it")
    assert found.ravel().tolist() == [0, 2, 1]
    assert labels.ravel().tolist() == [0, 1, 2]


def test_a_label_that_was_renamed_since_keeps_its_value() -> None:
    source = table("a", core=1, rim=2)
    target = source.with_entry(LabelEntry(1, "tumour", RED))
    assert target.family == "a"
    assert translated(mask(1, 2), source, target, np.uint8, "it").ravel().tolist() == [1, 2]


def test_a_label_that_both_tables_name_is_not_taken_for_one_that_was_renamed() -> None:
    source = table("a", core=1).with_entry(LabelEntry(2, "cyst", RED))
    target = source.with_entry(LabelEntry(3, "vein", RED)).with_entry(LabelEntry(2, "duct", RED))
    target = target.with_entry(LabelEntry(4, "cyst", RED))
    assert translated(mask(2), source, target, np.uint8, "it").ravel().tolist() == [4]
    other = LabelTable("b", target.entries[:3])
    with pytest.raises(CannotEdit, match="it marks cyst, which this case has no label for"):
        translated(mask(2), source, other, np.uint8, "it")


def test_a_label_nobody_here_knows_is_refused_by_name_only_where_it_is_marked() -> None:
    source, target = table("a", core=1, duct=4), table("b", core=1)
    assert translated(mask(0, 1), source, target, np.uint8, "version 2").ravel().tolist() == [0, 1]
    with pytest.raises(CannotEdit, match=r"version 2 marks duct, .* add a label of that name first"):
        translated(mask(0, 1, 4), source, target, np.uint8, "version 2")
    with pytest.raises(CannotEdit, match="marks label 9, which has no name"):
        translated(mask(9), source, target, np.uint8, "version 2")
    assert translated(mask(9), source, source, np.uint8, "it").ravel().tolist() == [9]


def test_a_value_the_mask_cannot_hold_is_refused_and_a_wider_mask_becomes_as_wide_as_ours() -> None:
    source, wide = table("a", core=1), table("b", core=300)
    with pytest.raises(CannotEdit, match="core, whose value is 300; this mask holds values up to 255"):
        translated(mask(1), source, wide, np.uint8, "it")
    found = translated(mask(1, dtype=np.uint16), source, source, np.uint8, "it")
    assert found.dtype == np.uint8
