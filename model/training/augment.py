"""Training patches: crops that favour the labels, and MONAI's random transforms on them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from monai.transforms import (
    Compose,
    RandAdjustContrastd,
    RandAffined,
    RandFlipd,
    RandGaussianNoised,
    RandGaussianSmoothd,
    RandScaleIntensityd,
    RandShiftIntensityd,
    RandSmoothDeformd,
)
from torch import Tensor

from model.grid import Int3
from model.training.config import Augmentation
from model.training.data import Case


class PatchMaker:
    """Draws augmented patches (image, class indices) from cases, the same ones for the same seed and step."""

    def __init__(
        self,
        patch: Int3,
        foreground_share: float,
        augmentation: Augmentation,
        seed: int,
        label_weights: Sequence[float] = (),
    ) -> None:
        self._patch = patch
        self._foreground_share = foreground_share
        self._seed = seed
        self._weights = tuple(label_weights)
        self._transform = _transforms(augmentation, patch)

    def batch(self, cases: Sequence[Case], step: int, size: int) -> tuple[Tensor, Tensor]:
        """`size` patches for training step `step`: images (size, 1, z, y, x) float32, targets (size, z, y, x) int64."""
        random = np.random.default_rng((self._seed, step))
        self._transform.set_random_state(seed=int(random.integers(2**31)))
        images, targets = [], []
        for index in random.choice(len(cases), size=size, replace=len(cases) < size):
            image, classes = self._cut(cases[index], random)
            patch = self._transform(
                {"image": torch.from_numpy(image[None]), "label": torch.from_numpy(classes[None])}
            )
            images.append(
                patch["image"].as_tensor() if hasattr(patch["image"], "as_tensor") else patch["image"]
            )
            targets.append(
                patch["label"].as_tensor() if hasattr(patch["label"], "as_tensor") else patch["label"]
            )
        return torch.stack(images).float(), torch.stack(targets)[:, 0].round().long()

    def _cut(self, case: Case, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A crop: in `foreground_share` of the draws round a voxel of a label, drawn as often as it weighs."""
        image, classes = _padded(case.image, case.classes, self._patch)
        free = [size - length for size, length in zip(image.shape, self._patch, strict=True)]
        start = [int(random.integers(0, room + 1)) for room in free]
        if case.voxels_of_class and random.random() < self._foreground_share:
            present = sorted(case.voxels_of_class)
            weights = np.array([self._weights[c - 1] if self._weights else 1.0 for c in present])
            voxels = case.voxels_of_class[int(random.choice(present, p=weights / weights.sum()))]
            centre = np.unravel_index(int(random.choice(voxels)), case.classes.shape)
            jitter = [int(random.integers(-length // 4, length // 4 + 1)) for length in self._patch]
            start = [
                int(np.clip(c - length // 2 + j, 0, room))
                for c, length, j, room in zip(centre, self._patch, jitter, free, strict=True)
            ]
        cut = tuple(slice(a, a + length) for a, length in zip(start, self._patch, strict=True))
        return np.ascontiguousarray(image[cut], dtype=np.float32), np.ascontiguousarray(
            classes[cut], dtype=np.float32
        )


def _padded(image: np.ndarray, classes: np.ndarray, patch: Int3) -> tuple[np.ndarray, np.ndarray]:
    """Both arrays grown at their far ends to at least the patch's size, as the network itself pads."""
    missing = [(0, max(0, length - size)) for size, length in zip(image.shape, patch, strict=True)]
    if not any(extra for _, extra in missing):
        return image, classes
    return np.pad(image, missing, mode="edge"), np.pad(classes, missing)


def _transforms(a: Augmentation, patch: Int3) -> Compose:
    keys, modes = ("image", "label"), ("bilinear", "nearest")
    turn = [math.radians(a.rotation_degrees)] * 3
    zoom = [(a.scale[0] - 1, a.scale[1] - 1)] * 3
    spatial = [
        RandAffined(
            keys,
            prob=a.affine_share,
            rotate_range=turn,
            scale_range=zoom,
            mode=modes,
            padding_mode=("border", "zeros"),
        ),
        # Random offsets on a coarse grid, interpolated: as smooth as MONAI's Rand3DElastic (which filters a dense
        # field) at a thirtieth of its time.
        RandSmoothDeformd(
            keys,
            spatial_size=patch,
            rand_size=[max(2, length // 6) for length in patch],
            prob=a.elastic_share,
            def_range=0.15,
            grid_mode=modes,
            grid_padding_mode="border",
        ),
        *(RandFlipd(keys, prob=0.5, spatial_axis=axis) for axis in a.flip_axes),
    ]
    intensity = [
        RandGaussianNoised("image", prob=a.intensity_share, std=0.15),
        RandGaussianSmoothd(
            "image", prob=a.intensity_share / 2, sigma_x=(0.3, 1), sigma_y=(0.3, 1), sigma_z=(0.3, 1)
        ),
        RandAdjustContrastd("image", prob=a.intensity_share, gamma=(0.7, 1.5)),
        RandScaleIntensityd("image", prob=a.intensity_share, factors=0.25),
        RandShiftIntensityd("image", prob=a.intensity_share, offsets=0.25),
    ]
    return Compose([*spatial, *intensity])
