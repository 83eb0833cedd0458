"""A small workspace of three generated scans, a tiny seeded network, and controllers pumped by the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from app.controllers import Controllers, make_controllers
from app.controllers.workspaces import make_workspace
from app.core.messages import Message
from app.jobs.runner import Mailbox
from app.store.settings import Settings
from model.applicability import AppliesTo
from model.bundle import Bundle as BundleOnDisk
from model.bundle import BundleLabel, Normalisation, write_bundle
from model.grid import Grid
from model.scan_io import write_scan
from model.volume import DisplayHints, Volume


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained Attention U-Net of a few hundred weights whose mask is not empty."""
    import torch

    from model.networks import build

    torch.manual_seed(3)
    network = build("attention-unet", widths=(4, 6, 8), classes=3)
    with torch.no_grad():
        network.output.fuse.bias[0] += 0.42  # type: ignore[union-attr]  # about half of a scan becomes background
    folder = tmp_path_factory.mktemp("models") / "tiny"
    write_bundle(
        folder,
        BundleOnDisk(
            name="tiny",
            architecture="attention-unet",
            widths=(4, 6, 8),
            channels=1,
            classes=3,
            deep_supervision=True,
            labels=(BundleLabel(1, "core", (200, 80, 80)), BundleLabel(2, "rim", (80, 160, 220))),
            orientation="LPS",
            target_spacing=None,
            intensity=Normalisation("window", -200, 300),
            window_size=(16, 16, 16),
            modality="CT",
            applies_to=AppliesTo("small generated scans", (0.5, 5.0), (10.0, 200.0)),
            training_data="none; the weights are random",
            licence="Apache-2.0",
            command="made by a test",
            seed=3,
        ),
        network.state_dict(),
    )
    return folder


def write_blob_scan(path: Path, seed: int, shape: tuple[int, int, int] = (20, 24, 28)) -> Path:
    """A generated CT of a bright ball in noise, anisotropic, unlike any other seed."""
    rng = np.random.default_rng(seed)
    z, y, x = np.indices(shape)
    ball = (z - 10) ** 2 + (y - 12 - seed % 3) ** 2 + (x - 14) ** 2 < 36
    values = (rng.normal(-100, 20, shape) + 250 * ball).astype(np.int16)
    grid = Grid(shape, (2.0, 1.0, 1.5), (10.0, -20.0, 30.0))
    write_scan(path, Volume(values, grid, DisplayHints(modality="CT", synthetic=True)))
    return path


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    for seed in (1, 2, 3):
        write_blob_scan(folder / f"blob_{seed}.nii.gz", seed)
    return folder


@pytest.fixture
def workspace_folder(tmp_path: Path, scans: Path, tiny_bundle: Path) -> Path:
    folder = tmp_path / "W"
    summary = make_workspace(folder, [scans], str(tiny_bundle))
    assert len(summary.added) == 3
    return folder


class Bench:
    """Controllers with a mailbox: verbs, then wait for what they come to."""

    def __init__(self, controllers: Controllers, mailbox: Mailbox) -> None:
        self.controllers = controllers
        self.desk = controllers.desk
        self.mailbox = mailbox
        self.messages: list[Message] = []
        self.desk.events.message.subscribe(self.messages.append)

    def wait(self, condition: Callable[[], bool] | None = None, seconds: float = 30) -> None:
        """Until `condition` holds, or everything asked for has been answered."""
        self.mailbox.pump_until(condition or (lambda: self.desk.runner.is_idle), seconds)

    def open(self, folder: Path, *, ahead: bool = False) -> None:
        if not ahead:
            self.controllers.opening.after_opening = lambda: None
            self.controllers.predicting.after_predicting = lambda: None
        self.controllers.opening.open_workspace(folder)
        self.wait()
        assert self.desk.session is not None, self.texts

    def predict(self) -> None:
        self.controllers.predicting.predict()
        self.wait()
        assert self.desk.session is not None
        assert self.desk.session.prediction is not None, self.texts

    def stroke(self, *voxels: tuple[float, float, float], tool: str = "brush") -> None:
        from app.core.planes import Plane

        editing = self.controllers.editing
        editing.set_tool(tool)
        editing.begin_stroke(Plane.AXIAL, voxels[0])
        for voxel in voxels[1:]:
            editing.extend_stroke(voxel)
        editing.end_stroke()

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]


MakeBench = Callable[[], Bench]


@pytest.fixture
def make_bench() -> Iterator[MakeBench]:
    made: list[Bench] = []

    def make() -> Bench:
        mailbox = Mailbox()
        bench = Bench(make_controllers(mailbox.deliver, Settings(reader="Dr. Test")), mailbox)
        made.append(bench)
        return bench

    yield make
    for bench in made:
        bench.controllers.shutdown()


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()
