"""The fixed colour ramp of attention, 0 to 1: lightness rises evenly, so equal steps look equal.

Made here from a few anchors in OKLCh (Björn Ottosson, "A perceptual color space for image processing", 2020):
violet through red and orange to pale yellow. It reads the same in grey and for the common colour blindnesses.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

# value, lightness, chroma, hue in degrees (beyond 360: the way round through red)
_ANCHORS = np.array(
    [
        (0.00, 0.14, 0.060, 285.0),
        (0.20, 0.30, 0.150, 305.0),
        (0.45, 0.50, 0.185, 360.0),
        (0.70, 0.70, 0.170, 405.0),
        (0.88, 0.85, 0.150, 445.0),
        (1.00, 0.95, 0.100, 465.0),
    ]
)


@cache
def attention_colours() -> npt.NDArray[np.uint8]:
    """The ramp (256, 3): red, green, blue of the values 0, 1/255, …, 1. Read-only."""
    value = np.linspace(0.0, 1.0, 256)
    lightness = np.interp(value, [0.0, 1.0], [_ANCHORS[0, 1], _ANCHORS[-1, 1]])
    chroma = np.interp(value, _ANCHORS[:, 0], _ANCHORS[:, 2])
    hue = np.radians(np.interp(value, _ANCHORS[:, 0], _ANCHORS[:, 3]))
    colours = _srgb(lightness, chroma * np.cos(hue), chroma * np.sin(hue))
    colours.flags.writeable = False
    return colours


@cache
def attention_alpha(opacity: float) -> npt.NDArray[np.float64]:
    """How strongly each of the 256 colours covers the scan: `opacity` at 1, a quarter of it at 0.

    Low attention is thus a faint tint through which anatomy stays visible, and still differs from no map.
    """
    alpha = min(1.0, max(0.0, opacity)) * (0.25 + 0.75 * np.linspace(0.0, 1.0, 256))
    alpha.flags.writeable = False
    return alpha


def _srgb(
    lightness: npt.NDArray[np.float64], a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint8]:
    """OKLab to sRGB bytes (n, 3); chroma is lowered at equal lightness where sRGB does not reach."""
    best = np.zeros((lightness.size, 3))
    for keep in np.linspace(0.0, 1.0, 41):
        linear = _linear_rgb(lightness, a * keep, b * keep)
        inside = ((linear >= -1e-4) & (linear <= 1 + 1e-4)).all(axis=1)
        best[inside] = linear[inside]
    best = best.clip(0.0, 1.0)
    encoded = np.where(best <= 0.0031308, 12.92 * best, 1.055 * best ** (1 / 2.4) - 0.055)
    colours: npt.NDArray[np.uint8] = np.rint(encoded * 255).astype(np.uint8)
    return colours


def _linear_rgb(
    lightness: npt.NDArray[np.float64], a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return np.stack(
        [
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        ],
        axis=1,
    )
