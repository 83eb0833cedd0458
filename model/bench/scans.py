"""What speed is measured on: a generated abdomen, and the published network with seeded random weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from model.applicability import AppliesTo
from model.bundle import Bundle, BundleLabel, write_bundle
from model.grid import Grid, Int3
from model.networks import PUBLISHED_WIDTHS, build
from model.normalisation import Normalisation
from model.phantoms import make_abdomen
from model.volume import DisplayHints, Volume

if TYPE_CHECKING:
    from torch import Tensor

_AIR_HU = -1000
_SEED = 7


def abdomen(size: Int3) -> Volume:
    """A generated abdomen of `size` voxels (z, y, x): cut round its middle, or with air about it as on a CT table."""
    values = make_abdomen(_SEED).values
    scan = np.full(size, _AIR_HU, dtype=np.int16)
    source, target = [], []
    for have, wanted in zip(values.shape, size, strict=True):
        length = min(have, wanted)
        source.append(slice((have - length) // 2, (have - length) // 2 + length))
        target.append(slice((wanted - length) // 2, (wanted - length) // 2 + length))
    scan[tuple(target)] = values[tuple(source)]
    return volume_of(scan)


def volume_of(values: npt.NDArray[np.generic]) -> Volume:
    """Values (z, y, x) in HU as a generated CT of 2 mm voxels, stored in the model's own orientation."""
    z, y, x = values.shape
    return Volume(values, Grid((z, y, x), (2.0, 2.0, 2.0)), DisplayHints(modality="CT", synthetic=True))


def published_model(
    folder: Path, window: Int3, widths: tuple[int, ...] = PUBLISHED_WIDTHS, classes: int = 4
) -> Bundle:
    """The single-gate network with seeded random weights, written as a model into a new `folder`."""
    import torch

    torch.manual_seed(_SEED)
    network = build("attention-unet", widths=widths, classes=classes)
    state: dict[str, Tensor] = network.state_dict()
    return write_bundle(
        folder,
        Bundle(
            name=folder.name,
            architecture="attention-unet",
            widths=widths,
            channels=1,
            classes=classes,
            deep_supervision=True,
            labels=tuple(BundleLabel(n, f"label {n}", (40 * n, 200, 90)) for n in range(1, classes)),
            orientation="LPS",
            target_spacing=None,
            intensity=Normalisation("window", -160.0, 240.0),
            window_size=window,
            modality="CT",
            applies_to=AppliesTo("measurements of speed", (0.1, 20.0), (1.0, 5000.0)),
            training_data="none, random weights",
            licence="Apache-2.0",
            command="gatelens bench inference",
            seed=_SEED,
        ),
        state,
    )
