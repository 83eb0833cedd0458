"""What labelled scans have in common: modality, spacing, size, values. A model made from them applies to such scans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.applicability import AppliesTo, looks_like_ct
from model.bundle import Normalisation
from model.errors import DataError
from model.progress import CancelCheck, never, stop_if
from model.training.data import CaseFile, read_case

MOST_CASES = 20
"""Cases looked at; more would not change what is common to them."""

_VOXELS_A_CASE = 20_000


@dataclass(frozen=True)
class Survey:
    """What a model made from the cases needs to know of them."""

    modality: str
    applies_to: AppliesTo
    intensity: Normalisation


def survey(files: Sequence[CaseFile], cancelled: CancelCheck = never) -> Survey:
    """Look at up to `MOST_CASES` cases, evenly taken.

    Spacing and extent may differ from those seen by 30 % and 50 %. A CT is windowed to the values of its labelled
    voxels (0.5th to 99.5th percentile, and half of that range on either side); anything else is normalised per
    volume, since its values have no unit.

    Raises:
        DataError: the cases are of several modalities.
    """
    step = max(1, len(files) // MOST_CASES)
    modalities: Counter[str] = Counter()
    spacings: list[float] = []
    extents: list[float] = []
    inside: list[np.ndarray] = []
    synthetic = True
    for file in files[::step]:
        stop_if(cancelled)
        volume, labels = read_case(file)
        modalities[volume.hints.modality or ("CT" if looks_like_ct(volume) else "MR")] += 1
        spacings += volume.grid.spacing
        extents += volume.grid.extent_mm
        synthetic = synthetic and volume.hints.synthetic
        values = np.asarray(volume.values[np.asarray(labels) != 0], dtype=np.float32)
        inside.append(values[:: max(1, values.size // _VOXELS_A_CASE)])
    if len(modalities) > 1:
        found = " and ".join(sorted(modalities))
        raise DataError(f"The scans are of several modalities ({found}); train on one of them at a time.")
    modality = modalities.most_common(1)[0][0]
    kind = "generated " if synthetic else ""
    return Survey(
        modality=modality,
        applies_to=AppliesTo(
            f"{kind}{modality} scans like the {len(files)} it was trained on",
            spacing_mm=(round(0.7 * min(spacings), 3), round(1.3 * max(spacings), 3)),
            extent_mm=(round(0.5 * min(extents), 1), round(1.5 * max(extents), 1)),
            synthetic_only=synthetic,
        ),
        intensity=_intensity(modality, np.concatenate(inside)),
    )


def _intensity(modality: str, inside: np.ndarray) -> Normalisation:
    if modality != "CT" or inside.size == 0:
        return Normalisation("per-volume", 0.5, 99.5)
    low, high = (float(value) for value in np.percentile(inside, (0.5, 99.5)))
    margin = max(20.0, (high - low) / 2)
    return Normalisation("window", round(low - margin), round(high + margin))
