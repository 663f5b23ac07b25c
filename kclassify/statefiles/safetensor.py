"""Reads and writes .safetensors files: a JSON header with names, shapes and offsets, then the raw numbers."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kclassify.errors import ModelError
from kclassify.statefiles.torchfile import widen_bfloat16

DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|b1",
}


def to_array(entry: dict[str, Any], numbers: memoryview) -> np.ndarray:
    """One tensor as a read-only view; ValueError unless shape, type and offsets agree and lie inside `numbers`."""
    dtype, shape = np.dtype(DTYPES[entry["dtype"]]), [int(length) for length in entry["shape"]]
    start, end = (int(offset) for offset in entry["data_offsets"])
    if min(shape, default=0) < 0 or not 0 <= start <= end <= len(numbers) or math.prod(shape) * dtype.itemsize != end - start:
        raise ValueError(f"shape {shape} does not fit bytes {start} to {end} of {len(numbers)}")
    array = np.frombuffer(numbers[start:end], dtype).reshape(shape)
    return widen_bfloat16(array) if entry["dtype"] == "BF16" else array


def read(path: Path) -> dict[str, np.ndarray]:
    """The tensors of the file by name, as read-only arrays in torch's layout. Raises ModelError naming the file."""
    try:
        data = memoryview(path.read_bytes())
        length = int.from_bytes(data[:8], "little")
        if length > len(data) - 8:
            raise ValueError(f"a header of {length} bytes in a file of {len(data)}")
        header = json.loads(bytes(data[8 : 8 + length]))
        return {str(name): to_array(entry, data[8 + length :]) for name, entry in header.items() if name != "__metadata__"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ModelError(f"{path}: cannot be read as safetensors; it is damaged or something else ({reason}).") from error


def write(path: Path, state: Mapping[str, np.ndarray]) -> None:
    """Write tensors as float32 in the order of their names; the header is padded so that the numbers begin at a multiple of 8 bytes."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name in sorted(state):
        end = offset + 4 * state[name].size
        header[name] = {"dtype": "F32", "shape": list(state[name].shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in sorted(state):
            file.write(np.ascontiguousarray(state[name], "<f4").data)
