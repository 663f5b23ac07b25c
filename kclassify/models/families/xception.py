"""PaddleClas' Xception (arXiv 1610.02357): its separable convolutions do the 1x1 first, and each half of the net ends with a max-pool."""

from collections.abc import Sequence

from keras import layers

from kclassify.models.blocks import LAYOUT, PADDLE, Tensor, activate, add, convolution, global_pool, layer_name, unit


def separable(x: Tensor, channels: int, *, name: str, relu: bool = True) -> Tensor:
    """ReLU, 1x1, depthwise 3x3: [N, H, W, C] -> [N, H, W, channels]."""
    if relu:
        x = activate(x, "relu", name=f"{name}.input")
    x = unit(x, channels, name=f"{name}._pointwise_conv", leaves=PADDLE, activation=None)
    return unit(x, channels, 3, groups=channels, name=f"{name}._depthwise_conv", leaves=PADDLE, activation=None)  # [N, H, W, channels]


def max_pool(x: Tensor, stride: int, *, name: str) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, C], of numbers below 0 too: torch's padding is -inf, which Keras has at stride 1 alone."""
    return layers.MaxPooling2D(3, 1, padding="same", data_format=LAYOUT, name=layer_name(f"{name}.pool"))(x)[:, ::stride, ::stride]


def block(x: Tensor, widths: Sequence[int], stride: int, *, names: tuple[str, str, str], relu: bool = True) -> Tensor:
    """Two separable convolutions and a pool: [N, H, W, C] -> [N, H/stride, W/stride, C']; names are of the block and the two."""
    name, *parts = names
    shortcut = convolution(x, widths[-1], 1, stride, name=f"{name}._short")  # [N, H/stride, W/stride, C']
    y = separable(x, widths[0], name=f"{name}.{parts[0]}", relu=relu)
    y = separable(y, widths[1], name=f"{name}.{parts[1]}")
    return add(max_pool(y, stride, name=name), shortcut, name=name)


def build(x: Tensor, *, entry: Sequence[tuple[int, int]], middle: int) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 2048]; `entry` is (channels, stride) of the first blocks, `middle` a number."""
    for number, (channels, stride) in enumerate(((32, 2), (64, 1)), start=1):
        x = unit(x, channels, 3, stride, name=f"_entry_flow._conv{number}", leaves=PADDLE)  # [N, H/2, W/2, 64] in the end
    pyramid = [x]
    for number, (channels, stride) in enumerate(entry):
        names = (f"_entry_flow._conv_{number}", "_conv1", "_conv2")
        x = block(x, (channels, channels), stride, names=names, relu=number > 0)  # [N, H/16, W/16, 728] in the end
        pyramid = [*(pyramid if stride > 1 else pyramid[:-1]), x]
    for number in range(middle):
        name, y = f"_middle_flow._conv_{number}", x
        for part in range(3):
            y = separable(y, y.shape[-1], name=f"{name}._conv_{part}")
        x = add(y, x, name=name)  # [N, H/16, W/16, 728]
    pyramid[-1] = x
    x = block(x, (728, 1024), 2, names=("_exit_flow._conv_0", "_conv_1", "_conv_2"))  # [N, H/32, W/32, 1024]
    x = separable(x, 1536, name="_exit_flow._conv_1", relu=False)
    x = activate(separable(x, 2048, name="_exit_flow._conv_2"), "relu", name="_exit_flow._conv_2")  # [N, H/32, W/32, 2048]
    return [*pyramid, x], global_pool(x)  # [N, 2048]
