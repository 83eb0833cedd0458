"""How fast a whole scan is predicted, against MONAI's sliding window over the same network and weights.

Both sides go from a volume in memory to labels: normalising, windows, blending, softmax and argmax. Ours makes
probabilities, entropy and attention maps as well, as it always does. Loading the network is on neither side. The
two take turns, after one run of each that does not count.
"""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from model import devices
from model.backends import Backend, open_backend
from model.bench.peak_memory import peak_bytes_of_child
from model.bench.rows import Machine, Row, Table, load_average, median_row, processor_name
from model.bench.scans import abdomen, published_model
from model.bundle import Bundle, load_network
from model.grid import Int3
from model.inference import predict
from model.networks import PUBLISHED_WIDTHS
from model.progress import CancelCheck, Report, never, silent, stop_if
from model.volume import Volume
from model.windows import OVERLAP, plan_windows

if TYPE_CHECKING:
    from model.networks.network import SegmentationNetwork

LabelArray = npt.NDArray[np.generic]


@dataclass(frozen=True)
class Setting:
    """What is measured.

    Attributes:
        size: voxels (z, y, x) of the generated scan.
        window: voxels (z, y, x) of a window, on both sides.
        widths: of the single-gate network.
        threads: that torch may use, on both sides; None leaves torch's own choice.
        repeats: measured runs of each side.
        device: "auto", "cpu" or "cuda".
    """

    size: Int3 = (96, 160, 160)
    window: Int3 = (96, 96, 96)
    widths: tuple[int, ...] = PUBLISHED_WIDTHS
    threads: int | None = None
    repeats: int = 5
    device: str = "auto"


class MonaiPeer:
    """MONAI's `sliding_window_inference` in Gaussian mode over a network of ours that is not folded.

    It raises the least weights of its Gaussian to 0.001, so where windows overlap at corners its blend, and with
    that a mask of random weights, differs a little from ours.
    """

    def __init__(self, bundle: Bundle, device: str, *, tuned: bool) -> None:
        """As it comes in float32; `tuned` with channels_last, and bfloat16 autocast where the hardware has it."""
        import torch

        self._bundle, self._device, self._tuned = bundle, device, tuned
        self.network: SegmentationNetwork = load_network(bundle, device)
        self._bfloat16 = tuned and devices.precision(device) == "bfloat16"
        if tuned:
            self.network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        words = ", float32, as it comes"
        if tuned:
            words = ", channels_last" + (
                ", bfloat16 autocast" if self._bfloat16 else ", float32 (this hardware has no bfloat16)"
            )
        self.name = f"MONAI sliding_window_inference, gaussian{words}"

    def labels(self, volume: Volume) -> LabelArray:
        """The mask (z, y, x) of a volume that lies in the model's orientation."""
        import torch
        from monai.inferers import sliding_window_inference

        # The window ours takes, which replaces two short of a full one by one; so both sides run the same ones.
        plan = plan_windows(volume.values.shape, self._bundle.window_size, self._bundle.coarsest_stride)
        values = torch.from_numpy(self._bundle.intensity.apply(volume.values))[None, None].to(self._device)
        if self._tuned:
            values = values.contiguous(memory_format=torch.channels_last_3d)
        automatic = torch.autocast(self._device, torch.bfloat16) if self._bfloat16 else nullcontext()
        with torch.inference_mode(), automatic:
            logits = sliding_window_inference(
                values,
                plan.window,
                1,
                self.network,
                overlap=OVERLAP,
                mode="gaussian",
            )
            assert isinstance(logits, torch.Tensor)
            found = logits.softmax(dim=1).argmax(dim=1)[0].to(torch.uint8).cpu().numpy()
        wanted: LabelArray = np.array([0, *(label.value for label in self._bundle.labels)], np.uint8)[found]
        return wanted


def measure(setting: Setting, report: Report = silent, cancelled: CancelCheck = never) -> Table:
    """All rows; `report` is told before every run. torch keeps the number of threads it had before.

    Raises:
        CannotPredict: if there is no such device, or its memory does not suffice.
        Cancelled: between two runs.
    """
    import torch

    threads = torch.get_num_threads()
    if setting.threads is not None:
        torch.set_num_threads(setting.threads)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _measured(setting, Path(folder), report, cancelled)
    finally:
        torch.set_num_threads(threads)


def _measured(setting: Setting, folder: Path, report: Report, cancelled: CancelCheck) -> Table:
    import torch

    load = load_average()
    device = devices.resolve(setting.device)
    volume = abdomen(setting.size)
    bundle = published_model(folder / "published", setting.window, setting.widths)
    backend = open_backend(bundle, device)
    plain, tuned = MonaiPeer(bundle, device, tuned=False), MonaiPeer(bundle, device, tuned=True)
    ours = partial(_labels, volume, bundle, backend)

    runs: dict[str, Callable[[], LabelArray]] = {
        "ours": ours,
        "peer": partial(plain.labels, volume),
        "all windows": partial(ours, constants_once=False),
        "tuned": partial(tuned.labels, volume),
        "no maps": partial(ours, attention=False),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(setting.repeats + 1):
        for number, (name, run) in enumerate(runs.items()):
            stop_if(cancelled)
            done = (turn * len(runs) + number) / ((setting.repeats + 1) * len(runs))
            report(0.95 * done, f"{name}, {f'run {turn} of {setting.repeats}' if turn else 'warm-up'}")
            began = time.perf_counter()
            run()
            if turn > 0:
                seconds[name].append(time.perf_counter() - began)

    rows = [
        median_row("whole-scan", seconds["ours"], seconds["peer"], plain.name, "s"),
        median_row("whole-scan-tuned", seconds["ours"], seconds["tuned"], tuned.name, "s"),
        median_row("whole-scan-tuned-all-windows", seconds["all windows"], seconds["tuned"], tuned.name, "s"),
        median_row(
            "attention-overhead", seconds["ours"], seconds["no maps"], "ours without attention maps", "s"
        ),
    ]
    if device == "cpu":
        report(0.95, "memory, in processes of their own")
        rows.append(_memory(volume, bundle, folder, cancelled))
    machine = Machine(
        processor=processor_name(),
        cores=devices.cores(),
        threads=torch.get_num_threads(),
        device=backend.device,
        precision=devices.precision(device),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        torch=str(torch.__version__),
        load_average=load,
    )
    report(1.0, "done")
    return Table(machine, tuple(rows))


def _labels(
    volume: Volume,
    bundle: Bundle,
    backend: Backend,
    *,
    attention: bool = True,
    constants_once: bool = True,
) -> LabelArray:
    return predict(
        volume,
        bundle,
        backend=backend,
        override=True,
        attention=attention,
        constants_once=constants_once,
    ).labels


def _memory(volume: Volume, bundle: Bundle, folder: Path, cancelled: CancelCheck) -> Row:
    """Peak memory of a prediction with maps against one without, both beyond the network and the scan."""
    import torch

    file = folder / "scan.npy"
    np.save(file, volume.values)
    taken: dict[bool, list[float]] = {True: [], False: []}
    for attention in (True, False):
        stop_if(cancelled)
        size = peak_bytes_of_child(bundle.path, file, attention=attention, threads=torch.get_num_threads())
        taken[attention].append(size / 1e6)
    return median_row("attention-memory", taken[True], taken[False], "ours without attention maps", "MB")
