"""Bundles of every earlier schema still open and predict (tests/fixtures/bundle_vN)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.bundle import read_bundle
from model.grid import Grid
from model.inference import predict
from model.volume import DisplayHints, Volume

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


@pytest.mark.parametrize("folder", sorted(FIXTURES.glob("bundle_v*")), ids=lambda path: path.name)
def test_a_bundle_of_an_earlier_schema_opens_and_predicts(folder: Path) -> None:
    bundle = read_bundle(folder)
    assert [label.name for label in bundle.labels] == ["thing"]
    assert bundle.validation.rows[0].dice_mean == pytest.approx(0.5)
    assert bundle.read_history(bundle.attention_history[0]).shape == (2, 2, 2)
    grid = Grid((16, 20, 24), (1.0, 1.0, 1.0))
    values = np.random.default_rng(0).integers(-200, 300, grid.shape).astype(np.int16)
    prediction = predict(Volume(values, grid, DisplayHints(modality="CT", synthetic=True)), bundle)
    assert prediction.labels.shape == grid.shape
    assert [found.level for found in prediction.attention] == [2]
