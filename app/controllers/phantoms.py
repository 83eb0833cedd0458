"""Generated abdomens as scans and labels on a grid, one at a time or as a data folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.errors import DataError
from model.grid import Grid
from model.phantoms import make_abdomen
from model.progress import CancelCheck, Report, never, silent, stop_if
from model.scan_io import write_labels, write_scan
from model.volume import DisplayHints, Volume


def phantom_volume(seed: int) -> tuple[Volume, npt.NDArray[np.uint8]]:
    """The abdomen of a seed as a CT volume, marked synthetic, and its exact labels (z, y, x)."""
    made = make_abdomen(seed)
    grid = Grid(shape=made.values.shape, spacing=made.spacing, origin=made.origin)
    return Volume(
        made.values, grid, DisplayHints(modality="CT", window=(40.0, 400.0), synthetic=True)
    ), made.labels


def write_phantoms(
    out: Path, count: int, first_seed: int, report: Report = silent, cancelled: CancelCheck = never
) -> tuple[Path, ...]:
    """Write `images/phantom_SEED.nii.gz` and `labels/` alike for seeds `first_seed` … `first_seed + count − 1`.

    Raises:
        DataError: `out` is a file.
    """
    if out.is_file():
        raise DataError(f"{out} is a file; give a folder for the phantoms.")
    images, labels = out / "images", out / "labels"
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(exist_ok=True)
    written = []
    for number in range(count):
        stop_if(cancelled)
        seed = first_seed + number
        report(number / count, f"seed {seed}")
        volume, truth = phantom_volume(seed)
        name = f"phantom_{seed}.nii.gz"
        write_labels(labels / name, truth, volume.grid)
        write_scan(images / name, volume)
        written.append(images / name)
    report(1.0, "done")
    return tuple(written)
