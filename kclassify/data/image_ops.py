"""The operations that augmentation policies choose from, by number, and how the chosen ones are applied to an image."""

import tensorflow as tf

from kclassify.data import affine, colour_ops

GREY = (128, 128, 128)  # what shows where the image has moved away, as in AutoAugment (arXiv:1805.09501)
NAMES = ("identity", *affine.MATRICES, *colour_ops.OPERATIONS)
NUMBER = {name: number for number, name in enumerate(NAMES)}


def apply_operations(
    pixels: tf.Tensor,
    operations: tf.Tensor,
    magnitudes: tf.Tensor,
    *,
    fill: tuple[int, int, int] = GREY,
    interpolation: str = "nearest",
) -> tf.Tensor:
    """Apply operations one after the other; of each only the chosen one is computed.

    The results are Pillow's, within one grey level in every pixel.

    Args:
        pixels: uint8 [H, W, 3].
        operations: int32 [L], `NUMBER` of each.
        magnitudes: float32 [L], in the unit of each: shear as a share, translation in pixels, rotation in degrees counterclockwise,
            solarize as a threshold, solarize_add in levels, posterize in bits, blur as sigma in pixels, hue in turns, the others as
            the factor of Pillow's ImageEnhance. The rest have none.
        fill: the colour where the image has moved away.
        interpolation: "nearest" or "bilinear", for shear, translation and rotation.

    Returns:
        uint8 [H, W, 3].
    """
    for layer in range(operations.shape[0]):
        pixels = _apply(pixels, operations[layer], magnitudes[layer], tf.constant(fill, tf.uint8), interpolation)
    return pixels


def _apply(pixels: tf.Tensor, operation: tf.Tensor, magnitude: tf.Tensor, fill: tf.Tensor, interpolation: str) -> tf.Tensor:
    geometric = [lambda apply=apply: apply(pixels, magnitude, fill) for apply in affine.OPERATIONS[interpolation].values()]
    colour = [lambda apply=apply: apply(pixels, magnitude) for apply in colour_ops.OPERATIONS.values()]
    return tf.ensure_shape(tf.switch_case(operation, [lambda: pixels, *geometric, *colour]), pixels.shape)
