"""A bundle on disk: written, read back, and refused when it is anything else."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from model.applicability import AppliesTo
from model.bundle import (
    Bundle,
    HistoryMap,
    bundle_hash,
    find_bundles,
    load_network,
    read_bundle,
    write_bundle,
    write_validation,
)
from model.errors import BundleError
from model.grid import Box, Grid
from model.networks import build
from model.normalisation import Normalisation
from model.validation_table import Validation, ValidationRow
from model.volume import DisplayHints, Volume

Describe = Callable[..., Bundle]


@pytest.fixture
def folder(tiny_model: Bundle, tmp_path: Path) -> Path:
    """Gives a copy of the tiny model that a test may damage."""
    return Path(shutil.copytree(tiny_model.path, tmp_path / "tiny"))


def rewrite(folder: Path, **changes: object) -> None:
    file = folder / "bundle.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_what_was_written_is_read_back(describe_model: Describe, tmp_path: Path) -> None:
    described = describe_model(
        target_spacing=(3.0, 2.0, 1.0),
        validation=Validation("ten", (ValidationRow("head", 0.9, 0.1, 0.5, 10),), (0.1,)),
    )
    network = build("attention-unet", widths=described.widths, classes=3)
    entry = HistoryMap("step000010_level2_gate1.npy", 10, 2, 1)
    history = {entry: np.arange(24, dtype=np.uint8).reshape(2, 3, 4)}

    written = write_bundle(tmp_path / "model", described, network.state_dict(), history)

    assert read_bundle(tmp_path / "model") == written
    assert replace(written, path=Path(), hash="", attention_history=()) == described
    np.testing.assert_array_equal(written.read_history(entry), history[entry])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model"]


def test_loaded_weights_give_the_logits_of_the_network_that_was_written(
    describe_model: Describe, tmp_path: Path
) -> None:
    described = describe_model()
    torch.manual_seed(1)
    network = build("attention-unet", widths=described.widths, classes=3).half().float().eval()
    x = torch.randn(1, 1, 8, 8, 8)

    loaded = load_network(write_bundle(tmp_path / "model", described, network.state_dict()))

    with torch.no_grad():
        torch.testing.assert_close(loaded(x), network(x))
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_the_identity_covers_description_and_weights_but_not_the_validation(folder: Path) -> None:
    before = read_bundle(folder).hash
    assert len(before) == 64
    write_validation(folder, Validation("others"))
    assert read_bundle(folder).hash == before
    assert read_bundle(folder).validation.data == "others"
    rewrite(folder, seed=5)
    assert bundle_hash(folder) != before


def test_reading_a_bundle_does_not_import_torch(folder: Path) -> None:
    code = "import sys; from pathlib import Path; from model.bundle import read_bundle; "
    code += "read_bundle(Path(sys.argv[1])); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, folder], check=False).returncode == 0


def test_a_bundle_is_never_written_over_another(describe_model: Describe, folder: Path) -> None:
    network = build("attention-unet", widths=(4, 6, 8), classes=3)
    with pytest.raises(BundleError, match="not empty"):
        write_bundle(folder, describe_model(), network.state_dict())


def test_bundles_are_found_by_name_in_several_folders(tiny_model: Bundle, tmp_path: Path) -> None:
    shutil.copytree(tiny_model.path, tmp_path / "b")
    shutil.copytree(tiny_model.path, tmp_path / "a")
    rewrite(tmp_path / "a", name="another")
    (tmp_path / "notes").mkdir()
    assert [bundle.name for bundle in find_bundles(tmp_path, tmp_path / "missing")] == ["another", "tiny"]


@pytest.mark.parametrize("name", ["bundle.json", "weights.safetensors"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BundleError, match=f"lacks {name}"):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["model.pt", "attention_history/extra.npy", ".hidden", "weights.pkl"])
def test_a_foreign_file_is_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x")
    with pytest.raises(BundleError, match=name.split("/")[0]):
        read_bundle(folder)


def test_a_link_out_of_the_bundle_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "validation.json").unlink()
    (folder / "validation.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match=r"validation\.json"):
        read_bundle(folder)


class _Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("executed"),))


def test_a_pickle_named_weights_is_refused_and_not_executed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (folder / "weights.safetensors").write_bytes(pickle.dumps(_Trap()))
    with pytest.raises(BundleError, match="Pickles are not read"):
        read_bundle(folder)
    torch.save({"a": torch.ones(1)}, folder / "weights.safetensors")
    with pytest.raises(BundleError, match="Pickles are not read"):
        read_bundle(folder)
    assert not (tmp_path / "executed").exists()


def test_cut_off_weights_are_refused_at_every_length(folder: Path) -> None:
    file = folder / "weights.safetensors"
    whole = file.read_bytes()
    for length in (0, 7, 8, 100, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(BundleError, match=r"weights\.safetensors"):
            read_bundle(folder)
    file.write_bytes(whole + b"\0")
    with pytest.raises(BundleError, match=r"weights\.safetensors"):
        read_bundle(folder)


def header_of(file: Path) -> dict[str, dict[str, object]]:
    raw = file.read_bytes()
    return dict(json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")]))


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "F8_SPECIAL"},
        {"shape": [10**12, 10**12]},
        {"shape": [-1]},
        {"data_offsets": [0]},
        {"data_offsets": [4, 2]},
        {"data_offsets": [0, True]},
    ],
)
def test_a_header_that_claims_what_the_file_does_not_hold_is_refused(
    folder: Path, change: dict[str, object]
) -> None:
    file = folder / "weights.safetensors"
    header, name = header_of(file), "encoder.blocks.0.0.bias"
    header[name] = header[name] | change
    raw = json.dumps(header).encode()
    body = file.read_bytes()
    body = body[8 + int.from_bytes(body[:8], "little") :]
    file.write_bytes(len(raw).to_bytes(8, "little") + raw + body)
    with pytest.raises(BundleError, match=r"weights\.safetensors"):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "schema 2"),
        ({"architecture": "os.system"}, "architecture"),
        ({"widths": [4, 6.5, 8]}, "widths"),
        ({"widths": [4, 6, 10**9]}, "widths"),
        ({"classes": 7}, "classes"),
        ({"orientation": "LPP"}, "orientation"),
        ({"window_size": [16, 16, 15]}, "window_size"),
        ({"intensity": {"kind": "eval", "low": 0, "high": 1}}, "intensity.kind"),
        ({"intensity": {"kind": "window", "low": 1, "high": 1}}, "intensity"),
        ({"target_spacing_mm": [1, 1, 0]}, "target_spacing_mm"),
        ({"labels": []}, "classes"),
        ({"attention_history": [{"file": "../../x.npy", "step": 0, "level": 2, "gate": 1}]}, "bare name"),
        (
            {"attention_history": [{"file": "x.npy", "step": 0, "level": 2, "gate": 1}]},
            r"lacks attention_history/x\.npy",
        ),
        ({"applies_to": {"description": "x"}}, "spacing_mm"),
        ({"seed": "one"}, "seed"),
    ],
)
def test_a_wrong_field_is_refused_by_name(folder: Path, change: dict[str, object], words: str) -> None:
    rewrite(folder, **change)
    with pytest.raises(BundleError, match=words):
        read_bundle(folder)


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", "\udcff", "[" * 100_000])
def test_a_description_that_is_no_json_object_is_refused(folder: Path, text: str) -> None:
    (folder / "bundle.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BundleError, match=r"bundle\.json"):
        read_bundle(folder)


def test_weights_of_another_network_are_refused_by_name(folder: Path) -> None:
    file = folder / "weights.safetensors"
    tensors = load_file(file)
    cases = {
        "lacks 'gating.0.bias'": {name: t for name, t in tensors.items() if name != "gating.0.bias"},
        "holds 'extra'": tensors | {"extra": torch.ones(2).half()},
        "shape": tensors | {"gating.0.bias": torch.ones(2).half()},
        "not finite": tensors | {"gating.0.bias": torch.full_like(tensors["gating.0.bias"], float("nan"))},
    }
    for words, changed in cases.items():
        save_file(changed, file)
        with pytest.raises(BundleError, match=words):
            load_network(read_bundle(folder))
    save_file(tensors | {"gating.0.bias": torch.ones(8, dtype=torch.int64)}, file)
    with pytest.raises(BundleError, match="another type"):
        read_bundle(folder)


def test_a_kept_map_that_is_no_plain_array_is_refused(describe_model: Describe, tmp_path: Path) -> None:
    network = build("attention-unet", widths=(4, 6, 8), classes=3)
    entry = HistoryMap("map.npy", 0, 2, 1)
    bundle = write_bundle(
        tmp_path / "m", describe_model(), network.state_dict(), {entry: np.zeros((1, 2, 3), np.uint8)}
    )
    np.save(tmp_path / "m/attention_history/map.npy", np.array([_Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(BundleError, match=r"map\.npy"):
        bundle.read_history(entry)
    np.save(tmp_path / "m/attention_history/map.npy", np.zeros((2, 2), np.uint8))
    with pytest.raises(BundleError, match=r"map\.npy"):
        bundle.read_history(entry)


# -- intensities -----------------------------------------------------------------------------------------------


def test_a_window_becomes_minus_one_to_one_and_is_clipped() -> None:
    values = np.array([-1000, -160, 40, 240, 3000], dtype=np.int16)
    np.testing.assert_allclose(Normalisation("window", -160, 240).apply(values), [-1, -1, 0, 1, 1])


def test_a_volume_is_normalised_by_itself_whatever_its_unit() -> None:
    values = np.random.default_rng(0).gamma(2.0, size=(12, 12, 12)).astype(np.float32)
    one = Normalisation("per-volume", 0.5, 99.5).apply(values)
    other = Normalisation("per-volume", 0.5, 99.5).apply(values * 7e4 + 1e5)
    assert abs(float(one.mean())) < 1e-5
    assert float(one.std()) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(one, other, atol=1e-2)


@pytest.mark.parametrize("value", [0.0, 1e6, np.nan])
def test_a_constant_volume_becomes_zeros_and_nothing_is_divided_by_zero(value: float) -> None:
    flat = np.full((4, 4, 4), value, dtype=np.float32)
    np.testing.assert_array_equal(Normalisation("per-volume", 0.5, 99.5).apply(flat), np.zeros((4, 4, 4)))


def test_a_nan_does_not_spread() -> None:
    values = np.linspace(0, 100, 64, dtype=np.float32).reshape(4, 4, 4)
    values[0, 0, 0], values[0, 0, 1], values[3, 3, 3] = np.nan, -np.inf, np.inf
    assert np.isfinite(Normalisation("per-volume", 0.5, 99.5).apply(values)).all()
    assert np.isfinite(Normalisation("window", 0, 50).apply(values)).all()


# -- where a model applies -------------------------------------------------------------------------------------


def scan(
    shape: tuple[int, int, int],
    spacing: float,
    *,
    air: float = 0.0,
    modality: str | None = None,
    synthetic: bool = False,
) -> Volume:
    values = np.full(shape, 50, dtype=np.int16)
    values[: shape[0] // 4] = int(air)
    return Volume(values, Grid(shape, (spacing,) * 3), DisplayHints(modality=modality, synthetic=synthetic))


@pytest.fixture
def for_crops(describe_model: Describe) -> Bundle:
    """Gives a model for small MR crops."""
    return describe_model(applies_to=AppliesTo("MR cropped round one hippocampus", (0.4, 1.6), (20.0, 80.0)))


@pytest.fixture
def for_phantoms(describe_model: Describe) -> Bundle:
    """Gives a model for generated CT."""
    return describe_model(
        modality="CT", applies_to=AppliesTo("generated CT", (1.0, 6.0), (60.0, 500.0), synthetic_only=True)
    )


def test_a_small_mr_crop_fits_surely_where_the_file_says_mr_and_likely_where_it_says_nothing(
    for_crops: Bundle,
) -> None:
    sure = for_crops.check_scan(scan((35, 51, 36), 1.0, modality="MR"))
    likely = for_crops.check_scan(scan((35, 51, 36), 1.0))
    assert (sure.applies, sure.certainty) == (True, "certain")
    assert (likely.applies, likely.certainty) == (True, "likely")
    assert "names no modality" in likely.reason


def test_a_ct_is_refused_by_an_mr_model_by_its_file_or_by_its_air(for_crops: Bundle) -> None:
    said = for_crops.check_scan(scan((40, 40, 40), 1.0, modality="CT"))
    seen = for_crops.check_scan(scan((40, 40, 40), 1.0, air=-1000))
    told = for_crops.check_scan(scan((40, 40, 40), 1.0), modality="CT")
    assert (said.applies, said.certainty) == (False, "certain")
    assert (seen.applies, seen.certainty) == (False, "likely")
    assert "looks like CT" in seen.reason
    assert not told.applies


def test_a_whole_head_needs_a_region_box(for_crops: Bundle) -> None:
    head = scan((200, 210, 180), 1.0, modality="MR")
    whole = for_crops.check_scan(head)
    assert not whole.applies
    assert "region box" in whole.reason
    assert for_crops.check_scan(head, region=Box((10, 10, 10), (50, 70, 50))).applies
    assert not for_crops.check_scan(head, region=Box((10, 10, 10), (15, 70, 50))).applies
    assert not for_crops.check_scan(head, region=Box((10, 10, 10), (10, 70, 50))).applies


def test_coarse_voxels_are_refused_with_both_figures(for_crops: Bundle) -> None:
    verdict = for_crops.check_scan(scan((12, 12, 12), 5.0, modality="MR"))
    assert not verdict.applies
    assert "0.4 to 1.6 mm" in verdict.reason
    assert "5 × 5 × 5 mm" in verdict.reason


def test_a_model_of_generated_scans_applies_to_those_alone(for_phantoms: Bundle) -> None:
    made = scan((96, 128, 128), 3.0, air=-1000, modality="CT", synthetic=True)
    real = scan((96, 128, 128), 3.0, air=-1000, modality="CT")
    assert for_phantoms.check_scan(made).applies
    verdict = for_phantoms.check_scan(real)
    assert (verdict.applies, verdict.certainty) == (False, "certain")
    assert "not marked as generated" in verdict.reason


def test_every_reason_is_one_sentence(for_crops: Bundle, for_phantoms: Bundle) -> None:
    scans = [
        scan((40, 40, 40), mm, air=air, synthetic=s)
        for mm in (1.0, 9.0)
        for air in (0, -900)
        for s in (False, True)
    ]
    for model in (for_crops, for_phantoms):
        for volume in scans:
            reason = model.check_scan(volume).reason
            assert reason.startswith("Model tiny ")
            assert reason.endswith(".")
            assert ". " not in reason
