"""The header of a safetensors file, checked before any reader maps the file: https://huggingface.co/docs/safetensors.

Eight bytes with the header's length, a JSON object of tensors, then their bytes without gaps. Nothing is executed.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from model.errors import BundleError

FLOAT_TYPES = ("F16", "F32")
_BYTES = {"F16": 2, "F32": 4, "BF16": 2, "F64": 8, "I8": 1, "U8": 1, "I16": 2, "I32": 4, "I64": 8, "BOOL": 1}
_LARGEST_HEADER = 4 << 20


@dataclass(frozen=True)
class TensorEntry:
    """What the header says of one tensor: its type, its shape, and its half-open byte range after the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


def read_header(file: Path) -> dict[str, TensorEntry]:
    """Every tensor the file claims, by name; their bytes cover the rest of the file exactly.

    Raises:
        BundleError: if the file is not safetensors, is cut off, or claims what it does not hold.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(size - 8, _LARGEST_HEADER):
            raise BundleError(
                f"{file} is no safetensors file, or cut off; copy the model again. Pickles are not read."
            )
        raw = stream.read(length)
    try:
        header = json.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise BundleError(
            f"{file} is not a safetensors file; copy the model again. Pickles are not read."
        ) from error
    if not isinstance(header, dict):
        raise BundleError(f"{file} has a header that lists no tensors; copy the model again.")
    tensors = {name: _entry(file, name, value) for name, value in header.items() if name != "__metadata__"}
    position = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].stop)):
        if tensor.start != position:
            raise BundleError(
                f"{file}: the bytes of '{name}' overlap others or leave a gap; copy the model again."
            )
        position = tensor.stop
    if not tensors or position != size - 8 - length:
        raise BundleError(
            f"{file} holds {size - 8 - length:,} bytes, not {position:,}; copy the model again."
        )
    return tensors


def _entry(file: Path, name: str, value: object) -> TensorEntry:
    damaged = BundleError(f"{file}: the entry '{name}' is not that of a tensor; copy the model again.")
    if not isinstance(value, dict):
        raise damaged
    dtype, shape, offsets = value.get("dtype"), value.get("shape"), value.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in _BYTES:
        raise damaged
    sizes, ends = _whole_numbers(shape), _whole_numbers(offsets)
    if (
        sizes is None
        or ends is None
        or len(ends) != 2
        or ends[1] - ends[0] != math.prod(sizes) * _BYTES[dtype]
    ):
        raise damaged
    return TensorEntry(dtype, sizes, ends[0], ends[1])


def _whole_numbers(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list) or any(
        not isinstance(n, int) or isinstance(n, bool) or n < 0 for n in value
    ):
        return None
    return tuple(value)
