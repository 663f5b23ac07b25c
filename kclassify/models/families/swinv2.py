"""Swin Transformer v2 (arXiv 2111.09883): cosines instead of products, norms at the end of branches, a network for distances."""

import math
from collections.abc import Sequence

import numpy as np
from keras import layers, ops

from kclassify.errors import UsageError
from kclassify.models.blocks import Tensor, activate, add, fixed_size, layer_name
from kclassify.models.families.swin import EPSILON, by_distance, shift_mask, stages
from kclassify.models.tokens import dense, into_windows, layer_norm, mlp, out_of_windows, parameter

SHORTEST = 3e-4  # of a vector that is made one long: its square is still a number in float16
STEEPEST = math.log(100)  # of the cosines' factor


def distance_bias(one: Tensor, window: int, trained: int, heads: int, *, name: str) -> Tensor:
    """What attention adds for the distance of two pixels: [1, 1, heads, L, L] with L = window * window; `one` is any [1] of ones.

    Two dense layers make it from the logarithms of distances, of any window; `trained` is the one that they learned first, 0 for this.
    """
    steps = 8 * np.arange(1 - window, window) / max((trained or window) - 1, 1)
    steps = np.sign(steps) * np.log2(np.abs(steps) + 1) / 3
    pairs = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1)[None].astype("float32")  # [1, span, span, 2]
    table = dense(ops.multiply(ops.reshape(one, (1, 1, 1, 1)), pairs), 512, name=f"{name}.0")
    table = dense(activate(table, "relu", name=f"{name}.0"), heads, name=f"{name}.2", bias=False)  # [1, span, span, heads]
    return by_distance(16 * ops.sigmoid(table), window)


def attention(x: Tensor, heads: int, window: int, shift: int, trained: int, *, name: str) -> Tensor:
    """Multi-head attention inside windows: [N, H, W, C] -> the same."""
    height, width, channels = x.shape[1:]
    factor = parameter(x, (heads, 1, 1), name=f"{name}.logit_scale", start=math.log(10))  # [1, heads, 1, 1]
    one = ops.ones_like(factor[:, 0, 0, 0])
    x = into_windows(ops.roll(x, (-shift, -shift), (1, 2)) if shift else x, window, window)  # [N, windows, L, C]
    count, length = x.shape[1:3]
    query, key, value = ops.split(dense(x, 3 * channels, name=f"{name}.qkv", bias=False), 3, axis=-1)
    query, value = (
        tensor + parameter(x, (channels,), name=f"{name}.{which}_bias", start=0.0) for tensor, which in ((query, "q"), (value, "v"))
    )
    query, key, value = (ops.reshape(tensor, (-1, count, length, heads, channels // heads)) for tensor in (query, key, value))
    query, key = (ops.normalize(tensor, epsilon=SHORTEST) for tensor in (query, key))
    logits = ops.matmul(ops.transpose(query, (0, 1, 3, 2, 4)), ops.transpose(key, (0, 1, 3, 4, 2)))  # [N, windows, heads, L, L]
    bias = distance_bias(one, window, trained, heads, name=f"{name}.cpb_mlp")
    logits = logits * ops.expand_dims(ops.exp(ops.minimum(factor, STEEPEST)), 1) + bias
    if shift:
        logits = logits + ops.cast(shift_mask(one, height, width, window, shift), logits.dtype)
    x = ops.transpose(ops.matmul(ops.softmax(logits), ops.transpose(value, (0, 1, 3, 2, 4))), (0, 1, 3, 2, 4))  # [N, windows, L, heads, d]
    x = dense(ops.reshape(x, (-1, count, length, channels)), channels, name=f"{name}.proj")
    x = out_of_windows(x, height, width, window, window)
    return ops.roll(x, (shift, shift), (1, 2)) if shift else x


def last_norm(x: Tensor, *, name: str) -> Tensor:
    """The norm at the end of a branch: [N, ..., C] -> the same. It starts as nothing."""
    return layers.LayerNormalization(epsilon=EPSILON, gamma_initializer="zeros", name=layer_name(name))(x)


def merge(x: Tensor, *, name: str) -> Tensor:
    """Four neighbours into one: [N, H, W, C] -> [N, H/2, W/2, 2 * C]."""
    height, width, channels = x.shape[1:]
    x = ops.transpose(ops.reshape(x, (-1, height // 2, 2, width // 2, 2, channels)), (0, 1, 3, 4, 2, 5))
    x = dense(ops.reshape(x, (-1, height // 2, width // 2, 4 * channels)), 2 * channels, name=f"{name}.reduction", bias=False)
    return layer_norm(x, name=f"{name}.norm", epsilon=EPSILON)


def build(
    x: Tensor,
    *,
    width: int,
    depths: Sequence[int],
    heads: Sequence[int],
    window: int,
    trained: Sequence[int] = (0, 0, 0, 0),
    drop_path: float = 0.0,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> four maps and features [N, 8 * width]; `trained` are windows of each stage as in `distance_bias`.

    Raises UsageError for sides that windows do not fill.
    """
    sides = fixed_size(x)
    if any(side % 32 or (side >> stage + 2) % min(window, min(sides) >> stage + 2) for side in sides for stage in range(4)):
        raise UsageError(f"Unusable input_shape: {x.shape[1:]}. Expected sides such as {4 * window} or multiples of {32 * window}.")

    def block(x: Tensor, stage: int, size: int, shift: int, rate: float, *, name: str) -> Tensor:
        y = attention(x, heads[stage], size, shift, trained[stage], name=f"{name}.attn")
        x = add(last_norm(y, name=f"{name}.norm1"), x, name=f"{name}.attn", drop=rate)
        y = last_norm(mlp(x, 4 * x.shape[-1], name=f"{name}.mlp"), name=f"{name}.norm2")
        return add(y, x, name=f"{name}.mlp", drop=rate)

    return stages(x, width=width, depths=depths, window=window, drop_path=drop_path, merge=merge, block=block)
