"""What `bench inference` compares is comparable: same weights, same masks, honest rows; never how fast it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from model.bench import inference
from model.bench.inference import MonaiPeer, Setting, measure
from model.bench.peak_memory import peak_bytes_of_child
from model.bench.rows import Row, Table, median_row
from model.bench.scans import abdomen, published_model
from model.bundle import load_network
from model.errors import Cancelled
from model.inference import predict

# One window a side: where windows overlap, MONAI raises the least weights of its Gaussian and ours does not.
TINY = Setting(size=(16, 24, 24), window=(16, 16, 16), widths=(4, 6, 8), threads=1, repeats=2, device="cpu")


@pytest.fixture(scope="module")
def table() -> Table:
    """Gives all rows of a tiny scan and network."""
    return measure(TINY)


def test_every_row_has_the_form_of_the_design(table: Table) -> None:
    shown = table.to_json()
    rows = shown["rows"]
    assert isinstance(rows, list)
    assert [row["name"] for row in rows] == [
        "whole-scan",
        "whole-scan-tuned",
        "whole-scan-tuned-all-windows",
        "attention-overhead",
        "attention-memory",
    ]
    for row in rows:
        assert set(row) == {"name", "ours", "peer", "peer_name", "unit", "ratio"}
        assert row["ours"] > 0
        assert row["ratio"] == pytest.approx(row["ours"] / row["peer"])
    machine = shown["machine"]
    assert isinstance(machine, dict)
    assert (machine["threads"], machine["device"]) == (1, "CPU, 1 thread")
    assert "load_average" in machine


def test_the_peer_says_what_it_was_given(table: Table) -> None:
    names = {row.name: row.peer_name for row in table.rows}
    assert "float32, as it comes" in names["whole-scan"]
    assert "channels_last" in names["whole-scan-tuned"]
    assert "bfloat16" in names["whole-scan-tuned"]


def test_both_sides_have_the_same_weights_and_the_peer_no_folding(tmp_path: Path) -> None:
    bundle = published_model(tmp_path / "model", (16, 16, 16), widths=(4, 6, 8))
    state, wanted = (
        MonaiPeer(bundle, "cpu", tuned=False).network.state_dict(),
        load_network(bundle).state_dict(),
    )
    assert state.keys() == wanted.keys()
    assert all(torch.equal(state[name], wanted[name]) for name in wanted)
    assert any("running_mean" in name for name in state)


@pytest.mark.parametrize("tuned", [False, True])
def test_either_peer_agrees_with_a_prediction_over_several_windows(tmp_path: Path, tuned: bool) -> None:
    bundle = published_model(tmp_path / "model", (16, 16, 16), widths=(4, 6, 8))
    volume = abdomen((16, 28, 40))
    mine = predict(volume, bundle, device="cpu").labels
    theirs = MonaiPeer(bundle, "cpu", tuned=tuned).labels(volume)
    assert len(np.unique(mine)) > 1
    assert (mine == theirs).mean() >= 0.99


def test_the_generated_scan_has_air_about_a_body() -> None:
    values = abdomen((96, 160, 160)).values
    assert (values[:, 0, 0] < -900).all()
    assert np.abs(values[48, 80, 60:100]).max() < 900
    assert abdomen((200, 300, 20)).values.shape == (200, 300, 20)


def test_a_row_is_the_ratio_of_medians() -> None:
    row = median_row("name", [1.0, 2.0, 9.0], [4.0, 8.0, 5.0], "peer", "s")
    assert (row.ours, row.peer, row.ratio) == (2.0, 5.0, 0.4)
    assert np.isnan(Row("name", 1.0, 0.0, "peer", "s").ratio)


def test_peak_memory_counts_the_prediction_and_not_torch(tmp_path: Path) -> None:
    bundle = published_model(tmp_path / "model", (16, 16, 16), widths=(4, 6, 8))
    np.save(tmp_path / "scan.npy", abdomen((48, 128, 128)).values)
    taken = peak_bytes_of_child(tmp_path / "model", tmp_path / "scan.npy", attention=True, threads=1)
    # Labels, three probabilities, entropy and a slab of logits, in a process that starts at 200 MB and more.
    assert 5 * 48 * 128 * 128 < taken < 100_000_000
    assert bundle.classes == 4


def test_a_cancelled_measurement_stops_and_gives_the_threads_back() -> None:
    before = torch.get_num_threads()
    with pytest.raises(Cancelled):
        measure(TINY, cancelled=lambda: True)
    assert torch.get_num_threads() == before
    assert inference.Setting().repeats >= 5


BARE = """
import sys

BLOCKED = {"scipy", "SimpleITK", "pydicom", "monai", "nibabel", "lightning_fabric", "PySide6", "app"}

class Only:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ImportError(f"{name} is not on this machine")
        if name.startswith("model.") and not name.startswith(("model.networks", "model.grid", "model.errors")):
            raise ImportError(f"{name} is more than the networks")

sys.meta_path.insert(0, Only())
import runpy
sys.argv[0] = SCRIPT
runpy.run_path(SCRIPT, run_name="__main__")
"""


SMALL = ("--size", "16,32,16", "--time-size", "16,16,16", "--repeats", "1")


def test_the_check_of_cuda_runs_on_a_bare_machine_and_without_cuda(repository: Path) -> None:
    script = str(repository / "tests" / "bench" / "cuda_check.py")
    done = subprocess.run(
        [sys.executable, "-P", "-c", BARE.replace("SCRIPT", repr(script)), *SMALL],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "has no CUDA" in done.stdout
    for model in ("hippocampus-t1", "phantom-abdomen"):
        assert f"{model}: cpu, folded, float32" in done.stdout
    assert "16×16×16, widths 16 to 256, cpu, float32" in done.stdout
