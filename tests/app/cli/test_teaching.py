"""What was corrected teaches: an export that `train` accepts, and a new model that predicts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from model.scan_io import read_labels
from tests.app.cli.conftest import CommandLine
from tests.app.controllers.conftest import Bench, MakeBench, bench, make_bench  # noqa: F401 - fixtures


def test_corrections_are_exported_trained_on_and_the_new_model_predicts(
    gatelens: CommandLine,
    make_bench: MakeBench,  # noqa: F811
    workspace_folder: Path,
    scans: Path,
    tmp_path: Path,
) -> None:
    reader: Bench = make_bench()
    reader.open(workspace_folder)
    expected: dict[str, np.ndarray] = {}
    for _ in range(3):
        session = reader.desk.session
        assert session is not None
        reader.predict()
        empty = np.argwhere(session.labels == 0)[0]
        reader.stroke(tuple(float(v) for v in empty))  # type: ignore[arg-type]
        expected[session.case.name] = session.labels.copy()
        reader.controllers.reviewing.accept()
        reader.wait()
    reader.controllers.shutdown()

    data = tmp_path / "data"
    assert gatelens("workspace", "export", workspace_folder, "--format", "msd", "--out", data, "--json") == 0
    assert json.loads(gatelens.out)["cases"] == 3
    described = json.loads((data / "dataset.json").read_text(encoding="utf-8"))
    assert described["labels"]["1"] == "core"
    assert len(described["training"]) == 3
    for name, labels in expected.items():
        assert np.array_equal(read_labels(data / "labelsTr" / f"{name}.nii.gz").labels, labels)

    model = tmp_path / "new-model"
    code = gatelens(
        *("train", "--data", data, "--out", model, "--steps", 2, "--widths", "4,6,8"),
        *("--patch", "16,16,16", "--batch", 1, "--threads", 1, "--seed", 1, "--events"),
    )
    assert code == 0, gatelens.err
    events = [json.loads(line) for line in gatelens.out.splitlines()]
    assert events[-1]["kind"] == "done"

    assert gatelens("predict", scans / "blob_1.nii.gz", "--model", model, "--out", tmp_path / "out") == 0, (
        gatelens.err
    )
    assert read_labels(tmp_path / "out" / "blob_1" / "labels.nii.gz").labels.shape == (20, 24, 28)
    assert gatelens("evaluate", "--model", model, "--data", data, "--json") == 0, gatelens.err
    judged = json.loads(gatelens.out)
    assert set(judged["labels"]) == {"core", "rim"}
    assert 0 <= judged["labels"]["core"]["dice"]["mean"] <= 1
    assert gatelens("evaluate", "--pred", tmp_path / "out", "--ref", tmp_path / "out", "--json") == 0, (
        gatelens.err
    )
    assert json.loads(gatelens.out)["cases"]
