"""Geometric operations on one image: shear, translation, rotation, each pixel taken from where Pillow takes it."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from kclassify.data.augment.compiled import MAGNITUDE, PIXELS, Compiled, compiled

Matrix = tuple[Any, ...]  # a, b, c, d, e, f of Pillow's Image.transform: the source of (x, y) is (a x + b y + c, d x + e y + f)
_ONE = 1 << 16  # Pillow's fixed point has 16 bits before and 16 bits behind the point
_FINE = 1 << 32  # interpolation needs positions to more bits: an error of 2**-17 a pixel adds up over a row
_SHARES = 1 << 11  # the finest weights whose products with a grey level, twice over, fit into 32 bits
FILL = tf.TensorSpec([3], tf.uint8)


def shear_x(factor: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> Matrix:
    """Each row moves left by `factor` times its number."""
    return 1.0, factor, 0.0, 0.0, 1.0, 0.0


def shear_y(factor: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> Matrix:
    """Each column moves up by `factor` times its number."""
    return 1.0, 0.0, 0.0, factor, 1.0, 0.0


def translate_x(pixels: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> Matrix:
    """The image moves left by `pixels`."""
    return 1.0, 0.0, tf.clip_by_value(pixels, -width, width), 0.0, 1.0, 0.0


def translate_y(pixels: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> Matrix:
    """The image moves up by `pixels`."""
    return 1.0, 0.0, 0.0, 0.0, 1.0, tf.clip_by_value(pixels, -height, height)


def rotate(degrees: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> Matrix:
    """The image turns counterclockwise around its centre."""
    angle = degrees * (-math.pi / 180)
    cosine, sine = tf.cos(angle), tf.sin(angle)
    centre_x, centre_y = width / 2, height / 2
    return cosine, sine, centre_x - cosine * centre_x - sine * centre_y, -sine, cosine, centre_y + sine * centre_x - cosine * centre_y


MATRICES: Mapping[str, Callable[[tf.Tensor, tf.Tensor, tf.Tensor], Matrix]] = {
    function.__name__: function for function in (shear_x, shear_y, translate_x, translate_y, rotate)
}


def _nearest(pixels: tf.Tensor, matrix: Matrix, fill: tf.Tensor) -> tf.Tensor:
    """The pixel under the transformed centre of each pixel, found in 16.16 fixed point as Pillow does."""
    height, width = tf.shape(pixels)[0], tf.shape(pixels)[1]
    columns, rows = tf.range(width)[None, :], tf.range(height)[:, None]

    def source(along_x: Any, along_y: Any, start: Any) -> tf.Tensor:
        begin = tf.cast(start, tf.float64) + (along_x + along_y) * 0.5
        if isinstance(along_x, float) and isinstance(along_y, float):  # a translation, which Pillow does not round to fixed point
            begin = tf.floor(begin)
        return _whole(_fixed(along_x) * columns + _fixed(along_y) * rows + _fixed(begin), 16)

    x, y = source(*matrix[:3]), source(*matrix[3:])
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    beyond = height * width  # the row of `flat` that holds the fill
    flat = tf.concat([tf.reshape(pixels, [-1, 3]), fill[None]], axis=0)  # [H W + 1, 3]
    return tf.gather(flat, tf.where(inside, y * width + x, beyond))  # [H, W, 3]


def _bilinear(pixels: tf.Tensor, matrix: Matrix, fill: tf.Tensor) -> tf.Tensor:
    """The mean of the four pixels around each transformed centre, weighted by nearness; those beyond the rim repeat the rim."""
    height, width = tf.shape(pixels)[0], tf.shape(pixels)[1]
    columns, rows = tf.range(width, dtype=tf.int64)[None, :], tf.range(height, dtype=tf.int64)[:, None]

    def source(along_x: Any, along_y: Any, start: Any) -> tf.Tensor:
        begin = tf.cast(start, tf.float64) + (along_x + along_y) * 0.5
        return _fixed(along_x, _FINE) * columns + _fixed(along_y, _FINE) * rows + _fixed(begin, _FINE)

    flat = tf.cast(tf.reshape(pixels, [-1, 3]), tf.int32)

    def neighbours(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return tf.gather(flat, tf.clip_by_value(y, 0, height - 1) * width + tf.clip_by_value(x, 0, width - 1))

    x, y = source(*matrix[:3]), source(*matrix[3:])
    limits = tf.cast(tf.shape(pixels)[:2], tf.int64) * _FINE
    inside = (x >= 0) & (x < limits[1]) & (y >= 0) & (y < limits[0])
    (left, share_x), (top, share_y) = (_whole_and_share(position - _FINE // 2) for position in (x, y))
    upper = neighbours(left, top) * (_SHARES - share_x) + neighbours(left + 1, top) * share_x
    lower = neighbours(left, top + 1) * (_SHARES - share_x) + neighbours(left + 1, top + 1) * share_x
    mean = (upper * (_SHARES - share_y) + lower * share_y) // _SHARES**2
    return tf.where(inside[..., None], tf.cast(mean, tf.uint8), fill)


def _fixed(value: Any, one: int = _ONE) -> tf.Tensor:
    rounded = tf.floor(tf.cast(value, tf.float64) * one + 0.5)
    return tf.cast(rounded, tf.int32 if one == _ONE else tf.int64)


def _whole(fixed: tf.Tensor, bits: int) -> tf.Tensor:
    return tf.bitwise.right_shift(fixed, tf.constant(bits, fixed.dtype))  # rounds down at half the cost of a floor division


def _whole_and_share(position: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Of positions int64 in 1 / _FINE pixel: the pixel, int32 [H, W], and how far behind it, int32 [H, W, 1] in 1 / _SHARES."""
    whole = _whole(position, 32)
    return tf.cast(whole, tf.int32), tf.cast((position - whole * _FINE) // (_FINE // _SHARES), tf.int32)[..., None]


def _operation(matrix_of: Callable[..., Matrix], resample: Callable[..., tf.Tensor]) -> Compiled:
    def apply(pixels: tf.Tensor, magnitude: tf.Tensor, fill: tf.Tensor) -> tf.Tensor:
        height, width = (tf.cast(tf.shape(pixels)[axis], tf.float64) for axis in (0, 1))
        return resample(pixels, matrix_of(tf.cast(magnitude, tf.float64), height, width), fill)

    return compiled(PIXELS, MAGNITUDE, FILL)(apply)


# By interpolation and name: (uint8 [H, W, 3], float32 magnitude, uint8 [3] fill) -> uint8 [H, W, 3].
OPERATIONS: Mapping[str, Mapping[str, Compiled]] = {
    interpolation: {name: _operation(matrix_of, resample) for name, matrix_of in MATRICES.items()}
    for interpolation, resample in (("nearest", _nearest), ("bilinear", _bilinear))
}
