"""Small models for the tests of what is done with a model; nothing here is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from model.applicability import AppliesTo
from model.bundle import Bundle, BundleLabel
from model.normalisation import Normalisation
from tests.model.toys import write_toy

LABELS = (BundleLabel(1, "head", (220, 60, 60)), BundleLabel(4, "body and tail", (60, 120, 220), "SCT 1234"))


@pytest.fixture(scope="session")
def describe_model() -> Callable[..., Bundle]:
    """Gives a function that describes a model of one gated level with two labels, changed as the test asks."""

    def describe(**changes: object) -> Bundle:
        fields: dict[str, object] = {
            "name": "tiny",
            "architecture": "attention-unet",
            "widths": (4, 6, 8),
            "channels": 1,
            "classes": 3,
            "deep_supervision": True,
            "labels": LABELS,
            "orientation": "LPS",
            "target_spacing": None,
            "intensity": Normalisation("per-volume", 1.0, 99.0),
            "window_size": (16, 16, 16),
            "modality": "MR",
            "applies_to": AppliesTo("tests", (0.1, 20.0), (5.0, 2000.0)),
            "training_data": "none",
            "licence": "none",
            "command": "none",
            "seed": 0,
        }
        return Bundle(**{**fields, **changes})  # type: ignore[arg-type]

    return describe


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, describe_model: Callable[..., Bundle]) -> Bundle:
    """Gives a model on disk with random weights, the same ones every time."""
    import torch

    from model.bundle import write_bundle
    from model.networks import build

    description = describe_model()
    torch.manual_seed(3)
    network = build(description.architecture, widths=description.widths, classes=description.classes)
    folder: Path = tmp_path_factory.mktemp("models") / "tiny"
    return write_bundle(folder, description, network.state_dict())


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives a data folder of ten toys, two of each subject."""
    folder = write_toy(tmp_path_factory.mktemp("toys") / "data", 10)
    rows = [f"case_{n}.nii.gz,subject_{n // 2}" for n in range(10)]
    (folder / "subjects.csv").write_text("\n".join(["file,subject", *rows]) + "\n")
    return folder
