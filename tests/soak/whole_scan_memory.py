"""Measures the memory a whole-scan prediction takes: 512×512×300, against 2 × the scan plus 1 GB.

    PYTHONPATH=. python tests/soak/whole_scan_memory.py [--size z,y,x] [--model FOLDER]

The peak is counted above what was resident before (scan, torch and network loaded), with the scan added back once:
what the promise is about. Exit code 1 where it is not kept. On one core it takes many minutes; a small model with its
spacing left out, so that every voxel is looked at.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

import numpy as np

from model.backends import TorchBackend
from model.bench.peak_memory import peak_bytes
from model.bench.scans import volume_of
from model.bundle import load_network, read_bundle
from model.inference import estimate_bytes, predict
from resources import models_folder


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="300,512,512", help="z,y,x")
    parser.add_argument("--model", type=Path, default=models_folder() / "phantom-abdomen")
    options = parser.parse_args()
    z, y, x = (int(word) for word in options.size.split(","))

    # No two windows alike, so that nothing is answered from memory.
    noise = np.random.default_rng(1).integers(-200, 300, (y, x), dtype=np.int16)
    values = np.empty((z, y, x), np.int16)
    for plane in range(z):
        values[plane] = np.roll(noise, plane, axis=1)
    volume = volume_of(values)
    bundle = dataclasses.replace(read_bundle(options.model), target_spacing=None)
    backend = TorchBackend(load_network(bundle), "cpu")
    estimate = estimate_bytes(volume.grid, bundle) / (1 << 20)

    last = [time.monotonic()]

    def report(fraction: float, text: str) -> None:
        if time.monotonic() - last[0] > 20:
            last[0] = time.monotonic()
            print(f"{fraction:4.0%} {text}", file=sys.stderr, flush=True)

    before, began = peak_bytes(), time.perf_counter()
    predict(volume, bundle, backend=backend, override=True, report=report)
    taken, scan = (peak_bytes() - before) / (1 << 20), values.nbytes / (1 << 20)
    limit = 2 * scan + 1000
    print(
        f"{x}×{y}×{z}: {taken:.0f} MB above it, {taken + scan:.0f} MB with the scan; limit {limit:.0f} MB; "
        f"estimated {estimate:.0f} MB; {time.perf_counter() - began:.0f} s"
    )
    return 0 if taken + scan <= limit else 1


if __name__ == "__main__":
    raise SystemExit(main())
