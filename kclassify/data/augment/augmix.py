"""AugMix: chains of operations, mixed with each other and with the image (Hendrycks et al., arXiv:1912.02781)."""

from typing import Any

import tensorflow as tf

from kclassify.data.augment.compiled import compiled
from kclassify.data.augment.image_ops import NUMBER, apply_operations
from kclassify.data.augment.levels import Space, drawn
from kclassify.presets import policies as tables

_DEEPEST = 3  # with depth -1 a chain has 1 to 3 operations
_WEAKEST = 0.1  # levels are uniform from here to the severity
_SEEDS = 2
_ONE = 1 << 20  # weights are whole numbers of this share
_STEPS = 2.0**23  # the random numbers are multiples of 1 / _STEPS


def _depth(settings: Any) -> int:
    return settings.depth if settings.depth > 0 else _DEEPEST


def draws(settings: Any) -> int:
    """How many random numbers an image needs: two seeds for the weights; a depth for each chain; three for each operation."""
    return _SEEDS + settings.width * (1 + 3 * _depth(settings))


def choose(uniforms: tf.Tensor, settings: Any, size: int) -> tuple[tf.Tensor, ...]:
    """The chains and the weights of the mixture.

    Args:
        uniforms: float32 [n, draws].

    Returns:
        operations int32 [n, width, depth], magnitudes float32 [n, width, depth], and weights float32 [n, 1 + width] of the image and of
        the chains, of sum 1: 1 - m and m times a Dirichlet(alpha) sample, with m of Beta(alpha, alpha).
    """
    width, depth = settings.width, _depth(settings)
    space = Space.of(tables.AUGMIX)
    lengths = uniforms[:, _SEEDS : _SEEDS + width, None]  # [n, width, 1]
    pick, level, sign = tf.unstack(tf.reshape(uniforms[:, _SEEDS + width :], [-1, width, depth, 3]), axis=-1)
    entries = drawn(pick, len(space.names))
    weakest = min(_WEAKEST, settings.severity)
    levels = weakest + (settings.severity - weakest) * level
    shortest = depth if settings.depth > 0 else 1
    within = tf.range(depth) < shortest + drawn(lengths, depth - shortest + 1)
    operations = tf.where(within, space.operations(entries), NUMBER["identity"])
    return operations, space.magnitudes(entries, levels, tables.LEVELS, sign, size), _weights(uniforms[:, :_SEEDS], settings)


def _weights(uniforms: tf.Tensor, settings: Any) -> tf.Tensor:
    """Shares of Gamma(alpha) samples are Dirichlet and Beta samples; each image has seeds of its own, whatever its batch."""
    seeds = tf.cast(uniforms * _STEPS, tf.int32)  # [n, 2]
    count = settings.width + 2

    def sample(seed: tf.Tensor) -> tf.Tensor:
        # in float64, because with a small alpha all samples of an image may be too small for float32
        return tf.random.stateless_gamma([count], seed, tf.constant(settings.alpha, tf.float64), dtype=tf.float64)

    gammas = tf.map_fn(sample, seeds, fn_output_signature=tf.TensorSpec([count], tf.float64))
    mixed = gammas[:, :1] / tf.reduce_sum(gammas[:, :2], axis=1, keepdims=True)
    chains = gammas[:, 2:] / tf.reduce_sum(gammas[:, 2:], axis=1, keepdims=True)
    return tf.cast(tf.concat([1.0 - mixed, mixed * chains], axis=1), tf.float32)


def apply(pixels: tf.Tensor, chosen: tuple[tf.Tensor, ...], settings: Any) -> tf.Tensor:
    """One image, uint8 [H, W, 3], with one row of what `choose` returned; geometric operations interpolate, as the authors' do."""
    operations, magnitudes, weights = chosen
    changed = [
        apply_operations(pixels, operations[chain], magnitudes[chain], interpolation="bilinear") for chain in range(operations.shape[0])
    ]
    return tf.ensure_shape(_mixed(tf.stack([pixels, *changed]), weights), pixels.shape)


@compiled(tf.TensorSpec([None, None, None, 3], tf.uint8), tf.TensorSpec([None], tf.float32))
def _mixed(images: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """The weighted mean of uint8 [k, H, W, 3], in whole numbers so that it is the same on every machine."""
    parts = tf.cast(tf.round(weights * _ONE), tf.int32)[:, None, None, None]
    mean = (tf.reduce_sum(tf.cast(images, tf.int32) * parts, axis=0) + _ONE // 2) // _ONE
    return tf.cast(tf.clip_by_value(mean, 0, 255), tf.uint8)
