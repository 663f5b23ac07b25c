"""Operations on the colours of one image, with Pillow's results: ImageOps, ImageEnhance, convert("L") and convert("HSV")."""

from collections.abc import Mapping

import tensorflow as tf

from kclassify.data.augment.compiled import MAGNITUDE, PIXELS, Compiled, compiled

_LEVELS = 256
_TABLE = tf.TensorSpec([3, _LEVELS], tf.float64)


def _whole(pixels: tf.Tensor) -> tf.Tensor:
    return tf.cast(pixels, tf.int32)


def _levels(values: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.clip_by_value(values, 0, 255), tf.uint8)


def _luma(pixels: tf.Tensor) -> tf.Tensor:
    """ITU-R 601-2 luma in Pillow's 16-bit fixed point: int32 [H, W, 1]."""
    red, green, blue = tf.split(_whole(pixels), 3, axis=-1)
    return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) // 0x10000


def _blend(degenerate: tf.Tensor, pixels: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Image.blend: `degenerate` at factor 0, `pixels` at 1, beyond them further away; rounded twice in float32, then cut off.

    Products of float32 and small whole numbers are exact in float64, so a fused multiply-add, which other machines may lack,
    cannot change a level.
    """
    low, high = tf.cast(degenerate, tf.float64), tf.cast(pixels, tf.float64)
    step = tf.cast(tf.cast(factor, tf.float64) * (high - low), tf.float32)
    mixed = tf.cast(low + tf.cast(step, tf.float64), tf.float32)
    return tf.cast(tf.cast(tf.clip_by_value(mixed, 0.0, 255.0), tf.int32), tf.uint8)


@compiled(PIXELS, MAGNITUDE)
def brightness(pixels: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Black at factor 0, the image at 1."""
    return _blend(tf.zeros([], tf.int32), pixels, factor)


@compiled(PIXELS, MAGNITUDE)
def contrast(pixels: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """The mean grey at factor 0, the image at 1."""
    count = tf.cast(tf.size(pixels) // 3, tf.int64)
    total = tf.reduce_sum(tf.cast(_luma(pixels), tf.int64))
    return _blend((2 * total + count) // (2 * count), pixels, factor)


@compiled(PIXELS, MAGNITUDE)
def color(pixels: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Grey at factor 0, the image at 1."""
    return _blend(_luma(pixels), pixels, factor)


@compiled(PIXELS, MAGNITUDE)
def sharpness(pixels: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Smoothed at factor 0, the image at 1; Pillow's filter SMOOTH leaves the outermost pixels as they are."""
    levels = _whole(pixels)
    inner = levels[1:-1, 1:-1]
    rows = levels[:-2] + levels[1:-1] + levels[2:]
    smooth = (2 * (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] + 4 * inner) + 13) // 26  # weights 1, and 5 in the middle, of 13
    middle = tf.concat([levels[1:-1, :1], smooth, levels[1:-1, -1:]], axis=1)
    return _blend(tf.concat([levels[:1], middle, levels[-1:]], axis=0), pixels, factor)


@compiled(PIXELS, MAGNITUDE)
def grey(pixels: tf.Tensor, magnitude: tf.Tensor) -> tf.Tensor:
    """The luma in all three channels."""
    return tf.cast(tf.repeat(_luma(pixels), 3, axis=-1), tf.uint8)


@compiled(PIXELS, MAGNITUDE)
def invert(pixels: tf.Tensor, magnitude: tf.Tensor) -> tf.Tensor:
    """The negative."""
    return 255 - pixels


@compiled(PIXELS, MAGNITUDE)
def solarize(pixels: tf.Tensor, threshold: tf.Tensor) -> tf.Tensor:
    """The negative of all levels from `threshold` (0 to 256) on."""
    return tf.where(tf.cast(pixels, tf.float32) < threshold, pixels, 255 - pixels)


@compiled(PIXELS, MAGNITUDE)
def solarize_add(pixels: tf.Tensor, added: tf.Tensor) -> tf.Tensor:
    """`added` levels more for all below 128."""
    return tf.where(pixels < 128, _levels(_whole(pixels) + tf.cast(added, tf.int32)), pixels)


@compiled(PIXELS, MAGNITUDE)
def posterize(pixels: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
    """The highest `bits` (0 to 8) bits of each level."""
    lost = 8 - tf.clip_by_value(tf.cast(bits, tf.int32), 0, 8)
    return tf.cast(tf.bitwise.left_shift(tf.bitwise.right_shift(_whole(pixels), lost), lost), tf.uint8)


@compiled(PIXELS, MAGNITUDE)
def hue(pixels: tf.Tensor, turn: tf.Tensor) -> tf.Tensor:
    """The hue moved by `turn` (-0.5 to 0.5) of the colour circle, in HSV of 8 bits."""
    angle, saturation, value = _hsv(pixels)
    angle = (angle + tf.cast(tf.cast(turn, tf.float64) * 255, tf.int32)) % _LEVELS
    circle = 6 * 255
    way = (6 * angle[..., None] + tf.constant([5, 3, 1]) * 255) % circle  # of red, green and blue from where each begins to fade
    share = saturation[..., None] * tf.clip_by_value(tf.minimum(way, 4 * 255 - way), 0, 255)
    return tf.cast((2 * value[..., None] * (255**2 - share) + 255**2) // (2 * 255**2), tf.uint8)  # round(value * (1 - share))


def _hsv(pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Hue, saturation and value, int32 [H, W] in 0..255, rounded where Pillow rounds: the hue is float32 between float64 steps."""
    levels = _whole(pixels)
    red, green, _ = tf.unstack(levels, axis=-1)
    value = tf.reduce_max(levels, axis=-1)
    chroma = value - tf.reduce_min(levels, axis=-1)
    below = tf.cast(value[..., None] - levels, tf.float32) / tf.cast(tf.maximum(chroma, 1), tf.float32)[..., None]
    _, to_green, to_blue = tf.unstack(below, axis=-1)
    wide_red, wide_green, wide_blue = tf.unstack(tf.cast(below, tf.float64), axis=-1)
    from_green = tf.cast(2.0 + wide_red - wide_blue, tf.float32)
    from_blue = tf.cast(4.0 + wide_green - wide_red, tf.float32)
    sixths = tf.where(red == value, to_blue - to_green, tf.where(green == value, from_green, from_blue))
    turns = tf.cast(sixths, tf.float64) / 6.0 + 1.0
    share = tf.cast(turns - tf.floor(turns), tf.float32)
    angle = tf.cast(tf.cast(share, tf.float64) * 255.0, tf.int32)
    return tf.where(chroma > 0, angle, 0), chroma * 255 // tf.maximum(value, 1), value


def equalize(pixels: tf.Tensor, magnitude: tf.Tensor) -> tf.Tensor:
    """Each channel with levels of about equal frequency."""
    none = tf.constant([], tf.int32)  # no weights; counting is several times faster as an operation of its own than compiled
    return _equalized(pixels, tf.raw_ops.Bincount(arr=_entries(pixels), size=3 * _LEVELS, weights=none))


@compiled(PIXELS)
def _entries(pixels: tf.Tensor) -> tf.Tensor:
    """Where each level stands in a table of 3 x 256: int32 [H W 3]."""
    return tf.reshape(_whole(pixels) + tf.range(3) * _LEVELS, [-1])


@compiled(PIXELS, tf.TensorSpec([3 * _LEVELS], tf.int32))
def _equalized(pixels: tf.Tensor, histogram: tf.Tensor) -> tf.Tensor:
    counts = tf.reshape(histogram, [3, _LEVELS])
    levels = tf.range(_LEVELS)[None]
    highest = tf.reduce_max(tf.where(counts > 0, levels, 0), axis=1, keepdims=True)
    at_highest = tf.reduce_sum(tf.where(levels == highest, counts, 0), axis=1, keepdims=True)
    step = (tf.reduce_sum(counts, axis=1, keepdims=True) - at_highest) // 255
    divisor = tf.maximum(step, 1)
    table = (divisor // 2 + tf.cumsum(counts, axis=1, exclusive=True)) // divisor
    return _looked_up(pixels, tf.where(step == 0, levels, table))


def _looked_up(pixels: tf.Tensor, table: tf.Tensor) -> tf.Tensor:
    return tf.gather(tf.reshape(_levels(table), [-1]), _whole(pixels) + tf.range(3) * _LEVELS)


def autocontrast(pixels: tf.Tensor, magnitude: tf.Tensor) -> tf.Tensor:
    """Each channel stretched from its darkest and lightest level to 0 and 255."""
    return _stretched(pixels, *_stretch(pixels))


@compiled(PIXELS)
def _stretch(pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Scaled levels and what is taken off, float64 [3, 256]: apart, so that no compiler can fuse the product and the difference."""
    darkest = _whole(tf.reduce_min(pixels, axis=[0, 1]))[:, None]
    lightest = _whole(tf.reduce_max(pixels, axis=[0, 1]))[:, None]
    flat = lightest == darkest  # left as it is
    scale = 255.0 / tf.cast(tf.where(flat, 255, lightest - darkest), tf.float64)
    levels = tf.cast(tf.range(_LEVELS), tf.float64)[None]
    taken = tf.cast(tf.where(flat, 0, darkest), tf.float64) * scale
    return levels * scale, tf.broadcast_to(taken, [3, _LEVELS])


@compiled(PIXELS, _TABLE, _TABLE)
def _stretched(pixels: tf.Tensor, scaled: tf.Tensor, taken: tf.Tensor) -> tf.Tensor:
    return _looked_up(pixels, tf.cast(scaled - taken, tf.int32))


@compiled(PIXELS, MAGNITUDE)
def blur(pixels: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """A Gaussian of standard deviation `sigma` pixels; beyond the rim the outermost pixels are repeated.

    The weights are whole numbers of sum 2**16: then float32 sums are exact, in whatever order threads form them.
    """
    height, width = tf.shape(pixels)[0], tf.shape(pixels)[1]
    rows = tf.reshape(tf.cast(pixels, tf.float32), [height, width * 3])
    down = tf.round(tf.matmul(_gaussian(height, sigma), rows) / 2**16)
    columns = tf.reshape(tf.transpose(tf.reshape(down, [height, width, 3]), [1, 0, 2]), [width, height * 3])
    across = tf.round(tf.matmul(_gaussian(width, sigma), columns) / 2**16)
    return _levels(tf.transpose(tf.reshape(across, [width, height, 3]), [1, 0, 2]))


def _gaussian(length: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """The weight of each pixel of a line (columns) in each pixel of the blurred line (rows): float32 [length, length]."""
    distance = tf.range(2 * length)
    bell = tf.exp(-0.5 * tf.square(tf.cast(distance, tf.float32) / tf.maximum(sigma, 1e-3)))
    bell /= 2 * tf.reduce_sum(bell) - bell[0]
    beyond = tf.cumsum(bell, exclusive=True, reverse=True)[:length]  # all that lies further away on one side
    place = tf.range(length)
    weights = tf.gather(bell, tf.abs(place[:, None] - place[None]))
    first, last = (tf.cast(place[None] == end, tf.float32) for end in (0, length - 1))
    return tf.round((weights + beyond[:, None] * first + tf.reverse(beyond, [0])[:, None] * last) * 2**16)


# By name: (uint8 [H, W, 3], float32 magnitude) -> uint8 [H, W, 3].
OPERATIONS: Mapping[str, Compiled] = {
    "autocontrast": autocontrast,
    "invert": invert,
    "equalize": equalize,
    "solarize": solarize,
    "solarize_add": solarize_add,
    "posterize": posterize,
    "contrast": contrast,
    "color": color,
    "brightness": brightness,
    "sharpness": sharpness,
    "hue": hue,
    "grey": grey,
    "blur": blur,
}
