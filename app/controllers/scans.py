"""Single scans outside a workspace: what a file is, and a prediction into a folder."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from app import __version__
from app.controllers.models import available_models
from model.bundle import Bundle
from model.errors import DoesNotApply, ScanError
from model.grid import Box
from model.inference import predict
from model.prediction import write_prediction
from model.progress import CancelCheck, Report, never, silent
from model.scan_io import read_scan, scan_name


@dataclass(frozen=True)
class ModelFact:
    """Whether one model applies to a scan, and why."""

    model: str
    applies: bool
    certainty: str
    reason: str


@dataclass(frozen=True)
class ScanFacts:
    """What a file is. No patient id is in it."""

    path: Path
    format: str
    files: int
    modality: str | None
    synthetic: bool
    size_xyz: tuple[int, int, int]
    spacing_xyz: tuple[float, float, float]
    origin_lps: tuple[float, float, float]
    axes_xyz: str
    orientation_known: bool
    left_handed: bool
    oblique_degrees: float
    value_type: str
    low: float
    high: float
    study_date: str | None
    series: str | None
    notes: tuple[str, ...]
    models: tuple[ModelFact, ...]

    def to_json(self) -> dict[str, object]:
        """The facts as a JSON object; axis order is in the names."""
        return {
            "path": str(self.path),
            "format": self.format,
            "files": self.files,
            "modality": self.modality,
            "synthetic": self.synthetic,
            "size_xyz": list(self.size_xyz),
            "spacing_mm_xyz": list(self.spacing_xyz),
            "origin_mm_lps": list(self.origin_lps),
            "axes_xyz": self.axes_xyz if self.orientation_known else None,
            "left_handed": self.left_handed,
            "oblique_degrees": round(self.oblique_degrees, 3),
            "value_type": self.value_type,
            "values": [self.low, self.high],
            "study_date": self.study_date,
            "series": self.series,
            "notes": list(self.notes),
            "models": [
                {"model": m.model, "applies": m.applies, "certainty": m.certainty, "reason": m.reason}
                for m in self.models
            ],
        }

    def to_text(self) -> str:
        """The facts as lines for a terminal."""
        axes = self.axes_xyz if self.orientation_known else "orientation unknown"
        if self.oblique_degrees >= 0.1:
            axes += f", oblique by {self.oblique_degrees:.1f}°"
        if self.left_handed:
            axes += ", left-handed"
        kind = " · ".join(part for part in (self.modality, "synthetic" if self.synthetic else None) if part)
        lines = [
            f"{self.path}",
            f"  {self.format}, {self.files} file{'s' if self.files != 1 else ''}{' · ' + kind if kind else ''}",
            f"  {' × '.join(str(n) for n in self.size_xyz)} voxels of "
            f"{' × '.join(f'{mm:.4g}' for mm in self.spacing_xyz)} mm (x, y, z); axes {axes}",
            f"  {self.value_type}, {self.low:g} to {self.high:g}",
        ]
        lines += [f"  note: {note}" for note in self.notes]
        for model in self.models:
            verdict = "applies" if model.applies else "does not apply"
            lines.append(f"  {model.model}: {verdict} ({model.certainty}): {model.reason}")
        return "\n".join(lines)


def scan_facts(path: Path) -> ScanFacts:
    """Read a scan and say what it is; raises `ScanError` where it cannot be shown."""
    scan = read_scan(path)
    grid, volume = scan.volume.grid, scan.volume
    models = []
    for bundle in available_models():
        verdict = bundle.check_scan(volume)
        models.append(ModelFact(bundle.name, verdict.applies, verdict.certainty, verdict.reason))
    return ScanFacts(
        path=path,
        format=scan.source.format,
        files=scan.source.files,
        modality=volume.hints.modality,
        synthetic=volume.hints.synthetic,
        size_xyz=grid.size_xyz,
        spacing_xyz=grid.spacing_xyz,
        origin_lps=grid.origin,
        axes_xyz=grid.axis_codes_xyz,
        orientation_known=grid.orientation_known,
        left_handed=grid.is_left_handed,
        oblique_degrees=grid.obliquity_degrees,
        value_type=str(volume.values.dtype),
        low=float(volume.values.min()),
        high=float(volume.values.max()),
        study_date=scan.source.study_date,
        series=scan.source.series,
        notes=scan.notes,
        models=tuple(models),
    )


def predict_scan(
    path: Path,
    bundle: Bundle,
    out: Path,
    region: Box | None = None,
    device: str = "auto",
    override: bool = False,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> Path:
    """Predict one scan into `out/NAME/` (replaced where it exists); on a cancel or an error nothing is left there."""
    scan = read_scan(path, lambda fraction, text: report(0.1 * fraction, text), cancelled)
    if region is not None and region != region.clipped(scan.volume.grid.shape):
        x, y, z = scan.volume.grid.size_xyz
        raise ScanError(
            f"The region reaches outside {path.name}, which has {x} × {y} × {z} voxels (x, y, z); give a smaller one."
        )
    try:
        prediction = predict(
            scan.volume,
            bundle,
            region=region,
            device=device,
            override=override,
            report=lambda fraction, text: report(0.1 + 0.85 * fraction, text),
            cancelled=cancelled,
            program_version=__version__,
        )
    except DoesNotApply as error:
        raise DoesNotApply(
            f"{path.name}: {error} "
            "With --region it may apply to a part; with --override it runs anyway and is marked."
        ) from error
    folder = out / scan_name(path)
    partial = out / f".{scan_name(path)}.partial-{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    try:
        write_prediction(partial, prediction)
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def parse_region(text: str) -> Box:
    """A box from "x0,x1,y0,y1,z0,z1" in voxels of the file's own axes; raises `ScanError` where it is none."""
    try:
        x0, x1, y0, y1, z0, z1 = (int(part) for part in text.split(","))
    except ValueError as error:
        raise ScanError(f"{text!r} is no region; write x0,x1,y0,y1,z0,z1 as whole numbers.") from error
    if not (0 <= x0 < x1 and 0 <= y0 < y1 and 0 <= z0 < z1):
        raise ScanError(
            f"The region {text} is empty or negative; each pair is start,stop with start below stop."
        )
    return Box((z0, y0, x0), (z1, y1, x1))
