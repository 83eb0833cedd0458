"""From a scan and a model to a prediction with its attention, all of it in the scan's own space.

The scan is brought to the model's orientation (and spacing, where the model asks), cut to the region,
normalised within it, looked at window by window, joined, and mapped back. Networks are `model.networks`, what
computes them `model.backends`, where windows lie `model.windows`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from model import devices
from model.attention import AttentionMap
from model.backends import Backend, ConstantsOnce, WindowCoefficients, WindowResult, open_backend
from model.bundle import Bundle
from model.canvas import Canvas, softmax
from model.errors import CannotPredict, DoesNotApply
from model.grid import Box, Grid, Int3, Reordering
from model.normalisation import Normalisation
from model.prediction import Prediction, Provenance
from model.progress import CancelCheck, Report, never, silent, stop_if
from model.resampling import Resampling, resampling
from model.volume import Volume
from model.windows import SlabBlend, WindowPlan, cut_window, plan_windows

FloatArray = npt.NDArray[np.float32]

_LOADED = 0.05
"""The fraction reported once the model is loaded; the windows share the rest."""


def prepare() -> None:
    """Import torch and give it all cores but one, so that a first prediction does not wait for that."""
    devices.limit_threads()
    import model.networks.registry  # noqa: F401  # pulls in every network


def predict(
    volume: Volume,
    bundle: Bundle,
    *,
    region: Box | None = None,
    device: str = "auto",
    override: bool = False,
    report: Report = silent,
    cancelled: CancelCheck = never,
    program_version: str = "",
    backend: Backend | None = None,
    attention: bool = True,
    constants_once: bool = True,
) -> Prediction:
    """What `bundle` says of `volume`, on the volume's own grid and axes.

    Args:
        volume: the scan.
        bundle: the model.
        region: the box (z, y, x of the volume) to look at; None is the whole scan. Outside it labels are 0,
            and intensities are normalised from what lies inside it.
        device: "auto", "cpu" or "cuda".
        override: run the model although it says that it does not apply; the prediction is marked.
        report: told the fraction done and "window 3 of 12".
        cancelled: asked before every window.
        program_version: kept in the provenance.
        backend: the bundle's network where it is loaded already; else it is loaded on `device`.
        attention: keep the maps; without, everything else is the same.
        constants_once: run the network once on windows of one value throughout, as those in air are; the result
            is the same either way, so only a measurement says no.

    Raises:
        CannotPredict: if the model does not apply, memory does not suffice, or the network answers nonsense.
        BundleError: if the weights do not fit the network.
        Cancelled: if the reader cancelled.
    """
    began = time.perf_counter()
    box = _checked_region(volume.grid, region)
    objection = _objection(volume, bundle, region, override)
    _refuse_what_does_not_fit(volume.grid, bundle, region)
    stop_if(cancelled)
    report(0.0, "preparing the model")
    if backend is None:
        backend = open_backend(bundle, device)
    if constants_once:
        backend = ConstantsOnce(backend)
    stop_if(cancelled)

    reordering = volume.grid.reordering(bundle.orientation)
    part = volume.crop(box)
    grid = reordering.apply_grid(part.grid)
    change = None if bundle.target_spacing is None else resampling(grid, bundle.target_spacing)
    source = _prepared(reordering.apply(part.values), bundle.intensity, change)
    plan = plan_windows(source.values.shape, bundle.window_size, backend.coarsest_stride)
    report(_LOADED, f"window 1 of {plan.count}")

    canvas = Canvas(volume.grid, box, reordering, tuple(label.value for label in bundle.labels))
    coefficients = _CoefficientBlend(plan)
    target = canvas if change is None else _ResampledCanvas(canvas, change, bundle.classes)
    blend = SlabBlend(plan, bundle.classes)
    for number, position in enumerate(plan.positions(), start=1):
        stop_if(cancelled)
        result = backend.run(source.window(plan.box(position)), attention=attention)
        _refuse_nonsense(result, (bundle.classes, *plan.window), bundle.name)
        blend.add(position, result.logits)
        coefficients.add(position, result.coefficients, bundle.name)
        if (ready := blend.finished(position)) is not None:
            first, logits = ready
            target.write_logits(first, logits)
            blend.advance(logits.shape[1])
        running = min(number + 1, plan.count)
        report(_LOADED + (1 - _LOADED) * number / plan.count, f"window {running} of {plan.count}")
    if isinstance(target, _ResampledCanvas):
        target.finish(cancelled)

    return Prediction(
        grid=volume.grid,
        labels=canvas.labels,
        bundle_labels=bundle.labels,
        probabilities=canvas.probabilities,
        entropy=canvas.entropy,
        attention=coefficients.maps(grid if change is None else change.target, reordering),
        provenance=Provenance(
            bundle_name=bundle.name,
            bundle_hash=bundle.hash,
            program_version=program_version,
            device=backend.device,
            backend=backend.name,
            region=None if region is None else box,
            overridden=objection != "",
            seconds=time.perf_counter() - began,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            objection=objection,
        ),
    )


def estimate_bytes(grid: Grid, bundle: Bundle, region: Box | None = None) -> int:
    """The memory in bytes that a prediction takes at its peak, beside the scan itself and torch's code.

    Rather too much than too little: memory that runs out on the CPU ends the program.
    """
    box = Box.whole(grid.shape) if region is None else region.clipped(grid.shape)
    reordering = grid.reordering(bundle.orientation)
    source = reordering.apply_grid(grid.sub(box))
    change = None if bundle.target_spacing is None else resampling(source, bundle.target_spacing)
    shape = source.shape if change is None else change.target.shape
    plan = plan_windows(shape, bundle.window_size, bundle.coarsest_stride)
    labels, classes = len(bundle.labels), bundle.classes

    volume = int(np.prod(grid.shape))
    looked_at, window = int(np.prod(shape)), int(np.prod(plan.window))
    slab = plan.window[0] * plan.padded[1] * plan.padded[2]
    result = volume * (labels + 2) + max(0, max(label.value for label in bundle.labels) > 255) * volume
    # Normalising by percentiles holds the values, two float32 copies of them and a sorted one; a window of
    # intensities is applied to each window as it is cut.
    values = (
        16 * max(box.size, looked_at) if bundle.intensity.kind == "per-volume" or change is not None else 0
    )
    # The window that is joined, and one of air that is kept.
    joined = 4 * classes * (slab + 2 * window) + 2 * 4 * looked_at // 7
    resampled = 0 if change is None else 2 * classes * looked_at
    # The decoder's last block holds the skip, the coarser feature resized, both together, two results, and
    # the side heads; convolutions keep channels in groups of eight and a copy of their input.
    features = sum(-(-width // 8) * 8 for width in bundle.widths[:2])
    network = 4 * window * (4 * features + 2 * classes * len(bundle.widths)) + (50 << 20)
    planes = 4 * 6 * classes * Canvas.planes_at_once(source.shape) * source.shape[1] * source.shape[2]
    return result + values + joined + resampled + network + planes


@dataclass(frozen=True)
class _Prepared:
    """Values in the model's orientation and spacing; `intensity`, if any, is still to be applied."""

    values: npt.NDArray[np.generic]
    intensity: Normalisation | None

    def window(self, box: Box) -> FloatArray:
        """The normalised values (z, y, x) of a window."""
        values = cut_window(self.values, box)
        return (
            self.intensity.apply(values)
            if self.intensity is not None
            else values.astype(np.float32, copy=False)
        )


