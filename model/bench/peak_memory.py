"""One prediction in a process of its own, to learn what memory it took at its peak.

    python -m model.bench.peak_memory BUNDLE VALUES.npy MAPS THREADS

Prints the bytes of resident memory that the peak lay above what was resident before (network loaded, nothing
predicted). A process of its own, since a peak once reached is never forgotten.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_bytes_of_child(bundle: Path, values: Path, *, attention: bool, threads: int) -> int:
    """What a child process measured with the model in `bundle` and the values (z, y, x) of a .npy file."""
    import model

    root = Path(model.__file__).resolve().parents[1]
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r})\n"
        "from model.bench.peak_memory import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = [str(bundle), str(values), "maps" if attention else "no-maps", str(threads)]
    done = subprocess.run(  # noqa: S603  # ourselves, with our own arguments
        [sys.executable, "-P", "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    return int(done.stdout)


def main(arguments: list[str]) -> int:
    """Measure and print, see above."""
    import numpy as np
    import torch

    from model.backends import TorchBackend
    from model.bench.scans import volume_of
    from model.bundle import load_network, read_bundle
    from model.inference import predict

    bundle_path, values, maps, threads = arguments
    torch.set_num_threads(int(threads))
    bundle = read_bundle(Path(bundle_path))
    volume = volume_of(np.load(values, allow_pickle=False))
    backend = TorchBackend(load_network(bundle), "cpu")
    before = peak_bytes()
    predict(volume, bundle, backend=backend, override=True, attention=maps == "maps")
    sys.stdout.write(f"{peak_bytes() - before}\n")
    return 0


def peak_bytes() -> int:
    """The most memory this process ever had resident."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    if _STATUS.is_file():
        # Linux gives a child its parent's ru_maxrss; this counter starts anew with the program.
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
