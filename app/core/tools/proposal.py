"""What a tool would change, before it is changed: made from voxels and a guard, shown as a preview, then committed.

Making one reads a mask and writes nothing, so it may be done beside the owner's thread.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.core.label_counts import CountChange, change_of
from app.core.messages import CannotEdit
from app.core.patch import Patch, gained_and_lost, make_patch
from app.core.tools.brush import BoolArray, Covered, Labels
from app.core.tools.guard import Guard
from model.grid import Box


@dataclass(frozen=True, eq=False)
class Proposal:
    """A change that has not been made.

    Attributes:
        name: the step in words, "grow on pancreas".
        label: the label it is about; 0 where it is about all.
        box: the voxels it covers.
        after: their values afterwards (z, y, x), read-only; `changes` where they differ from the mask it was made on.
        changes: see `after`.
        voxels_added: voxels that would become `label` (0: any label); `voxels_removed` that would lose it.
        voxels_removed: see `voxels_added`.
    """

    name: str
    label: int
    box: Box
    after: Labels
    changes: BoolArray
    voxels_added: int
    voxels_removed: int
    step: ReadyStep | None = None
    """The step it would be, worked out ahead; it counts while the mask is the one it was made on."""


@dataclass(frozen=True, eq=False)
class ReadyStep:
    """What accepting a proposal takes long for, on a large box.

    Attributes:
        patch: the step.
        generation: `Session.generation` of the mask it was made on.
        counts: what it adds to the number of voxels of each label.
    """

    patch: Patch
    generation: int
    counts: CountChange


def made_ready(proposal: Proposal, labels: Labels, generation: int) -> Proposal:
    """The proposal with its step worked out on the mask (z, y, x) it was made on, which has this generation."""
    patch = patch_of(proposal, labels)
    if patch is None:
        return proposal
    return replace(proposal, step=ReadyStep(patch, generation, change_of(patch, labels.dtype)))


def patch_of(proposal: Proposal, labels: Labels) -> Patch | None:
    """The step a proposal would be on a mask (z, y, x); None where it is not the mask it was made on."""
    region = labels[proposal.box.slices]
    if not np.array_equal(region != proposal.after, proposal.changes):
        return None
    return make_patch(proposal.name, proposal.label, proposal.box, region, proposal.after)


def proposal_adding(labels: Labels, covered: Covered | None, guard: Guard, name: str) -> Proposal:
    """The guard's label where `covered` says, as far as the guard lets it.

    Args:
        labels: the mask (z, y, x).
        covered: the voxels; None for none.
        guard: what may change; holds the label.
        name: the step in words.

    Raises:
        CannotEdit: nothing would change; it says why.
    """
    if covered is None:
        raise CannotEdit(f"Nothing would change: {name} found no voxel to add.")
    region = labels[covered.box.slices]
    where = guard.addable(region) & covered.mask
    after = np.where(where, region.dtype.type(guard.label), region)
    return _proposed(region, after, covered.box, covered.mask & (region != guard.label), guard, name)


def proposal_removing(labels: Labels, covered: Covered | None, guard: Guard, name: str) -> Proposal:
    """Background where `covered` says, as far as the guard lets it; arguments and errors as `proposal_adding`."""
    if covered is None:
        raise CannotEdit(f"Nothing would change: {name} found no voxel to remove.")
    region = labels[covered.box.slices]
    where = guard.removable(region) & covered.mask
    after = np.where(where, region.dtype.type(0), region)
    return _proposed(region, after, covered.box, covered.mask & (region != 0), guard, name)


def proposal_replacing(labels: Labels, covered: Covered | None, guard: Guard, name: str) -> Proposal:
    """The guard's label exactly where `covered` says, within its box, as far as the guard lets it.

    Arguments and errors as `proposal_adding`; outside the box nothing changes.
    """
    if covered is None:
        raise CannotEdit(f"Nothing would change: {name} leaves the label as it is.")
    region = labels[covered.box.slices]
    after = guard.replaced(region, covered.mask)
    wanted = covered.mask != (region == guard.label)
    return _proposed(region, after, covered.box, wanted, guard, name)


def proposal_taking(labels: Labels, source: Labels, covered: Covered, guard: Guard, name: str) -> Proposal:
    """The labels of another mask (z, y, x) where `covered` says: all of them, never from or to a locked one.

    Raises:
        CannotEdit: nothing would change; it says why.
    """
    region = labels[covered.box.slices]
    theirs = source[covered.box.slices].astype(region.dtype, copy=False)
    where = guard.exchangeable(region, theirs) & covered.mask
    wanted = covered.mask & (region != theirs)
    return _proposed(region, np.where(where, theirs, region), covered.box, wanted, guard, name)


def _proposed(
    region: Labels, after: Labels, outer: Box, wanted: BoolArray, guard: Guard, name: str
) -> Proposal:
    """The proposal from the values of `outer` before and after; `wanted` says where the tool asked for a change."""
    changes = after != region
    inner = Box.around(changes)
    if inner is None:
        raise CannotEdit(_why_nothing(region[wanted], guard, name))
    values, changed = after[inner.slices].copy(), changes[inner.slices].copy()
    values.flags.writeable = changed.flags.writeable = False
    added, removed = gained_and_lost(guard.label, region[inner.slices], values)
    return Proposal(name, guard.label, inner.moved(outer.start), values, changed, added, removed)


def _why_nothing(found: Labels, guard: Guard, name: str) -> str:
    """Why the guard let nothing change among some voxels."""
    if guard.label in guard.locked:
        return f"Nothing would change: {name} is about a locked or hidden label."
    others = [int(value) for value in np.flatnonzero(np.bincount(found)) if value not in (0, guard.label)]
    if any(value in guard.locked for value in others) or (found.size and not guard.label):
        return f"Nothing would change: what {name} would change belongs to a locked or hidden label."
    if others and guard.protect:
        return f"Nothing would change: what {name} reaches belongs to other labels, which are protected."
    return f"Nothing would change: {name} leaves the mask as it is."