def _prepared(
    values: npt.NDArray[np.generic], intensity: Normalisation, change: Resampling | None
) -> _Prepared:
    """What the windows are cut from: normalised within the region, then resampled, as in training."""
    if intensity.kind == "window" and change is None:
        # Voxel by voxel, so it can wait for the window, and a large scan is never copied as a whole.
        return _Prepared(values, intensity)
    # In one memory order however the file stores its axes, so that sums round alike.
    normalised = intensity.apply(np.ascontiguousarray(values))
    return _Prepared(normalised if change is None else change.apply(normalised), None)


class _ResampledCanvas:
    """Keeps class probabilities in the model's spacing (uint16) and brings them back at the end."""

    _STEPS = 65535

    def __init__(self, canvas: Canvas, change: Resampling, classes: int) -> None:
        self._canvas = canvas
        self._change = change
        self._kept = np.empty((classes, *change.target.shape), dtype=np.uint16)

    def write_logits(self, first: int, logits: FloatArray) -> None:
        """Keep planes from `first` on; logits (class, z, y, x)."""
        for plane in range(logits.shape[1]):
            self._kept[:, first + plane] = np.rint(softmax(logits[:, plane]) * self._STEPS)

    def finish(self, cancelled: CancelCheck) -> None:
        """Draw everything on the canvas."""
        source = self._change.source
        step = Canvas.planes_at_once(source.shape)
        for start in range(0, source.shape[0], step):
            stop_if(cancelled)
            stop = min(start + step, source.shape[0])
            probabilities = np.stack([self._change.undo(kept, start, stop) for kept in self._kept])
            self._canvas.write_probabilities(start, probabilities / probabilities.sum(axis=0))


