"""Measuring this program against others: the verbs of the command line over `model.bench`."""

from __future__ import annotations

from model.bench.inference import Setting, measure
from model.bench.rows import Table
from model.grid import Int3
from model.progress import CancelCheck, Report, never, silent


def bench_inference(
    size: Int3,
    window: Int3,
    threads: int | None,
    repeats: int,
    device: str,
    report: Report = silent,
    cancelled: CancelCheck = never,
) -> Table:
    """The speed of a prediction of a generated scan of `size` voxels (z, y, x), against MONAI's over the same network.

    Raises:
        CannotPredict: if there is no such device, or its memory does not suffice.
    """
    setting = Setting(size=size, window=window, threads=threads, repeats=repeats, device=device)
    return measure(setting, report, cancelled)
