"""A workspace with tiny scans, for the tests of the store."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from app.core.base import Base, labels_sha256
from app.core.labels import LabelEntry, LabelTable
from app.core.review import CaseState
from app.store import workspace as workspaces
from app.store.decisions import DecisionRecord
from app.store.label_version import LabelVersion, VersionInfo
from app.store.review_store import CaseRow, NewCase
from app.store.workspace import Workspace
from model.attention import AttentionMap
from model.bundle import BundleLabel
from model.grid import Grid
from model.prediction import Prediction, Provenance
from model.scan_io import read_scan, write_scan
from model.volume import DisplayHints, Volume

GRID = Grid((4, 5, 6), (2.0, 1.5, 1.0), (10.0, -20.0, 30.0))
TABLE = LabelTable("abdomen", (LabelEntry(1, "liver", (200, 80, 60)), LabelEntry(2, "spleen", (90, 60, 200))))

AddCase = Callable[..., CaseRow]
Save = Callable[..., LabelVersion]


@pytest.fixture(scope="session")
def _made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives a new workspace that every test copies: making one anew each time costs most of these tests' time."""
    folder = tmp_path_factory.mktemp("made") / "W"
    workspaces.create(folder, [TABLE]).close()
    return folder


@pytest.fixture
def workspace(_made_once: Path, tmp_path: Path) -> Iterator[Workspace]:
    """Gives an empty workspace with one label table."""
    shutil.copytree(_made_once, tmp_path / "W")
    with workspaces.open(tmp_path / "W") as opened:
        yield opened


@pytest.fixture
def grid() -> Grid:
    """Gives the grid of every scan here."""
    return GRID


@pytest.fixture
def labels() -> npt.NDArray[np.uint8]:
    """Gives a small mask on that grid."""
    mask = np.zeros(GRID.shape, np.uint8)
    mask[1:3, 1:4, 2:5] = 1
    mask[3, 4, 5] = 2
    return mask


@pytest.fixture
def add_case(workspace: Workspace, tmp_path: Path) -> AddCase:
    """Gives a function that writes a scan (its seed makes its voxels) and adds it."""

    def add(
        seed: int = 0, name: str | None = None, role: str = "read", subject: str | None = None
    ) -> CaseRow:
        values = np.random.default_rng(seed).integers(0, 1000, GRID.shape).astype(np.int16)
        path = tmp_path / "scans" / f"{name or f'scan{seed}'}.nii.gz"
        path.parent.mkdir(exist_ok=True)
        write_scan(path, Volume(values, GRID, DisplayHints(modality="MR")))
        scan = read_scan(path)
        return workspace.reviews.add_case(NewCase.from_scan(scan, subject or f"S{seed}", role))

    return add


@pytest.fixture
def case(add_case: AddCase) -> CaseRow:
    """Gives one case to read."""
    return add_case()


@pytest.fixture
def info() -> Callable[..., VersionInfo]:
    """Gives a function for what is said of a version: corrected by Ann from an empty mask, unless told otherwise."""

    def make(
        reader: str = "Ann", kind: CaseState | None = CaseState.CORRECTED, session: str = "s1", **more: int
    ) -> VersionInfo:
        decision = None if kind is None else DecisionRecord(kind, reader, voxels_added=3, ml_added=0.009)
        base = Base("empty", "", labels_sha256(np.zeros(GRID.shape, np.uint8)))
        return VersionInfo(reader, base, session, decision, table_key=TABLE.key, **more)

    return make


@pytest.fixture
def save(workspace: Workspace, labels: npt.NDArray[np.uint8], info: Callable[..., VersionInfo]) -> Save:
    """Gives a function that saves the mask as a case's next version."""

    def save_version(
        case: CaseRow, reader: str = "Ann", kind: CaseState = CaseState.CORRECTED
    ) -> LabelVersion:
        workspace.reviews.take_table(case.id, TABLE.key)
        return workspace.labels.save(case.id, labels, GRID, info(reader, kind))

    return save_version


@pytest.fixture
def prediction(grid: Grid) -> Prediction:
    """Gives what a model says: one voxel of liver, with an attention map."""
    labels = np.zeros(grid.shape, np.uint8)
    labels[1, 2, 3] = 1
    coarse = grid.coarser((2, 2, 2))
    values = np.linspace(0, 65535, coarse.shape[0] * coarse.shape[1] * coarse.shape[2]).astype(np.uint16)
    made = Provenance("m", "0" * 64, "0.1", "CPU", "torch", None, False, 1.0, "2026-01-01T00:00:00Z")
    return Prediction(
        grid,
        labels,
        (BundleLabel(1, "liver", (1, 2, 3), ""),),
        (labels * np.uint8(200),),
        labels * np.uint8(9),
        (AttentionMap(2, 1, coarse, values.reshape(coarse.shape)),),
        made,
    )
