"""GhostNet (arXiv 1911.11907): half of each layer's channels are cheap depthwise images of the other half."""

import math

from keras import layers

from kclassify.models.blocks import (
    Tensor,
    activate,
    add,
    concatenate,
    conv_bn,
    convolution,
    flatten,
    global_pool,
    layer_name,
    multiply,
    round_channels,
    squeeze_excite,
)
from kclassify.models.tokens import dense

# Kernel, inner channels, channels, whether squeeze-and-excitation follows, stride; one line is one of timm's stages.
STAGES = (
    ((3, 16, 16, False, 1),),
    ((3, 48, 24, False, 2),),
    ((3, 72, 24, False, 1),),
    ((5, 72, 40, True, 2),),
    ((5, 120, 40, True, 1),),
    ((3, 240, 80, False, 2),),
    ((3, 200, 80, False, 1), *((3, 184, 80, False, 1),) * 2, (3, 480, 112, True, 1), (3, 672, 112, True, 1)),
    ((5, 672, 160, True, 2),),
    ((5, 960, 160, False, 1), (5, 960, 160, True, 1)) * 2,
)


def pair(path: str, paddle: bool) -> tuple[str, str]:
    """The paths of a convolution and its BatchNorm."""
    return (f"{path}._conv", f"{path}._batch_norm") if paddle else (f"{path}.0", f"{path}.1")


def ghost(x: Tensor, channels: int, *, name: str, paddle: bool, activation: str | None = "relu") -> Tensor:
    """[N, H, W, C] -> [N, H, W, channels]: a 1x1 convolution and, beside it, a depthwise one of its result."""
    inside = math.ceil(channels / 2)
    x = conv_bn(x, inside, names=pair(f"{name}.primary_conv", paddle), activation=activation)  # [N, H, W, channels/2]
    y = conv_bn(x, inside, 3, groups=inside, names=pair(f"{name}.cheap_operation", paddle), activation=activation)
    return concatenate([x, y], name=name)


def paddle_squeeze(x: Tensor, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same; PaddleClas' squeeze-and-excitation, whose gate is cut off at 0 and 1."""
    y = global_pool(x, name=f"{name}.pool", keepdims=True)  # [N, 1, 1, C]
    y = activate(dense(y, x.shape[-1] // 4, name=f"{name}.squeeze"), "relu", name=f"{name}.squeeze")
    y = dense(y, x.shape[-1], name=f"{name}.excitation")
    return multiply([x, layers.ReLU(max_value=1.0, name=layer_name(f"{name}.gate"))(y)], name=name)


def bottleneck(x: Tensor, channels: int, inside: int, kernel: int, stride: int, *, squeeze: bool, name: str, paddle: bool) -> Tensor:
    """Two ghost layers, at a stride with a depthwise convolution between: [N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    y = ghost(x, inside, name=f"{name}.{'ghost_module_1' if paddle else 'ghost1'}", paddle=paddle)  # [N, H, W, inside]
    if stride > 1:
        names = pair(f"{name}.depthwise_conv", True) if paddle else (f"{name}.conv_dw", f"{name}.bn_dw")
        y = conv_bn(y, inside, kernel, stride, groups=inside, names=names, activation=None)  # [N, H/s, W/s, inside]
    if squeeze:
        few = round_channels(inside / 4, 4)
        y = paddle_squeeze(y, name=f"{name}.se_block") if paddle else squeeze_excite(y, few, name=f"{name}.se")
    y = ghost(y, channels, name=f"{name}.{'ghost_module_2' if paddle else 'ghost2'}", paddle=paddle, activation=None)
    if stride > 1 or x.shape[-1] != channels:
        shortcut = f"{name}.shortcut"
        names = pair(f"{shortcut}_depthwise", True) if paddle else (f"{shortcut}.0", f"{shortcut}.1")
        x = conv_bn(x, x.shape[-1], kernel, stride, groups=x.shape[-1], names=names, activation=None)  # [N, H/s, W/s, C]
        names = pair(f"{shortcut}_conv", True) if paddle else (f"{shortcut}.2", f"{shortcut}.3")
        x = conv_bn(x, channels, names=names, activation=None)  # [N, H/s, W/s, channels]
    return add(y, x, name=name)


def build(x: Tensor, *, width: float = 1.0, paddle: bool = False) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 1280]; `paddle` is PaddleClas' form, which differs in its gates and names."""
    names = pair("conv1", True) if paddle else ("conv_stem", "bn1")
    x = conv_bn(x, round_channels(16 * width, 4), 3, 2, names=names)  # [N, H/2, W/2, 16 * width]
    pyramid, count = [x], 0
    for stage, blocks in enumerate(STAGES):
        for index, (kernel, inside, channels, squeeze, stride) in enumerate(blocks):
            name = f"_ghostbottleneck_{count}" if paddle else f"blocks.{stage}.{index}"
            sizes = round_channels(channels * width, 4), round_channels(inside * width, 4)
            x = bottleneck(x, *sizes, kernel, stride, squeeze=squeeze, name=name, paddle=paddle)  # [N, H/32, W/32, ...] in the end
            pyramid, count = [*(pyramid if stride > 1 else pyramid[:-1]), x], count + 1
    names = pair("conv_last", True) if paddle else ("blocks.9.0.conv", "blocks.9.0.bn1")
    x = conv_bn(x, round_channels(960 * width, 4), names=names)  # [N, H/32, W/32, 960 * width]
    x = global_pool(x, keepdims=True)
    if paddle:
        x = conv_bn(x, 1280, names=pair("fc_0", True))  # [N, 1, 1, 1280]
    else:
        x = activate(convolution(x, 1280, name="conv_head", bias=True), "relu", name="conv_head")  # [N, 1, 1, 1280]
    return pyramid, flatten(x)  # [N, 1280]
