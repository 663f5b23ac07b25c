"""The vocabulary in which every family is written: layers named by the torch path of their weights."""

from typing import Any

import keras
from keras import layers

Tensor = Any  # a KerasTensor of the functional graph

# The layout is written out: a user's keras.json may say channels_first.
LAYOUT = "channels_last"


def layer_name(path: str) -> str:
    """The layer's name for a torch path: "." is forbidden by torch, "/" by Keras, and no Python attribute holds "-"."""
    return path.replace(".", "-")


def round_channels(value: float, divisor: int = 8) -> int:
    """The multiple of `divisor` nearest to `value`, never more than 10 % below it (arXiv 1704.04861's reference code)."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def convolution(
    x: Tensor,
    channels: int,
    kernel: int = 1,
    stride: int = 1,
    *,
    name: str,
    padding: str = "torch",
    depthwise: bool = False,
    bias: bool = False,
) -> Tensor:
    """[N, H, W, C] -> [N, ceil(H/stride), ceil(W/stride), channels]; `padding` is "torch" (symmetric) or "same" (TensorFlow's)."""
    # At stride 1 the two paddings are the same numbers for odd kernels; "same" saves a layer.
    if padding == "torch" and stride > 1 and kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2, data_format=LAYOUT, name=layer_name(f"{name}.pad"))(x)
        padding = "valid"
    else:
        padding = "same"
    # A fresh initializer for each layer: one instance would draw the same numbers every time it is used.
    start = keras.initializers.VarianceScaling(2.0, mode="fan_out", distribution="untruncated_normal")  # arXiv 1502.01852
    shared = {"strides": stride, "padding": padding, "use_bias": bias, "data_format": LAYOUT, "name": layer_name(name)}
    if depthwise:
        return layers.DepthwiseConv2D(kernel, depthwise_initializer=start, **shared)(x)
    return layers.Conv2D(channels, kernel, kernel_initializer=start, **shared)(x)


def batch_norm(x: Tensor, *, name: str, epsilon: float = 1e-5, zero: bool = False) -> Tensor:
    """[N, H, W, C] -> the same; momentum 0.9 is torch's 0.1. `zero` starts the scale at 0, so that a residual branch starts as nothing."""
    gamma = "zeros" if zero else "ones"
    return layers.BatchNormalization(momentum=0.9, epsilon=epsilon, gamma_initializer=gamma, name=layer_name(name))(x)


def activate(x: Tensor, activation: str, *, name: str) -> Tensor:
    """The activation as a layer of its own, named after the layer that it follows: explanations and exports find it."""
    return layers.Activation(activation, name=layer_name(f"{name}.activation"))(x)


def squeeze_excite(x: Tensor, channels: int, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same, each channel scaled by a gate in 0..1 from all of them (arXiv 1709.01507)."""
    y = layers.GlobalAveragePooling2D(keepdims=True, data_format=LAYOUT, name=layer_name(f"{name}.pool"))(x)  # [N, 1, 1, C]
    y = convolution(y, channels, name=f"{name}.conv_reduce", bias=True)  # [N, 1, 1, channels]
    y = activate(y, "relu", name=f"{name}.conv_reduce")
    y = convolution(y, x.shape[-1], name=f"{name}.conv_expand", bias=True)  # [N, 1, 1, C]
    y = activate(y, "hard_sigmoid", name=f"{name}.conv_expand")
    return layers.Multiply(name=layer_name(f"{name}.multiply"))([x, y])  # [N, H, W, C]


def add(x: Tensor, shortcut: Tensor, *, name: str) -> Tensor:
    """The sum of a block's branch and its shortcut, [N, H, W, C]."""
    return layers.Add(name=layer_name(f"{name}.add"))([x, shortcut])
