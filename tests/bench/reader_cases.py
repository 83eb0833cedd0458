"""The cases of the simulated reader: generated abdomens, the same with injected errors, real hippocampi.

Each is a workspace of one scan with its prediction, made once under a work folder, and a reference mask beside it.
A reading works on a copy, so that every one starts from the same mask.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from app.controllers import Controllers, make_controllers
from app.controllers.models import find_model
from app.controllers.phantoms import phantom_volume
from app.controllers.workspaces import add_scan, predict_all
from app.core.labels import LabelTable
from app.jobs.runner import Mailbox
from app.store import workspace as workspaces
from app.store.settings import Settings
from app.store.workspace import Workspace
from model.prediction import Prediction
from model.scan_io import read_labels, read_scan, write_labels, write_scan
from model.training.recipes import recipe
from model.training.sides import split_files
from tests.bench.injected_errors import inject

Labels = npt.NDArray[np.uint8]

REPOSITORY = Path(__file__).resolve().parents[2]
_KEY = "5e1ec7ed00000000"
"""The key of a prediction that was made from a mask, not by a model."""


@dataclass(frozen=True, eq=False)
class ReaderCase:
    """A case to be corrected.

    Attributes:
        name: "phantom 3".
        seed: of the reader's hand.
        workspace: a workspace of this one case, with its prediction; it is copied, never changed.
        reference: the right mask (z, y, x).
        error_names: the injected errors, empty where there are none.
        error_where: 1 + index in `error_names` where an error was injected, else 0 (z, y, x).
    """

    name: str
    seed: int
    workspace: Path
    reference: Labels
    error_names: tuple[str, ...] = ()
    error_where: Labels | None = None


def work_folder() -> Path:
    """Where cases are kept between runs: in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "gatelens-simulated-reader"


def phantom_case(seed: int, work: Path) -> ReaderCase:
    """A generated abdomen as the shipped phantom-abdomen predicts it."""
    folder, reference = work / _named(f"phantom_{seed}", "phantom-abdomen"), work / f"phantom_{seed}.nii.gz"
    if not workspaces.is_workspace(folder):
        volume, truth = phantom_volume(seed)
        work.mkdir(parents=True, exist_ok=True)
        write_labels(reference, truth, volume.grid)
        with _new_workspace(folder, "phantom-abdomen") as partial:
            scan = partial.folder / "scans" / f"phantom_{seed}.nii.gz"
            write_scan(scan, volume)
            add_scan(partial, read_scan(scan))
            predict_all(partial)
    return ReaderCase(f"phantom {seed}", seed, folder, _reference(folder, reference))


def injected_case(seed: int, work: Path, base: str = "reference") -> ReaderCase:
    """The same abdomen with one injected error of each kind; its mask is the prediction the reader is given.

    The probabilities belong to that mask: the model is as sure of its errors as of anything, so that no tool learns
    the truth from them.

    Args:
        seed: of the abdomen and of the errors.
        work: where cases are kept.
        base: what the errors are put into: "reference", a mask that is right but for them, or the "prediction" of
            phantom-abdomen, which has errors of its own.
    """
    plain = phantom_case(seed, work)
    predicted = given_prediction(plain.workspace)
    start = predicted.labels if base == "prediction" else plain.reference
    injected = inject(np.array(start, np.uint8), predicted.grid.spacing, seed)
    # Named after what it holds, so that another way to make errors makes other folders.
    folder = work / f"injected_{base}_{seed}_{zlib.crc32(injected.labels.tobytes()):08x}"
    if not workspaces.is_workspace(folder):
        scan = next((plain.workspace / "scans").iterdir())
        workspace_of_mask(folder, scan, as_prediction(injected.labels, predicted))
    return ReaderCase(
        f"injected {seed}", seed, folder, plain.reference, injected.names, np.array(injected.where)
    )


def hippocampus_folder() -> Path | None:
    """The development scans of the hippocampus; None where there are none."""
    named = os.environ.get("GATELENS_TEST_DATA")
    folder = (Path(named) if named else REPOSITORY.parent / "shared" / "data") / "hippocampus_mr"
    return folder if (folder / "labels").is_dir() else None


