"""The same job on scans of people: a workspace from the command line, all predicted, three cases toured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.cli.main import main
from app.composition import open_window
from app.controllers.starting import TourRequest, WindowStart
from model.scan_io import read_labels, read_scan

pytestmark = [pytest.mark.real_data, pytest.mark.usefixtures("qapp")]

SCANS = ("hippocampus_001", "hippocampus_003", "hippocampus_004", "hippocampus_006")


def test_three_real_scans_are_read_predicted_corrected_and_saved(tmp_path: Path, real_data: Path) -> None:
    images = real_data / "hippocampus_mr" / "images"
    folder, out = tmp_path / "W", tmp_path / "tour"
    scans = [word for name in SCANS for word in ("--scans", str(images / f"{name}.nii.gz"))]
    assert main(["workspace", "new", str(folder), *scans, "--model", "hippocampus-t1"], lambda start: 1) == 0
    assert main(["workspace", "predict", str(folder)], lambda start: 1) == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    code = open_window(WindowStart(tour=TourRequest(folder, out, cases=3)))

    told = json.loads((out / "tour.json").read_text(encoding="utf-8"))
    assert [step for step in told["steps"] if not step["ok"]] == []
    assert (code, told["ok"]) == (0, True)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [case["case"] for case in told["cases"]] == list(SCANS[:3])
    for case in told["cases"]:
        grid = read_scan(images / f"{case['case']}.nii.gz").volume.grid
        saved = read_labels(out / case["saved_label"], like=grid).labels
        ml = np.count_nonzero(saved) * grid.voxel_mm3 / 1000
        assert 1.5 < ml < 6
        assert case["changed_voxels"] == case["painted_voxels"] > 0
