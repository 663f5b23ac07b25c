"""The vocabulary in which every family is written: layers named by the torch path of their weights."""

from collections.abc import Callable, Sequence
from typing import Any

from keras import initializers, layers, ops

from kclassify.errors import UsageError

Tensor = Any  # a KerasTensor of the functional graph

# The layout is written out: a user's keras.json may say channels_first.
LAYOUT = "channels_last"
PADDLE = ("_conv", "_batch_norm")  # the leaves of most of PaddleClas' units


def layer_name(path: str) -> str:
    """The layer's name for a torch path: "." is forbidden by torch, "/" by Keras, and no Python attribute holds "-"."""
    return path.replace(".", "-")


def round_channels(value: float, divisor: int = 8, *, least: int = 0, limit: float = 0.9) -> int:
    """The multiple of `divisor` nearest to `value`, never less than `limit` of it (arXiv 1704.04861's reference code)."""
    rounded = max(least or divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < limit * value else rounded


def drop_rates(drop_path: float, depths: Sequence[int]) -> list[list[float]]:
    """The rate of stochastic depth for each block of each stage: from 0 at the first to `drop_path` at the last (arXiv 1603.09382)."""
    last = max(1, sum(depths) - 1)
    return [[drop_path * (sum(depths[:stage]) + index) / last for index in range(depth)] for stage, depth in enumerate(depths)]


def pad(x: Tensor, amount: int | tuple[int, int], *, name: str) -> Tensor:
    """Zeros on all four sides, `amount` or (rows, columns) of them; the layer is called "NAME.pad"."""
    return layers.ZeroPadding2D(amount, data_format=LAYOUT, name=layer_name(f"{name}.pad"))(x)


def convolution(  # noqa: PLR0913 - a convolution has these knobs
    x: Tensor,
    channels: int,
    kernel: int | tuple[int, int] = 1,
    stride: int = 1,
    *,
    name: str,
    padding: str | int | tuple[int, int] = "torch",
    groups: int = 1,
    dilation: int = 1,
    bias: bool = False,
    spread: float | None = None,
) -> Tensor:
    """[N, H, W, C] -> [N, H', W', channels]; as many groups as channels in and out make it a depthwise convolution.

    `padding`: "torch" adds (kernel - 1) // 2 * dilation on each side, so that H' = ceil(H / stride); "same" is TensorFlow's for the same
    H'; "valid" adds nothing; a number (or one for rows and one for columns) is torch's own `padding`.
    The kernel starts as He et al. have it (arXiv 1502.01852), with `spread` as a truncated normal of that standard deviation.
    """
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    natural = ((height - 1) // 2 * dilation, (width - 1) // 2 * dilation)
    if not isinstance(padding, str):
        wanted = (padding, padding) if isinstance(padding, int) else padding
        padding = "torch" if wanted == natural else padding
    if padding == "torch" and height % 2 and width % 2 and (stride == 1 or natural == (0, 0)):
        padding = "same"  # at stride 1 the two paddings are the same numbers for odd kernels, and this saves a layer
    elif padding not in ("same", "valid"):
        amount = natural if padding == "torch" else wanted
        x, padding = pad(x, amount, name=name) if any(amount) else x, "valid"
    # A fresh initializer for each layer: one instance would draw the same numbers every time it is used.
    start = (
        initializers.TruncatedNormal(stddev=spread)
        if spread
        else initializers.VarianceScaling(2.0, mode="fan_out", distribution="untruncated_normal")
    )
    shared = {
        "strides": stride,
        "padding": padding,
        "dilation_rate": dilation,
        "use_bias": bias,
        "data_format": LAYOUT,
        "name": layer_name(name),
    }
    if groups == x.shape[-1] == channels and groups > 1:
        return layers.DepthwiseConv2D(kernel, depthwise_initializer=start, **shared)(x)
    return layers.Conv2D(channels, kernel, groups=groups, kernel_initializer=start, **shared)(x)


def batch_norm(x: Tensor, *, name: str, epsilon: float = 1e-5, zero: bool = False) -> Tensor:
    """[N, ..., C] -> the same; momentum 0.9 is torch's 0.1. `zero` starts the scale at 0, so that a residual branch starts as nothing."""
    gamma = "zeros" if zero else "ones"
    return layers.BatchNormalization(momentum=0.9, epsilon=epsilon, gamma_initializer=gamma, name=layer_name(name))(x)


def activate(x: Tensor, activation: str | None, *, name: str) -> Tensor:
    """The activation as a layer of its own, named after the layer that it follows: explanations and exports find it. None changes nothing.

    The names are Keras': "relu", "relu6", "silu" (swish), "hard_silu" (hard swish), "hard_sigmoid", "sigmoid", "tanh", "gelu" (exact);
    "gelu_tanh" is the usual estimate of it, an operation that no layer can name.
    """
    if activation == "gelu_tanh":
        return ops.gelu(x, approximate=True)
    return x if activation is None else layers.Activation(activation, name=layer_name(f"{name}.activation"))(x)


def conv_bn(
    x: Tensor, channels: int, kernel: Any = 1, stride: int = 1, *, names: tuple[str, str], activation: str | None = "relu", **more: Any
) -> Tensor:
    """Convolution, BatchNorm, activation (or None): [N, H, W, C] -> [N, H/stride, W/stride, channels].

    `names` are the torch paths of the convolution and of the BatchNorm; `epsilon` and `zero` are of the BatchNorm, the rest of `more` is
    of `convolution`.
    """
    norm = {key: more.pop(key) for key in ("epsilon", "zero") if key in more}
    x = convolution(x, channels, kernel, stride, name=names[0], **more)
    return activate(batch_norm(x, name=names[1], **norm), activation, name=names[1])


def unit(
    x: Tensor, channels: int, kernel: Any = 1, stride: int = 1, *, name: str, leaves: tuple[str, str] = ("conv", "bn"), **more: Any
) -> Tensor:
    """`conv_bn` whose two layers are the `leaves` of one torch path: [N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    return conv_bn(x, channels, kernel, stride, names=(f"{name}.{leaves[0]}", f"{name}.{leaves[1]}"), **more)


def max_pool(x: Tensor, kernel: int = 3, stride: int = 2, *, name: str, padding: int | None = None) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, C], padded as in torch by kernel // 2. Only after a ReLU: zeros must be as good as -inf."""
    amount = kernel // 2 if padding is None else padding
    x = pad(x, amount, name=name) if amount else x
    return layers.MaxPooling2D(kernel, stride, data_format=LAYOUT, name=layer_name(name))(x)


def average_pool(x: Tensor, kernel: int, stride: int, *, name: str, padding: str = "valid") -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, C]; "same" is torch's ceil_mode=True with count_include_pad=False for kernel = stride."""
    return layers.AveragePooling2D(kernel, stride, padding=padding, data_format=LAYOUT, name=layer_name(name))(x)


def mean_of_nine(x: Tensor, stride: int, *, exclusive: bool) -> Tensor:
    """The mean of each 3x3 neighbourhood: [N, H, W, C] -> [N, H/stride, W/stride, C]; zeros around the picture count unless `exclusive`."""

    def mean(values: Tensor) -> Tensor:
        return ops.average_pool(ops.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0))), 3, stride, "valid", LAYOUT)

    return mean(x) / mean(ops.ones_like(x[..., :1])) if exclusive else mean(x)


