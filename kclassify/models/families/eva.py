"""EVA-02 (arXiv 2303.11331): a vision transformer whose queries and keys are turned by their places, with gated dense layers."""

import numpy as np
from keras import ops

from kclassify.models.blocks import Tensor, activate, add, concatenate, convolution, drop_rates, fixed_size, global_pool, multiply
from kclassify.models.tokens import dense, layer_norm, parameter, picture, sequence

PATCH = 14
HEAD = 64  # channels of a head
REFERENCE = 16  # places along a side, of the pictures seen first: others are stretched to as many


def angles(x: Tensor, rows: int, columns: int) -> Tensor:
    """By how much each pair of channels of a head is turned: [1, 1 + rows * columns, 1, HEAD], by nothing for the class token.

    A quarter of the channels knows the row and so on (arXiv 2104.09864 in two dimensions); `x` is any [N, L, C] of the graph.
    """
    one = ops.ones_like(ops.max(ops.cast(x, "float32"), axis=(0, 1, 2), keepdims=True))  # [1, 1, 1]
    speeds = 10000.0 ** (-np.arange(HEAD // 4) / (HEAD // 4))
    steps = [(np.arange(side) * REFERENCE / side)[:, None] * speeds for side in (rows, columns)]
    down, across = (ops.multiply(one, step[None].astype("float32")) for step in steps)  # [1, rows or columns, HEAD/4]
    shape = (1, rows, columns, HEAD // 4)
    grid = [ops.broadcast_to(ops.expand_dims(down, 2), shape), ops.broadcast_to(ops.expand_dims(across, 1), shape)]
    turns = ops.repeat(ops.concatenate(grid, axis=-1), 2, axis=-1)  # [1, rows, columns, HEAD]
    return ops.pad(ops.reshape(turns, (1, rows * columns, 1, HEAD)), [[0, 0], [1, 0], [0, 0], [0, 0]])


def turn(x: Tensor, turns: Tensor) -> Tensor:
    """Each pair of channels as a point in a plane that is turned: [N, L, heads, HEAD] -> the same."""
    length, heads = x.shape[1:3]
    pairs = ops.reshape(x, (-1, length, heads, HEAD // 2, 2))
    beside = ops.reshape(ops.stack([-pairs[..., 1], pairs[..., 0]], axis=-1), (-1, length, heads, HEAD))
    return ops.cast(x * ops.cos(turns) + beside * ops.sin(turns), x.dtype)


def attention(x: Tensor, turns: Tensor, *, fused: bool, name: str) -> Tensor:
    """Multi-head self-attention, its queries, keys and values from one dense layer or from three: [N, L, C] -> the same."""
    length, width = x.shape[1:]
    if fused:
        query, key, value = ops.split(dense(x, 3 * width, name=f"{name}.qkv", bias=False), 3, axis=-1)
        query = query + parameter(x, (width,), name=f"{name}.q_bias", start=0.0)
        value = value + parameter(x, (width,), name=f"{name}.v_bias", start=0.0)
    else:
        query, key, value = (dense(x, width, name=f"{name}.{which}_proj", bias=which != "k") for which in "qkv")
    query, key, value = (ops.reshape(tensor, (-1, length, width // HEAD, HEAD)) for tensor in (query, key, value))
    y = ops.dot_product_attention(turn(query, turns), turn(key, turns), value)  # [N, L, heads, HEAD]
    return dense(ops.reshape(y, (-1, length, width)), width, name=f"{name}.proj")


def mlp(x: Tensor, *, fused: bool, name: str) -> Tensor:
    """Dense layers of which one is a gate for the other: [N, L, C] -> the same."""
    width = x.shape[-1]
    hidden = width * 8 // 3
    if fused:
        gate, y = ops.split(dense(x, 2 * hidden, name=f"{name}.fc1"), 2, axis=-1)
    else:
        gate, y = dense(x, hidden, name=f"{name}.fc1_g"), dense(x, hidden, name=f"{name}.fc1_x")
    y = multiply([activate(gate, "silu", name=f"{name}.gate"), y], name=name)
    y = y if fused else layer_norm(y, name=f"{name}.norm")
    return dense(y, width, name=f"{name}.fc2")


def build(x: Tensor, *, width: int, depth: int, fused: bool, drop_path: float = 0.0) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> one map of patches and features [N, width]; the large ones are not `fused`."""
    fixed_size(x)
    x = convolution(x, width, PATCH, PATCH, name="patch_embed.proj", padding="valid", bias=True)  # [N, H/14, W/14, width]
    rows, columns = x.shape[1:3]
    x = concatenate([parameter(x, (1, 1, width), name="cls_token"), sequence(x)], name="tokens", axis=1)  # [N, L, width]
    places = parameter(x, (1, *x.shape[1:]), name="pos_embed")
    turns = angles(places, rows, columns)
    x = add(x, places, name="pos_embed")
    for index, rate in enumerate(drop_rates(drop_path, [depth])[0]):
        name = f"blocks.{index}"
        y = attention(layer_norm(x, name=f"{name}.norm1"), turns, fused=fused, name=f"{name}.attn")
        x = add(y, x, name=f"{name}.attn", drop=rate)
        y = mlp(layer_norm(x, name=f"{name}.norm2"), fused=fused, name=f"{name}.mlp")
        x = add(y, x, name=f"{name}.mlp", drop=rate)
    x = picture(x[:, 1:], rows, columns)
    return [x], layer_norm(global_pool(x), name="fc_norm")
