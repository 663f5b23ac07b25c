"""The picture that all odd files hold, in the forms that its writers need, and what a file is expected to be."""

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 40, 56
LOSSY = 3.0  # mean absolute difference in grey levels that a JPEG or WebP of good quality may have
UPRIGHT = {  # what a viewer does with the stored pixels, by EXIF 2.3, figure 8
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90,
}


@dataclass(frozen=True)
class Odd:
    """One file: `content` is its bytes or a function that makes it at a path. Either `pixels` [H, W, 3] are expected, with the mean
    absolute difference `tolerance`, or a reason that holds the words `reason`."""

    name: str
    content: bytes | Callable[[Path], None]
    pixels: np.ndarray | None = None
    tolerance: float = 0.0
    reason: str = ""


def picture() -> np.ndarray:
    """The picture that all good files hold: smooth, with a block in the upper left corner, so that no turn of it looks like another."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / np.array([HEIGHT - 1, WIDTH - 1]).reshape(2, 1, 1)
    pixels = np.stack([40 + 200 * x, 230 - 180 * y, 60 + 100 * x * y], axis=2)
    pixels[4:16, 4:24] = 20, 200, 40
    return np.round(pixels).astype(np.uint8)


def grey(pixels: np.ndarray) -> np.ndarray:
    """ITU-R BT.601 luma, uint8 [H, W]."""
    return np.round(pixels @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


def rgb(levels: np.ndarray) -> np.ndarray:
    return np.repeat(levels[..., None], 3, axis=2)


def over_white(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[..., None] / 255
    return colours * share + 255 * (1 - share)


PICTURE = picture()
GREY = grey(PICTURE)
ALPHA = np.broadcast_to(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, WIDTH))
PALETTE = (np.arange(48).reshape(16, 3) * 37 % 256).astype(np.uint8)
INDICES = (np.add.outer(np.arange(HEIGHT) // 5, np.arange(WIDTH) // 9) % 16).astype(np.uint8)


def saved(pixels: np.ndarray, form: str, mode: str | None = None, **options) -> bytes:
    """What Pillow writes."""
    buffer = io.BytesIO()
    image = Image.fromarray(pixels) if mode is None else Image.frombytes(mode, pixels.shape[1::-1], np.ascontiguousarray(pixels).tobytes())
    image.save(buffer, form, **options)
    return buffer.getvalue()


def exif(orientation: int, order: str = "<") -> bytes:
    """An EXIF block with the orientation alone."""
    return struct.pack(order + "2sHIHHHIHHI", b"II" if order == "<" else b"MM", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
