"""A data set on its way into shards: every image as it is, or made smaller once so that every epoch decodes less."""

import io
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from kclassify.data.dataset import Dataset
from kclassify.data.images.decode import BadImage, probe, read_rgb
from kclassify.data.index import Index
from kclassify.data.sources import pack
from kclassify.errors import DataError
from kclassify.processors import processors

_AHEAD = 64  # images that wait in memory


def pack_dataset(
    data: Dataset, folder: Path, *, short_side: int | None = None, quality: int = 90, progress: Callable[[int], None] | None = None
) -> Mapping[str, int]:
    """Write a data set as TFRecord shards with the split that it has; the bad files stay out.

    Args:
        short_side: larger images are resized until their short side has so many pixels, and stored as JPEG.
        quality: of those JPEGs, 1 to 100.
        progress: called with the number of images done.

    Returns:
        images by split.

    Raises:
        DataError: an image can no longer be read.
        UsageError, SetupError: as `pack.write`.
    """
    splits = {"train": _samples(data.train, short_side, quality, progress, 0)}
    splits["val"] = _samples(data.val, short_side, quality, progress, len(data.train))
    return pack.write(folder, splits, data.train.class_names)


def smaller(image: bytes, short_side: int, quality: int) -> bytes:
    """An encoded image with its short side resized to `short_side` pixels, as a JPEG; one that is not larger stays as it is.

    Raises:
        decode.BadImage: it cannot be decoded.
    """
    header = probe(image)
    if min(header.height, header.width) <= short_side:
        return image
    scale = short_side / min(header.height, header.width)
    size = (max(1, round(header.width * scale)), max(1, round(header.height * scale)))
    target = io.BytesIO()
    Image.fromarray(read_rgb(image)).resize(size, Image.Resampling.BICUBIC).save(target, "JPEG", quality=quality, subsampling="4:2:0")
    return target.getvalue()


def _samples(
    index: Index, short_side: int | None, quality: int, progress: Callable[[int], None] | None, done: int
) -> Iterator[pack.Sample]:
    def one(row: int) -> bytes:
        try:
            source = index.source(row)
            data = source if isinstance(source, bytes) else source.read_bytes()
            return data if short_side is None else smaller(data, short_side, quality)
        except (BadImage, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"{index.root / index.paths[row]}: {reason}. It was usable when the data set was looked at.") from error

    with ThreadPoolExecutor(processors()) as pool:
        for first in range(0, len(index), _AHEAD):
            rows = range(first, min(first + _AHEAD, len(index)))
            for row, image in zip(rows, pool.map(one, rows), strict=True):
                yield index.paths[row], image, int(index.labels[row])
                if progress:
                    progress(done + row + 1)
