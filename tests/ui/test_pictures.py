"""Makes the pictures of README and docs from the demo's generated scans: `make pictures`. None shows a person."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from app.composition import open_window
from app.controllers.demo import make_demo_workspace
from app.controllers.starting import TourRequest, WindowStart

pytestmark = [pytest.mark.pictures, pytest.mark.timeout(900), pytest.mark.usefixtures("qapp")]

WANTED = {
    "planes": "planes.png",
    "mask": "mask.png",
    "attention_level2_gate1": "attention.png",
    "brush": "brush.png",
    "accept": "accepted.png",
}


def test_the_pictures_of_the_documents_are_made_by_the_tour(tmp_path: Path, repository: Path) -> None:
    make_demo_workspace(tmp_path / "demo")
    out = tmp_path / "tour"
    assert open_window(WindowStart(tour=TourRequest(tmp_path / "demo", out, cases=1))) == 0
    steps = {step["name"]: step["picture"] for step in json.loads((out / "tour.json").read_text())["steps"]}
    pictures = repository / "docs" / "pictures"
    pictures.mkdir(exist_ok=True)
    for step, name in WANTED.items():
        shutil.copyfile(out / steps[step], pictures / name)
    assert {path.name for path in pictures.glob("*.png")} == set(WANTED.values())
