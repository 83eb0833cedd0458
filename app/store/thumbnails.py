"""The small grey picture of each case in the worklist, `W/cases/ID/thumbnail.npy`. Others make it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.store import durable

FILE_NAME = "thumbnail.npy"
SIDE_PX = 64

Thumbnail = npt.NDArray[np.uint8]


def save(case_folder: Path, image: Thumbnail) -> None:
    """Keep a picture (64, 64) of uint8 greys; an older one is replaced at once."""
    if image.shape != (SIDE_PX, SIDE_PX) or image.dtype != np.uint8:
        raise ValueError(f"a thumbnail is {SIDE_PX}×{SIDE_PX} of uint8, not {image.shape} of {image.dtype}")
    case_folder.mkdir(parents=True, exist_ok=True)
    temporary = durable.temporary_name(case_folder / FILE_NAME)
    try:
        with open(temporary, "wb") as file:
            np.save(file, np.ascontiguousarray(image), allow_pickle=False)
        os.replace(temporary, case_folder / FILE_NAME)
    finally:
        temporary.unlink(missing_ok=True)


def load(case_folder: Path) -> Thumbnail | None:
    """The picture (64, 64), or None where there is none or it is damaged: it can be made again."""
    try:
        image = np.load(case_folder / FILE_NAME, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if not isinstance(image, np.ndarray) or image.shape != (SIDE_PX, SIDE_PX) or image.dtype != np.uint8:
        return None
    return image
