"""PP-LCNetV2: depthwise separable blocks whose large depthwise kernels learn as sums of several sizes (PaddleClas, 2022)."""

from collections.abc import Sequence

from keras import layers

from kclassify.models.blocks import (
    Tensor,
    activate,
    add,
    convolution,
    flatten,
    global_pool,
    layer_name,
    round_channels,
    squeeze_excite,
    unit,
)

CHANNELS = (128, 256, 512, 1024)


def separable(x: Tensor, channels: int, stride: int, *, name: str) -> Tensor:
    """Depthwise 3x3, then 1x1: [N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    x = unit(x, x.shape[-1], 3, stride, groups=x.shape[-1], name=f"{name}.dw_conv")  # [N, H/s, W/s, C]
    return unit(x, channels, name=f"{name}.pw_conv")  # [N, H/s, W/s, channels]


def branched(x: Tensor, stride: int, *, name: str) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, C]: depthwise 5x5, 3x3 and, without a stride, 1x1, summed."""
    kernels, width = (5, 3) if stride > 1 else (5, 3, 1), x.shape[-1]
    several = [
        unit(x, width, kernel, stride, groups=width, activation=None, name=f"{name}.dw_conv_list.{place}")
        for place, kernel in enumerate(kernels)
    ]
    return activate(layers.Add(name=layer_name(f"{name}.dw_conv_list.add"))(several), "relu", name=f"{name}.dw_conv_list.add")


def block(x: Tensor, channels: int, stride: int, *, name: str, last: bool) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels], a block of the third stage or (`last`) of the fourth."""
    y = branched(x, stride, name=name)  # [N, H/s, W/s, C]
    if not last:
        y = squeeze_excite(y, y.shape[-1] // 4, name=f"{name}.se", gate="sigmoid", convs=("fc1", "fc2"))
        return unit(unit(y, channels // 2, name=f"{name}.pw_conv.0"), channels, name=f"{name}.pw_conv.1")  # [N, H/s, W/s, channels]
    y = unit(y, channels, name=f"{name}.pw_conv")  # [N, H/s, W/s, channels]
    return add(y, x, name=name) if stride == 1 else y


def build(x: Tensor, *, width: float, depths: Sequence[int]) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 1280]."""
    x = unit(x, round_channels(32 * width), 3, 2, name="stem.0")  # [N, H/2, W/2, 32 * width]
    x = separable(x, round_channels(64 * width), 1, name="stem.1")  # [N, H/2, W/2, 64 * width]
    pyramid = [x]
    for stage, (depth, channels) in enumerate(zip(depths, CHANNELS, strict=True)):
        for index in range(depth):
            name, sizes = f"stages.{stage}.{index}", (round_channels(channels * width), 1 if index else 2)
            x = separable(x, *sizes, name=name) if stage < 2 else block(x, *sizes, name=name, last=stage == 3)
        pyramid.append(x)  # [N, H/4, W/4, ...] to [N, H/32, W/32, 1024 * width]
    x = convolution(global_pool(x, keepdims=True), 1280, name="conv_head")  # [N, 1, 1, 1280]
    return pyramid, flatten(activate(x, "relu", name="conv_head"))  # [N, 1280]
