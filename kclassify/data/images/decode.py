"""The one reader of image files for training, validation, prediction, export and serving: what a file is, and its pixels as RGB."""

import importlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import PIL
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, PpmImagePlugin, TiffImagePlugin, WebPImagePlugin

from kclassify.data.images import rgb, structure
from kclassify.data.images.signature import HEAD, BadImage, image_format
from kclassify.data.images.structure import PIXEL_LIMIT

__all__ = ["BACKGROUND", "FORMATS", "PILLOW", "PIXEL_LIMIT", "SUFFIXES", "TENSORFLOW_JPEG", "TENSORFLOW_PNG", "BadImage", "Header"]
__all__ += ["Source", "probe", "read_rgb", "reader_version"]

BACKGROUND = rgb.BACKGROUND
SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".avif", ".heic", ".heif"]
)  # which files of a folder are looked at

TENSORFLOW_JPEG, TENSORFLOW_PNG, PILLOW = 0, 1, 2  # who decodes a file in the training pipeline

Source = str | os.PathLike[str] | bytes
"""A path, or all bytes of an image file, as they come from a shard or an archive."""

_RULES = 2  # raise it when the answers of `probe` change
_KINDS = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"))
_PLUGINS: dict[str, Any] = {  # of Pillow; EPS, which starts Ghostscript, and the like are never tried
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
    "gif": GifImagePlugin.GifImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
    "tiff": TiffImagePlugin.TiffImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "dib": BmpImagePlugin.DibImageFile,
    "ppm": PpmImagePlugin.PpmImageFile,
}
_OPTIONAL = {  # module, class, and how to get it
    "avif": ("PIL.AvifImagePlugin", "AvifImageFile", "pip install --upgrade pillow"),
    "heic": ("pillow_heif", "HeifImageFile", "pip install pillow-heif"),
}
FORMATS = (*_PLUGINS, *_OPTIONAL)
_FAST = {"jpeg": TENSORFLOW_JPEG, "png": TENSORFLOW_PNG}


@dataclass(frozen=True)
class Header:
    """What the index keeps of one file. `height` and `width` are in pixels after EXIF orientation; `format` is in lower case."""

    height: int
    width: int
    decoder: int
    format: str


def probe(source: Source) -> Header:
    """Look at a file without decoding its pixels, where its structure tells that they are whole.

    Whatever is not a JPEG, PNG, GIF or WebP with its end in place is decoded once to be sure, so that a broken one is found now and not
    in the middle of training. Damage amid compressed pixels is only seen when they are decoded.

    Raises:
        BadImage: not a regular file, empty, of no known format, beyond a limit, or truncated.
    """
    with _opened(source) as (file, kind):
        plain = structure.is_plain(file, kind)
        image = _image(file, kind)
        if not plain:
            height, width, _ = rgb.upright_rgb(image).shape
            return Header(height, width, PILLOW, kind)
        orientation = rgb.orientation(image)
        width, height = reversed(image.size) if orientation in rgb.SIDEWAYS else image.size
        return Header(height, width, PILLOW if orientation != 1 else _fast_decoder(image, kind), kind)


def read_rgb(source: Source) -> np.ndarray:
    """Decode a file to uint8 RGB [H, W, 3], upright by its EXIF orientation; of an animation, the first frame.

    See `rgb.upright_rgb` for depth, transparency and colour. A PNG or GIF of which only the end mark is missing is read; a JPEG is
    not, because missing rows look the same.

    Raises:
        BadImage: as `probe`, or the pixels cannot be decoded.
    """
    with _opened(source) as (file, kind):
        structure.is_plain(file, kind)
        return rgb.upright_rgb(_image(file, kind))


def reader_version() -> list[object]:
    """What the answers of `probe` depend on besides the file: part of the key of whatever keeps them."""
    return [_RULES, structure.pixel_limit(), PIL.__version__, *(_plugin(kind) is not None for kind in _OPTIONAL)]


@contextmanager
def _opened(source: Source) -> Iterator[tuple[BinaryIO, str]]:
    """The file and its format; what goes wrong while it is read becomes a BadImage."""
    try:
        with BytesIO(source) if isinstance(source, bytes) else _open_file(source) as file:
            yield file, image_format(file.read(HEAD))
    except OSError as error:
        raise BadImage(error.strerror or f"cannot be decoded ({error})") from None
    except rgb.DECODER_ERRORS as error:
        raise BadImage(f"cannot be decoded ({error or type(error).__name__})") from None


def _open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """Never blocks: only a regular file is opened."""
    place = Path(path)
    try:
        mode = place.stat().st_mode
    except FileNotFoundError as error:
        target = f": a link to {str(place.readlink())!r}" if place.is_symlink() else ""
        raise BadImage(f"{error.strerror}{target}") from None
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "a device")
        raise BadImage(f"not a regular file: {kind}")
    return place.open("rb")


def _image(file: BinaryIO, kind: str) -> Image.Image:
    """Open a file with the one plugin of its format. `Image.open` would guess once more, and warn on the screen of large pictures."""
    plugin = _plugin(kind)
    if plugin is None:
        raise BadImage(f"an image in the format {kind.upper()}; to read it: {_OPTIONAL[kind][2]}")
    file.seek(0)
    image = plugin(file, "")
    structure.limit_pixels(*image.size)
    return image


def _plugin(kind: str) -> Any:
    if kind in _PLUGINS:
        return _PLUGINS[kind]
    module, name, _ = _OPTIONAL[kind]
    try:
        found = importlib.import_module(module)
    except ImportError:
        return None
    return getattr(found, name) if getattr(found, "SUPPORTED", True) else None


def _fast_decoder(image: Image.Image, kind: str) -> int:
    """TensorFlow's decoders agree with Pillow on plain 8-bit pictures; all else goes through Pillow."""
    agrees = image.mode in ("L", "RGB") and "transparency" not in image.info and image.width * image.height <= PIXEL_LIMIT
    return _FAST.get(kind, PILLOW) if agrees else PILLOW
