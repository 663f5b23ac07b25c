"""The one reader of image files: what a file is, from its header, and its pixels as RGB."""

import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# The list given to Pillow: formats that it decodes by itself. EPS (which starts Ghostscript) and the like are never tried.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "DIB", "PPM")
SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".ppm", ".pgm"]
)  # which files of a folder are looked at
PIXEL_LIMIT = 89_478_485  # Pillow's own limit for decompression bombs: 0.25 GiB of RGB
BACKGROUND = (255, 255, 255)  # what shows through transparent pixels

TENSORFLOW_JPEG, TENSORFLOW_PNG, PILLOW = 0, 1, 2  # who decodes a file in the training pipeline
_ORIENTATION_TAG = 0x0112
_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap height and width
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's plugins raise on broken files.
_PILLOW_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    MemoryError,
    EOFError,
    LookupError,
    TypeError,
    struct.error,
    Image.DecompressionBombError,
)


class BadImage(Exception):
    """A file that is not a usable image; the text says why."""


@dataclass(frozen=True)
class Header:
    """What the index keeps of one file. `height` and `width` are in pixels after EXIF orientation."""

    height: int
    width: int
    decoder: int


def probe(path: str | os.PathLike[str]) -> Header:
    """Read a file's header, without its pixels.

    A file whose end is missing is decoded once to be sure, so that a truncated one is found now and not in the middle of training.

    Raises:
        BadImage: not a regular file, empty, of no known format, too large, or truncated.
    """
    with _open(path) as image:
        orientation = _orientation(image)
        if orientation != 1 and image.format == "TIFF":  # whether its size is upright already depends on Pillow's version
            height, width = read_rgb(path).shape[:2]
            return Header(height, width, PILLOW)
        width, height = image.size
        if orientation in _SIDEWAYS:
            width, height = height, width
        decoder = PILLOW if orientation != 1 else _plain_decoder(image)
        if decoder != PILLOW and not _ends_as_it_should(path, decoder):
            _load(image)
            decoder = PILLOW  # which forgives a missing end mark; TensorFlow does not
        return Header(height, width, decoder)


def read_rgb(path: str | os.PathLike[str]) -> np.ndarray:
    """Decode a file to uint8 RGB [H, W, 3], upright by its EXIF orientation.

    16-bit grey keeps its top 8 bits; transparent pixels are laid over white; of an animation the first frame is taken.

    Raises:
        BadImage: as `probe`, or the pixels cannot be decoded.
    """
    with _open(path) as image:
        _load(image)
        turn = _TURNS.get(_orientation(image)) if image.format != "TIFF" else None
        try:
            if image.format == "TIFF":
                image = ImageOps.exif_transpose(image)  # noqa: PLW2901 - the same picture, upright
            return np.asarray(_to_rgb(image if turn is None else image.transpose(turn)))
        except _PILLOW_ERRORS as error:
            raise BadImage(f"cannot be decoded ({error})") from None


def _open(path: str | os.PathLike[str]) -> Image.Image:
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            raise BadImage("not a regular file")
        if status.st_size == 0:
            raise BadImage("empty file (0 bytes)")
        image = Image.open(path, formats=FORMATS)
    except UnidentifiedImageError:
        raise BadImage(f"not an image in a known format ({_first_bytes(path)})") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImage(f"more than {PIXEL_LIMIT:,} pixels") from None
    except OSError as error:
        raise BadImage(error.strerror or str(error)) from None
    except _PILLOW_ERRORS as error:
        raise BadImage(f"broken header ({error})") from None
    if image.width * image.height > PIXEL_LIMIT:
        image.close()
        raise BadImage(f"{image.width} x {image.height} pixels, more than {PIXEL_LIMIT:,}")
    return image


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation 1 to 8; 1 where there is none or it cannot be read. PNG's own `getexif` would decode all pixels."""
    try:
        value = Image.Image.getexif(image).get(_ORIENTATION_TAG, 1)
    except _PILLOW_ERRORS:
        return 1
    return value if value in range(1, 9) else 1


def _load(image: Image.Image) -> None:
    try:
        image.load()
    except _PILLOW_ERRORS as error:
        raise BadImage(f"cannot be decoded ({error})") from None


def _plain_decoder(image: Image.Image) -> int:
    """TensorFlow's fast decoders agree with Pillow on plain 8-bit files only; all else goes through Pillow."""
    if image.format == "JPEG" and image.mode in ("L", "RGB"):
        return TENSORFLOW_JPEG
    if image.format == "PNG" and image.mode in ("L", "RGB") and "transparency" not in image.info:
        return TENSORFLOW_PNG
    return PILLOW


def _ends_as_it_should(path: str | os.PathLike[str], decoder: int) -> bool:
    end = b"\xff\xd9" if decoder == TENSORFLOW_JPEG else b"IEND\xaeB\x60\x82"
    with Path(path).open("rb") as file:
        file.seek(-min(len(end), Path(path).stat().st_size), os.SEEK_END)
        return file.read() == end


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":  # Pillow's own conversion clips these to white
        return Image.fromarray((np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8)).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, (*BACKGROUND, 255)), layer).convert("RGB")
    return image.convert("RGB")


def _first_bytes(path: str | os.PathLike[str]) -> str:
    with Path(path).open("rb") as file:
        return f"it starts with {file.read(12)!r}"
