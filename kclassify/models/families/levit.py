"""LeViT (arXiv 2104.01136): attention over maps that shrink, with BatchNorm, and learned numbers for the distance of two places."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from kclassify.models.blocks import Tensor, activate, add, batch_norm, conv_bn, fixed_size, global_pool
from kclassify.models.tokens import dense, parameter

STEM = 4  # convolutions of stride 2
ACTIVATION = "hard_silu"


def linear_norm(x: Tensor, units: int, *, name: str, zero: bool = False) -> Tensor:
    """A dense layer and BatchNorm: [N, H, W, C] -> [N, H, W, units]."""
    return batch_norm(dense(x, units, name=f"{name}.linear", bias=False), name=f"{name}.bn", zero=zero)


def distance_bias(x: Tensor, stride: int, heads: int, *, name: str) -> Tensor:
    """What attention adds for the distance of two places of the map `x`: [1, heads, queries, H * W], of each `stride`th place a query."""
    height, width = x.shape[1:3]
    table = parameter(x, (heads, height * width), name=f"{name}.attention_biases", start=0.0)  # [1, heads, distances]
    rows, columns = (np.abs(np.subtract.outer(np.arange(0, side, stride), np.arange(side))) for side in (height, width))
    distance = rows[:, None, :, None] * width + columns[None, :, None, :]  # [H/stride, W/stride, H, W]
    return ops.take(table, distance.reshape(-1, height * width), axis=2)


def attention(x: Tensor, channels: int, heads: int, *, key: int, ratio: int, stride: int, name: str) -> Tensor:
    """Multi-head attention: [N, H, W, C] -> [N, H/stride, W/stride, channels]; a head's values are `ratio` times as wide as its keys."""
    value, length, places = ratio * key, x.shape[1] * x.shape[2], x[:, ::stride, ::stride]
    bias = distance_bias(x, stride, heads, name=name)
    if stride == 1:
        qkv = ops.reshape(linear_norm(x, heads * (2 * key + value), name=f"{name}.qkv"), (-1, length, heads, 2 * key + value))
        query, keys, values = ops.split(qkv, [key, 2 * key], axis=-1)
    else:
        kv = ops.reshape(linear_norm(x, heads * (key + value), name=f"{name}.kv"), (-1, length, heads, key + value))
        keys, values = ops.split(kv, [key], axis=-1)
        query = ops.reshape(linear_norm(places, heads * key, name=f"{name}.q.ln"), (-1, bias.shape[2], heads, key))
    query, values = (ops.transpose(tensor, (0, 2, 1, 3)) for tensor in (query, values))  # [N, heads, places, width]
    logits = ops.matmul(query * key**-0.5, ops.transpose(keys, (0, 2, 3, 1))) + bias
    y = ops.transpose(ops.matmul(ops.softmax(logits), values), (0, 2, 1, 3))
    y = ops.reshape(y, (-1, *places.shape[1:3], heads * value))
    # Where the map is halved there is no shortcut: starting at nothing, the picture would be lost.
    return linear_norm(activate(y, ACTIVATION, name=f"{name}.proj"), channels, name=f"{name}.proj.ln", zero=stride == 1)


def mlp(x: Tensor, *, name: str, drop: float) -> Tensor:
    """Two dense layers beside a shortcut, twice as wide inside: [N, H, W, C] -> the same."""
    y = activate(linear_norm(x, 2 * x.shape[-1], name=f"{name}.ln1"), ACTIVATION, name=f"{name}.ln1")
    return add(linear_norm(y, x.shape[-1], name=f"{name}.ln2", zero=True), x, name=name, drop=drop)


def build(
    x: Tensor, *, widths: Sequence[int], depths: Sequence[int], heads: Sequence[int], key: int, drop_path: float = 0.0
) -> tuple[list[Tensor], list[Tensor]]:
    """Normalised [N, H, W, 3] -> three maps, and features [N, widths[-1]] for the labels and for the teacher's."""
    fixed_size(x)
    for index in range(1, STEM + 1):
        activation, names = ACTIVATION if index < STEM else None, (f"stem.conv{index}.linear", f"stem.conv{index}.bn")
        x = conv_bn(x, widths[0] >> (STEM - index), 3, 2, names=names, activation=activation)  # [N, H/16, W/16, widths[0]] in the end
    pyramid = []
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        if stage:
            name = f"stages.{stage}.downsample"
            x = attention(x, width, x.shape[-1] // key, key=key, ratio=4, stride=2, name=f"{name}.attn_downsample")
            x = mlp(x, name=f"{name}.mlp", drop=drop_path)  # [N, H/(16 << stage), ..., width]
        for index in range(depth):
            name = f"stages.{stage}.blocks.{index}"
            y = attention(x, width, heads[stage], key=key, ratio=2, stride=1, name=f"{name}.attn")
            x = mlp(add(y, x, name=f"{name}.attn", drop=drop_path), name=f"{name}.mlp", drop=drop_path)
        pyramid.append(x)
    pooled = global_pool(x)  # [N, widths[-1]]
    return pyramid, [batch_norm(pooled, name=f"{head}.bn") for head in ("head", "head_dist")]
