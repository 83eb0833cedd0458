"""Grey windows: the automatic one and the presets on the keys 1–9. Applying one is `app.core.display`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.volume import Volume


@dataclass(frozen=True)
class WindowPreset:
    """A named grey window: level and width in the scan's own values (HU for CT)."""

    name: str
    level: float
    width: float


WINDOW_PRESETS: tuple[WindowPreset, ...] = (
    WindowPreset("Abdomen", 40, 400),
    WindowPreset("Soft tissue", 50, 350),
    WindowPreset("Liver", 90, 180),
    WindowPreset("Pancreas", 80, 240),
    WindowPreset("Lung", -600, 1500),
    WindowPreset("Mediastinum", 40, 450),
    WindowPreset("Bone", 400, 1800),
    WindowPreset("Brain", 40, 80),
    WindowPreset("Angiography", 300, 600),
)
"""The presets of a CT, in the order of the keys 1–9 (levels and widths as radiology teaching lists them)."""

# For values without a unit (MR): percentiles of the scan that become black and white.
_PERCENTILES: tuple[tuple[str, float, float], ...] = (
    ("Normal", 1.0, 99.0),
    ("Full range", 0.0, 100.0),
    ("High contrast", 10.0, 95.0),
    ("Dark tissue", 0.0, 75.0),
    ("Bright tissue", 50.0, 99.9),
)
_SAMPLES = 250_000


def automatic_window(volume: Volume) -> tuple[float, float]:
    """Level and width that show a scan well at first sight.

    The file's own window where it has one; the abdominal one for CT (said by the file, or told by its
    negative air); otherwise from the 1st to the 99th percentile.
    """
    if volume.hints.window is not None and volume.hints.window[1] > 0:
        return volume.hints.window
    values = _sample(volume.values)
    if _is_ct(volume, values):
        return WINDOW_PRESETS[0].level, WINDOW_PRESETS[0].width
    return _between(values, *_PERCENTILES[0][1:])


def presets_for(volume: Volume) -> tuple[WindowPreset, ...]:
    """The presets that suit a scan, in the order of the keys 1–9: HU for CT, percentiles otherwise."""
    values = _sample(volume.values)
    if _is_ct(volume, values):
        return WINDOW_PRESETS
    return tuple(WindowPreset(name, *_between(values, low, high)) for name, low, high in _PERCENTILES)


def _is_ct(volume: Volume, sample: npt.NDArray[np.float64]) -> bool:
    if volume.hints.modality is not None:
        return volume.hints.modality == "CT"
    return bool(np.percentile(sample, 2) < -500 and sample.max() > 0)


def _sample(values: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    """At most about 250,000 finite values, evenly taken: enough for percentiles, quick on any scan."""
    step = max(1, round((values.size / _SAMPLES) ** (1 / 3)))
    taken = np.asarray(values[::step, ::step, ::step], dtype=np.float64).ravel()
    taken = taken[np.isfinite(taken)]
    return taken if taken.size else np.zeros(1)


def _between(sample: npt.NDArray[np.float64], low: float, high: float) -> tuple[float, float]:
    black, white = (float(value) for value in np.percentile(sample, (low, high)))
    # A scan of one value still needs a width above nothing.
    width = white - black if white > black else max(1.0, abs(white) * 1e-3)
    return (black + white) / 2 if white > black else black, width
