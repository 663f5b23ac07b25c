"""Images of a batch mixed with each other, and their labels too: MixUp, CutMix, ResizeMix, or a choice between them a batch.

The partner of an image is the one at the same distance from the other end of the batch. How a batch is mixed is drawn once a batch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from kclassify.data.augment.compiled import compiled
from kclassify.presets.augmentations import CutMix, Mixup, ResizeMix

_SHARES = 256  # a share of MixUp is a whole number of 256ths, so that it is exact on grey levels


@dataclass(frozen=True)
class Mixing:
    """One way of mixing.

    `choose(random float32 [3], share float32 [], settings, size)` gives int32 [k]: where, or how much. `apply(pixels, chosen)` gives the
    mixed pixels, `kept(chosen, size)` float32 []: the share of its own label that an image keeps.
    """

    choose: Callable[[tf.Tensor, tf.Tensor, Any, int], tf.Tensor]
    apply: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    kept: Callable[[tf.Tensor, int], tf.Tensor]


def beta(seed: int, number: tf.Tensor, alpha: float) -> tf.Tensor:
    """A draw from Beta(alpha, alpha) that depends on seed and number alone: float32 []."""
    pair = tf.random.stateless_gamma([2], seed=tf.stack([tf.constant(seed, tf.int64), number]), alpha=alpha, dtype=tf.float64)
    total = tf.reduce_sum(pair)  # both are 0 in double precision only for alphas near 0, where a draw is 0 or 1
    return tf.cast(tf.where(total > 0, pair[0] / total, 1.0), tf.float32)


def mix(
    pixels: tf.Tensor, targets: tf.Tensor, options: Sequence[tuple[str, Any]], *, random: tf.Tensor, seed: int, number: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mix a batch in one of the ways in `options`, or not at all.

    A way is taken with its settings' `probability`; where those add up to more than 1 they are scaled down to it.

    Args:
        pixels: uint8 [n, size, size, 3].
        targets: float32 [n, classes].
        options: names of MIXINGS with their settings.
        random: float32 [4] from `order.uniforms`.
        number: int64, of the batch's first sample.

    Returns:
        pixels and targets of the same shapes.
    """
    size = pixels.shape[1]

    def way(name: str, settings: Any) -> Callable[[], tuple[tf.Tensor, tf.Tensor]]:
        def branch() -> tuple[tf.Tensor, tf.Tensor]:
            mixing = MIXINGS[name]
            share = beta(seed, number, settings.alpha) if hasattr(settings, "alpha") else random[0]
            chosen = mixing.choose(random[1:], share, settings, size)
            kept = mixing.kept(chosen, size)
            return mixing.apply(pixels, chosen), targets * kept + tf.reverse(targets, [0]) * (1.0 - kept)

        return branch

    probabilities = [settings.probability for _, settings in options]
    ends = [sum(probabilities[: i + 1]) / max(1.0, sum(probabilities)) for i in range(len(options))]
    number_of_way = tf.reduce_sum(tf.cast(random[3] >= tf.constant(ends, tf.float32), tf.int32))
    return tf.switch_case(number_of_way, [*(way(name, settings) for name, settings in options), lambda: (pixels, targets)])


def _choose_mixup(_random: tf.Tensor, share: tf.Tensor, _settings: Mixup, _size: int) -> tf.Tensor:
    return tf.cast(tf.round(share * _SHARES), tf.int32)[None]


@compiled()
def _mixup(pixels: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    share = tf.cast(chosen[0], tf.uint16)
    own, other = tf.cast(pixels, tf.uint16), tf.cast(tf.reverse(pixels, [0]), tf.uint16)
    half = tf.constant(_SHARES // 2, tf.uint16)
    return tf.cast(
        tf.bitwise.right_shift(own * share + other * (tf.constant(_SHARES, tf.uint16) - share) + half, tf.constant(8, tf.uint16)), tf.uint8
    )


def _mixup_kept(chosen: tf.Tensor, _size: int) -> tf.Tensor:
    return tf.cast(chosen[0], tf.float32) / _SHARES


def _choose_cutmix(random: tf.Tensor, share: tf.Tensor, _settings: CutMix, size: int) -> tf.Tensor:
    """A box of the area 1 - share around a random point, cut off at the edges: top, left, bottom, right."""
    side = tf.cast(tf.floor(size * tf.sqrt(1.0 - share)), tf.int32)
    corner = tf.cast(tf.floor(random[:2] * size), tf.int32) - side // 2
    return tf.clip_by_value(tf.concat([corner, corner + side], axis=0), 0, size)


def _paste(pixels: tf.Tensor, other: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
    place = tf.range(pixels.shape[1])
    rows, columns = (place >= box[0]) & (place < box[2]), (place >= box[1]) & (place < box[3])
    return tf.where((rows[:, None] & columns[None, :])[None, :, :, None], other, pixels)


@compiled()
def _cutmix(pixels: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
    return _paste(pixels, tf.reverse(pixels, [0]), box)


def _outside(box: tf.Tensor, size: int) -> tf.Tensor:
    """The share of the image that is outside of a box."""
    return 1.0 - tf.cast((box[2] - box[0]) * (box[3] - box[1]), tf.float32) / (size * size)


def _choose_resizemix(random: tf.Tensor, share: tf.Tensor, settings: ResizeMix, size: int) -> tf.Tensor:
    low, high = settings.scale
    side = tf.maximum(tf.cast(tf.round(size * (low + share * (high - low))), tf.int32), 1)
    corner = tf.cast(tf.floor(random[:2] * tf.cast(size - side + 1, tf.float32)), tf.int32)
    return tf.concat([corner, corner + side], axis=0)


def _resizemix(pixels: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
    size = pixels.shape[1]
    small = tf.image.resize(tf.reverse(pixels, [0]), [box[2] - box[0], box[3] - box[1]], antialias=True)
    around = [[0, 0], [box[0], size - box[2]], [box[1], size - box[3]], [0, 0]]
    other = tf.ensure_shape(tf.pad(tf.cast(tf.round(small), tf.uint8), around), pixels.shape)
    return _paste(pixels, other, box)


MIXINGS: dict[str, Mixing] = {
    "mixup": Mixing(_choose_mixup, _mixup, _mixup_kept),
    "cutmix": Mixing(_choose_cutmix, _cutmix, _outside),
    "resizemix": Mixing(_choose_resizemix, _resizemix, _outside),
}
