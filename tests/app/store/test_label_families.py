"""Label tables across cases: the family a case keeps, the table it starts with, the union that is exported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from app.core.label_rules import LabelRules
from app.core.labels import LabelEntry, LabelTable
from app.core.review import CaseState
from app.store import workspace as workspaces
from app.store.export import export_msd
from app.store.label_families import table_to_start_with, tell_of_other_cases, union_table
from app.store.label_version import VersionInfo
from app.store.review_store import CaseRow, NewCase
from app.store.workspace import Workspace
from model.errors import WorkspaceError
from tests.app.store.conftest import GRID, TABLE, AddCase, Save

CYST = LabelEntry(3, "cyst", (1, 2, 3))


def give(workspace: Workspace, case: CaseRow, table: LabelTable) -> CaseRow:
    """The case with another table, as Accept gives it one."""
    workspace.add_label_table(table)
    workspace.reviews.take_table(case.id, table.key)
    return workspace.reviews.case(case.id)


def table(**names: str) -> LabelTable:
    """A table of the values v1, v2 …, of a family of its own."""
    return LabelTable(
        "-".join(names.values()),
        tuple(LabelEntry(int(value[1:]), name, (9, 9, 9)) for value, name in names.items()),
    )


# -- the family a case keeps -----------------------------------------------------------------------------
def test_a_changed_table_stays_in_its_family() -> None:
    changed = TABLE.with_entry(CYST)
    again = changed.with_entry(LabelEntry(1, "tumour", (1, 1, 1)))
    assert len({TABLE.key, changed.key, again.key}) == 3
    assert {TABLE.family, changed.family, again.family} == {"abdomen"}
    assert LabelTable.from_bundle(TABLE.entries, "a~b").family == "a-b"


def test_another_table_of_the_family_is_taken_and_stands_in_the_audit(
    workspace: Workspace, case: CaseRow
) -> None:
    workspace.reviews.take_table(case.id, "abdomen")
    kinds = [row.kind for row in workspace.audit.rows()]
    assert "label table changed" not in kinds
    workspace.reviews.take_table(case.id, "abdomen~1")
    last = workspace.audit.rows()[-1]
    assert (last.kind, last.case_id) == ("label table changed", case.id)
    assert json.loads(last.details) == {"from": "abdomen", "to": "abdomen~1"}
    workspace.reviews.take_table(case.id, "abdomen~1")
    assert workspace.audit.rows()[-1] == last


def test_a_workspace_has_one_family_over_its_cases(workspace: Workspace, add_case: AddCase) -> None:
    first, second = add_case(1), add_case(2)
    workspace.reviews.take_table(first.id, "abdomen~1")
    workspace.reviews.check_table(second.id, "abdomen~2")
    for refused in (workspace.reviews.check_table, workspace.reviews.take_table):
        with pytest.raises(WorkspaceError, match="labelled with the table 'abdomen'; make another workspace"):
            refused(second.id, "brain~2")
    assert workspace.reviews.case(second.id).table_key is None
    workspace.reviews.take_table(second.id, "abdomen~2")
    assert workspace.reviews.table_keys() == {"abdomen~1", "abdomen~2"}
    assert workspace.reviews.table_keys(besides=first.id) == {"abdomen~2"}


# -- what a case starts with -----------------------------------------------------------------------------
def test_a_model_with_the_same_labels_goes_on_with_the_table_there_is(workspace: Workspace) -> None:
    workspace.add_label_table(TABLE.with_entry(CYST))
    recoloured = [LabelEntry(entry.value, entry.name, (7, 7, 7)) for entry in reversed(TABLE.entries)]
    assert table_to_start_with(workspace, recoloured, "abdomen-2") == TABLE
    other = table_to_start_with(workspace, TABLE.entries[:1], "abdomen-2")
    assert (other.key, other.values) == ("abdomen-2", (1,))
    # A changed table is nobody's start, even where a model makes exactly its labels.
    assert table_to_start_with(workspace, (*TABLE.entries, CYST), "abdomen-3").key == "abdomen-3"


def test_the_rules_of_a_case_know_the_tables_another_process_has_kept(
    workspace: Workspace, add_case: AddCase
) -> None:
    first, second = add_case(1), add_case(2)
    with workspaces.open(workspace.folder) as elsewhere:
        changed = TABLE.with_entry(CYST)
        give(elsewhere, first, changed)
    rules = LabelRules()
    tell_of_other_cases(rules, workspace, second.id, TABLE)
    assert rules.kept_tables == (TABLE, changed)
    assert rules.used_keys == {changed.key}
    begun = table(v1="brain")
    tell_of_other_cases(rules, workspace, first.id, begun)
    assert rules.kept_tables == (TABLE, changed, begun)
    assert rules.used_keys == frozenset()


def test_a_table_that_another_process_kept_is_found_by_its_key(workspace: Workspace) -> None:
    with workspaces.open(workspace.folder) as elsewhere:
        elsewhere.add_label_table(TABLE.with_entry(CYST))
    assert workspace.label_table(TABLE.with_entry(CYST).key).name(3) == "cyst"


# -- the union -------------------------------------------------------------------------------------------
def test_the_union_has_every_label_once_in_the_order_they_come(
    workspace: Workspace, add_case: AddCase
) -> None:
    vein = LabelEntry(4, "vein", (4, 4, 4))
    tables = (
        TABLE,
        TABLE.with_entry(CYST),
        TABLE.with_entry(vein).with_entry(LabelEntry(3, "Cyst", (5, 5, 5))),
    )
    cases = [give(workspace, add_case(seed), each) for seed, each in enumerate(tables)]
    union = union_table(workspace, cases)
    assert [(entry.value, entry.name) for entry in union.entries] == [
        (1, "liver"), (2, "spleen"), (3, "cyst"), (4, "vein"),
    ]  # fmt: skip
    assert union.family == "abdomen"
    assert union.entry(3) == CYST


@pytest.mark.parametrize("odd", [0, 1, 2])
def test_a_rename_in_one_case_is_refused_and_names_that_case(
    workspace: Workspace, add_case: AddCase, odd: int
) -> None:
    renamed = TABLE.with_entry(LabelEntry(1, "tumour", (200, 80, 60)))
    cases = [give(workspace, add_case(seed), renamed if seed == odd else TABLE) for seed in range(3)]
    with pytest.raises(WorkspaceError) as refused:
        union_table(workspace, cases)
    usual = 0 if odd else 1
    assert str(refused.value) == (
        f"Label 1 is tumour in scan{odd} but liver in scan{usual}; rename it in one of them and accept that again, "
        "or keep them in separate workspaces."
    )


def test_a_name_with_two_values_is_refused(workspace: Workspace, add_case: AddCase) -> None:
    here = give(workspace, add_case(1), TABLE.with_entry(CYST))
    there = give(workspace, add_case(2), TABLE.with_entry(LabelEntry(9, "CYST", (1, 2, 3))))
    with pytest.raises(WorkspaceError, match="is label 9 in scan2 but label 3 in scan1; rename it in one"):
        union_table(workspace, [here, there])


def test_a_case_without_a_table_adds_no_label_where_nothing_is_marked(
    workspace: Workspace, add_case: AddCase, info: Callable[..., VersionInfo]
) -> None:
    named = give(workspace, add_case(1), TABLE)
    bare = add_case(2)
    with pytest.raises(WorkspaceError, match="scan2 has labels but no label table; open it, name its labels"):
        union_table(workspace, [named, bare])
    workspace.labels.save(bare.id, np.zeros(GRID.shape, np.uint8), GRID, info(kind=CaseState.EMPTY))
    assert union_table(workspace, [named, workspace.reviews.case(bare.id)]).entries == TABLE.entries


def test_families_are_exported_together_where_they_agree(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    with workspaces.create(tmp_path / "P", kind="personal") as personal:
        cases = []
        for seed, each in enumerate((TABLE, table(v3="hippocampus"), table(v2="vein"))):
            new = NewCase(
                f"{seed:064x}", f"scan{seed}", tmp_path / "x", "NIfTI", "S", GRID.shape, GRID.spacing
            )
            cases.append(give(personal, personal.reviews.add_case(new), each))
        assert union_table(personal, cases[:2]).values == (1, 2, 3)
        with pytest.raises(
            WorkspaceError, match=r"Label 2 is (spleen|vein) in scan\d but (spleen|vein) in scan"
        ):
            union_table(personal, cases)


def test_the_data_set_has_the_labels_of_all_its_cases(
    workspace: Workspace,
    add_case: AddCase,
    save: Save,
    labels: npt.NDArray[np.uint8],
    info: Callable[..., VersionInfo],
    tmp_path: Path,
) -> None:
    save(add_case(1))
    more = give(workspace, add_case(2), TABLE.with_entry(CYST))
    labels[0] = 3
    workspace.labels.save(more.id, labels, GRID, info())
    export_msd(workspace, tmp_path / "out")
    said = json.loads((tmp_path / "out" / "dataset.json").read_text())["labels"]
    assert said == {"0": "background", "1": "liver", "2": "spleen", "3": "cyst"}


def test_labels_that_disagree_or_have_no_name_are_not_exported(
    workspace: Workspace,
    add_case: AddCase,
    save: Save,
    labels: npt.NDArray[np.uint8],
    info: Callable[..., VersionInfo],
    tmp_path: Path,
) -> None:
    save(add_case(1))
    more = give(workspace, add_case(2), TABLE.with_entry(LabelEntry(2, "kidney", (1, 1, 1))))
    workspace.labels.save(more.id, labels, GRID, info())
    with pytest.raises(WorkspaceError, match=r"Label 2 is \w+ in scan\d but \w+ in scan\d"):
        export_msd(workspace, tmp_path / "out")
    give(workspace, more, TABLE)
    labels[0, 0, 0] = 7
    workspace.labels.save(more.id, labels, GRID, info())
    with pytest.raises(WorkspaceError, match="scan2 has a label 7 without a name; open it"):
        export_msd(workspace, tmp_path / "out")
    assert not (tmp_path / "out").exists()
