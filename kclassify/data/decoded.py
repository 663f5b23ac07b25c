"""All pictures of an index decoded once and kept, in memory or in a file, so that later epochs only cut and resize."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from kclassify.data.images.decode import reader_version
from kclassify.data.index import Index
from kclassify.data.python_ops import as_written
from kclassify.data.reading import Sample, columns, decode_whole
from kclassify.errors import DataError, SetupError
from kclassify.remote.cache import cache_folder

_ALIGNMENT = 64  # bytes
_ROOM = 0.8  # the share of the free memory or disk that may be taken


class DecodedImages:
    """uint8 RGB pixels of every image of an index, one after the other in one long array.

    TensorFlow reads the array where it lies, in memory or in a file: nothing is there twice.
    """

    def __init__(self, index: Index, store: np.ndarray):
        starts = np.concatenate([[0], np.cumsum(index.heights.astype(np.int64) * index.widths * 3)])
        self._starts, self._store = starts, store
        self._first, self._widths = tf.constant(starts, tf.int64), tf.constant(index.widths, tf.int64)
        self._pixels = tf.experimental.dlpack.from_dlpack(store.__dlpack__())

    def window(self, row: tf.Tensor, window: tf.Tensor) -> tf.Tensor:
        """A window (top, left, height, width in pixels) of the image in a row of the index: uint8 [height, width, 3]."""
        (top, left, height, width), line = tf.unstack(tf.cast(window, tf.int64)), self._widths[row]
        first = self._first[row] + top * line * 3
        rows = tf.reshape(self._pixels[first : first + height * line * 3], [height, line, 3])
        return rows[:, left : left + width]

    def fill(self, row: int, pixels: np.ndarray) -> None:
        """Put in the pixels of an image."""
        self._store[self._starts[row] : self._starts[row + 1]] = pixels.reshape(-1)


def _memory(size: int) -> np.ndarray:
    """An array that begins where TensorFlow wants its tensors to begin."""
    room = np.empty(size + _ALIGNMENT, np.uint8)
    skipped = -room.ctypes.data % _ALIGNMENT
    return room[skipped : skipped + size]


def keep_decoded(index: Index, where: str, progress: Callable[[int, int], None] | None = None) -> DecodedImages:
    """Decode every image of an index.

    Args:
        where: `ram`, or `disk` for a file in the cache folder that the next run over the same images takes up.
        progress: called with (images done, images in all).

    Raises:
        SetupError: the pixels do not fit, or cannot be written.
        DataError: an image can no longer be decoded.
    """
    try:
        return _keep(index, where, decoded_bytes(index), progress)
    except OSError as error:
        raise SetupError(f"--cache {where}: {error.filename or cache_folder()}: {error.strerror}. Leave --cache out.") from error


def decoded_bytes(index: Index) -> int:
    """What the pixels of all images take."""
    return int((index.heights.astype(np.int64) * index.widths * 3).sum())


def fits(index: Index, where: str) -> bool:
    """Whether the pixels of all images fit into the memory (`ram`) or onto the disk (`disk`)."""
    free = _free(where)
    return free is None or decoded_bytes(index) <= _ROOM * free


def _keep(index: Index, where: str, size: int, progress: Callable[[int, int], None] | None) -> DecodedImages:
    if not fits(index, where):
        raise SetupError(
            f"--cache {where}: the decoded images take {size / 2**30:.1f} GiB, {(_free(where) or 0) / 2**30:.1f} GiB are free.\n"
            "Leave --cache out, or make the images smaller first: kclassify data pack DIR --short-side 256"
        )
    if where == "ram":
        kept = DecodedImages(index, _memory(size))
        _decode_all(index, kept, progress)
        return kept
    # A fingerprint knows sizes alone, and an uncompressed image that was changed has the size that it had.
    changes = [Path(file).stat().st_mtime_ns for file in dict.fromkeys(index.files())]
    key = hashlib.sha256(repr([index.fingerprint, changes, reader_version()]).encode()).hexdigest()
    path = cache_folder() / "decoded" / f"{key}.rgb"
    if not path.is_file() or path.stat().st_size != size:
        _write(path, index, size, progress)
    return DecodedImages(index, np.memmap(path, np.uint8, mode="c", shape=(size,)))


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
    @as_written
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


def _free(where: str) -> int | None:
    return _free_memory() if where == "ram" else _free_disk()


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
