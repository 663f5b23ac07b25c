"""From what Pillow decodes, in any of its modes, to upright 8-bit RGB."""

import struct
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from kclassify.data.images.signature import BadImage

BACKGROUND = (255, 255, 255)  # what shows through transparent pixels
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap height and width

# What decoders raise on broken files.
DECODER_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    MemoryError,
    EOFError,
    LookupError,
    TypeError,
    RuntimeError,  # of AVIF
    OverflowError,
    struct.error,
    Warning,  # where a user has made errors of them
    Image.DecompressionBombError,
)

_ORIENTATION_TAG, _BITS_TAG, _PHOTOMETRIC_TAG = 0x0112, 258, 262
_WHITE_IS_ZERO = 0
_KEY_SCALE = {"L;2": 85, "L;4": 17}  # from a PNG's own grey levels to 8 bits
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(image: Image.Image) -> int:
    """The EXIF orientation 1 to 8; 1 where there is none or it cannot be read. PNG's own `getexif` would decode all pixels."""
    try:
        value = Image.Image.getexif(image).get(_ORIENTATION_TAG, 1)
    except DECODER_ERRORS:
        return 1
    return value if value in range(1, 9) else 1


def upright_rgb(image: Image.Image) -> np.ndarray:
    """The pixels of an opened image as uint8 RGB [H, W, 3], upright.

    Of more than 8 bits the top 8 are kept, so that the mean stays; floating-point levels of 0..1 become 0..255. Transparent pixels are
    laid over `BACKGROUND`. CMYK becomes R = (1 - C)(1 - K) without a profile, and
    that of a JPEG counts as stored inverted, which is Adobe's way, with Adobe's marker or without.

    Raises:
        BadImage: levels that are no picture; and whatever Pillow raises on broken pixels.
    """
    _scale_transparent_colour(image)
    tags = dict(getattr(image, "tag_v2", {}))  # of a TIFF; they are gone once it is turned
    image.load()
    if image.format == "TIFF":  # which some versions of Pillow turn as they load it
        upright = ImageOps.exif_transpose(image)
    else:
        turn = _TURNS.get(orientation(image))
        upright = image if turn is None else image.transpose(turn)
    if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
        return np.repeat(_deep_grey(np.asarray(upright), tags, upright.info.get("transparency"))[..., None], 3, axis=2)
    return np.asarray(_plain_rgb(upright))


def _scale_transparent_colour(image: Image.Image) -> None:
    """Pillow compares a PNG's transparent colour, which counts in the file's own depth, with pixels of 8 bits."""
    colour = image.info.get("transparency")
    depth = image.tile[0].args if image.format == "PNG" and image.tile else None  # type: ignore[attr-defined]
    if isinstance(colour, int) and depth in _KEY_SCALE:
        image.info["transparency"] = colour * _KEY_SCALE[depth]
    elif isinstance(colour, tuple) and depth == "RGB;16B":
        image.info["transparency"] = tuple(level >> 8 for level in colour)


def _deep_grey(levels: np.ndarray, tags: dict[int, Any], transparent: int | None) -> np.ndarray:
    """Grey levels [H, W] of more than 8 bits as uint8 [H, W]."""
    bits = 12 if tags.get(_BITS_TAG) == (12,) else 16
    top = 1.0 if levels.dtype.kind == "f" else (1 << bits) - 1
    low, high = levels.min(), levels.max()
    if not (low >= 0 and high <= top):  # NaN included
        raise BadImage(f"grey levels from {low:g} to {high:g}, expected 0 to {top:g}; save it with 8 or 16 bits a pixel")
    grey = np.round(levels * 255) if levels.dtype.kind == "f" else levels >> (bits - 8)
    if tags.get(_PHOTOMETRIC_TAG) == _WHITE_IS_ZERO:
        grey = 255 - grey
    return (grey if transparent is None else np.where(levels == transparent, BACKGROUND[0], grey)).astype(np.uint8)


def _plain_rgb(image: Image.Image) -> Image.Image:
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, (*BACKGROUND, 255)), layer).convert("RGB")
    return image.convert("RGB")
