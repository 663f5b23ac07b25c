"""Parts of images taken away - Cutout, RandomErasing, HideAndSeek, GridMask - for a whole batch at once.

Each erasing has two halves: `choose` turns random numbers into whole numbers that say where, `mask` turns those into the pixels that go.
All arithmetic on pixels is whole-numbered, so that compiling cannot change a bit of it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from kclassify.data import order
from kclassify.data.augment.compiled import compiled
from kclassify.presets.augmentations import Cutout, GridMask, HideAndSeek, RandomErasing

Chosen = Mapping[str, tf.Tensor]
_ATTEMPTS = 10
_UNIT = 1 << 16  # a period of GridMask in fixed-point numbers, so that "modulo the period" is "the lower 16 bits"


@dataclass(frozen=True)
class Erasing:
    """One way of taking pixels away.

    `draws` says how many random numbers an image needs. `choose(random float32 [n, draws], settings, size, epoch)` gives int32 tensors
    whose first dimension is n; `mask(chosen, size)` gives bool [n, size, size].
    """

    draws: Callable[[Any], int]
    choose: Callable[[tf.Tensor, Any, int, tf.Tensor], Chosen]
    mask: Callable[[Chosen, int], tf.Tensor]


def erase(
    pixels: tf.Tensor, ops: Sequence[tuple[str, Any]], *, seed: int, number: tf.Tensor, epoch: tf.Tensor, mean: tuple[int, ...]
) -> tf.Tensor:
    """Take parts of a batch's images away, in one way after the other.

    Args:
        pixels: uint8 [n, size, size, 3].
        ops: names of ERASINGS with their settings.
        number: int64, of the batch's first sample; sample number and seed decide what an image loses.
        epoch: int64.
        mean: what erased pixels become, grey levels of R, G and B; RandomErasing has modes of its own.

    Returns:
        uint8 [n, size, size, 3].
    """
    count, size = pixels.shape[0], pixels.shape[1]
    chosen = []
    for name, settings in ops:
        random = order.uniforms(seed, number, count, table=name, columns=ERASINGS[name].draws(settings))
        chosen.append(ERASINGS[name].choose(random, settings, size, epoch))

    @compiled()
    def apply(pixels: tf.Tensor, chosen: list[Chosen]) -> tf.Tensor:
        for (name, settings), numbers in zip(ops, chosen, strict=True):
            fill = _FILLS[getattr(settings, "mode", "const")](numbers, size, mean)
            pixels = tf.where(ERASINGS[name].mask(numbers, size)[..., None], fill, pixels)
        return pixels

    return apply(pixels, chosen)


def _mean_colour(_chosen: Chosen, _size: int, mean: tuple[int, ...]) -> tf.Tensor:
    return tf.constant(mean, tf.uint8)


def _one_colour(chosen: Chosen, _size: int, _mean: tuple[int, ...]) -> tf.Tensor:
    return tf.cast(chosen["colour"][:, None, None, :3], tf.uint8)


def _noise(chosen: Chosen, size: int, _mean: tuple[int, ...]) -> tf.Tensor:
    """A colour a pixel: the numbers of pixel and image mixed by MurmurHash3's last steps, in a tenth of the time that Philox takes."""
    places = tf.reshape(tf.range(size * size), [1, size, size])
    bits = tf.cast(places + chosen["colour"][:, 3, None, None] * (size * size), tf.uint32)
    for factor, shift in ((0x85EBCA6B, 16), (0xC2B2AE35, 13), (1, 16)):
        bits = tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, tf.constant(shift, tf.uint32))) * tf.constant(factor, tf.uint32)
    channels = [tf.bitwise.right_shift(bits, tf.constant(shift, tf.uint32)) for shift in (0, 8, 16)]
    return tf.cast(tf.stack(channels, axis=3) & tf.constant(255, tf.uint32), tf.uint8)


_FILLS: dict[str, Callable[[Chosen, int, tuple[int, ...]], tf.Tensor]] = {"const": _mean_colour, "random": _one_colour, "pixel": _noise}


def _choose_cutout(random: tf.Tensor, settings: Cutout, size: int, _epoch: tf.Tensor) -> Chosen:
    centre = tf.cast(tf.floor(tf.reshape(random, [-1, settings.holes, 2]) * size), tf.int32)  # [n, holes, 2]
    length = round(settings.length * size)
    corner = centre - length // 2
    return {"boxes": tf.concat([corner, corner + length], axis=2)}  # beyond the edges there are no pixels


