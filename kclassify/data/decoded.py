"""All pictures of an index decoded once and kept, in memory or in a file, so that later epochs only cut and resize."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from kclassify.data.cache import cache_folder
from kclassify.data.decode import reader_version
from kclassify.data.index import Index
from kclassify.data.reading import Sample, columns, decode_whole
from kclassify.errors import DataError, SetupError

_ROOM = 0.8  # the share of the free memory or disk that may be taken


class DecodedImages:
    """uint8 RGB pixels of every image of an index, one after the other in one long array."""

    def __init__(self, index: Index, store: np.ndarray):
        self._heights, self._widths = index.heights.astype(np.int64), index.widths.astype(np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self._heights * self._widths * 3)])
        self._store = store

    def window(self, row: tf.Tensor, window: tf.Tensor) -> tf.Tensor:
        """A window (top, left, height, width in pixels) of the image in a row of the index: uint8 [height, width, 3]."""
        return tf.ensure_shape(tf.numpy_function(self._window, [row, window], tf.uint8, stateful=False), [None, None, 3])

    def fill(self, row: int, pixels: np.ndarray) -> None:
        """Put in the pixels of an image."""
        self._store[self._starts[row] : self._starts[row + 1]] = pixels.reshape(-1)

    def _window(self, row: np.int64, window: np.ndarray) -> np.ndarray:
        top, left, height, width = window
        whole = self._store[self._starts[row] : self._starts[row + 1]].reshape(self._heights[row], self._widths[row], 3)
        return np.ascontiguousarray(whole[top : top + height, left : left + width])


def keep_decoded(index: Index, where: str, progress: Callable[[int, int], None] | None = None) -> DecodedImages:
    """Decode every image of an index.

    Args:
        where: `ram`, or `disk` for a file in the cache folder that the next run over the same images takes up.
        progress: called with (images done, images in all).

    Raises:
        SetupError: the pixels do not fit, or cannot be written.
        DataError: an image can no longer be decoded.
    """
    size = int((index.heights.astype(np.int64) * index.widths * 3).sum())
    try:
        return _keep(index, where, size, progress)
    except OSError as error:
        raise SetupError(f"--cache {where}: {error.filename or cache_folder()}: {error.strerror}. Leave --cache out.") from error


def _keep(index: Index, where: str, size: int, progress: Callable[[int, int], None] | None) -> DecodedImages:
    _check_room(size, where)
    if where == "ram":
        kept = DecodedImages(index, np.empty(size, np.uint8))
        _decode_all(index, kept, progress)
        return kept
    # A fingerprint knows sizes alone, and an uncompressed image that was changed has the size that it had.
    changes = [Path(file).stat().st_mtime_ns for file in dict.fromkeys(index.files())]
    key = hashlib.sha256(repr([index.fingerprint, changes, reader_version()]).encode()).hexdigest()
    path = cache_folder() / "decoded" / f"{key}.rgb"
    if not path.is_file() or path.stat().st_size != size:
        _write(path, index, size, progress)
    return DecodedImages(index, np.memmap(path, np.uint8, mode="r", shape=(size,)))


def _write(path: Path, index: Index, size: int, progress: Callable[[int, int], None] | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    try:
        store = np.memmap(partial, np.uint8, mode="w+", shape=(size,))
        _decode_all(index, DecodedImages(index, store), progress)
        store.flush()
        os.replace(partial, path)
    finally:
        Path(partial).unlink(missing_ok=True)


def _decode_all(index: Index, kept: DecodedImages, progress: Callable[[int, int], None] | None) -> None:
    def load(sample: Sample) -> tf.Tensor:
        return decode_whole(sample)

    images = tf.data.Dataset.from_tensor_slices(columns(index)).map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    done = 0
    try:
        for pixels in images.prefetch(8).as_numpy_iterator():
            kept.fill(done, pixels)
            done += 1
            if progress:
                progress(done, len(index))
    except (tf.errors.OpError, ValueError) as error:
        raise DataError(f"{index.root / index.paths[done]}: not what it was when the data set was looked at. Start again.") from error


def _check_room(size: int, where: str) -> None:
    free = _free_memory() if where == "ram" else _free_disk()
    if free is not None and size > _ROOM * free:
        raise SetupError(
            f"--cache {where}: the decoded images take {size / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free.\n"
            "Leave --cache out, or make the images smaller first: kclassify data pack DIR --short-side 256"
        )


def _free_memory() -> int | None:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None  # a system that does not say


def _free_disk() -> int | None:
    import shutil

    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free
