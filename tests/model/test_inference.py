"""A prediction is the same however a scan is stored and cut, stays in its region, and fails in a sentence."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model import devices, inference
from model.backends import ConstantsOnce, TorchBackend, WindowResult
from model.bundle import Bundle, load_network
from model.errors import Cancelled, CannotPredict
from model.grid import Box, Grid
from model.inference import predict
from model.networks.network import GateCoefficients
from model.normalisation import Normalisation
from model.volume import DisplayHints, Volume

Describe = Callable[..., Bundle]

SHAPE = (29, 38, 27)
OBLIQUE = Grid(
    SHAPE, (2.0, 0.9, 1.1), (-31.0, 12.0, 5.0), ((0.0, -0.28, 0.96), (0.0, 0.96, 0.28), (1.0, 0.0, 0.0))
)


@pytest.fixture
def scan() -> Volume:
    """Gives an MR scan of bright balls in noise on an oblique, anisotropic grid, odd along two axes."""
    return Volume(_balls(SHAPE), OBLIQUE, DisplayHints(modality="MR"))


@pytest.fixture
def ct_model(tiny_model: Bundle, describe_model: Describe) -> Bundle:
    """Gives the tiny model as one for CT."""
    return describe_model(modality="CT", path=tiny_model.path, hash="0" * 64)


def _balls(shape: tuple[int, int, int]) -> np.ndarray:
    z, y, x = np.indices(shape)
    values = np.random.default_rng(5).normal(100, 12, shape)
    for centre, radius, grey in [((9, 12, 8), 6, 300), ((20, 25, 18), 8, 220), ((12, 30, 14), 4, 30)]:
        values[(z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2 < radius**2] += grey
    return values.astype(np.int16)


class Answers(nn.Module):
    """A network that answers what the test says, logits (1, class, z, y, x) for x (1, 1, z, y, x)."""

    coarsest_stride = 4
    gated_levels = ()

    def __init__(self, answer: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._answer = answer

    def forward_with_attention(self, x: Tensor) -> tuple[Tensor, tuple[GateCoefficients, ...]]:
        return self._answer(x), ()


def answering(answer: Callable[[Tensor], Tensor]) -> TorchBackend:
    return TorchBackend(Answers(answer), "cpu")  # type: ignore[arg-type]


# -- the same wherever the scan comes from --------------------------------------------------------------


@pytest.mark.parametrize(
    "codes", ["".join(letters) for letters in product("LR", "PA", "SI")] + ["SLA", "PIR"]
)
def test_however_the_scan_is_stored_mask_and_maps_are_the_same(
    scan: Volume, tiny_model: Bundle, codes: str
) -> None:
    wanted = predict(scan, tiny_model)
    assert set(np.unique(wanted.labels)) == {0, 1, 4}

    turned = scan.reordered(codes)
    found = predict(Volume(np.ascontiguousarray(turned.values), turned.grid, turned.hints), tiny_model)
    back = found.grid.reordering(scan.grid.axis_codes_xyz)
    assert np.array_equal(back.apply(found.labels), wanted.labels)
    assert np.array_equal(back.apply(found.entropy), wanted.entropy)
    for mine, theirs in zip(found.probabilities, wanted.probabilities, strict=True):
        assert np.array_equal(back.apply(mine), theirs)
    for mine, theirs in zip(found.attention, wanted.attention, strict=True):
        assert np.array_equal(back.apply(mine.values), theirs.values)
        assert back.apply_grid(mine.grid).close_to(theirs.grid, 1e-6)


def test_every_array_lies_on_the_grid_of_the_scan_and_cannot_be_changed(
    scan: Volume, tiny_model: Bundle
) -> None:
    found = predict(scan, tiny_model)
    assert found.grid == scan.grid
    assert found.bundle_labels == tiny_model.labels
    assert len(found.probabilities) == 2
    for array in (found.labels, found.entropy, *found.probabilities):
        assert (array.dtype, array.shape) == (np.uint8, SHAPE)
        assert not array.flags.writeable


def test_windows_agree_with_one_window_away_from_their_borders(describe_model: Describe) -> None:
    network = _seeded(describe_model())
    long_scan = Volume(_balls((96, 24, 24)), Grid((96, 24, 24)), DisplayHints(modality="MR"))
    whole = predict(long_scan, describe_model(window_size=(96, 24, 24)), backend=network)
    cut = predict(long_scan, describe_model(window_size=(56, 24, 24)), backend=network)
    assert whole.attention[0].grid == cut.attention[0].grid
    # The second window starts at 40, and the network sees 22 voxels far: before that nothing tells them apart.
    first = slice(0, 40 - 22)
    for mine, theirs in zip(cut.probabilities, whole.probabilities, strict=True):
        assert np.abs(mine[first].astype(int) - theirs[first]).max() <= 1
        assert np.abs(mine.astype(int) - theirs).mean() < 8
    assert np.abs(cut.attention[0].coefficients[:4] - whole.attention[0].coefficients[:4]).max() < 1e-4


def test_an_undivided_answer_survives_windows_and_padding_unchanged(describe_model: Describe) -> None:
    """Logits that are the intensity itself give a mask that is a threshold, in every voxel of every window."""
    values = _balls((37, 41, 22))
    volume = Volume(values, Grid(values.shape), DisplayHints(modality="MR"))
    model = describe_model(intensity=Normalisation("window", 0.0, 200.0), window_size=(12, 16, 16))
    backend = answering(lambda x: torch.cat([torch.zeros_like(x), 50 * x, torch.full_like(x, -50.0)], dim=1))
    found = predict(volume, model, backend=backend)
    away = np.abs(values.astype(int) - 100) > 0
    assert np.array_equal((found.labels == 1)[away], (values > 100)[away])
    assert not (found.labels == 4).any()


# -- what the numbers mean ------------------------------------------------------------------------------


def test_probabilities_and_entropy_are_those_of_the_logits(scan: Volume, describe_model: Describe) -> None:
    shares = torch.tensor([0.5, 0.35, 0.15])
    found = predict(scan, describe_model(), backend=answering(lambda x: _constant(x, shares.log())))
    assert np.unique(found.probabilities[0]).tolist() == [round(0.35 * 255)]
    assert np.unique(found.probabilities[1]).tolist() == [round(0.15 * 255)]
    entropy = -sum(p * np.log(p) for p in (0.5, 0.35, 0.15)) / np.log(3)
    assert np.unique(found.entropy).tolist() == [round(entropy * 255)]
    assert not found.labels.any()


@pytest.mark.parametrize(("logits", "entropy"), [([0.0, 0.0, 0.0], 255), ([0.0, 200.0, 0.0], 0)])
def test_entropy_runs_from_certain_to_even(
    scan: Volume, describe_model: Describe, logits: list[float], entropy: int
) -> None:
    found = predict(scan, describe_model(), backend=answering(lambda x: _constant(x, torch.tensor(logits))))
    assert np.unique(found.entropy).tolist() == [entropy]


def test_a_label_above_255_is_kept(scan: Volume, describe_model: Describe) -> None:
    from model.bundle import BundleLabel

    model = describe_model(labels=(BundleLabel(1, "a", (0, 0, 0)), BundleLabel(300, "b", (0, 0, 0))))
    found = predict(scan, model, backend=answering(lambda x: _constant(x, torch.tensor([0.0, 1.0, 2.0]))))
    assert found.labels.dtype == np.uint16
    assert np.unique(found.labels).tolist() == [300]


# -- region ---------------------------------------------------------------------------------------------

REGION = Box((4, 10, 3), (25, 33, 24))


def test_outside_the_region_nothing_is_said(scan: Volume, tiny_model: Bundle) -> None:
    found = predict(scan, tiny_model, region=REGION)
    outside = np.ones(SHAPE, dtype=bool)
    outside[REGION.slices] = False
    assert found.labels.any()
    for array in (found.labels, found.entropy, *found.probabilities):
        assert not array[outside].any()
    assert found.provenance.region == REGION


def test_a_region_is_predicted_as_if_it_were_the_scan(scan: Volume, tiny_model: Bundle) -> None:
    """Normalisation, windows and attention know only what lies inside, in whatever order the file stores it."""
    alone = predict(scan.crop(REGION), tiny_model)
    found = predict(scan, tiny_model, region=REGION)
    assert np.array_equal(found.labels[REGION.slices], alone.labels)
    assert np.array_equal(found.attention[0].values, alone.attention[0].values)
    assert found.attention[0].grid.close_to(alone.attention[0].grid, 1e-9)

    turned = scan.reordered("RIP")
    box = scan.grid.reordering("RIP").apply_box(REGION)
    again = predict(turned, tiny_model, region=box)
    assert np.array_equal(scan.grid.reordering("RIP").undo(again.labels), found.labels)


def test_attention_covers_the_region_and_no_more_than_a_part_of_a_voxel_beyond(
    scan: Volume, tiny_model: Bundle
) -> None:
    (found,) = predict(scan, tiny_model, region=REGION).attention
    assert found.level == 2
    in_order = found.grid.reordering("LPS").apply_grid(found.grid)
    region = scan.grid.sub(REGION).reordering("LPS").apply_grid(scan.grid.sub(REGION))
    assert in_order.close_to(region.coarser((4, 4, 4)), 1e-9)
    assert in_order.shape == (6, 6, 6)


@pytest.mark.parametrize("box", [Box((30, 0, 0), (40, 5, 5)), Box((3, 3, 3), (3, 9, 9))])
def test_a_region_without_a_voxel_is_refused(scan: Volume, tiny_model: Bundle, box: Box) -> None:
    with pytest.raises(CannotPredict, match="holds no voxel"):
        predict(scan, tiny_model, region=box)


# -- spacing --------------------------------------------------------------------------------------------


def test_a_model_that_asks_for_a_spacing_gets_it_and_the_mask_lies_on_the_scan(
    describe_model: Describe,
) -> None:
    grid = Grid((20, 40, 44), (3.0, 1.5, 1.5))
    distance = np.linalg.norm(
        grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1)) - (33.0, 28.0, 30.0), axis=-1
    )
    ball = distance < 14
    seen: list[tuple[int, ...]] = []

    def threshold(x: Tensor) -> Tensor:
        seen.append(tuple(x.shape[2:]))
        return torch.cat([torch.zeros_like(x), 20 * x, torch.full_like(x, -50.0)], dim=1)

    model = describe_model(
        target_spacing=(2.0, 2.0, 2.0),
        intensity=Normalisation("window", 0.0, 100.0),
        window_size=(32, 32, 32),
    )
    volume = Volume((100 * ball).astype(np.int16), grid, DisplayHints(modality="MR"))
    found = predict(volume, model, backend=answering(threshold))
    assert seen == [(32, 32, 36)]
    overlap = 2 * ((found.labels == 1) & ball).sum() / ((found.labels == 1).sum() + ball.sum())
    assert overlap > 0.97
    centre = grid.to_mm(np.argwhere(found.labels == 1)).mean(axis=0)
    np.testing.assert_allclose(centre, (33.0, 28.0, 30.0), atol=0.15)


# -- whether, where and how -----------------------------------------------------------------------------


def test_a_scan_the_model_is_not_for_is_refused_with_the_reason(scan: Volume, ct_model: Bundle) -> None:
    with pytest.raises(CannotPredict, match="is for tests; this scan is MR"):
        predict(scan, ct_model)


def test_an_override_runs_and_is_marked(scan: Volume, ct_model: Bundle) -> None:
    origin = predict(scan, ct_model, override=True).provenance
    assert origin.overridden
    assert "this scan is MR" in origin.objection


def test_an_override_that_was_not_needed_is_not_marked(scan: Volume, tiny_model: Bundle) -> None:
    origin = predict(scan, tiny_model, override=True).provenance
    assert (origin.overridden, origin.objection) == (False, "")


def test_provenance_says_what_computed_where(scan: Volume, tiny_model: Bundle) -> None:
    origin = predict(scan, tiny_model, program_version="1.2").provenance
    assert (origin.bundle_name, origin.bundle_hash) == ("tiny", tiny_model.hash)
    assert (origin.program_version, origin.region) == ("1.2", None)
    assert origin.backend == f"torch {torch.__version__}, {devices.precision(devices.resolve())}"
    assert origin.device == devices.describe()
    assert origin.seconds > 0
    assert origin.created.endswith("+00:00")


def test_folding_batch_norm_changes_rounding_only(tiny_model: Bundle) -> None:
    x = np.random.default_rng(2).normal(size=(16, 20, 12)).astype(np.float32)
    folded = TorchBackend(load_network(tiny_model), "cpu").run(x)
    with torch.inference_mode():
        plain, _ = load_network(tiny_model).forward_with_attention(torch.from_numpy(x)[None, None])
    np.testing.assert_allclose(folded.logits, plain[0].numpy(), atol=1e-4)


def test_progress_never_goes_back_and_counts_windows(scan: Volume, tiny_model: Bundle) -> None:
    said: list[tuple[float, str]] = []
    predict(scan, tiny_model, report=lambda fraction, text: said.append((fraction, text)))
    fractions = [fraction for fraction, _ in said]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, pytest.approx(1.0))
    assert said[0][1] == "preparing the model"
    # 27 × 38 × 29 voxels in windows of 16, a stride of 4 and a quarter of overlap: 2 × 3 × 3.
    running = [*range(1, 19), 18]
    assert [text for _, text in said[1:]] == [f"window {n} of 18" for n in running]


@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_prediction_is_cancelled_within_one_window(
    scan: Volume, describe_model: Describe, after: int
) -> None:
    windows: list[int] = []

    def slow(x: Tensor) -> Tensor:
        windows.append(1)
        return _constant(x, torch.zeros(3))

    with pytest.raises(Cancelled):
        predict(scan, describe_model(), backend=answering(slow), cancelled=lambda: len(windows) >= after)
    assert len(windows) == after


def test_a_constant_scan_of_one_slice_is_predicted(tiny_model: Bundle) -> None:
    grid = Grid((1, 30, 17), (6.0, 1.0, 1.0))
    found = predict(Volume(np.full(grid.shape, 7, np.int16), grid, DisplayHints(modality="MR")), tiny_model)
    assert found.labels.shape == grid.shape
    assert found.attention[0].values.shape == (1, 8, 5)


def test_one_slice_of_a_scan_is_predicted_with_a_coefficient_per_gate_voxel(tiny_model: Bundle) -> None:
    grid = Grid((1, 33, 21), (6.0, 1.0, 1.0))
    values = _balls((20, 33, 21))[9:10]
    found = predict(Volume(values, grid, DisplayHints(modality="MR")), tiny_model)
    assert found.labels.any()
    assert found.attention[0].values.shape == (1, 9, 6)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 2), (2, 40, 3)])
def test_a_scan_smaller_than_a_window_along_any_axis_is_predicted(
    tiny_model: Bundle, shape: tuple[int, int, int]
) -> None:
    values = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    grid = Grid(shape, (8.0, 8.0, 8.0))
    found = predict(Volume(values, grid, DisplayHints(modality="MR")), tiny_model, override=True)
    assert found.labels.shape == shape
    assert found.attention[0].values.shape == tuple(-(-length // 4) for length in shape)


def test_a_constant_scan_says_the_same_everywhere_away_from_its_borders(describe_model: Describe) -> None:
    grid = Grid((56, 56, 56))
    volume = Volume(np.full(grid.shape, -3, np.int16), grid, DisplayHints(modality="MR"))
    found = predict(volume, describe_model(window_size=(64, 64, 64)), backend=_seeded(describe_model()))
    assert len(np.unique(found.probabilities[0][24:32, 24:32, 24:32])) == 1


def test_a_huge_spacing_is_refused_with_the_reason_and_works_on_request(tiny_model: Bundle) -> None:
    grid = Grid((20, 20, 20), (500.0, 500.0, 500.0))
    volume = Volume(_balls(grid.shape), grid, DisplayHints(modality="MR"))
    with pytest.raises(CannotPredict, match=r"500"):
        predict(volume, tiny_model)
    assert predict(volume, tiny_model, override=True).labels.shape == grid.shape


def test_a_huge_spacing_that_would_be_resampled_beyond_memory_is_refused(describe_model: Describe) -> None:
    """Resampled to 1 mm it would be 1,000 times as large along each axis."""
    grid = Grid((64, 64, 64), (1000.0, 1000.0, 1000.0))
    volume = Volume(np.zeros(grid.shape, np.int16), grid, DisplayHints(modality="MR"))
    model = describe_model(target_spacing=(1.0, 1.0, 1.0))
    with pytest.raises(CannotPredict, match="of memory"):
        predict(volume, model, override=True, backend=_Blank())


# -- faster, with the same answer -----------------------------------------------------------------------


def _counting(backend: TorchBackend, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The windows a back end is asked to look at, as they come."""
    looked: list[np.ndarray] = []
    run = backend.run

    def noted(window: np.ndarray, *, attention: bool = True) -> WindowResult:
        looked.append(window)
        return run(window, attention=attention)

    monkeypatch.setattr(backend, "run", noted)
    return looked