def _choose_random_erasing(random: tf.Tensor, settings: RandomErasing, size: int, _epoch: tf.Tensor) -> Chosen:
    applied, area, aspect, place = random[:, 0], random[:, 1:11], random[:, 11:21], random[:, 21:23]
    (least, most), (low, high) = settings.area, settings.aspect
    pixels = size * size * (least + area * (most - least))  # [n, 10]
    ratio = low * (high / low) ** aspect if settings.log_aspect else low + aspect * (high - low)
    sides = tf.round(tf.sqrt(tf.stack([pixels * ratio, pixels / ratio], axis=2)))  # [n, 10, 2]: height, width
    fits = tf.reduce_all(sides < size, axis=2)
    first = tf.gather(sides, tf.argmax(tf.cast(fits, tf.int32), axis=1), batch_dims=1)  # [n, 2]
    erased = (applied < settings.probability) & tf.reduce_any(fits, axis=1)
    side = tf.where(erased[:, None], first, 0.0)
    corner = tf.minimum(tf.floor(place * (size - side + 1.0)), size - side)
    colour = tf.cast(tf.floor(random[:, 23:27] * tf.constant([256.0, 256.0, 256.0, 1 << 16])), tf.int32)  # [n, 4]: R, G, B, noise
    return {"boxes": tf.cast(tf.concat([corner, corner + side], axis=1), tf.int32)[:, None], "colour": colour}


def _boxes_mask(chosen: Chosen, size: int) -> tf.Tensor:
    place = tf.range(size)
    boxes = chosen["boxes"][..., None]  # [n, holes, 4, 1]
    rows = (place >= boxes[:, :, 0]) & (place < boxes[:, :, 2])  # [n, holes, size]
    columns = (place >= boxes[:, :, 1]) & (place < boxes[:, :, 3])
    return tf.reduce_any(rows[:, :, :, None] & columns[:, :, None, :], axis=1)


def _choose_hide_and_seek(random: tf.Tensor, settings: HideAndSeek, size: int, _epoch: tf.Tensor) -> Chosen:
    most = max(settings.grid)
    cells = tf.gather(settings.grid, tf.cast(tf.floor(random[:, 1] * len(settings.grid)), tf.int32))  # [n] squares to a side
    hidden = (
        tf.reshape(random[:, 2:] < settings.hide, [-1, most, most]) & ((random[:, 0] < settings.probability) & (cells > 1))[:, None, None]
    )
    bits = tf.reduce_sum(tf.where(hidden, tf.constant(1 << np.arange(most), tf.int32), 0), axis=2)  # [n, most]: a number a row of squares
    cell = tf.range(size) * cells[:, None] // size  # [n, size]: the square of each pixel
    return {"bits": tf.gather(bits, cell, batch_dims=1), "cell": cell}


def _hide_and_seek_mask(chosen: Chosen, _size: int) -> tf.Tensor:
    return (tf.bitwise.right_shift(chosen["bits"][:, :, None], chosen["cell"][:, None, :]) & 1) > 0


def _choose_gridmask(random: tf.Tensor, settings: GridMask, size: int, epoch: tf.Tensor) -> Chosen:
    risen = tf.minimum(tf.cast(epoch, tf.float32) / settings.ramp_epochs, 1.0) if settings.ramp_epochs else 1.0
    low, high = settings.period
    period = size * (low + random[:, 1] * (high - low))
    angle = random[:, 2] * (settings.rotate * math.pi / 180)
    turn = tf.stack([tf.cos(angle), tf.sin(angle)], axis=1) * (_UNIT / period)[:, None]
    offsets = random[:, 3:5] * _UNIT
    kept = tf.where(random[:, 0] < settings.probability * risen, settings.ratio * _UNIT, float(_UNIT))
    return {"grid": tf.cast(tf.round(tf.concat([turn, offsets, kept[:, None]], axis=1)), tf.int32)}  # [n, 5]


def _gridmask_mask(chosen: Chosen, size: int) -> tf.Tensor:
    cosine, sine, down, right, kept = (chosen["grid"][:, i, None, None] for i in range(5))
    row, column = tf.range(size)[:, None], tf.range(size)[None, :]
    along = row * cosine + column * sine + down
    across = column * cosine - row * sine + right
    return ((along & (_UNIT - 1)) >= kept) & ((across & (_UNIT - 1)) >= kept)


ERASINGS: dict[str, Erasing] = {
    "cutout": Erasing(lambda settings: 2 * settings.holes, _choose_cutout, _boxes_mask),
    "random_erasing": Erasing(lambda _settings: 27, _choose_random_erasing, _boxes_mask),
    "hide_and_seek": Erasing(lambda settings: 2 + max(settings.grid) ** 2, _choose_hide_and_seek, _hide_and_seek_mask),
    "gridmask": Erasing(lambda _settings: 5, _choose_gridmask, _gridmask_mask),
}
