"""Label tables across the cases of a workspace: which one a case starts with, and the one a data set has.

A case keeps the family of its table, not its key: docs/decisions/0013-label-tables-belong-to-a-family.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from app.core.label_counts import count_labels
from app.core.label_rules import LabelRules
from app.core.labels import LabelEntry, LabelLike, LabelTable, bare_name, family_of
from app.core.patch import Labels
from app.core.review import CaseState
from app.store.review_store import CaseRow
from app.store.workspace import Workspace
from model.errors import WorkspaceError


def table_to_start_with(workspace: Workspace, labels: Iterable[LabelLike], bundle_name: str) -> LabelTable:
    """The table of a bundle's labels: the one the workspace has, if an earlier bundle made the same, else a new one.

    So a model trained further, whatever its name, goes on with the tables its predecessor began.
    """
    made = LabelTable.from_bundle(labels, bundle_name)
    same = [
        table for table in workspace.label_tables if table.key == table.family and table.means_the_same(made)
    ]
    return next((table for table in same if table.key == made.key), same[0] if same else made)


def tell_of_other_cases(rules: LabelRules, workspace: Workspace, case_id: str, table: LabelTable) -> None:
    """Let a case's rules know the tables the workspace keeps, the one it begins with, and those other cases have."""
    kept = workspace.read_label_tables()
    begins = () if table in kept or not table.entries else (table,)
    rules.kept_tables = (*kept, *begins)
    rules.used_keys = workspace.reviews.table_keys(besides=case_id)


def union_table(workspace: Workspace, cases: Sequence[CaseRow]) -> LabelTable:
    """The one table of all the labels of several cases; a case without a mask or a table adds none.

    Raises:
        WorkspaceError: two cases mean different things by a value or give a name two values, or labels have no
            table.
    """
    uses: list[_Use] = []
    keys: list[str] = []
    for case in cases:
        if case.table_key is not None:
            keys.append(case.table_key)
            uses += [_Use(case.name, entry) for entry in workspace.label_table(case.table_key).entries]
        elif case.state is not CaseState.EMPTY:
            raise WorkspaceError(
                f"{case.name} has labels but no label table; open it, name its labels and accept it again."
            )
    for value in {use.entry.value: None for use in uses}:
        _refuse_two_names([use for use in uses if use.entry.value == value])
    for name in {bare_name(use.entry.name): None for use in uses}:
        _refuse_two_values([use for use in uses if bare_name(use.entry.name) == name])
    first = {use.entry.value: use.entry for use in reversed(uses)}
    order = {use.entry.value: None for use in uses}
    families = {family_of(key): None for key in keys}
    return LabelTable("+".join(families), tuple(first[value] for value in order))


def refuse_unnamed(workspace: Workspace, case: CaseRow, labels: Labels) -> None:
    """Raise `WorkspaceError` where a mask has a value its case's table does not name: another case may name it."""
    table = workspace.label_table(case.table_key) if case.table_key is not None else None
    named = {0, *(table.values if table is not None else ())}
    unnamed = [int(value) for value in np.flatnonzero(count_labels(labels)) if value not in named]
    if unnamed:
        raise WorkspaceError(
            f"{case.name} has a label {unnamed[0]} without a name; open it, name that in the list of labels and "
            "accept it again."
        )


@dataclass(frozen=True)
class _Use:
    """A label in a case."""

    case: str
    entry: LabelEntry


def _refuse_two_names(uses: list[_Use]) -> None:
    counts = Counter(bare_name(use.entry.name) for use in uses)
    if len(counts) > 1:
        odd, usual = _pair(uses, [bare_name(use.entry.name) for use in uses])
        raise WorkspaceError(
            f"Label {odd.entry.value} is {odd.entry.name} in {odd.case} but {usual.entry.name} in {usual.case}; "
            "rename it in one of them and accept that again, or keep them in separate workspaces."
        )


def _refuse_two_values(uses: list[_Use]) -> None:
    if len({use.entry.value for use in uses}) > 1:
        odd, usual = _pair(uses, [str(use.entry.value) for use in uses])
        raise WorkspaceError(
            f"{odd.entry.name} is label {odd.entry.value} in {odd.case} but label {usual.entry.value} in "
            f"{usual.case}; rename it in one of them and accept that again, or keep them in separate workspaces."
        )


def _pair(uses: list[_Use], meanings: list[str]) -> tuple[_Use, _Use]:
    """A use with the rarest meaning and one with the commonest: the odd case is the one to look at."""
    ranked = [meaning for meaning, _ in Counter(meanings).most_common()]
    return uses[meanings.index(ranked[-1])], uses[meanings.index(ranked[0])]