def hippocampus_cases(data: Path, work: Path, limit: int | None = None) -> list[ReaderCase]:
    """The scans that hippocampus-t1 was judged on and never learned from, at most `limit`, spread over them all."""
    _, files = split_files(recipe("hippocampus-t1", str(data), work / "unused"))
    chosen = np.linspace(0, len(files) - 1, min(limit or len(files), len(files))).round().astype(int)
    made = []
    for number in chosen:
        file = files[int(number)]
        assert file.image is not None
        assert file.label is not None
        folder = work / _named(file.name, "hippocampus-t1")
        if not workspaces.is_workspace(folder):
            with _new_workspace(folder, "hippocampus-t1") as partial:
                scan = partial.folder / "scans" / file.image.name
                shutil.copyfile(file.image, scan)
                add_scan(partial, read_scan(scan))
                predict_all(partial)
        made.append(ReaderCase(file.name, int(number), folder, _reference(folder, file.label)))
    return made


def workspace_of_mask(folder: Path, scan: Path, prediction: Prediction) -> None:
    """Make a workspace of one scan whose prediction is given, with the labels that prediction has."""
    table = LabelTable.from_bundle(prediction.bundle_labels, prediction.provenance.bundle_name)
    with _new_workspace(folder, None) as partial:
        own = partial.folder / "scans" / scan.name
        shutil.copyfile(scan, own)
        row = add_scan(partial, read_scan(own))
        partial.add_label_table(table)
        partial.predictions.save(row.id, _KEY, prediction)
        given = prediction.provenance
        partial.reviews.set_prediction(
            row.id, _KEY, given.bundle_hash, given.bundle_name, table_key=table.key
        )


def as_prediction(labels: Labels, like: Prediction) -> Prediction:
    """A mask as if the model of `like` had predicted it, with probabilities that fall off over its surfaces."""
    probabilities = []
    for label in like.bundle_labels:
        blurred = ndimage.gaussian_filter((labels == label.value).astype(np.float32), 1.0)
        probabilities.append(np.round(255 * blurred).astype(np.uint8))
    return replace(
        like, labels=labels.copy(), probabilities=tuple(probabilities), entropy=np.zeros(labels.shape, np.uint8),
        attention=(),
    )  # fmt: skip


def given_prediction(folder: Path) -> Prediction:
    """The prediction of a workspace's only case."""
    with workspaces.open(folder) as workspace:
        (row,) = workspace.reviews.cases()
        assert row.prediction_key is not None
        return workspace.predictions.load(row.id, row.prediction_key, attention=False)


@contextmanager
def opened(case: ReaderCase) -> Iterator[tuple[Controllers, Mailbox]]:
    """The case on a desk without a window, in a copy of its workspace that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="gatelens-reader-") as temporary:
        folder = Path(temporary) / "workspace"
        with workspaces.open(case.workspace) as source:
            workspaces.copy(source, folder, "normal").close()
        mailbox = Mailbox()
        controllers = make_controllers(
            mailbox.deliver, Settings(reader="simulated reader"), keep_settings=False
        )
        try:
            controllers.opening.after_opening = lambda: None
            controllers.opening.open_workspace(folder)
            mailbox.pump_until(lambda: controllers.desk.runner.is_idle, 60)
            if controllers.desk.session is None:
                raise RuntimeError(f"{case.name} could not be opened")
            yield controllers, mailbox
        finally:
            controllers.shutdown()


def _named(case: str, model: str) -> str:
    """The folder of a case as a model predicts it: another model of the same name has another one."""
    return f"{case}_{find_model(model).hash[:8]}"


@contextmanager
def _new_workspace(folder: Path, model: str | None) -> Iterator[Workspace]:
    """A workspace that appears under its name only once it is whole."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with workspaces.create(partial) as workspace:
        (partial / "scans").mkdir(exist_ok=True)
        if model is not None:
            bundle = find_model(model)
            workspace.reviews.set_serving_model(bundle.name, bundle.hash, bundle.path)
        yield workspace
    partial.rename(folder)


def _reference(folder: Path, path: Path) -> Labels:
    """A reference mask on the grid of a workspace's scan."""
    scan = next((folder / "scans").iterdir())
    return np.array(read_labels(path, read_scan(scan).volume.grid).labels, np.uint8)
