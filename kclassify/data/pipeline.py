"""The tf.data graph: an index and a range of steps in, batches of uint8 pixels out, the same ones whatever the machine."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from kclassify.data import augment, order
from kclassify.data.decode import TENSORFLOW_JPEG, BadImage, read_rgb
from kclassify.data.index import Index
from kclassify.data.preprocess import preprocess
from kclassify.presets.card import Preprocessing


@dataclass(frozen=True)
class TrainTransform:
    """Settings of the training transform; see `augment`."""

    size: int
    crop_scale: tuple[float, float] = (0.08, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """Steps of one epoch; the last batch is filled up, see `train_batches`."""
    return -(-samples // batch_size)


def train_batches(
    index: Index, transform: TrainTransform, *, batch_size: int, seed: int, first_step: int, last_step: int
) -> tf.data.Dataset:
    """Batches of the steps `first_step` to `last_step` (exclusive) of an endless run over the index.

    Every sample comes once an epoch. The last batch of an epoch is filled up with samples of weight 0, so all batches have one shape
    and the sum of weights over an epoch is the number of samples.

    Returns:
        a dataset of (uint8 [batch, size, size, 3], one-hot float32 [batch, classes], weights float32 [batch]).
    """
    columns = _columns(index)

    def plan(step: tf.Tensor) -> dict[str, tf.Tensor]:
        rows, number, weight = _rows(len(index), batch_size, seed, step)
        random = order.uniforms(seed, number, batch_size)
        picked = {name: tf.gather(column, rows) for name, column in columns.items()}
        window = augment.crop_windows(random, picked["height"], picked["width"], scale=transform.crop_scale, ratio=transform.crop_ratio)
        return {**picked, "window": window, "flip": augment.flips(random, transform.flip), "weight": weight}

    def load(sample: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        pixels = augment.resize_window(_decode_window(sample), transform.size, sample["flip"])
        return pixels, sample["label"], sample["weight"]

    samples = tf.data.Dataset.range(first_step, last_step).map(plan).unbatch()
    return _batched(samples.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True), batch_size, len(index.class_names))


def eval_batches(index: Index, spec: Preprocessing, *, batch_size: int) -> tf.data.Dataset:
    """Every file of the index once, in order, prepared as for prediction; the last batch is filled up with weight 0.

    Returns:
        a dataset of (uint8 [batch, size, size, 3], one-hot float32 [batch, classes], weights float32 [batch]).
    """
    columns = _columns(index)
    padded = steps_per_epoch(len(index), batch_size) * batch_size

    def load(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        sample = {name: column[tf.minimum(number, len(index) - 1)] for name, column in columns.items()}
        pixels = preprocess(_decode_whole(sample)[None], spec)[0]
        return tf.cast(pixels, tf.uint8), sample["label"], tf.cast(number < len(index), tf.float32)

    samples = tf.data.Dataset.range(padded).map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return _batched(samples, batch_size, len(index.class_names))


def rows_of_steps(samples: int, batch_size: int, seed: int, first_step: int, last_step: int) -> np.ndarray:
    """Which rows of the index the steps `first_step` to `last_step` (exclusive) of `train_batches` use: int64 [n]."""
    return np.concatenate([_rows(samples, batch_size, seed, tf.constant(step, tf.int64))[0] for step in range(first_step, last_step)])


def find_unreadable(index: Index) -> str | None:
    """The first file of the index that can no longer be decoded, with the reason: why a step has failed."""
    for path in index.full_paths():
        try:
            read_rgb(path)
        except BadImage as reason:
            return f"{path}: {reason}"
    return None


def _rows(samples: int, batch_size: int, seed: int, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Of one step: the rows of the index, the number of the first sample, and the weights, 0 for those that fill up."""
    per_epoch = steps_per_epoch(samples, batch_size)
    epoch, position = step // per_epoch, (step % per_epoch) * batch_size + tf.range(batch_size, dtype=tf.int64)
    rows = order.shuffled(seed, epoch, position % samples, samples)
    return rows, epoch * samples + position[0], tf.cast(position < samples, tf.float32)


def _columns(index: Index) -> dict[str, tf.Tensor]:
    # tf.constant stores the paths once in the graph's resources; at a million files of 100 bytes that is 0.1 GiB
    return {
        "path": tf.constant([path.encode("utf-8", "surrogateescape") for path in index.full_paths()], tf.string),
        "label": tf.constant(index.labels, tf.int32),
        "height": tf.constant(index.heights, tf.int32),
        "width": tf.constant(index.widths, tf.int32),
        "decoder": tf.constant(index.decoders, tf.int32),
    }


def _batched(samples: tf.data.Dataset, batch_size: int, classes: int) -> tf.data.Dataset:
    def finish(pixels: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return pixels, tf.one_hot(labels, classes), weights

    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    options.deterministic = True
    batches = samples.batch(batch_size, drop_remainder=True, num_parallel_calls=tf.data.AUTOTUNE).map(finish)
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


def _decode_whole(sample: dict[str, tf.Tensor]) -> tf.Tensor:
    def fast(read: object) -> object:
        return lambda: read(tf.io.read_file(sample["path"]))  # type: ignore[operator]

    branches = [fast(_jpeg), fast(_png), lambda: _pillow(sample["path"])]
    return tf.switch_case(sample["decoder"], branches)


def _decode_window(sample: dict[str, tf.Tensor]) -> tf.Tensor:
    """The window's pixels; of a JPEG only the blocks that the window touches are decoded."""
    window = sample["window"]

    def jpeg() -> tf.Tensor:
        return tf.io.decode_and_crop_jpeg(tf.io.read_file(sample["path"]), window, channels=3, dct_method="INTEGER_ACCURATE")

    def other() -> tf.Tensor:
        pixels = _decode_whole(sample)
        return tf.slice(pixels, [window[0], window[1], 0], [window[2], window[3], 3])

    return tf.cond(sample["decoder"] == TENSORFLOW_JPEG, jpeg, other)


def _jpeg(data: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")


def _png(data: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_png(data, channels=3)


def _pillow(path: tf.Tensor) -> tf.Tensor:
    pixels = tf.numpy_function(_read, [path], tf.uint8, stateful=False)
    return tf.ensure_shape(pixels, [None, None, 3])


def _read(path: bytes) -> np.ndarray:
    return read_rgb(path.decode("utf-8", "surrogateescape"))
