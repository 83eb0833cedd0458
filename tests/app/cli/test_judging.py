"""`gatelens evaluate` from the outside: one model, two side by side, masks against masks, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model.bundle import Bundle, write_bundle
from model.evaluation import held_back
from model.grid import Grid
from model.scan_io import write_labels
from tests.app.cli.conftest import CommandLine
from tests.app.cli.test_commands import sentence_of
from tests.model.conftest import describe_model, toys  # noqa: F401 - fixtures
from tests.model.toys import BALL, CUBE, SHAPE, toy, write_toy

MakeModel = Callable[..., Path]


@pytest.fixture(scope="module")
def make_model(
    tmp_path_factory: pytest.TempPathFactory,
    describe_model: Callable[..., Bundle],  # noqa: F811
) -> MakeModel:
    """Gives a function that writes an untrained model of the toys' labels; other weights for another number."""
    import torch

    from model.networks import build

    def make(name: str, weights: int, **changes: object) -> Path:
        described = describe_model(
            **{
                "name": name,
                "labels": (BALL, CUBE),
                "widths": (4, 6, 8),
                "window_size": (24, 24, 24),
                **changes,
            }
        )
        torch.manual_seed(weights)
        network = build(described.architecture, widths=described.widths, classes=described.classes)
        folder = tmp_path_factory.mktemp("judged") / name
        write_bundle(folder, described, network.state_dict())
        return folder

    return make


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives a data folder of three toys, two of one subject."""
    folder = write_toy(tmp_path_factory.mktemp("few") / "data", 3)
    (folder / "subjects.csv").write_text("file,subject\ncase_0.nii.gz,a\ncase_1.nii.gz,a\ncase_2.nii.gz,b\n")
    return folder


def test_two_models_stand_side_by_side_with_their_difference_per_subject(
    gatelens: CommandLine, make_model: MakeModel, few: Path
) -> None:
    words = ("evaluate", "--model", make_model("one", 1), "--model", make_model("two", 2), "--data", few)
    assert gatelens(*words, "--json", "--no-monai") == 0, gatelens.err
    found = json.loads(gatelens.out)

    assert [model["model"] for model in found["models"]] == ["one", "two"]
    one, two = (
        {subject: np.mean([c["labels"]["ball"]["dice"] for c in model["cases"] if c["subject"] == subject])
         for subject in "ab"}
        for model in found["models"]
    )  # fmt: skip
    difference = found["differences"][0]["labels"]["ball"]["dice"]
    assert difference["subjects"] == 2
    assert difference["difference"] == pytest.approx(np.mean([two[key] - one[key] for key in one]))
    assert difference["p"] is None
    assert list(found["models"][0]["labels"]) == ["ball", "cube"]
    assert len(found["models"][0]["cases"]) == 3
    assert found["models"][0]["cases"][0]["ece"] is not None

    assert gatelens(*words, "--no-monai") == 0
    assert "Judged on 3 scans of 2 subjects" in gatelens.out
    assert "second − first" in gatelens.out
    assert "no test: 2 of at least 6 subjects" in gatelens.out
    assert "MONAI" not in gatelens.out
    assert max(len(line) for line in gatelens.out.splitlines()) <= 100


def test_trainings_joined_by_a_comma_are_averaged_before_they_are_compared(
    gatelens: CommandLine, make_model: MakeModel, few: Path
) -> None:
    one, two = make_model("one", 1), make_model("two", 2)
    words = ("evaluate", "--model", f"{one},{two}", "--model", f"{two},{one}", "--data", few)
    assert gatelens(*words, "--json", "--no-monai") == 0, gatelens.err
    found = json.loads(gatelens.out)
    assert len(found["models"]) == 4
    assert found["differences"][0]["labels"]["cube"]["dice"]["difference"] == pytest.approx(0, abs=1e-12)


def test_models_with_other_splits_are_judged_on_what_none_of_them_learned_from(
    gatelens: CommandLine,
    make_model: MakeModel,
    toys: Path,  # noqa: F811
) -> None:
    # One of the five subjects is kept back by each seed.
    kept = {seed: held_back(str(toys), seed) for seed in range(20)}
    other = next(seed for seed in kept if kept[seed] != kept[0])
    like = next(seed for seed in kept if seed and kept[seed] == kept[0])
    first = make_model("first", 1, seed=0)
    words = ("evaluate", "--model", first, "--data", toys, "--held-back", "--no-monai", "--model")

    assert gatelens(*words, make_model("like", 2, seed=like), "--json") == 0, gatelens.err
    found = json.loads(gatelens.out)
    assert [case["case"] for case in found["models"][1]["cases"]] == [file.name for file in kept[0]]
    assert "none of the models learned from" in found["selection"]

    assert gatelens(*words, make_model("other", 3, seed=other)) == 1
    assert f"seeds 0, {other}" in sentence_of(gatelens.err)


def test_masks_are_judged_against_masks_with_monais_figures_beside(
    gatelens: CommandLine, tmp_path: Path
) -> None:
    masks, truths = tmp_path / "masks", tmp_path / "truths"
    for folder, moved in ((masks, 1), (truths, 0)):
        folder.mkdir()
        write_labels(folder / "a.nii.gz", np.roll(toy(0)[1], moved, axis=0), Grid(SHAPE, (2.0, 1.0, 1.0)))
    assert gatelens("evaluate", "--pred", masks, "--ref", truths, "--json") == 0, gatelens.err
    figures = json.loads(gatelens.out)["labels"]["label 3"]
    assert figures["hd95_mm"]["mean"] == figures["monai_hd95_mm"]["mean"] == pytest.approx(2.0)
    assert figures["ece"] == {"mean": None, "sd": None, "n": 0}
    assert (figures["both"], figures["missed"]) == (1, 0)


def test_mixed_arguments_are_a_usage_error_and_a_folder_without_scans_is_named(
    gatelens: CommandLine, make_model: MakeModel, tmp_path: Path
) -> None:
    assert gatelens("evaluate", "--model", "x", "--pred", tmp_path, "--ref", tmp_path) == 2
    assert gatelens("evaluate", "--model", make_model("one", 1), "--data", tmp_path) == 1
    assert str(tmp_path) in sentence_of(gatelens.err)
