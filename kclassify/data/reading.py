"""From a sample's place to its pixels, in TensorFlow ops: bytes, then all of the picture or a window of it."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from kclassify.data.images.decode import TENSORFLOW_JPEG, read_rgb
from kclassify.data.index import Index
from kclassify.data.python_ops import as_written, python_op
from kclassify.data.sources.listing import read_range

Sample = dict[str, tf.Tensor]
_AT_LEAST = 3  # times the wanted size must stay
RATIOS = (1, 2, 4, 8)  # by which libjpeg can shrink a picture while it decodes


def columns(index: Index) -> Sample:
    """What reading needs of each image of an index, a tensor of [n] by name."""
    # tf.constant stores the paths once in the graph's resources; at a million files of 100 bytes that is 0.1 GiB
    found = {
        "file": tf.constant([path.encode("utf-8", "surrogateescape") for path in index.files()], tf.string),
        "label": tf.constant(index.labels, tf.int32),
        "height": tf.constant(index.heights, tf.int32),
        "width": tf.constant(index.widths, tf.int32),
        "decoder": tf.constant(index.decoders, tf.int32),
    }
    if index.ranges is not None:
        found |= {"offset": tf.constant(index.ranges[:, 0], tf.int64), "length": tf.constant(index.ranges[:, 1], tf.int64)}
    return found


def shrinking(windows: tf.Tensor, decoders: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """By how much JPEG windows can be shrunk while they are decoded, and the windows moved to whole pixels of the shrunk picture.

    A side keeps at least three times `size` pixels. The result then differs from that of a full decode by less than a grey level on
    average; on photographs it was 0.1 to 0.9, with twice `size` up to 2.5.

    Args:
        windows: int32 [n, 4]: top, left, height, width in pixels.

    Returns:
        int32 [n], a row of RATIOS; int32 [n, 4] windows whose numbers are multiples of that ratio.
    """
    shorter = tf.reduce_min(windows[:, 2:], axis=1)
    fits = tf.stack([shorter >= _AT_LEAST * size * ratio for ratio in RATIOS[1:]], axis=1) & (decoders == TENSORFLOW_JPEG)[:, None]
    row = tf.reduce_sum(tf.cast(fits, tf.int32), axis=1)
    ratio = tf.gather(RATIOS, row)[:, None]
    return row, windows // ratio * ratio


@as_written
def read_ranges(samples: Sample) -> Sample:
    """The samples of a batch with `data`, string [n]: their stretches of larger files.

    One call of Python for all: a call for each image costs as much again as half of its decoding.
    """
    data = python_op(_read_each, [samples[name] for name in ("file", "offset", "length")], tf.string)
    return samples | {"data": tf.ensure_shape(data, samples["file"].shape)}


def read_bytes(sample: Sample) -> tf.Tensor:
    """The file of a sample, or its stretch of a larger file: string []."""
    if "data" in sample:
        return sample["data"]
    if "offset" not in sample:
        return tf.io.read_file(sample["file"])
    data = python_op(_read_range, [sample["file"], sample["offset"], sample["length"]], tf.string)
    return tf.ensure_shape(data, [])


def decode_whole(sample: Sample) -> tf.Tensor:
    """All pixels of a sample: uint8 [H, W, 3], upright."""
    data = read_bytes(sample)
    readers: list[Callable[[tf.Tensor], tf.Tensor]] = [_jpeg, _png, _pillow]
    return tf.switch_case(sample["decoder"], [lambda read=read: read(data) for read in readers])


def decode_jpeg_window(sample: Sample, ratio: int = 1) -> tf.Tensor:
    """As `decode_window`, of a JPEG that is shrunk by `ratio`."""
    settings = {"channels": 3, "dct_method": "INTEGER_ACCURATE", "ratio": ratio}
    return tf.io.decode_and_crop_jpeg(read_bytes(sample), sample["window"] // ratio, **settings)


def decode_window(sample: Sample) -> tf.Tensor:
    """The pixels of `sample["window"]`, shrunk by RATIOS[`sample["shrink"]`]. Of a JPEG only the blocks of the window are decoded."""

    def other() -> tf.Tensor:
        top, left, height, width = tf.unstack(sample["window"])
        return decode_whole(sample)[top : top + height, left : left + width]

    branch = tf.where(sample["decoder"] == TENSORFLOW_JPEG, sample["shrink"], len(RATIOS))
    return tf.switch_case(branch, [*(lambda ratio=ratio: decode_jpeg_window(sample, ratio) for ratio in RATIOS), other])


def _jpeg(data: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")


def _png(data: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_png(data, channels=3)


def _pillow(data: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(python_op(read_rgb, [data], tf.uint8), [None, None, 3])


def _read_range(file: bytes, offset: np.int64, length: np.int64) -> bytes:
    return read_range(file.decode("utf-8", "surrogateescape"), int(offset), int(length))


def _read_each(files: np.ndarray, offsets: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return np.array([_read_range(*row) for row in zip(files, offsets, lengths, strict=True)], object)  # bytes of their own lengths
