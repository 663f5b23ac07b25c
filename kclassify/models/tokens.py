"""The vocabulary of transformers: dense layers, norms over channels, learned tensors, attention, sequences and windows."""

import math
from collections.abc import Callable

from keras import initializers, layers, ops

from kclassify.models.blocks import Tensor, activate, layer_name


def dense(x: Tensor, units: int, *, name: str, bias: bool = True) -> Tensor:
    """torch's Linear on the last axis: [N, ..., C] -> [N, ..., units]."""
    start = initializers.TruncatedNormal(stddev=0.02)  # arXiv 2010.11929
    return layers.Dense(units, use_bias=bias, kernel_initializer=start, name=layer_name(name))(x)


def layer_norm(x: Tensor, *, name: str, epsilon: float = 1e-6) -> Tensor:
    """[N, ..., C] -> the same, normalised over the last axis."""
    return layers.LayerNormalization(epsilon=epsilon, name=layer_name(name))(x)


def mlp(x: Tensor, hidden: int, *, name: str, activation: str = "gelu", layer: Callable[..., Tensor] = dense) -> Tensor:
    """Two dense layers, or as another `layer` two 1x1 convolutions, with an activation between them: [N, ..., C] -> the same."""
    y = activate(layer(x, hidden, name=f"{name}.fc1", bias=True), activation, name=f"{name}.fc1")
    return layer(y, x.shape[-1], name=f"{name}.fc2", bias=True)


def scale(x: Tensor, *, name: str, start: float = 1e-6) -> Tensor:
    """Layer scale (arXiv 2103.17239): each channel of [N, ..., C] times a learned number, which is `start` at first.

    A stock layer whose kernel is a vector: the file loads without this package. Its torch path is `name` itself, with no leaf.
    """
    axes = "nabcd"[: len(x.shape) - 1]
    start_value = initializers.Constant(start)
    return layers.EinsumDense(f"{axes}x,x->{axes}x", output_shape=x.shape[1:], kernel_initializer=start_value, name=layer_name(name))(x)


def parameter(x: Tensor, shape: tuple[int, ...], *, name: str, start: float | None = None) -> Tensor:
    """A learned tensor of this shape, the same for every sample: [N, *shape[1:]] for a `shape` that begins with 1, else [1, *shape].

    `x` is any tensor of the graph; it gives the number of samples. The numbers start at `start`, or truncated normal (0.02) for None.
    The torch path is `name` itself, with no leaf. It is a stock layer, a product with 1: the file loads without this package.
    """
    begin = initializers.TruncatedNormal(stddev=0.02) if start is None else initializers.Constant(start)
    flat = ops.reshape(x, (-1, math.prod(x.shape[1:])))[:, :1]  # [N, 1]
    inner = "abcdef"[: len(shape) - 1]
    if shape[0] == 1:
        one = ops.ones_like(flat)
        make = layers.EinsumDense(f"nz,z{inner}->n{inner}", output_shape=shape[1:], kernel_initializer=begin, name=layer_name(name))
        return make(one)  # [N, *shape[1:]]
    one = ops.ones_like(ops.max(flat, axis=0, keepdims=True))  # [1, 1]; Keras cannot take the first of an unknown number of samples
    make = layers.EinsumDense(f"nz,y{inner}->ny{inner}", output_shape=shape, kernel_initializer=begin, name=layer_name(name))
    return ops.reshape(make(one), (1, *shape))


def attention(x: Tensor, heads: int, *, name: str, bias: bool = True, factor: float | None = None) -> Tensor:
    """Multi-head self-attention with one `qkv` and a `proj` (arXiv 1706.03762): [N, L, C] -> the same.

    `factor` of the logits is by default 1 over the root of a head's width; `bias` is of `qkv`.
    """
    length, width = x.shape[1:]
    qkv = ops.reshape(dense(x, 3 * width, name=f"{name}.qkv", bias=bias), (-1, length, 3, heads, width // heads))
    y = ops.dot_product_attention(qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2], scale=factor)  # [N, L, heads, C/heads]
    return dense(ops.reshape(y, (-1, length, width)), width, name=f"{name}.proj")


def sequence(x: Tensor) -> Tensor:
    """[N, H, W, C] -> [N, H * W, C]."""
    return ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))


def picture(x: Tensor, height: int, width: int) -> Tensor:
    """[N, H * W, C] -> [N, H, W, C]."""
    return ops.reshape(x, (-1, height, width, x.shape[-1]))


def into_windows(x: Tensor, tall: int, wide: int) -> Tensor:
    """[N, H, W, C] -> [N, windows, tall * wide, C], row by row."""
    height, width, channels = x.shape[1:]
    x = ops.reshape(x, (-1, height // tall, tall, width // wide, wide, channels))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, (height // tall) * (width // wide), tall * wide, channels))


def out_of_windows(x: Tensor, height: int, width: int, tall: int, wide: int) -> Tensor:
    """[N, windows, tall * wide, C] (or [N * windows, tall * wide, C]) -> [N, H, W, C]."""
    x = ops.reshape(x, (-1, height // tall, width // wide, tall, wide, x.shape[-1]))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, height, width, x.shape[-1]))
