"""The operations that augmentation policies choose from, by number, and how the chosen ones are applied to an image."""

from collections.abc import Mapping

import tensorflow as tf

from kclassify.data.augment import affine, colour_ops
from kclassify.data.augment.compiled import MAGNITUDE, PIXELS, Compiled

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
    apply = _APPLY[interpolation]
    for layer in range(operations.shape[0]):
        changed = apply(pixels, operations[layer], magnitudes[layer], tf.constant(fill, tf.uint8))
        pixels = tf.ensure_shape(changed, pixels.shape)
    return pixels


def _switch(geometric: Mapping[str, Compiled]) -> Compiled:
    """One operation by its number, as a graph that is built once, however many layers and chains call it."""

    def apply(pixels: tf.Tensor, operation: tf.Tensor, magnitude: tf.Tensor, fill: tf.Tensor) -> tf.Tensor:
        branches = [
            lambda: pixels,
            *(lambda apply=apply: apply(pixels, magnitude, fill) for apply in geometric.values()),
            *(lambda apply=apply: apply(pixels, magnitude) for apply in colour_ops.OPERATIONS.values()),
        ]
        return tf.switch_case(operation, branches)

    signature = (PIXELS, tf.TensorSpec([], tf.int32), MAGNITUDE, affine.FILL)
    return tf.function(apply, input_signature=signature, autograph=False)


_APPLY = {interpolation: _switch(operations) for interpolation, operations in affine.OPERATIONS.items()}
