"""MaxViT (arXiv 2204.01697): in each block an inverted residual, attention inside windows, and attention across a grid of windows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from kclassify.errors import UsageError
from kclassify.models.blocks import (
    Tensor,
    activate,
    add,
    average_pool,
    batch_norm,
    conv_bn,
    convolution,
    drop_rates,
    fixed_size,
    global_pool,
    squeeze_excite,
)
from kclassify.models.tokens import dense, into_windows, layer_norm, mlp, out_of_windows, parameter

HEAD = 32  # channels of a head
PARTS = 32  # so many windows fill a side of the picture
GELU = "gelu_tanh"
EPSILON = 1e-5
CONV: dict[str, Any] = {"activation": GELU, "padding": "same", "epsilon": 1e-3}


def inverted(x: Tensor, channels: int, stride: int, *, name: str, drop: float) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    shortcut = average_pool(x, 2, 2, name=f"{name}.shortcut.pool") if stride > 1 else x
    if channels != x.shape[-1]:
        shortcut = convolution(shortcut, channels, name=f"{name}.shortcut.expand", bias=True)
    inside = 4 * channels
    y = batch_norm(x, name=f"{name}.pre_norm", epsilon=CONV["epsilon"])
    y = conv_bn(y, inside, names=(f"{name}.conv1_1x1", f"{name}.norm1"), **CONV)
    y = conv_bn(y, inside, 3, stride, groups=inside, names=(f"{name}.conv2_kxk", f"{name}.norm2"), **CONV)
    y = squeeze_excite(y, channels // 4, name=f"{name}.se", activation="silu", gate="sigmoid", convs=("fc1", "fc2"))
    return add(convolution(y, channels, name=f"{name}.conv3_1x1", bias=True), shortcut, name=name, drop=drop)


def position_bias(x: Tensor, heads: int, tall: int, wide: int, *, name: str) -> Tensor:
    """What attention adds for the distance of two pixels: [1, 1, heads, L, L] with L = tall * wide."""
    bias = parameter(x, (heads, 2 * tall - 1, 2 * wide - 1), name=f"{name}.relative_position_bias_table")  # [1, heads, rows, columns]
    for axis, side in ((2, tall), (4, wide)):
        bias = ops.take(bias, np.arange(side) - np.arange(side)[:, None] + side - 1, axis=axis)
    bias = ops.transpose(bias, (0, 1, 2, 4, 3, 5))  # [1, heads, from row, from column, to row, to column]
    return ops.reshape(bias, (1, 1, heads, tall * wide, tall * wide))


def attention(x: Tensor, tall: int, wide: int, *, grid: bool, name: str) -> Tensor:
    """Multi-head attention inside windows of tall * wide pixels, or for `grid` among tall * wide pixels that lie as far apart as can be.

    [N, H, W, C] -> the same.
    """
    height, width, channels = x.shape[1:]
    heads = channels // HEAD
    bias = position_bias(x, heads, tall, wide, name=f"{name}.rel_pos")
    sides = (height // tall, width // wide) if grid else (tall, wide)
    x = into_windows(x, *sides)
    x = ops.transpose(x, (0, 2, 1, 3)) if grid else x  # [N, windows, L, C]
    count, length = x.shape[1:3]
    qkv = ops.reshape(dense(x, 3 * channels, name=f"{name}.qkv"), (-1, count, length, 3, heads, HEAD))
    query, key, value = (ops.transpose(qkv[:, :, :, number], (0, 1, 3, 2, 4)) for number in range(3))  # [N, windows, heads, L, d]
    logits = ops.matmul(query * HEAD**-0.5, ops.transpose(key, (0, 1, 2, 4, 3))) + bias
    x = ops.transpose(ops.matmul(ops.softmax(logits), value), (0, 1, 3, 2, 4))  # [N, windows, L, heads, d]
    x = dense(ops.reshape(x, (-1, count, length, channels)), channels, name=f"{name}.proj")
    return out_of_windows(ops.transpose(x, (0, 2, 1, 3)) if grid else x, height, width, *sides)


def transform(x: Tensor, tall: int, wide: int, *, grid: bool, name: str, drop: float) -> Tensor:
    """A transformer block: [N, H, W, C] -> the same."""
    y = attention(layer_norm(x, name=f"{name}.norm1", epsilon=EPSILON), tall, wide, grid=grid, name=f"{name}.attn")
    x = add(y, x, name=f"{name}.attn", drop=drop)
    y = mlp(layer_norm(x, name=f"{name}.norm2", epsilon=EPSILON), 4 * x.shape[-1], name=f"{name}.mlp", activation=GELU)
    return add(y, x, name=f"{name}.mlp", drop=drop)


def build(x: Tensor, *, stem: int, widths: Sequence[int], depths: Sequence[int], drop_path: float = 0.0) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, widths[-1]]. Raises UsageError for sides that are no multiples of 32."""
    tall, wide = (side // PARTS for side in fixed_size(x))
    if x.shape[1:3] != (PARTS * tall, PARTS * wide):
        raise UsageError(f"Unusable input_shape: {x.shape[1:]}. Expected sides that are multiples of {PARTS}.")
    x = conv_bn(x, stem, 3, 2, names=("stem.conv1", "stem.norm1"), bias=True, **CONV)  # [N, H/2, W/2, stem]
    x = convolution(x, stem, 3, name="stem.conv2", bias=True)
    pyramid = [x]
    for stage, rates in enumerate(drop_rates(drop_path, depths)):
        for index, drop in enumerate(rates):
            name = f"stages.{stage}.blocks.{index}"
            x = inverted(x, widths[stage], 1 if index else 2, name=f"{name}.conv", drop=drop)  # [N, H/(4 << stage), ..., widths[stage]]
            x = transform(x, tall, wide, grid=False, name=f"{name}.attn_block", drop=drop)
            x = transform(x, tall, wide, grid=True, name=f"{name}.attn_grid", drop=drop)
        pyramid.append(x)
    x = layer_norm(global_pool(x), name="head.norm", epsilon=EPSILON)
    return pyramid, activate(dense(x, widths[-1], name="head.pre_logits.fc"), "tanh", name="head.pre_logits.fc")