class _CoefficientBlend:
    """Joins the coefficients of windows, each gate on its own grid over the whole region."""

    def __init__(self, plan: WindowPlan) -> None:
        self._plan = plan
        self._gates: dict[tuple[int, int], tuple[Int3, FloatArray]] = {}

    def add(self, position: Int3, coefficients: tuple[WindowCoefficients, ...], model: str) -> None:
        """Add the coefficients of the window at `position`.

        Raises:
            CannotPredict: if a map does not fit the window, or changes its grid from window to window.
        """
        box = self._plan.box(position)
        for found in coefficients:
            factor = self._factor(found, model)
            key = (found.level, found.gate)
            if key not in self._gates:
                z, y, x = (-(-length // by) for length, by in zip(self._plan.padded, factor, strict=True))
                self._gates[key] = (factor, np.zeros((z, y, x), dtype=np.float32))
            known, total = self._gates[key]
            if known != factor:
                raise CannotPredict(
                    f"The model {model} gives attention of one gate on two grids; it is not usable."
                )
            covered = tuple(
                slice(start // by, start // by + length)
                for start, by, length in zip(box.start, factor, found.alpha.shape, strict=True)
            )
            total[covered] += self._plan.weights(position, factor) * found.alpha

    def maps(self, grid: Grid, reordering: Reordering) -> tuple[AttentionMap, ...]:
        """The maps on the scan's axes; `grid` is that of the values the windows were cut from.

        A coefficient of a gate with factor f covers f voxels of that grid along each axis, from its first
        voxel on. The last may reach beyond the region by a part of its width; those wholly beyond are cut.
        """
        found = []
        for (level, gate), (factor, total) in sorted(self._gates.items()):
            coarse = grid.coarser(factor)
            covered = total[Box.whole(coarse.shape).slices]
            found.append(
                AttentionMap.from_coefficients(
                    level, gate, reordering.undo_grid(coarse), reordering.undo(covered)
                )
            )
        return tuple(found)

    def _factor(self, found: WindowCoefficients, model: str) -> Int3:
        window = self._plan.window
        if found.alpha.ndim != 3 or any(n % m for n, m in zip(window, found.alpha.shape, strict=True)):
            raise CannotPredict(
                f"The model {model} gives attention of shape {found.alpha.shape} for a window of {window}; "
                "it is not usable."
            )
        z, y, x = (n // m for n, m in zip(window, found.alpha.shape, strict=True))
        return z, y, x


def _checked_region(grid: Grid, region: Box | None) -> Box:
    if region is None:
        return Box.whole(grid.shape)
    box = region.clipped(grid.shape)
    if box.size == 0:
        raise CannotPredict("The region box holds no voxel of the scan; draw it over the scan.")
    return box


def _objection(volume: Volume, bundle: Bundle, region: Box | None, override: bool) -> str:
    """Why the model does not apply, where the reader overrides that; else ""."""
    verdict = bundle.check_scan(volume, region=region)
    if verdict.applies:
        return ""
    if not override:
        raise DoesNotApply(verdict.reason)
    return verdict.reason


def _refuse_what_does_not_fit(grid: Grid, bundle: Bundle, region: Box | None) -> None:
    needed, available = estimate_bytes(grid, bundle, region), devices.available_bytes()
    if available is not None and needed > available:
        raise CannotPredict(
            f"This prediction needs about {_gigabytes(needed)} of memory, {_gigabytes(available)} are free; "
            "close other programs, or draw a region box round the part that matters."
        )


def _refuse_nonsense(result: WindowResult, shape: tuple[int, ...], model: str) -> None:
    if result.logits.shape != shape:
        raise CannotPredict(
            f"The model {model} answered with an array of shape {result.logits.shape} instead of {shape}; "
            "it is not usable."
        )
    # A sum is finite only if every value is, and takes a fraction of the time of asking each.
    sums = [float(result.logits.sum())] + [float(found.alpha.sum()) for found in result.coefficients]
    if not np.isfinite(sums).all():
        raise CannotPredict(
            f"The model {model} answered with values that are not numbers; check the scan's intensities, "
            "or use another model."
        )


def _gigabytes(amount: int) -> str:
    return f"{amount / 1e9:.1f} GB"
