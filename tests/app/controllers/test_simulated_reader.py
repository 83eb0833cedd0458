"""The simulated reader on a small case: it reaches its target through the controllers, and counts what it does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.core.planes import Plane
from model.bundle import BundleLabel
from model.grid import Grid
from model.prediction import Prediction, Provenance
from model.scan_io import write_scan
from model.volume import DisplayHints, Volume
from tests.bench import simulated_reader
from tests.bench.injected_errors import inject
from tests.bench.reader_cases import (
    ReaderCase,
    as_prediction,
    hippocampus_cases,
    opened,
    workspace_of_mask,
)
from tests.bench.reader_eye import Eye
from tests.bench.reader_hand import Cost, Hand, Setting
from tests.bench.reader_report import Reading, Step, report
from tests.bench.simulated_reader import read_case

SPACING = (3.0, 2.0, 2.0)
SHAPE = (26, 56, 56)


def organs() -> np.ndarray:
    """Two balls, of 18 and 13 mm radius."""
    z, y, x = np.indices(SHAPE)
    labels = np.zeros(SHAPE, np.uint8)
    labels[(9 * (z - 12) ** 2 + 4 * (y - 18) ** 2 + 4 * (x - 18) ** 2) < 324] = 1
    labels[(9 * (z - 12) ** 2 + 4 * (y - 38) ** 2 + 4 * (x - 38) ** 2) < 169] = 2
    return labels


def made_case(folder: Path, errors: tuple[str, ...]) -> ReaderCase:
    """A generated scan of two bright balls, predicted with some errors."""
    reference = organs()
    rng = np.random.default_rng(5)
    values = (rng.normal(-100, 15, SHAPE) + 200 * (reference > 0)).astype(np.int16)
    grid = Grid(SHAPE, SPACING, (0.0, 0.0, 0.0))
    scan = folder / "balls.nii.gz"
    write_scan(scan, Volume(values, grid, DisplayHints(modality="CT", synthetic=True)))
    injected = inject(reference, SPACING, 7, errors)
    empty = np.zeros(SHAPE, np.uint8)
    like = Prediction(
        grid=grid,
        labels=empty,
        bundle_labels=(BundleLabel(1, "large", (200, 80, 80)), BundleLabel(2, "small", (80, 160, 220))),
        probabilities=(empty.copy(), empty.copy()),
        entropy=empty.copy(),
        attention=(),
        provenance=Provenance("none", "0" * 64, "0", "CPU", "none", None, False, 0.0, "2026-01-01T00:00:00"),
    )
    workspace_of_mask(folder / "W", scan, as_prediction(injected.labels, like))
    return ReaderCase("balls", 3, folder / "W", reference, injected.names, injected.where)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> ReaderCase:
    return made_case(tmp_path_factory.mktemp("reader"), ("missing slices", "island"))


@pytest.fixture(scope="module")
def readings(case: ReaderCase) -> dict[str, Reading]:
    return {tools: read_case(case, tools) for tools in ("brush", "all")}


def test_both_sets_of_tools_start_from_the_same_mask_and_reach_the_target(
    readings: dict[str, Reading],
) -> None:
    brush, full = readings["brush"], readings["all"]
    assert brush.start_dice == full.start_dice < 0.95
    assert brush.start_wrong_ml == full.start_wrong_ml
    for reading in (brush, full):
        assert reading.reached
        assert reading.dice >= 0.95
        assert reading.gestures < 200


def test_the_brush_reader_uses_brush_and_erase_alone(readings: dict[str, Reading]) -> None:
    assert {step.tool for step in readings["brush"].steps} <= {"brush", "erase"}
    assert {"fill-between", "island", "islands"} & {step.tool for step in readings["all"].steps}
    assert readings["all"].seconds() < readings["brush"].seconds()


def test_a_reading_costs_its_gestures_and_its_path_and_its_steps_add_up(
    readings: dict[str, Reading],
) -> None:
    for reading in readings.values():
        assert sum(step.gestures for step in reading.steps) == reading.gestures
        assert sum(step.path_mm for step in reading.steps) == pytest.approx(reading.path_mm)
        assert reading.seconds() == pytest.approx(1.5 * reading.gestures + 0.02 * reading.path_mm)
        assert reading.seconds(0.5, 2.0) == pytest.approx(0.75 * reading.gestures + 0.04 * reading.path_mm)
        voxel_ml = np.prod(SPACING) / 1000
        fixed = sum(step.fixed for step in reading.steps)
        assert fixed * voxel_ml == pytest.approx(reading.start_wrong_ml - reading.wrong_ml)


def test_the_same_seed_reads_the_same_and_the_case_is_left_as_it_was(
    case: ReaderCase, readings: dict[str, Reading]
) -> None:
    again = read_case(case, "brush")
    assert again.steps == readings["brush"].steps
    assert again.dice == readings["brush"].dice


def test_every_setting_stroke_click_and_undo_is_one_gesture(case: ReaderCase) -> None:
    with opened(case) as (controllers, mailbox):
        hand = Hand(controllers, mailbox, np.random.default_rng(0))
        wanted = Setting("erase", 2, 7.0, (("erase", "ball", True), ("erase", "protect", True)))
        assert hand.missing(wanted) == 4  # protection is on already
        hand.prepare(wanted)
        assert hand.spent == Cost(4, 0.0)
        assert hand.missing(wanted) == 0
        before = hand.session.labels.copy()
        hand.stroke(Plane.AXIAL, np.array([(12.0, 34.0, 38.0), (12.0, 42.0, 38.0)]))
        assert hand.spent.gestures == 5
        assert 10.0 < hand.spent.path_mm < 24.0  # 16 mm, drawn by a hand that shakes
        assert (hand.session.labels != before).any()
        hand.undo()
        assert hand.spent.gestures == 6
        assert (hand.session.labels == before).all()
        assert case.error_where is not None
        hand.session.active_label = 0  # so that choosing the label whose slices are missing is a change
        hand.prepare(Setting(None, int(case.reference[case.error_where == 1][0])))
        hand.command("fill-between", Plane.AXIAL)
        assert hand.session.preview is not None
        assert (hand.session.labels == before).all()
        hand.accept()
        assert hand.spent.gestures == 9
        assert (hand.session.labels != before).any()


def test_a_hand_shakes_by_a_millimetre_within_the_slice(case: ReaderCase) -> None:
    with opened(case) as (controllers, mailbox):
        drawn = []
        controllers.editing.begin_stroke = lambda plane, voxel: drawn.append(voxel)  # type: ignore[method-assign]
        controllers.editing.extend_stroke = drawn.append  # type: ignore[method-assign]
        hand = Hand(controllers, mailbox, np.random.default_rng(0))
        hand.stroke(Plane.AXIAL, np.full((4000, 3), (12.0, 20.0, 30.0)))
        off = (np.array(drawn) - (12.0, 20.0, 30.0)) * SPACING
    assert (off[:, 0] == 0).all()
    assert off[:, 1:].std(axis=0) == pytest.approx([1.0, 1.0], rel=0.05)


def test_the_largest_wrong_region_is_seen_in_the_slice_where_it_is_largest() -> None:
    reference = np.zeros((10, 12, 14), np.uint8)
    reference[2:8, 3:5, 3:11] = 1
    labels = np.zeros_like(reference)
    labels[0:2, 8:10, 1:3] = 2
    eye = Eye(reference)
    region = eye.largest(labels)
    assert region is not None
    assert (region.have, region.want, region.size) == (0, 1, 96)
    assert region.axis == 1  # 6 × 8 voxels, against 2 × 8 and 6 × 2
    eye.pass_over(region, slice_only=False)
    second = eye.largest(labels)
    assert second is not None
    assert (second.have, second.want, second.size) == (2, 0, 8)


def test_gestures_are_bounded_and_what_is_not_reached_is_said(case: ReaderCase) -> None:
    reading = read_case(case, "brush", most=2)
    assert not reading.reached
    assert 2 <= reading.gestures < 12


def test_tables_hold_medians_ratios_and_what_each_tool_earned(readings: dict[str, Reading]) -> None:
    steps = (Step("brush", 4, 50.0, 100, 0.96),)
    slow = Reading("a", "brush", 0.8, 0.96, 2.0, 0.5, 40, 500.0, True, False, steps, 1.0)
    quick = Reading(
        "a", "all", 0.8, 0.96, 2.0, 0.5, 20, 250.0, True, False, (Step("lasso", 20, 250.0, 900, 0.96),), 1.0
    )
    text = report("made", [slow, quick], markdown=False)
    assert "70" in text
    assert "0.50" in text
    assert "lasso" in text
    rules = [
        line for line in report("made", [slow, quick], markdown=True).splitlines() if line.startswith("|---")
    ]
    assert len(rules) == 4


def test_the_program_writes_tables_and_every_reading(
    case: ReaderCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(simulated_reader, "cases_of", lambda *arguments: [case])
    written, tables = tmp_path / "effort.json", tmp_path / "effort.md"
    assert simulated_reader.main(
        ["--set", "injected", "--seeds", "0", "--tools", "all", "--json", str(written), "--markdown", str(tables)]
    ) == 0  # fmt: skip
    assert "injected: medians over cases" in capsys.readouterr().out
    assert '"gestures"' in written.read_text()
    assert tables.read_text().startswith("**injected")


@pytest.mark.real_data
def test_a_predicted_hippocampus_gets_better(real_data: Path, tmp_path: Path) -> None:
    (case,) = hippocampus_cases(real_data / "hippocampus_mr", tmp_path, 1)
    reading = read_case(case, "all", most=15)
    assert 0.7 < reading.start_dice < reading.dice
    assert {2, 1, 0} == set(np.unique(case.reference))
