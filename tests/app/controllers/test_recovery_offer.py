"""The offer of unsaved work shows what it would change, as the mask stands on the screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from app.controllers.desk import RecoveryOffer
from app.core.difference_picture import ADDED, REMOVED
from tests.app.controllers.conftest import Bench, MakeBench


def offers_of(bench: Bench, folder: Path) -> list[RecoveryOffer]:
    """Open a workspace; gives what is offered."""
    offers: list[RecoveryOffer] = []
    bench.desk.events.recovery_offered.subscribe(offers.append)
    bench.open(folder)
    return offers


def test_the_offer_has_the_slice_that_changes_most_and_how_much(
    make_bench: MakeBench, workspace_folder: Path
) -> None:
    first = make_bench()
    first.open(workspace_folder)
    first.predict()
    session = first.desk.session
    assert session is not None
    session.radius_mm = 4.0
    first.stroke((3.0, 6.0, 5.0), tool="erase")
    session.sphere = True
    free = np.argwhere(session.labels[8:12] == 0)[0] + (8, 0, 0)
    first.stroke(tuple(float(v) for v in free))  # type: ignore[arg-type]
    before, after = session.prediction.labels.copy(), session.labels.copy()  # type: ignore[union-attr]
    first.controllers.opening.close()
    first.wait()

    (offer,) = offers_of(make_bench(), workspace_folder)
    changed = before != after
    found = offer.difference
    assert found is not None
    assert offer.voxels == found.voxels == changed.sum()
    assert found.voxels_added == (changed & (after != 0)).sum()
    assert found.voxels_removed == (changed & (before != 0)).sum()
    assert found.slice_index == changed.sum(axis=(1, 2)).argmax()
    assert offer.voxel_ml == session.grid.voxel_mm3 / 1000
    colours = {tuple(int(v) for v in pixel) for pixel in found.image.reshape(-1, 3)}
    in_slice = changed[found.slice_index]
    assert (ADDED in colours) == bool((in_slice & (after[found.slice_index] != 0)).any())
    assert (REMOVED in colours) == bool((in_slice & (before[found.slice_index] != 0)).any())


def test_work_that_comes_to_nothing_is_offered_without_a_picture(
    make_bench: MakeBench, workspace_folder: Path
) -> None:
    first = make_bench()
    first.open(workspace_folder)
    first.controllers.labelling.add("cyst")
    first.controllers.opening.close()
    first.wait()
    (offer,) = offers_of(make_bench(), workspace_folder)
    assert offer.difference is None
    assert (offer.strokes, offer.voxels) == (1, 0)
