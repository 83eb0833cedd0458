"""What a new label may be: its value, colour and term in the light of the tables of other cases."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.label_rules import PALETTE, LabelRules
from app.core.labels import LabelEntry, LabelTable
from app.core.messages import CannotEdit

TABLE = LabelTable("t", (LabelEntry(1, "pancreas", PALETTE[0]), LabelEntry(2, "liver", (0, 0, 255))))
CYST = LabelEntry(5, "Cyst", (9, 8, 7), "SCT:41699000")
OTHER = LabelTable("u", (LabelEntry(3, "vein", (1, 1, 1)),))


def counts(*present: int, size: int = 256) -> np.ndarray:
    """Voxels by value, of a mask with one voxel of each of these."""
    made = np.zeros(size, np.int64)
    made[list(present)] = 1
    return made


def rules(*tables: LabelTable, used: bool = True) -> LabelRules:
    """The rules of a case in a workspace with these tables."""
    made = LabelRules()
    made.kept_tables = (TABLE, *tables)
    made.used_keys = frozenset(table.key for table in tables if used)
    return made


def test_a_new_label_takes_the_value_another_case_of_the_family_gives_its_name() -> None:
    kept = rules(TABLE.with_entry(CYST), OTHER)
    entry = kept.new_entry(TABLE, " cyst ", None, "", counts())
    assert entry == LabelEntry(5, "cyst", CYST.colour, CYST.term)
    # What the reader gives goes before what another case has.
    assert kept.new_entry(TABLE, "Cyst", (1, 2, 3), "X:1", counts()) == LabelEntry(
        5, "Cyst", (1, 2, 3), "X:1"
    )


def test_another_name_takes_the_lowest_value_that_no_table_of_the_family_and_no_voxel_has() -> None:
    kept = rules(
        TABLE.with_entry(LabelEntry(3, "a", (1, 1, 1))).with_entry(LabelEntry(4, "b", (1, 1, 1))), OTHER
    )
    assert kept.new_entry(TABLE, "cyst", None, "", counts()).value == 5
    assert kept.new_entry(TABLE, "cyst", None, "", counts(5, 6)).value == 7
    # Another family's values and names are nothing to this one.
    assert rules(OTHER).new_entry(TABLE, "vein of mine", None, "", counts()).value == 3
    assert rules(OTHER).new_entry(TABLE, "vein", None, "", counts()).colour == PALETTE[1]


def test_a_value_that_only_a_forgotten_table_has_is_not_given_again() -> None:
    assert rules(TABLE.with_entry(CYST), used=False).new_entry(TABLE, "cyst", None, "", counts()).value == 5
    full = TABLE
    for value in (3, 4):
        full = full.with_entry(LabelEntry(value, f"l{value}", (1, 1, 1)))
    assert rules(full, used=False).new_entry(TABLE, "new", None, "", counts()).value == 5


def test_a_name_whose_value_is_taken_here_or_too_large_for_this_mask_gets_one_of_its_own() -> None:
    kept = rules(LabelTable("t~1", (LabelEntry(2, "cyst", (1, 1, 1)), LabelEntry(300, "vein", (1, 1, 1)))))
    assert kept.new_entry(TABLE, "cyst", None, "", counts()).value == 3
    assert kept.new_entry(TABLE, "vein", None, "", counts()).value == 3
    assert kept.new_entry(TABLE, "vein", None, "", counts(size=400)).value == 300


def test_a_value_that_lies_unnamed_in_the_mask_is_not_named_unasked() -> None:
    kept = rules(TABLE.with_entry(CYST))
    with pytest.raises(
        CannotEdit, match="cyst is label 5 in this workspace, and this mask has a label 5 without"
    ):
        kept.new_entry(TABLE, "cyst", None, "", counts(5))
    assert kept.new_entry(TABLE, "cyst", None, "", counts(5), value=5).colour == CYST.colour
    assert kept.new_entry(TABLE, "vein", None, "", counts(5), value=5).value == 5
    # Another value of that name is not what the reader asked for.
    assert kept.new_entry(TABLE, "cyst", None, "", counts(7), value=7) == LabelEntry(7, "cyst", PALETTE[1])
    with pytest.raises(CannotEdit, match="Label 2 has a name already: liver"):
        kept.new_entry(TABLE, "vein", None, "", counts(), value=2)


def test_no_value_is_left_is_said_with_what_to_do() -> None:
    taken = LabelTable("t~1", tuple(LabelEntry(v, f"l{v}", (1, 1, 1)) for v in range(3, 256)))
    with pytest.raises(
        CannotEdit, match="255 labels at most, and the cases of this workspace have taken them all"
    ):
        rules(taken).new_entry(TABLE, "one more", None, "", counts())
    assert rules(taken).new_entry(TABLE, "l77", None, "", counts()).value == 77


def test_names_of_other_cases_are_offered_but_for_those_that_are_here() -> None:
    kept = rules(TABLE.with_entry(CYST), TABLE.with_entry(CYST).with_entry(LabelEntry(1, "Liver", (1, 1, 1))))
    assert kept.names_elsewhere(TABLE) == ("Cyst",)
    assert kept.names_elsewhere(TABLE, 5) == ("Cyst",)
    assert kept.names_elsewhere(TABLE, 4) == ()


def test_a_disagreement_with_a_case_or_with_the_first_table_is_said() -> None:
    cyst = TABLE.with_entry(CYST)
    kept = rules(cyst, OTHER)
    renamed = TABLE.with_entry(LabelEntry(1, "tumour", (1, 1, 1)))
    assert (
        kept.disagreement(renamed, renamed.entries[0]) == "Label 1 is pancreas elsewhere in this workspace."
    )
    assert kept.disagreement(cyst, CYST) == ""
    vein = LabelEntry(5, "vein", (1, 1, 1))
    assert kept.disagreement(TABLE.with_entry(vein), vein) == "Label 5 is Cyst elsewhere in this workspace."
    moved = LabelEntry(7, "cyst", (1, 1, 1))
    assert kept.disagreement(TABLE.with_entry(moved), moved) == "cyst is label 5 elsewhere in this workspace."
    # A table that no case has any more is no case to agree with.
    assert rules(cyst, used=False).disagreement(TABLE.with_entry(vein), vein) == ""
