"""What a prediction or a training can run on here: the device, its threads, and the memory that is left."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

from model.errors import CannotPredict

DEVICES = ("auto", "cpu", "cuda")

Precision = Literal["float32", "bfloat16"]

_MEMINFO = Path("/proc/meminfo")


def resolve(device: str = "auto") -> str:
    """What `device` ("auto", "cpu" or "cuda") means on this machine: "cuda" or "cpu".

    Raises:
        CannotPredict: for another name, or for CUDA where there is none.
    """
    if device not in DEVICES:
        raise CannotPredict(f"There is no device '{device}'; choose one of {', '.join(DEVICES)}.")
    if device == "cpu":
        return "cpu"

    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise CannotPredict(
            "This machine has no graphics card that torch can use through CUDA; choose the device cpu."
        )
    return "cpu"


def describe(device: str = "auto") -> str:
    """The device in words: "NVIDIA H100 (CUDA)" or "CPU, 2 threads". Imports torch."""
    import torch

    if resolve(device) == "cuda":
        return f"{torch.cuda.get_device_name()} (CUDA)"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'' if threads == 1 else 's'}"


def precision(device: str) -> Precision:
    """What predictions and trainings on `device` ("cpu" or "cuda") are computed in. Imports torch.

    bfloat16 where the hardware multiplies in it; elsewhere it would be emulated, and much slower than float32
    (docs/decisions/0011). This is the one place that decides it.
    """
    import torch

    if device == "cuda":
        # Emulation does not count, and from 8.0 on (Ampere) its tensor cores have it.
        has_it = torch.cuda.get_device_capability() >= (8, 0)
    else:
        found = torch.cpu.get_capabilities()
        has_it = bool(found.get("amx_bf16") or found.get("avx512_bf16"))
    return "bfloat16" if has_it else "float32"


def cores() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def limit_threads() -> None:
    """Leave one core to the window: torch gets the others, and at least one. Imports torch.

    Where the environment says OMP_NUM_THREADS, that stands.
    """
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, cores() - 1))


def available_bytes() -> int | None:
    """The memory that can still be taken without swapping, or None where the system does not tell."""
    if _MEMINFO.is_file():
        for line in _MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return _windows_available_bytes()
    # macOS counts no available pages; all of its memory is an upper bound, and it swaps instead of killing.
    names = os.sysconf_names if hasattr(os, "sysconf") else {}
    pages = next((name for name in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES") if name in names), None)
    return None if pages is None else os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")


if sys.platform == "win32":

    def _windows_available_bytes() -> int | None:
        """`ullAvailPhys` of GlobalMemoryStatusEx, the second of its 64-bit fields."""
        import ctypes

        class Status(ctypes.Structure):
            _fields_ = (
                ("length", ctypes.c_ulong),
                ("load", ctypes.c_ulong),
                ("numbers", ctypes.c_ulonglong * 7),
            )

        status = Status(length=ctypes.sizeof(Status))
        if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return None
        return int(status.numbers[1])
