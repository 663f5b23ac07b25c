"""The C program that states what is possible: compiled where gcc and libjpeg-turbo's headers are, called through ctypes."""

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).with_suffix(".c")
MISSING = (
    "The C limit is left out: {reason}\n"
    "Install a C compiler and the headers of libjpeg-turbo: apt-get install gcc libjpeg62-turbo-dev (Ubuntu: libjpeg-turbo8-dev)"
)


class CannotBuild(Exception):
    """There is no compiler, or it lacks the headers."""


def build(folder: Path) -> Callable[[list[bytes], np.ndarray, int, int], np.ndarray]:
    """Compile the program into `folder`.

    Returns:
        a function of JPEGs, windows int32 [n, 4] (top, left, height, width in pixels), the size of the squares and the longest side
        of a picture; it gives uint8 [n, size, size, 3], every second one mirrored.

    Raises:
        CannotBuild: with what to install.
    """
    library = folder / "jpeg_limit.so"
    command = ["gcc", "-O3", "-march=native", "-shared", "-fPIC", str(SOURCE), "-o", str(library), "-ljpeg"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise CannotBuild(MISSING.format(reason="gcc is not installed.")) from None
    except subprocess.CalledProcessError as error:
        raise CannotBuild(MISSING.format(reason=error.stderr.strip().splitlines()[0])) from None
    load = ctypes.CDLL(str(library)).load_windows

    def load_windows(files: list[bytes], windows: np.ndarray, size: int, largest: int) -> np.ndarray:
        offsets = np.cumsum([0, *map(len, files)], dtype=np.int64)
        windows = np.ascontiguousarray(windows, np.int32)
        output = np.empty((len(files), size, size, 3), np.uint8)
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (offsets, windows, output)]
        if load(b"".join(files), pointers[0], pointers[1], len(files), size, largest, pointers[2]) != len(files):
            raise MemoryError("The C limit got no memory for one picture.")
        return output

    return load_windows
