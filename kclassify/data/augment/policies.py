"""Augmentation policies: from a row of random numbers an image, which operations it gets and how strong they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from kclassify.data.augment import augmix
from kclassify.data.augment.image_ops import NUMBER, apply_operations
from kclassify.data.augment.levels import Space, drawn
from kclassify.presets import policies as tables

Chosen = tuple[tf.Tensor, ...]
_APPLY, _SIGN, _PICK, _NOISE = range(4)  # what the random numbers of one layer are used for
_SMALLEST = 2.0**-24  # half a step of the random numbers, so that none is 0, where the normal distribution has no value


def _apply(pixels: tf.Tensor, chosen: Chosen, settings: Any) -> tf.Tensor:
    return apply_operations(pixels, *chosen, interpolation=getattr(settings, "interpolation", "nearest"))


@dataclass(frozen=True)
class Policy:
    """A way to augment one image.

    `draws(settings)` is how many random numbers an image needs. `choose(uniforms, settings, size)` makes of float32 [n, draws], uniform in
    [0, 1), what is done to n images of `size` pixels a side: for most policies (operations int32 [n, L], magnitudes float32 [n, L]).
    `apply(pixels, chosen, settings)` does to uint8 [size, size, 3] what one row of `chosen` says.
    """

    draws: Callable[[Any], int]
    choose: Callable[[tf.Tensor, Any, int], Chosen]
    apply: Callable[[tf.Tensor, Chosen, Any], tf.Tensor] = _apply


def _layers(uniforms: tf.Tensor, count: int) -> list[tf.Tensor]:
    """The random numbers apart by their use: each [n, count]."""
    return tf.unstack(tf.reshape(uniforms, [-1, count, uniforms.shape[1] // count]), axis=-1)


def _with_probability(uniforms: tf.Tensor, probability: Any, operations: tf.Tensor) -> tf.Tensor:
    return tf.where(uniforms < probability, operations, NUMBER["identity"])


def autoaugment(uniforms: tf.Tensor, settings: Any, size: int) -> Chosen:
    """One of 25 sub-policies of two operations, each with a probability and a level of its own (arXiv:1805.09501)."""
    rows = tables.SUB_POLICIES[settings.policy]
    space = Space.of(tables.AUTOAUGMENT)
    picked = drawn(uniforms[:, 0], len(rows))
    entries, probabilities, levels = (
        tf.gather(tf.constant(np.array([[step(part) for part in row] for row in rows], kind)), picked)  # [n, 2]
        for step, kind in (
            (lambda part: space.names.index(part[0]), np.int32),
            (lambda part: part[1], np.float32),
            (lambda part: part[2], np.float32),
        )
    )
    apply, sign = _layers(uniforms[:, 1:], 2)
    magnitudes = space.magnitudes(entries, levels, tables.LEVELS, sign, size)
    return _with_probability(apply, probabilities, space.operations(entries)), magnitudes


def randaugment(uniforms: tf.Tensor, settings: Any, size: int) -> Chosen:
    """`layers` operations at one level, which may have noise (arXiv:1909.13719; `increasing`, `noise` and `probability` are timm's)."""
    space = Space.of(tables.RANDAUGMENT_INCREASING if settings.increasing else tables.RANDAUGMENT)
    columns = _layers(uniforms, settings.layers)  # each [n, layers]
    entries = drawn(columns[_PICK], len(space.names))
    normal = tf.math.ndtri(tf.clip_by_value(columns[_NOISE], _SMALLEST, 1.0 - _SMALLEST))
    levels = tf.clip_by_value(settings.magnitude + settings.noise * normal, 0.0, tables.LEVELS)
    magnitudes = space.magnitudes(entries, levels, tables.LEVELS, columns[_SIGN], size)
    return _with_probability(columns[_APPLY], settings.probability, space.operations(entries)), magnitudes


def trivialaugment(uniforms: tf.Tensor, settings: Any, size: int) -> Chosen:
    """One operation at a level drawn from 31 (arXiv:2103.10158, the wide space)."""
    space = Space.of(tables.TRIVIALAUGMENT)
    entries = drawn(uniforms[:, 0:1], len(space.names))
    levels = tf.cast(drawn(uniforms[:, 1:2], tables.TRIVIAL_LEVELS + 1), tf.float32)
    return space.operations(entries), space.magnitudes(entries, levels, tables.TRIVIAL_LEVELS, uniforms[:, 2:3], size)


def color_jitter(uniforms: tf.Tensor, settings: Any, size: int) -> Chosen:
    """Brightness, contrast, saturation and hue in random order, each changed by up to its strength (none at strength 0)."""
    strengths = {
        "brightness": settings.brightness,
        "contrast": settings.contrast,
        "color": settings.saturation,
        "hue": settings.hue,
    }
    order = tf.argsort(uniforms[:, :4], axis=1, stable=True)
    strength, base = tf.constant(list(strengths.values()), tf.float32), tf.constant([1.0, 1.0, 1.0, 0.0])
    lowest = tf.maximum(base - strength, [0.0, 0.0, 0.0, -0.5])
    magnitudes = lowest + (tf.minimum(base + strength, [np.inf, np.inf, np.inf, 0.5]) - lowest) * uniforms[:, 4:8]
    numbers = tf.constant([NUMBER[name] if value else NUMBER["identity"] for name, value in strengths.items()])
    return tf.gather(numbers, order), tf.gather(magnitudes, order, batch_dims=1)


def _one(name: str, apply: tf.Tensor, probability: float, magnitudes: tf.Tensor) -> Chosen:
    return _with_probability(apply, probability, tf.fill(tf.shape(apply), NUMBER[name])), magnitudes


def rotation(uniforms: tf.Tensor, settings: Any, size: int) -> Chosen:
    """A turn of up to `degrees` to either side."""
    return _one("rotate", uniforms, 1.0, (2.0 * uniforms - 1.0) * settings.degrees)


def grey(uniforms: tf.Tensor, settings: Any, size: int) -> Chosen:
    """Grey levels with `probability`."""
    return _one("grey", uniforms, settings.probability, tf.zeros_like(uniforms))


def blur(uniforms: tf.Tensor, settings: Any, size: int) -> Chosen:
    """With `probability` a Gaussian of a random standard deviation."""
    low, high = settings.sigma
    return _one("blur", uniforms[:, 0:1], settings.probability, low + (high - low) * uniforms[:, 1:2])


def solarize(uniforms: tf.Tensor, settings: Any, size: int) -> Chosen:
    """With `probability` the negative of all from `threshold` on."""
    return _one("solarize", uniforms, settings.probability, tf.fill(tf.shape(uniforms), settings.threshold))


POLICIES: Mapping[str, Policy] = {
    "autoaugment": Policy(lambda settings: 5, autoaugment),
    "randaugment": Policy(lambda settings: 4 * settings.layers, randaugment),
    "trivialaugment": Policy(lambda settings: 3, trivialaugment),
    "augmix": Policy(augmix.draws, augmix.choose, augmix.apply),
    "color_jitter": Policy(lambda settings: 8, color_jitter),
    "rotation": Policy(lambda settings: 1, rotation),
    "grey": Policy(lambda settings: 1, grey),
    "blur": Policy(lambda settings: 2, blur),
    "solarize": Policy(lambda settings: 1, solarize),
}
