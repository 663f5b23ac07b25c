"""MobileNetV3 (arXiv 1905.02244) and EfficientNet-Lite (arXiv 1905.11946): inverted residual blocks written as block strings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from keras import layers

from kclassify.models.blocks import (
    LAYOUT,
    Tensor,
    activate,
    add,
    conv_bn,
    convolution,
    global_pool,
    layer_name,
    round_channels,
    squeeze_excite,
)


@dataclass(frozen=True)
class Block:
    """One block of a stage: `kind` is "ds" (depthwise separable), "ir" (inverted residual) or "cn" (plain convolution)."""

    kind: str
    kernel: int
    stride: int
    expansion: float
    channels: int
    squeeze: float
    activation: str


@dataclass(frozen=True)
class Style:
    """What the blocks of one model have in common."""

    activation: str
    epsilon: float
    padding: str


def decode(stage: str, activation: str) -> list[Block]:
    """The blocks of one stage from its string ("ir_r2_k3_s2_e6_c24 ..."); only the first of a repeat has the stride."""
    blocks = []
    for text in stage.split():
        kind, *options = text.split("_")
        value = dict(re.findall(r"^(se|[a-z])(.+)$", option)[0] for option in options)
        for repeat in range(int(value["r"])):
            blocks.append(
                Block(
                    kind=kind,
                    kernel=int(value["k"]),
                    stride=int(value["s"]) if repeat == 0 else 1,
                    expansion=float(value["e"]),
                    channels=int(value["c"]),
                    squeeze=float(value.get("se", 0)),
                    activation=value.get("a", activation),
                )
            )
    return blocks


def unit(
    x: Tensor, channels: int, block: Block, style: Style, *, names: tuple[str, str], linear: bool = False, depthwise: bool = False
) -> Tensor:
    """Convolution, BatchNorm and (unless `linear`) activation: [N, H, W, C] -> [N, H/s, W/s, channels]; only spatial kernels stride."""
    spatial = depthwise or block.kind == "cn"
    kernel, stride = (block.kernel, block.stride) if spatial else (1, 1)
    more = {"padding": style.padding, "epsilon": style.epsilon, "groups": channels if depthwise else 1}
    return conv_bn(x, channels, kernel, stride, names=names, activation=None if linear else block.activation, **more)


def apply_block(x: Tensor, block: Block, style: Style, *, name: str) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, block.channels]."""
    if block.kind == "cn":
        return unit(x, block.channels, block, style, names=(f"{name}.conv", f"{name}.bn1"))
    shortcut, inside = x, round_channels(x.shape[-1] * block.expansion)
    wide = iter(("bn1", "bn2", "bn3"))
    if block.kind == "ir":
        x = unit(x, inside, block, style, names=(f"{name}.conv_pw", f"{name}.{next(wide)}"))  # [N, H, W, inside]
    x = unit(x, inside, block, style, names=(f"{name}.conv_dw", f"{name}.{next(wide)}"), depthwise=True)  # [N, H/s, W/s, inside]
    if block.squeeze:
        x = squeeze_excite(x, round_channels(inside * block.squeeze), name=f"{name}.se")
    last = "conv_pwl" if block.kind == "ir" else "conv_pw"
    x = unit(x, block.channels, block, style, names=(f"{name}.{last}", f"{name}.{next(wide)}"), linear=True)  # [N, H/s, W/s, channels]
    fits = block.stride == 1 and shortcut.shape[-1] == block.channels
    return add(x, shortcut, name=name) if fits else x


def build(
    x: Tensor,
    *,
    stages: Sequence[str],
    stem: int,
    features: int,
    activation: str,
    epsilon: float = 1e-5,
    padding: str = "torch",
    head_before_pool: bool = True,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> maps and features [N, features]; MobileNetV3 pools before its last convolution, the others after."""
    style = Style(activation, epsilon, padding)
    x = conv_bn(x, stem, 3, 2, names=("conv_stem", "bn1"), activation=activation, padding=padding, epsilon=epsilon)  # [N, H/2, W/2, stem]
    pyramid = [x]
    for stage, text in enumerate(stages):
        blocks = decode(text, activation)
        for index, block in enumerate(blocks):
            x = apply_block(x, block, style, name=f"blocks.{stage}.{index}")  # [N, H/32, W/32, channels] in the end
        pyramid = [*(pyramid[:-1] if blocks[0].stride == 1 else pyramid), x]  # of each size the last
    if head_before_pool:
        x = conv_bn(x, features, names=("conv_head", "bn2"), activation=activation, epsilon=epsilon)  # [N, H/32, W/32, features]
        return pyramid, global_pool(x)  # [N, features]
    x = global_pool(x, keepdims=True)  # [N, 1, 1, channels]
    x = activate(convolution(x, features, name="conv_head", bias=True), activation, name="conv_head")  # [N, 1, 1, features]
    return pyramid, layers.Flatten(data_format=LAYOUT, name=layer_name("conv_head.flatten"))(x)  # [N, features]
