"""Training end to end on a toy, and its parts: data sources, splits, patches, loss, schedule, resuming."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from model.bundle import Bundle, BundleLabel, load_network, read_bundle
from model.errors import BundleError, Cancelled, DataError, ScanError
from model.evaluation import evaluate_model, held_back
from model.grid import Grid
from model.networks import build
from model.normalisation import Normalisation
from model.scan_io import write_labels, write_scan
from model.training.augment import PatchMaker
from model.training.checkpoint import checkpoint_file
from model.training.config import Augmentation, TrainConfig, TrainEvent
from model.training.data import (
    Case,
    Preparation,
    load_cases,
    open_source,
    part_of_subjects,
    refuse_divided_subjects,
    split_by_subject,
)
from model.training.loop import train
from model.training.losses import DiceCrossEntropy
from model.training.recipes import recipe
from model.training.schedule import learning_rate, update_average
from model.volume import Volume
from tests.model.toys import BALL, CUBE, SHAPE, STILL, toy, toy_training, write_toy


@pytest.fixture
def config(toys: Path, tmp_path: Path) -> TrainConfig:
    """Gives a training of seconds."""
    return toy_training(
        toys,
        tmp_path / "toy",
        steps=24,
        learning_rate=1e-2,
        check_every=6,
        history_points=4,
        command="gatelens train --data toys --out toy",
        licence="none",
    )


# -- the whole run ---------------------------------------------------------------------------------------------


def test_a_training_makes_a_bundle_that_finds_what_it_learned(config: TrainConfig) -> None:
    events: list[TrainEvent] = []
    bundle = read_bundle(train(replace(config, steps=60), events=events.append))

    losses = [event.loss for event in events if event.loss is not None]
    assert losses[-1] < 0.5 * losses[0]
    assert [row.label for row in bundle.validation.rows] == ["ball", "cube"]
    assert min(row.dice_mean for row in bundle.validation.rows) > 0.6
    assert {row.n for row in bundle.validation.rows} == {2}
    assert bundle.command == config.command
    assert sorted({entry.step for entry in bundle.attention_history}) == [0, 20, 40, 60]
    last = [e for e in bundle.attention_history if e.step == 60]
    assert [(e.level, e.gate, bundle.read_history(e).shape) for e in last] == [(2, 1, (5, 5, 6))]
    assert [event.kind for event in events][:1] == ["start"]
    assert events[-1].kind == "done"
    assert all(json.dumps(event.to_json()) for event in events)
    assert sorted(path.name for path in config.out.parent.iterdir()) == ["toy", "toy.curve.jsonl"]

    def predict(volume: Volume, _: object) -> np.ndarray:
        image = torch.from_numpy(bundle.intensity.apply(volume.reordered("LPS").values)[None, None])
        classes = load_network(bundle)(image)[0].argmax(0).numpy()
        return volume.grid.reordering("LPS").undo(np.array([0, 1, 3], dtype=np.uint8)[classes])

    files = held_back(config.data, config.seed)
    again = evaluate_model(bundle, files, predictor=predict)
    for index, row in enumerate(bundle.validation.rows):
        assert again.summary(index).mean == pytest.approx(row.dice_mean, abs=0.01)  # fp16 weights


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(config: TrainConfig) -> None:
    whole, halves = dict[int, float](), dict[int, float]()

    def keep(into: dict[int, float]) -> Callable[[TrainEvent], None]:
        def listen(event: TrainEvent) -> None:
            if event.kind == "validation":
                into[event.step] = sum(event.dice)
            if event.loss is not None:
                into[-event.step] = event.loss

        return listen

    train(replace(config, out=config.out.with_name("whole")), events=keep(whole))
    asked = iter(range(10_000))
    with pytest.raises(Cancelled):
        train(config, cancelled=lambda: next(asked) > 10 + 13, events=keep(halves))
    assert checkpoint_file(config.out).is_file()
    assert not config.out.exists()
    train(config, events=keep(halves))

    assert not checkpoint_file(config.out).exists()
    assert halves[-24] == pytest.approx(whole[-24], abs=1e-4)
    assert halves[24] == pytest.approx(whole[24], abs=1e-3)
    one, other = (
        load_network(read_bundle(config.out.with_name(name))).state_dict() for name in ("whole", "toy")
    )
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], atol=1e-3, rtol=1e-2)


def test_a_checkpoint_of_other_settings_or_a_damaged_one_is_refused(config: TrainConfig) -> None:
    asked = iter(range(10_000))
    with pytest.raises(Cancelled):
        train(config, cancelled=lambda: next(asked) > 10 + 7)
    with pytest.raises(DataError, match="other settings"):
        train(replace(config, batch=1))
    file = checkpoint_file(config.out)
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(DataError, match="damaged checkpoint"):
        train(config)


def test_the_time_limit_ends_a_run_with_a_bundle(config: TrainConfig) -> None:
    events: list[TrainEvent] = []
    train(replace(config, steps=10_000, minutes=0.0), events=events.append)
    assert read_bundle(config.out).name == "toy"
    assert events[-1].step == 1


def test_a_place_that_is_taken_is_refused_before_anything_is_trained(config: TrainConfig) -> None:
    config.out.mkdir()
    (config.out / "notes.txt").write_text("mine")
    events: list[TrainEvent] = []
    with pytest.raises(BundleError, match="toy is not empty"):
        train(config, events=events.append)
    assert events == []


@pytest.mark.parametrize(
    "change", [{"patch": (16, 16, 18)}, {"window": (16, 16, 3)}, {"steps": 0}, {"batch": 0}]
)
def test_settings_that_cannot_train_are_refused_in_a_sentence(
    config: TrainConfig, change: dict[str, object]
) -> None:
    with pytest.raises(DataError, match=r"multiples of 4|train nothing"):
        replace(config, **change)  # type: ignore[arg-type]


def test_a_label_no_validation_case_holds_has_no_row(config: TrainConfig) -> None:
    never_there = BundleLabel(7, "nowhere", (0, 0, 0))
    bundle = read_bundle(
        train(replace(config, steps=1, labels=(BALL, CUBE, never_there), label_weights=(1, 1, 0.1)))
    )
    assert "nowhere" in [label.name for label in bundle.labels]
    assert {row.n for row in bundle.validation.rows} == {2}


# -- data ------------------------------------------------------------------------------------------------------


def test_subjects_come_from_the_table_and_a_split_never_divides_one(toys: Path) -> None:
    files = open_source(str(toys)).files
    training, validation = split_by_subject(files, 0.2, seed=4)
    assert (len(training), len(validation)) == (8, 2)
    assert len({file.subject for file in validation}) == 1
    assert split_by_subject(files, 0.2, seed=4) == (training, validation)
    assert len({split_by_subject(files, 0.2, seed=s)[1] for s in range(8)}) > 1


def test_a_split_that_divides_a_subject_is_refused_by_name(toys: Path) -> None:
    files = open_source(str(toys)).files
    with pytest.raises(DataError, match="subject_0"):
        refuse_divided_subjects(files[1:], files[:1])


def test_a_share_that_leaves_no_subject_to_train_on_is_refused(toys: Path) -> None:
    files = open_source(str(toys)).files
    assert len({file.subject for file in part_of_subjects(files, 0.4, 9)}) == 2
    assert set(part_of_subjects(files, 0.4, 9)) < set(part_of_subjects(files, 0.8, 9))
    with pytest.raises(DataError, match=r"share of 0\.05 of 5 training subjects is 0"):
        part_of_subjects(files, 0.05, 9)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.95, 1.0])
def test_a_split_with_an_empty_side_is_refused(toys: Path, share: float) -> None:
    with pytest.raises(DataError, match="one side stays empty"):
        split_by_subject(open_source(str(toys)).files, share, seed=0)


@pytest.mark.parametrize(
    "names", [{"0": "background", "1": "ball", "3": "cube"}, {"background": 0, "ball": 1, "cube": 3}]
)
def test_a_decathlon_and_an_nnunet_folder_name_their_labels(tmp_path: Path, names: dict[str, object]) -> None:
    nnunet = "ball" in names
    folder = write_toy(
        tmp_path / "set", 2, images="imagesTr", labels="labelsTr", suffix="_0000" if nnunet else ""
    )
    (folder / "dataset.json").write_text(json.dumps({"labels": names}))
    source = open_source(str(folder))
    assert [file.name for file in source.files] == ["case_0", "case_1"]
    assert [(label.value, label.name) for label in source.labels] == [(1, "ball"), (3, "cube")]


def test_label_values_become_class_indices_in_the_models_orientation(toys: Path) -> None:
    prepare = Preparation("LPS", None, Normalisation("window", -60, 60), (BALL, CUBE))
    (case,) = load_cases(open_source(str(toys)).files[:1], prepare)
    (turned,) = load_cases(open_source(str(toys)).files[:1], replace(prepare, orientation="RAS"))
    assert np.unique(case.classes).tolist() == [0, 1, 2]
    np.testing.assert_array_equal(case.classes == 2, toy(0)[1] == 3)
    np.testing.assert_array_equal(turned.classes, case.classes[:, ::-1, ::-1])
    np.testing.assert_array_equal(turned.image, case.image[:, ::-1, ::-1])


def test_another_spacing_resamples_scan_and_labels_alike(toys: Path) -> None:
    prepare = Preparation("LPS", (2.0, 2.0, 2.0), Normalisation("window", -60, 60), (BALL, CUBE))
    (case,) = load_cases(open_source(str(toys)).files[:1], prepare)
    assert case.image.shape == case.classes.shape == (9, 10, 11)
    assert case.image[case.classes == 1].mean() > 0.3 > -0.3 > case.image[case.classes == 2].mean()


def test_a_label_value_the_model_has_no_class_for_is_refused(toys: Path) -> None:
    prepare = Preparation("LPS", None, Normalisation("window", -60, 60), (BALL,))
    with pytest.raises(DataError, match="value 3"):
        load_cases(open_source(str(toys)).files[:1], prepare)


def test_folders_that_hold_no_data_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data folder"):
        open_source(str(tmp_path / "missing"))
    with pytest.raises(DataError, match=r"neither images/"):
        open_source(str(tmp_path))
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    with pytest.raises(DataError, match="holds no scan"):
        open_source(str(tmp_path))
    write_scan(tmp_path / "images/a.nii.gz", Volume(toy(0)[0], Grid(SHAPE)))
    with pytest.raises(DataError, match=r"a\.nii\.gz"):
        open_source(str(tmp_path))
    write_labels(tmp_path / "labels/a.nii.gz", toy(0)[1][1:], Grid((17, 20, 22)))
    with pytest.raises(ScanError, match=r"a\.nii\.gz"):
        load_cases(
            open_source(str(tmp_path)).files,
            Preparation("LPS", None, Normalisation("window", 0, 1), (BALL, CUBE)),
        )


def test_empty_labels_are_refused_when_nothing_says_what_to_learn(
    tmp_path: Path, config: TrainConfig
) -> None:
    folder = write_toy(tmp_path / "set", 2)
    for file in (folder / "labels").iterdir():
        write_labels(file, np.zeros(SHAPE, np.uint8), Grid(SHAPE))
    with pytest.raises(DataError, match="labels of these data are empty"):
        train(replace(config, data=str(folder), labels=(), validation_share=0.5))


def test_phantom_seeds_name_cases_without_making_them() -> None:
    files = open_source("phantom:100000-100002").files
    assert [file.name for file in files] == ["phantom_100000", "phantom_100001", "phantom_100002"]
    with pytest.raises(DataError, match="phantom:FIRST-LAST"):
        open_source("phantom:5-4")


def test_the_recipes_are_those_of_the_shipped_models(tmp_path: Path) -> None:
    made = recipe("phantom-abdomen", "", tmp_path)
    assert (made.name, made.widths, len(open_source(made.data).files)) == (
        "phantom-abdomen",
        (8, 16, 32, 64, 128),
        80,
    )
    assert recipe("hippocampus-t1", "somewhere", tmp_path).data == "somewhere"
    with pytest.raises(DataError, match="no recipe 'liver'"):
        recipe("liver", "", tmp_path)


# -- starting from a model ------------------------------------------------------------------------------------


def test_a_training_may_start_from_a_model_which_becomes_the_parent(
    config: TrainConfig, tmp_path: Path
) -> None:
    first = read_bundle(train(replace(config, steps=40)))
    first_losses, losses = dict[int, float](), dict[int, float]()

    def keep(into: dict[int, float]) -> Callable[[TrainEvent], None]:
        return lambda event: into.update({event.step: event.loss} if event.loss is not None else {})

    train(replace(config, out=tmp_path / "anew", seed=1), events=keep(first_losses))
    second = read_bundle(
        train(replace(config, out=tmp_path / "second", seed=1, start=first.path), events=keep(losses))
    )

    assert losses[10] < 0.8 * first_losses[10]
    assert second.parent == first.hash
    assert first.parent == ""


def test_a_model_of_another_network_or_of_other_labels_is_no_start(
    config: TrainConfig, tiny_model: Bundle, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"tiny to start from has labels .*head.* and this training .*ball"):
        train(replace(config, start=tiny_model.path))
    with pytest.raises(DataError, match=r"has widths \(4, 6, 8\) and this training \(4, 6, 9\)"):
        train(replace(config, start=tiny_model.path, widths=(4, 6, 9)))
    with pytest.raises(DataError, match="needs at least three"):
        train(replace(config, widths=(4, 6)))
    assert not config.out.exists()


# -- patches ---------------------------------------------------------------------------------------------------


def stamped(seed: int = 0) -> Case:
    """A case whose image says its class, so that any misalignment shows."""
    labels = toy(seed)[1]
    classes = np.where(labels == 3, 2, labels).astype(np.uint8)
    return Case("stamp", "stamp", classes.astype(np.float32), classes, Grid(SHAPE))


def test_image_and_target_move_together_under_every_spatial_transform() -> None:
    strong = Augmentation(affine_share=1, elastic_share=1, flip_axes=(0, 1, 2), intensity_share=0)
    images, targets = PatchMaker((16, 16, 16), 1.0, strong, seed=3).batch([stamped()], step=5, size=8)
    assert images.shape == (8, 1, 16, 16, 16)
    assert targets.dtype == torch.int64
    assert set(targets.unique().tolist()) <= {0, 1, 2}
    apart, mirrored = (float((images[:, 0] - t).abs().mean()) for t in (targets, targets.flip(3)))
    assert apart < 0.4 * mirrored  # what is left is the linear image against nearest targets


def test_a_step_draws_the_same_patches_each_time_and_others_at_the_next_step() -> None:
    maker = PatchMaker((16, 16, 16), 0.5, Augmentation(), seed=3)
    one, again, later = (maker.batch([stamped(), stamped(1)], step, 2)[0] for step in (7, 7, 8))
    assert torch.equal(one, again)
    assert not torch.equal(one, later)


def test_only_the_named_axes_are_mirrored() -> None:
    case = stamped()
    maker = PatchMaker(SHAPE, 0.0, replace(STILL, flip_axes=(2,)), seed=0)
    seen = {maker.batch([case], step, 1)[0][0, 0].numpy().tobytes() for step in range(20)}
    assert seen == {case.image.tobytes(), np.ascontiguousarray(case.image[..., ::-1]).tobytes()}


def test_a_case_smaller_than_the_patch_is_grown_at_its_far_ends() -> None:
    images, targets = PatchMaker((24, 24, 24), 0.5, STILL, seed=0).batch([stamped()], 0, 1)
    np.testing.assert_array_equal(images[0, 0, :18, :20, :22].numpy(), stamped().image)
    assert int(targets[0, 18:].max()) == 0


def test_patches_round_a_label_hold_it_and_small_labels_are_drawn_as_often_as_large_ones() -> None:
    shape = (64, 64, 64)
    classes = np.zeros(shape, dtype=np.uint8)
    classes[4:30, 4:30, 4:30] = 1
    classes[60, 60, 60] = 2
    case = Case("x", "x", classes.astype(np.float32), classes, Grid(shape))
    targets = PatchMaker((16, 16, 16), 1.0, STILL, seed=0).batch([case], 0, 60)[1]
    small = sum(bool((target == 2).any()) for target in targets)
    assert 20 <= small <= 40
    assert all(bool((target > 0).any()) for target in targets)


# -- loss, schedule, average -----------------------------------------------------------------------------------


def test_the_loss_is_cross_entropy_plus_one_minus_soft_dice() -> None:
    logits = torch.log(torch.tensor([[[[0.7, 0.4]], [[0.3, 0.6]]]]))
    target = torch.tensor([[[0, 1]]])
    cross_entropy = -(math.log(0.7) + math.log(0.6)) / 2
    soft_dice = (2 * 0.6 + 1) / ((0.3 + 0.6) + 1 + 1)
    assert float(DiceCrossEntropy((1, 1))(logits, target)) == pytest.approx(
        cross_entropy + 1 - soft_dice, abs=1e-6
    )


def test_a_heavier_label_counts_more() -> None:
    logits = torch.zeros(1, 3, 2, 2, 2)
    logits[:, 1] = 3.0  # class 1 everywhere, so class 2 is missed
    target = torch.full((1, 2, 2, 2), 2)
    target[0, 0] = 1
    plain, heavy = (float(DiceCrossEntropy((1.0, 1.0, w))(logits, target)) for w in (1.0, 4.0))
    assert heavy > plain


def test_the_rate_warms_up_and_falls_to_zero(config: TrainConfig) -> None:
    schedule = replace(config, steps=100, warm_up=10, learning_rate=1.0)
    rates = [learning_rate(schedule, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == max(rates) == pytest.approx(1.0)
    assert rates[55] == pytest.approx(0.5, abs=0.01)
    assert rates[99] < 1e-3
    assert all(a > b for a, b in pairwise(rates[10:]))


def test_the_average_follows_weights_and_running_statistics() -> None:
    network, average = (build("unet", widths=(2, 3), classes=2) for _ in range(2))
    before = {name: value.clone() for name, value in average.state_dict().items()}
    network(torch.randn(1, 1, 4, 4, 4))
    update_average(average, network, decay=0.75)
    for name, now in average.state_dict().items():
        new = network.state_dict()[name]
        expected = before[name].lerp(new, 0.25) if new.is_floating_point() else new
        torch.testing.assert_close(now, expected)
