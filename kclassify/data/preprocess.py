"""The one way from a picture of any size to the model's input: the reference for validation, predict and every export."""

from typing import Any

from kclassify.presets.card import Preprocessing

KERNELS = {"bilinear": "triangle", "bicubic": "keyscubic"}


def preprocess(pixels: Any, spec: Preprocessing) -> Any:
    """Resize uint8 RGB [N, H, W, 3] of any H and W with antialiasing and cut out the centre: float32 [N, size, size, 3] in 0..255.

    The values are whole grey levels; a picture whose short side already measures `spec.resize_short` keeps its pixels exactly. Works
    eagerly and inside graphs where N, H and W are unknown.

    Equal to `tf.image.resize(antialias=True)` and a crop, whose operator it calls: told to start at the crop, that operator computes only
    the pixels that stay. That halves the time, and the memory of a 1 x 65535 picture stays that of the result.
    """
    import tensorflow as tf

    shape = tf.shape(pixels)[1:3]
    target = resized_shape(shape, spec)
    offset = (target - spec.size) // 2
    crop = tf.raw_ops.ScaleAndTranslate(
        images=pixels,
        size=[spec.size, spec.size],
        scale=tf.cast(target, tf.float32) / tf.cast(shape, tf.float32),
        translation=-tf.cast(offset, tf.float32),
        kernel_type=KERNELS[spec.interpolation],
        antialias=True,
    )  # [N, size, size, 3]
    return tf.ensure_shape(tf.clip_by_value(tf.round(crop), 0.0, 255.0), [None, spec.size, spec.size, 3])


def resized_shape(shape: Any, spec: Preprocessing) -> Any:
    """Height and width in pixels, int32 [2], after the resize: the short side is `resize_short`, the long side in proportion, rounded down.

    The arithmetic is whole-numbered so that every export format gets the same size from its own operators.
    """
    import tensorflow as tf

    sides = tf.cast(shape, tf.int64)
    return tf.cast(sides * spec.resize_short // tf.reduce_min(sides), tf.int32)