def test_windows_of_air_are_looked_at_once_and_the_prediction_is_the_same_bit_for_bit(
    describe_model: Describe, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = describe_model(intensity=Normalisation("window", 0.0, 400.0))
    values = np.random.default_rng(4).integers(-1100, -900, (16, 72, 60), dtype=np.int16)
    values[:, 44:60, 4:20] = _balls((16, 16, 16))
    volume = Volume(values, Grid(values.shape), DisplayHints(modality="MR"))
    backend = _seeded(model)
    looked = _counting(backend, monkeypatch)

    every = predict(volume, model, backend=backend, constants_once=False)
    of_one_value = sum(bool((window == window[0, 0, 0]).all()) for window in looked)
    in_all = len(looked)
    looked.clear()
    once = predict(volume, model, backend=backend)

    assert of_one_value > 5
    assert len(looked) == in_all - of_one_value + 1
    assert np.array_equal(once.labels, every.labels)
    assert np.array_equal(once.entropy, every.entropy)
    for mine, theirs in zip(once.probabilities, every.probabilities, strict=True):
        assert np.array_equal(mine, theirs)
    for mine, theirs in zip(once.attention, every.attention, strict=True):
        assert np.array_equal(mine.values, theirs.values)


def test_windows_of_different_constants_and_of_almost_one_are_looked_at_apart(
    describe_model: Describe, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = _seeded(describe_model())
    looked = _counting(backend, monkeypatch)
    once = ConstantsOnce(backend)
    almost = np.full((16, 16, 16), -1, np.float32)
    almost[5, 6, 7] = -0.5
    shapes = [np.full((16, 16, 16), value, np.float32) for value in (-1, -1, 1, 0.0, -0.0)]
    for window in (*shapes, np.full((16, 16, 8), -0.0, np.float32), almost, almost):
        wanted = backend.run(window).logits
        assert np.array_equal(once.run(window).logits, wanted)
    # Each was looked at once to know what is wanted, and all but the second of the -1 once more.
    assert len(looked) == 8 + 7


def test_a_prediction_without_maps_is_the_same_otherwise(scan: Volume, tiny_model: Bundle) -> None:
    whole, bare = predict(scan, tiny_model), predict(scan, tiny_model, attention=False)
    assert bare.attention == ()
    assert len(whole.attention) == 1
    assert np.array_equal(bare.labels, whole.labels)
    assert np.array_equal(bare.entropy, whole.entropy)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, "float32"),
        ({"avx2": True, "avx512_bf16": True, "amx_bf16": False}, "bfloat16"),
        ({"amx_bf16": True}, "bfloat16"),
        ({}, "float32"),
    ],
)
def test_bfloat16_is_taken_only_where_the_processor_has_it(
    found: dict[str, bool], wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    assert devices.precision("cpu") == wanted


def test_in_bfloat16_the_shipped_abdomen_keeps_its_mask_and_says_so(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the processor has none, torch computes the same numbers slowly; so the scan is small."""
    from model.bundle import read_bundle
    from model.phantoms import make_abdomen

    bundle = read_bundle(repository / "resources" / "models" / "phantom-abdomen")
    made = make_abdomen(3)
    middle = tuple(slice((length - 48) // 2, (length + 48) // 2) for length in made.values.shape)
    grid = Grid((48, 48, 48), made.spacing)
    volume = Volume(made.values[middle], grid, DisplayHints(modality="CT", synthetic=True))
    single = predict(volume, bundle, device="cpu", override=True)
    monkeypatch.setattr(devices, "precision", lambda device: "bfloat16")
    half = predict(volume, bundle, device="cpu", override=True)
    assert half.provenance.backend.endswith("bfloat16")
    assert not np.array_equal(half.entropy, single.entropy)
    mine, theirs = half.labels > 0, single.labels > 0
    assert theirs.sum() > 1000
    assert 2 * (mine & theirs).sum() / (mine.sum() + theirs.sum()) >= 0.995


# -- what goes wrong ------------------------------------------------------------------------------------


def test_a_wrong_shape_is_refused_in_a_sentence(scan: Volume, describe_model: Describe) -> None:
    with pytest.raises(CannotPredict, match=r"tiny answered with an array of shape \(2, 16, 16, 16\)"):
        predict(scan, describe_model(), backend=answering(lambda x: torch.cat([x, x], dim=1)))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_answer_that_is_no_number_is_refused_in_a_sentence(
    scan: Volume, describe_model: Describe, value: float
) -> None:
    def answer(x: Tensor) -> Tensor:
        logits = _constant(x, torch.zeros(3))
        logits[0, 1, 2, 3, 4] = value
        return logits

    with pytest.raises(CannotPredict, match="not numbers"):
        predict(scan, describe_model(), backend=answering(answer))


def test_memory_that_runs_out_is_a_sentence(scan: Volume, describe_model: Describe) -> None:
    def fail(x: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    with pytest.raises(
        CannotPredict, match=r"memory of CPU, \d+ threads? ran out on a window of 16 × 16 × 16"
    ):
        predict(scan, describe_model(), backend=answering(fail))


def test_memory_that_the_cpu_does_not_give_is_a_sentence(scan: Volume, describe_model: Describe) -> None:
    with pytest.raises(CannotPredict, match="ran out"):
        predict(scan, describe_model(), backend=answering(lambda x: torch.empty(1 << 60)))


def test_another_failure_of_the_network_is_not_hidden(scan: Volume, describe_model: Describe) -> None:
    with pytest.raises(RuntimeError, match="size of tensor"):
        predict(scan, describe_model(), backend=answering(lambda x: torch.ones(2) + torch.ones(3)))


@pytest.mark.parametrize("device", ["cuda", "tpu"])
def test_a_device_that_is_not_there_is_a_sentence(
    scan: Volume, tiny_model: Bundle, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CannotPredict, match=r"CUDA; choose the device cpu|no device 'tpu'"):
        predict(scan, tiny_model, device=device)


def test_what_would_not_fit_is_refused_with_both_numbers(
    scan: Volume, tiny_model: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "available_bytes", lambda: 10_000_000)
    with pytest.raises(CannotPredict, match=r"needs about 0\.\d GB of memory, 0\.0 GB are free"):
        predict(scan, tiny_model)


def test_where_the_system_does_not_tell_its_memory_it_is_tried(
    scan: Volume, tiny_model: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "available_bytes", lambda: None)
    assert predict(scan, tiny_model).labels.any()


def test_this_system_tells_its_memory() -> None:
    available = devices.available_bytes()
    assert available is not None
    assert 1 << 20 < available < 1 << 50


@pytest.mark.parametrize(
    "changes",
    [
        {"intensity": Normalisation("window", 0.0, 400.0)},
        {"intensity": Normalisation("per-volume", 1.0, 99.0)},
        {"intensity": Normalisation("window", 0.0, 400.0), "target_spacing": (1.5, 1.5, 1.5)},
    ],
)
def test_the_estimate_covers_what_the_arrays_take(
    describe_model: Describe, changes: dict[str, object]
) -> None:
    model = describe_model(window_size=(32, 64, 64), **changes)
    volume = Volume(_balls((120, 160, 160)), Grid((120, 160, 160)), DisplayHints(modality="MR"))
    tracemalloc.start()
    try:
        predict(volume, model, backend=_Blank())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    network = inference.estimate_bytes(Grid((16, 16, 16)), model)
    estimate = inference.estimate_bytes(volume.grid, model)
    assert peak < estimate < 3 * peak + network


def test_a_small_region_of_a_large_scan_needs_little(tiny_model: Bundle) -> None:
    grid = Grid((300, 512, 512))
    box = Box((100, 200, 200), (150, 260, 250))
    assert inference.estimate_bytes(grid, tiny_model, box) < inference.estimate_bytes(grid, tiny_model) / 3


class _Blank:
    """A back end that says background everywhere and takes next to no memory of its own."""

    name, device, coarsest_stride = "blank", "none", 4

    def run(self, window: np.ndarray, *, attention: bool = True) -> WindowResult:
        return WindowResult(np.broadcast_to(np.float32(0), (3, *window.shape)), ())


def _constant(x: Tensor, logits: Tensor) -> Tensor:
    return logits.view(1, -1, 1, 1, 1).expand(1, len(logits), *x.shape[2:]).clone()


def _seeded(model: Bundle) -> TorchBackend:
    from model.networks import build

    torch.manual_seed(7)
    return TorchBackend(build(model.architecture, widths=model.widths, classes=model.classes), "cpu")
