"""The tf.data graph: an index and a range of steps in, batches of uint8 pixels out, the same ones whatever the machine."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from kclassify.data import order
from kclassify.data.augment import crop
from kclassify.data.augment.erasing import ERASINGS, erase
from kclassify.data.augment.layers import apply_layer
from kclassify.data.augment.mixing import MIXINGS, mix
from kclassify.data.augment.policies import POLICIES
from kclassify.data.decoded import DecodedImages
from kclassify.data.images.decode import TENSORFLOW_JPEG, BadImage, read_rgb
from kclassify.data.index import Index
from kclassify.data.preprocess import preprocess
from kclassify.data.python_ops import as_written
from kclassify.data.reading import Sample, columns, decode_jpeg_window, decode_whole, decode_window, read_ranges, shrinking
from kclassify.presets.card import Preprocessing

Batch = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
Part = tuple[int, int]  # the number of a part of every batch, and how many parts there are
ALL: Part = (0, 1)


@dataclass(frozen=True)
class TrainTransform:
    """The training transform: the crop and flip of `augment`, then the augmentations in `ops`, each a name with its settings.

    `mean` is what erased pixels become, in grey levels; `repeats` how often an image comes in a batch.
    """

    size: int
    crop_scale: tuple[float, float] = (0.08, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    ops: tuple[tuple[str, Any], ...] = ()
    mean: tuple[int, ...] = (124, 116, 104)
    repeats: int = 1

    def among(self, table: Any) -> list[tuple[str, Any]]:
        """The augmentations that are in a table such as POLICIES, ERASINGS or MIXINGS."""
        return [(name, settings) for name, settings in self.ops if name in table]

    @property
    def layers(self) -> list[str]:
        """Layers of Keras among the augmentations."""
        return [name for name, _ in self.ops if ":" in name]


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """Steps of one epoch; the last batch is filled up, see `train_batches`."""
    return -(-samples // batch_size)


def train_batches(  # noqa: PLR0913
    index: Index,
    transform: TrainTransform,
    *,
    batch_size: int,
    seed: int,
    first_step: int,
    last_step: int,
    accumulate: int = 1,
    part: Part = ALL,
    decoded: DecodedImages | None = None,
    threads: int | None = None,
) -> tf.data.Dataset:
    """Batches of the steps `first_step` to `last_step` (exclusive) of an endless run over the index.

    Every sample comes once an epoch. The last batch of an epoch is filled up with samples of weight 0, so all batches have one shape
    and the sum of weights over an epoch is the number of samples.

    Args:
        accumulate: so many steps are one change of the weights; an epoch is filled up to a whole number of those.
        part: of several machines each prepares its part of every batch alone, and black images for the rest, which others prepare.
        decoded: the pixels of the index where they are kept, so that nothing is read or decoded.
        threads: how many images are prepared at a time; by default what tf.data finds best.

    Returns:
        a dataset of (uint8 [batch, size, size, 3], float32 [batch, classes], weights float32 [batch]); where an image has one class,
        targets sum to 1.
    """
    graph = _TrainGraph(index, transform, (batch_size, accumulate, part), seed, decoded)
    parallel: dict[str, Any] = {"num_parallel_calls": threads or tf.data.AUTOTUNE, "deterministic": True}
    planned = tf.data.Dataset.range(first_step, last_step).map(graph.plan, **parallel)
    if index.ranges is not None and decoded is None:
        planned = planned.map(read_ranges, **parallel)
    samples = planned.unbatch().map(graph.load, **parallel)
    return _batched(samples, batch_size).map(graph.finish, **parallel).prefetch(tf.data.AUTOTUNE)


class _TrainGraph:
    """The three stages of a batch: planned as a whole, loaded image by image, finished as a whole."""

    def __init__(self, index: Index, transform: TrainTransform, sizes: tuple[int, int, Part], seed: int, decoded: DecodedImages | None):
        self.transform, self.seed, self.decoded = transform, seed, decoded
        self.batch_size, self.accumulate, self.part = sizes
        self.samples, self.targets = len(index), _targets(index)
        self.columns = columns(index)
        self.policies, self.erasings, self.mixings = (transform.among(table) for table in (POLICIES, ERASINGS, MIXINGS))

    @as_written
    def plan(self, step: tf.Tensor) -> dict[str, Any]:
        """Everything random about the images of a step: [batch, ...] by name."""
        size, count = self.transform.size, self.batch_size
        rows, number, epoch, weight = _rows(self.samples, count, self.seed, step, self.transform.repeats, self.accumulate)
        random = order.uniforms(self.seed, number, count)
        sample: dict[str, Any] = {name: tf.gather(column, rows) for name, column in self.columns.items()}
        shape = {"scale": self.transform.crop_scale, "ratio": self.transform.crop_ratio}
        window = crop.crop_windows(random, sample.pop("height"), sample.pop("width"), **shape)
        sample["shrink"], window = shrinking(window, sample["decoder"], size)
        large = crop.is_large(window[:, 2], window[:, 3], size)
        usual = (sample["decoder"] == TENSORFLOW_JPEG) & (sample["shrink"] == 0) & ~large
        sample |= {"row": rows, "window": window, "flip": crop.flips(random, self.transform.flip), "usual": usual, "large": large}
        sample |= {"weight": weight, "number": tf.fill([count], number), "epoch": tf.fill([count], epoch)}
        if self.part != ALL:
            mine = _mine(np.arange(count), count, self.part)
            sample["mine"] = tf.constant(mine | mine[::-1] if self.mixings else mine)  # what an image is mixed with is at the other end
        for name, settings in self.policies:
            uniforms = order.uniforms(self.seed, number, count, table=name, columns=POLICIES[name].draws(settings))
            sample[name] = POLICIES[name].choose(uniforms, settings, size)
        return sample

    @as_written
    def load(self, sample: dict[str, Any]) -> tuple[tf.Tensor, Sample]:
        """One image: read, cut out, resized, augmented."""

        def prepared() -> tf.Tensor:
            pixels = self.cut_out(sample)
            for name, settings in self.policies:
                pixels = POLICIES[name].apply(pixels, sample[name], settings)
            return pixels

        pixels = prepared() if self.part == ALL else _if_mine(sample["mine"], prepared, self.transform.size)
        return pixels, {name: sample[name] for name in ("label", "weight", "number", "epoch")}

    def cut_out(self, sample: Sample) -> tf.Tensor:
        """The window of an image, resized and mirrored: uint8 [size, size, 3]."""
        size, flip = self.transform.size, sample["flip"]
        if self.decoded is not None:
            return crop.resize_window(self.decoded.window(sample["row"], sample["window"]), size, flip, large=sample["large"])
        return tf.cond(  # one condition for nearly every photograph: each costs as much as a tenth of the decoding
            sample["usual"],
            lambda: crop.resize_window(decode_jpeg_window(sample), size, flip, large=False),
            lambda: crop.resize_window(decode_window(sample), size, flip, large=sample["large"]),
        )

    @as_written
    def finish(self, pixels: tf.Tensor, sample: Sample) -> Batch:
        """What is done to a batch at once, pixels and labels."""
        number, targets = sample["number"][0], self.targets(sample["label"])
        for layer in self.transform.layers:
            pixels = apply_layer(layer, pixels)
        if self.erasings:
            at = {"seed": self.seed, "number": number, "epoch": sample["epoch"][0]}
            pixels = erase(pixels, self.erasings, **at, mean=self.transform.mean)
        if self.mixings:
            random = order.uniforms(self.seed, number, 1, table="mixing", columns=4)[0]
            pixels, targets = mix(pixels, targets, self.mixings, random=random, seed=self.seed, number=number)
        return pixels, targets, sample["weight"]


def eval_batches(index: Index, spec: Preprocessing, *, batch_size: int, part: Part = ALL) -> tf.data.Dataset:
    """Every image of the index once, in order, prepared as for prediction; the last batch is filled up with weight 0.

    `part` is that of `train_batches`.

    Returns:
        a dataset of (uint8 [batch, size, size, 3], float32 [batch, classes] of 0 and 1, weights float32 [batch]).
    """
    picked_from, targets = columns(index), _targets(index)
    padded = steps_per_epoch(len(index), batch_size) * batch_size

    @as_written
    def load(number: tf.Tensor) -> Batch:
        sample = {name: column[tf.minimum(number, len(index) - 1)] for name, column in picked_from.items()}

        def prepared() -> tf.Tensor:
            return tf.cast(preprocess(decode_whole(sample)[None], spec)[0], tf.uint8)

        pixels = prepared() if part == ALL else _if_mine(_mine(number % batch_size, batch_size, part), prepared, spec.size)
        return pixels, targets(sample["label"]), tf.cast(number < len(index), tf.float32)

    samples = tf.data.Dataset.range(padded).map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return _batched(samples, batch_size).prefetch(tf.data.AUTOTUNE)


def _targets(index: Index) -> Callable[[tf.Tensor], tf.Tensor]:
    """What turns labels of an index, int32 [...], into targets, float32 [..., classes]."""
    if index.label_sets is None:
        return lambda labels: tf.one_hot(labels, len(index.class_names))
    table = tf.constant(index.target_table())
    return lambda labels: tf.cast(tf.gather(table, labels), tf.float32)


def rows_of_steps(samples: int, batch_size: int, seed: int, steps: range, repeats: int = 1, accumulate: int = 1) -> np.ndarray:
    """Which rows of the index some steps of `train_batches` use: int64 [n]."""
    return np.concatenate([_rows(samples, batch_size, seed, tf.constant(step, tf.int64), repeats, accumulate)[0] for step in steps])


def find_unreadable(index: Index) -> str | None:
    """The first image of the index that can no longer be decoded, with the reason: why a step has failed."""
    for row, path in enumerate(index.paths):
        try:
            read_rgb(index.source(row))
        except (BadImage, OSError) as reason:
            return f"{index.root / path}: {reason}"
    return None


def _rows(
    samples: int, batch_size: int, seed: int, step: tf.Tensor, repeats: int, accumulate: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Of one step: the rows of the index, the number of the first sample, the epoch, and the weights, 0 for those that fill up."""
    per_epoch = steps_per_epoch(samples, batch_size * accumulate) * accumulate
    epoch, position = step // per_epoch, (step % per_epoch) * batch_size + tf.range(batch_size, dtype=tf.int64)
    rows = order.shuffled(seed, epoch, position % samples // repeats, samples)
    return rows, epoch * samples + position[0], epoch, tf.cast(position < samples, tf.float32)


def _mine(place: Any, batch_size: int, part: Part) -> Any:
    """Whether the images at some places of a batch are in a part of it: bool of the same shape."""
    number, parts = part
    return place * parts // batch_size == number


def _if_mine(mine: tf.Tensor, prepared: Callable[[], tf.Tensor], size: int) -> tf.Tensor:
    return tf.cond(mine, prepared, lambda: tf.zeros([size, size, 3], tf.uint8))


def _batched(samples: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA  # several machines: a part of each batch
    options.deterministic = True
    options.threading.max_intra_op_parallelism = (
        1  # images are prepared side by side; sharing one out among threads costs more than it gains
    )
    return samples.batch(batch_size, drop_remainder=True, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).with_options(options)
