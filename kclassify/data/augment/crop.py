"""The standard ImageNet training transform: a random resized crop and a flip, drawn for a whole batch at once."""

import tensorflow as tf

_ATTEMPTS = 10
AREA, ASPECT, ROW, COLUMN, FLIP = slice(0, 10), slice(10, 20), 20, 21, 22  # what each column of order.uniforms is used for


def crop_windows(
    random: tf.Tensor, heights: tf.Tensor, widths: tf.Tensor, *, scale: tuple[float, float], ratio: tuple[float, float]
) -> tf.Tensor:
    """Random windows of an area in `scale` (share of the image) and an aspect in `ratio` (width / height, log-uniform).

    The first of ten draws that fits is taken; if none does, the largest centred window of the nearest aspect (Szegedy et al.,
    arXiv:1409.4842, in torchvision's form).

    Args:
        random: float32 [n, COLUMNS] from `order.uniforms`.
        heights: int32 [n], pixels.
        widths: int32 [n], pixels.

    Returns:
        int32 [n, 4]: top, left, height, width in pixels, inside the image.
    """
    height, width = tf.cast(heights, tf.float32)[:, None], tf.cast(widths, tf.float32)[:, None]  # [n, 1]
    area = height * width * (scale[0] + random[:, AREA] * (scale[1] - scale[0]))  # [n, 10]
    low, high = tf.math.log(ratio[0]), tf.math.log(ratio[1])
    aspect = tf.exp(low + random[:, ASPECT] * (high - low))
    heights_drawn, widths_drawn = tf.round(tf.sqrt(area / aspect)), tf.round(tf.sqrt(area * aspect))
    fits = (heights_drawn >= 1) & (widths_drawn >= 1) & (heights_drawn <= height) & (widths_drawn <= width)
    first = tf.argmax(tf.cast(fits, tf.int32), axis=1)  # [n]
    drawn = tf.stack([heights_drawn, widths_drawn], axis=2)
    drawn = tf.gather(drawn, first, batch_dims=1)  # [n, 2]
    clipped = tf.clip_by_value(width / height, ratio[0], ratio[1])
    fallback = tf.concat([tf.minimum(height, tf.round(width / clipped)), tf.minimum(width, tf.round(height * clipped))], axis=1)
    any_fits = tf.reduce_any(fits, axis=1, keepdims=True)
    size = tf.maximum(tf.where(any_fits, drawn, fallback), 1.0)  # [n, 2]
    room = tf.concat([height, width], axis=1) - size
    place = tf.where(any_fits, random[:, ROW : COLUMN + 1], 0.5)
    corner = tf.minimum(tf.floor(place * (room + 1.0)), room)
    return tf.cast(tf.concat([corner, size], axis=1), tf.int32)


def flips(random: tf.Tensor, probability: float) -> tf.Tensor:
    """Which images are mirrored left to right: bool [n] from `order.uniforms` rows [n, COLUMNS]."""
    return random[:, FLIP] < probability


def is_large(heights: tf.Tensor, widths: tf.Tensor, size: int) -> tf.Tensor:
    """Whether windows of so many pixels would lose some between the samples of a `size`: bool, of the shape of both."""
    return tf.maximum(heights, widths) > 2 * size


def resize_window(window_pixels: tf.Tensor, size: int, flip: tf.Tensor, *, large: tf.Tensor | bool | None = None) -> tf.Tensor:
    """One cut-out window, uint8 [h, w, 3], as uint8 [size, size, 3], mirrored if `flip`.

    Bilinear; each pixel of a `large` window's result, more than twice the size, is the mean of what it covers, because samples between two
    pixels would pass others over; by default the window's own size says. Below that the two differ little and the mean costs more than the
    JPEG decode. TensorFlow is quicker from float32 than from uint8, with equal results.
    """

    def sampled() -> tf.Tensor:
        return tf.raw_ops.ResizeBilinear(images=tf.cast(window_pixels[None], tf.float32), size=[size, size], half_pixel_centers=True)

    def averaged() -> tf.Tensor:
        return tf.raw_ops.ResizeArea(images=window_pixels[None], size=[size, size])

    if large is None:
        large = is_large(tf.shape(window_pixels)[0], tf.shape(window_pixels)[1], size)
    resized = sampled() if large is False else tf.cond(large, averaged, sampled)
    pixels = tf.cast(tf.round(resized[0]), tf.uint8)
    return tf.ensure_shape(tf.cond(flip, lambda: tf.reverse(pixels, axis=[1]), lambda: pixels), [size, size, 3])
