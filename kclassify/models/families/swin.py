"""Swin Transformer (arXiv 2103.14030): attention inside windows that are shifted in every second block."""

from collections.abc import Callable, Sequence

import numpy as np
from keras import ops

from kclassify.errors import UsageError
from kclassify.models.blocks import Tensor, add, convolution, drop_rates, fixed_size, global_pool
from kclassify.models.tokens import dense, into_windows, layer_norm, mlp, out_of_windows, parameter

EPSILON = 1e-5  # of norms


def by_distance(table: Tensor, window: int) -> Tensor:
    """A number for each pair of pixels of a window from one for each offset, [1, span, span, heads] with span = 2 * window - 1.

    Returns [1, 1, heads, L, L] with L = window * window: what attention adds.
    """
    distance = np.subtract.outer(np.arange(window), np.arange(window)) + window - 1
    bias = ops.take(ops.take(table, distance, axis=1), distance, axis=3)  # [1, from row, to row, from column, to column, heads]
    return ops.reshape(ops.transpose(bias, (0, 5, 1, 3, 2, 4)), (1, 1, table.shape[-1], window**2, window**2))


def stripes(side: int, window: int, shift: int) -> np.ndarray:
    """Of each row (or column) of a shifted picture, which of three stripes it belongs to."""
    return np.repeat([0, 1, 2], [side - window, window - shift, shift])


def shift_mask(one: Tensor, height: int, width: int, window: int, shift: int) -> Tensor:
    """-100 for pixels of a window that were not neighbours before the shift: [1, windows, 1, L, L]; `one` is any [1, 1] of ones."""
    zones = 3 * stripes(height, window, shift)[:, None] + stripes(width, window, shift)
    zones = zones.reshape(height // window, window, width // window, window).transpose(0, 2, 1, 3)
    here = ops.multiply(ops.reshape(one, (1, 1, 1)), zones.reshape(1, -1, window**2).astype("float32"))  # [1, windows, L]
    apart = ops.not_equal(ops.expand_dims(here, -1), ops.expand_dims(here, -2))
    return ops.expand_dims(ops.cast(apart, "float32") * -100.0, 2)


def window_attention(x: Tensor, heads: int, window: int, shift: int, *, name: str) -> Tensor:
    """Multi-head attention inside windows: [N, H, W, C] -> the same."""
    height, width, channels = x.shape[1:]
    span = 2 * window - 1
    table = parameter(x, (span**2, heads), name=f"{name}.relative_position_bias_table")
    bias = by_distance(ops.reshape(table, (1, span, span, heads)), window)
    if shift:
        one = ops.ones_like(bias[:, 0, 0, 0, :1])
        bias = bias + ops.cast(shift_mask(one, height, width, window, shift), bias.dtype)
        x = ops.roll(x, (-shift, -shift), (1, 2))
    x = into_windows(x, window, window)  # [N, windows, L, C]
    count, length = x.shape[1:3]
    qkv = ops.reshape(dense(x, 3 * channels, name=f"{name}.qkv"), (-1, count, length, 3, heads, channels // heads))
    query, key, value = (ops.transpose(qkv[:, :, :, number], (0, 1, 3, 2, 4)) for number in range(3))  # [N, windows, heads, L, d]
    logits = ops.matmul(query * (channels // heads) ** -0.5, ops.transpose(key, (0, 1, 2, 4, 3))) + bias
    x = ops.transpose(ops.matmul(ops.softmax(logits), value), (0, 1, 3, 2, 4))  # [N, windows, L, heads, d]
    x = dense(ops.reshape(x, (-1, count, length, channels)), channels, name=f"{name}.proj")
    x = out_of_windows(x, height, width, window, window)
    return ops.roll(x, (shift, shift), (1, 2)) if shift else x


def merge(x: Tensor, *, name: str) -> Tensor:
    """Four neighbours into one: [N, H, W, C] -> [N, H/2, W/2, 2 * C]."""
    height, width, channels = x.shape[1:]
    x = ops.transpose(ops.reshape(x, (-1, height // 2, 2, width // 2, 2, channels)), (0, 1, 3, 4, 2, 5))
    x = layer_norm(ops.reshape(x, (-1, height // 2, width // 2, 4 * channels)), name=f"{name}.norm", epsilon=EPSILON)
    return dense(x, 2 * channels, name=f"{name}.reduction", bias=False)


def stages(
    x: Tensor,
    *,
    width: int,
    depths: Sequence[int],
    window: int,
    drop_path: float,
    merge: Callable[..., Tensor],
    block: Callable[..., Tensor],
) -> tuple[list[Tensor], Tensor]:
    """From normalised pixels to four maps and features, with merges of neighbours between and windows shifted in every second block."""
    x = convolution(x, width, 4, 4, name="patch_embed.proj", padding="valid", bias=True)  # [N, H/4, W/4, width]
    x = layer_norm(x, name="patch_embed.norm", epsilon=EPSILON)
    pyramid = []
    for stage, rates in enumerate(drop_rates(drop_path, depths)):
        x = merge(x, name=f"layers.{stage}.downsample") if stage else x  # [N, H/(4 << stage), ..., width << stage]
        size = min(window, *x.shape[1:3])
        for index, rate in enumerate(rates):
            shift = size // 2 if index % 2 and min(x.shape[1:3]) > size else 0
            x = block(x, stage, size, shift, rate, name=f"layers.{stage}.blocks.{index}")
        pyramid.append(x)
    return pyramid, global_pool(layer_norm(x, name="norm", epsilon=EPSILON))


def build(
    x: Tensor, *, width: int, depths: Sequence[int], heads: Sequence[int], window: int, drop_path: float = 0.0
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> four maps and features [N, 8 * width]. Raises UsageError for sides that windows do not fill."""
    if any(side % (32 * window) for side in fixed_size(x)):
        raise UsageError(f"Unusable input_shape: {x.shape[1:]}. Expected sides that are multiples of {32 * window}.")

    def block(x: Tensor, stage: int, size: int, shift: int, rate: float, *, name: str) -> Tensor:
        y = window_attention(layer_norm(x, name=f"{name}.norm1", epsilon=EPSILON), heads[stage], size, shift, name=f"{name}.attn")
        x = add(y, x, name=f"{name}.attn", drop=rate)
        y = mlp(layer_norm(x, name=f"{name}.norm2", epsilon=EPSILON), 4 * x.shape[-1], name=f"{name}.mlp")
        return add(y, x, name=f"{name}.mlp", drop=rate)

    return stages(x, width=width, depths=depths, window=window, drop_path=drop_path, merge=merge, block=block)