def global_pool(x: Tensor, *, name: str = "pool", keepdims: bool = False) -> Tensor:
    """[N, H, W, C] -> the mean over the picture, [N, C] or [N, 1, 1, C]."""
    return layers.GlobalAveragePooling2D(keepdims=keepdims, data_format=LAYOUT, name=layer_name(name))(x)


def flatten(x: Tensor, *, name: str = "flatten") -> Tensor:
    """[N, 1, 1, C] -> [N, C]."""
    return layers.Flatten(data_format=LAYOUT, name=layer_name(name))(x)


def squeeze_excite(
    x: Tensor,
    channels: int,
    *,
    name: str,
    activation: str = "relu",
    gate: str = "hard_sigmoid",
    convs: tuple[str, str] = ("conv_reduce", "conv_expand"),
    layer: Callable[..., Tensor] = convolution,
) -> Tensor:
    """[N, H, W, C] -> the same, each channel scaled by a gate in 0..1 from all of them (arXiv 1709.01507); inside are `channels`.

    `convs` are the names of the two 1x1 convolutions, which a file may keep as another `layer`, `dense`.
    """
    y = global_pool(x, name=f"{name}.pool", keepdims=True)  # [N, 1, 1, C]
    y = layer(y, channels, name=f"{name}.{convs[0]}", bias=True)  # [N, 1, 1, channels]
    y = activate(y, activation, name=f"{name}.{convs[0]}")
    y = layer(y, x.shape[-1], name=f"{name}.{convs[1]}", bias=True)  # [N, 1, 1, C]
    y = activate(y, gate, name=f"{name}.{convs[1]}")
    return multiply([x, y], name=name)  # [N, H, W, C]


def add(x: Tensor, shortcut: Tensor, *, name: str, drop: float = 0.0) -> Tensor:
    """The sum of a block's branch `x` and its shortcut, [N, ..., C]; `drop` is the rate of stochastic depth on the branch."""
    if drop:
        x = layers.Dropout(drop, noise_shape=(None, *[1] * (len(x.shape) - 1)), seed=0, name=layer_name(f"{name}.drop_path"))(x)
    # The shortcut first: Keras follows first inputs back to the picture by recursion, and Python ends that in a graph of 1,000 steps.
    return layers.Add(name=layer_name(f"{name}.add"))([shortcut, x])


def concatenate(tensors: Sequence[Tensor], *, name: str, axis: int = -1) -> Tensor:
    """The tensors beside each other, along the channels if nothing else is said; the layer is called "NAME.concatenate"."""
    return layers.Concatenate(axis=axis, name=layer_name(f"{name}.concatenate"))(list(tensors))


def multiply(tensors: Sequence[Tensor], *, name: str) -> Tensor:
    """The product of tensors that broadcast; the layer is called "NAME.multiply"."""
    return layers.Multiply(name=layer_name(f"{name}.multiply"))(list(tensors))


def fixed_size(x: Tensor) -> tuple[int, int]:
    """(H, W) of [N, H, W, C], for families whose weights or windows depend on them. Raises UsageError if the size is open."""
    height, width = x.shape[1:3]
    if height is None or width is None:
        raise UsageError("Unusable input_shape: this model needs a fixed height and width. Expected such as (224, 224, 3).")
    return height, width
