"""ESNet (arXiv 2111.00902), the backbone of PP-PicoDet: ShuffleNetV2 with a ghost layer and squeeze-and-excitation in each block."""

from keras import layers, ops

from kclassify.models.blocks import (
    LAYOUT,
    Tensor,
    activate,
    concatenate,
    conv_bn,
    convolution,
    global_pool,
    max_pool,
    round_channels,
    squeeze_excite,
)

DEPTHS, CHANNELS = (3, 7, 3), (116, 232, 464)


def unit(x: Tensor, channels: int, *, name: str) -> Tensor:
    """1x1 convolution, BatchNorm, hard swish: [N, H, W, C] -> [N, H, W, channels]."""
    return conv_bn(x, channels, names=(f"{name}.conv", f"{name}.bn"), activation="hard_silu")


def depthwise(x: Tensor, stride: int = 1, *, name: str, activation: str | None = None) -> Tensor:
    """Depthwise 3x3 convolution and BatchNorm: [N, H, W, C] -> [N, H/stride, W/stride, C]."""
    return conv_bn(x, x.shape[-1], 3, stride, groups=x.shape[-1], names=(f"{name}.conv", f"{name}.bn"), activation=activation)


def squeeze(x: Tensor, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same, gated."""
    return squeeze_excite(x, x.shape[-1] // 4, name=f"{name}.se", convs=("conv1", "conv2"))


def shuffle_block(x: Tensor, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same: one half passes by, then the halves are shuffled."""
    half = x.shape[-1] // 2
    side, x = ops.split(x, 2, axis=-1)  # [N, H, W, C/2] each
    x = unit(x, half, name=f"{name}.pw_1_1")
    x = concatenate([x, depthwise(x, name=f"{name}.dw_1")], name=f"{name}.ghost")  # [N, H, W, C]
    x = unit(squeeze(x, name=name), half, name=f"{name}.pw_1_2")  # [N, H, W, C/2]
    order = [place for pair in zip(range(half), range(half, 2 * half), strict=True) for place in pair]
    return ops.take(concatenate([side, x], name=name), order, axis=-1)


def stride_block(x: Tensor, channels: int, *, name: str) -> Tensor:
    """[N, H, W, C] -> [N, H/2, W/2, channels], from two branches."""
    side = unit(depthwise(x, 2, name=f"{name}.dw_1"), channels // 2, name=f"{name}.pw_1")  # [N, H/2, W/2, channels/2]
    x = depthwise(unit(x, channels // 2, name=f"{name}.pw_2_1"), 2, name=f"{name}.dw_2")  # [N, H/2, W/2, channels/2]
    x = unit(squeeze(x, name=name), channels // 2, name=f"{name}.pw_2_2")
    x = concatenate([side, x], name=name)  # [N, H/2, W/2, channels]
    return unit(depthwise(x, name=f"{name}.concat_dw", activation="hard_silu"), channels, name=f"{name}.concat_pw")


def build(x: Tensor, *, width: float, dropout: float) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 1280].

    PaddleClas' weights expect features smaller by the rate `dropout` of the dropout after them.
    """
    x = conv_bn(x, 24, 3, 2, names=("conv1.conv", "conv1.bn"), activation="hard_silu")  # [N, H/2, W/2, 24]
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
    x = global_pool(unit(x, 1024, name="conv2"), keepdims=True)  # [N, 1, 1, 1024]
    x = activate(convolution(x, 1280, name="last_conv"), "hard_silu", name="last_conv")  # [N, 1, 1, 1280]
    return pyramid, layers.Flatten(data_format=LAYOUT, name="flatten")(x * (1 - dropout))  # [N, 1280]
