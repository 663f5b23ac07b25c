"""ESNet (arXiv 2111.00902), the backbone of PP-PicoDet: ShuffleNetV2 with a ghost layer and squeeze-and-excitation in each block."""

from keras import ops

from kclassify.models.blocks import (
    Tensor,
    activate,
    concatenate,
    convolution,
    flatten,
    global_pool,
    max_pool,
    round_channels,
    squeeze_excite,
    unit,
)
from kclassify.models.families.shufflenetv2 import shuffle

DEPTHS, CHANNELS = (3, 7, 3), (116, 232, 464)


def pointwise(x: Tensor, channels: int, *, name: str) -> Tensor:
    """1x1 convolution, BatchNorm, hard swish: [N, H, W, C] -> [N, H, W, channels]."""
    return unit(x, channels, name=name, activation="hard_silu")


def depthwise(x: Tensor, stride: int = 1, *, name: str, activation: str | None = None) -> Tensor:
    """Depthwise 3x3 convolution and BatchNorm: [N, H, W, C] -> [N, H/stride, W/stride, C]."""
    return unit(x, x.shape[-1], 3, stride, groups=x.shape[-1], name=name, activation=activation)


def squeeze(x: Tensor, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same, gated."""
    return squeeze_excite(x, x.shape[-1] // 4, name=f"{name}.se", convs=("conv1", "conv2"))


def shuffle_block(x: Tensor, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same: one half passes by, then the halves are shuffled."""
    half = x.shape[-1] // 2
    side, x = ops.split(x, 2, axis=-1)  # [N, H, W, C/2] each
    x = pointwise(x, half, name=f"{name}.pw_1_1")
    x = concatenate([x, depthwise(x, name=f"{name}.dw_1")], name=f"{name}.ghost")  # [N, H, W, C]
    x = pointwise(squeeze(x, name=name), half, name=f"{name}.pw_1_2")  # [N, H, W, C/2]
    return shuffle(concatenate([side, x], name=name))


def stride_block(x: Tensor, channels: int, *, name: str) -> Tensor:
    """[N, H, W, C] -> [N, H/2, W/2, channels], from two branches."""
    side = pointwise(depthwise(x, 2, name=f"{name}.dw_1"), channels // 2, name=f"{name}.pw_1")  # [N, H/2, W/2, channels/2]
    x = depthwise(pointwise(x, channels // 2, name=f"{name}.pw_2_1"), 2, name=f"{name}.dw_2")  # [N, H/2, W/2, channels/2]
    x = pointwise(squeeze(x, name=name), channels // 2, name=f"{name}.pw_2_2")
    x = concatenate([side, x], name=name)  # [N, H/2, W/2, channels]
    return pointwise(depthwise(x, name=f"{name}.concat_dw", activation="hard_silu"), channels, name=f"{name}.concat_pw")


def build(x: Tensor, *, width: float, dropout: float) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 1280].

    PaddleClas' weights expect features smaller by the rate `dropout` of the dropout after them.
    """
    x = unit(x, 24, 3, 2, name="conv1", activation="hard_silu")  # [N, H/2, W/2, 24]
    pyramid, count = [x], 0
    x = ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=-1.0)  # hard swish is never below -0.375
    x = max_pool(x, name="max_pool", padding=0)  # [N, H/4, W/4, 24]
    pyramid.append(x)
    for depth, channels in zip(DEPTHS, CHANNELS, strict=True):
        for index in range(depth):
            name = f"blocks.{count}"
            x = shuffle_block(x, name=name) if index else stride_block(x, round_channels(channels * width), name=name)
            count += 1
        pyramid.append(x)  # [N, H/8, W/8, ...] to [N, H/32, W/32, ...]
    x = global_pool(pointwise(x, 1024, name="conv2"), keepdims=True)  # [N, 1, 1, 1024]
    x = activate(convolution(x, 1280, name="last_conv"), "hard_silu", name="last_conv")  # [N, 1, 1, 1280]
    return pyramid, flatten(x * (1 - dropout))  # [N, 1280]
