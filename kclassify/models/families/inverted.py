"""MobileNetV1 to V3 (arXiv 1704.04861, 1801.04381, 1905.02244) and EfficientNet (arXiv 1905.11946): blocks written as strings."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

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
    """One block of a stage: `kind` is "ds" (depthwise separable), "dsa" (the same without a shortcut, activated), "ir" (inverted
    residual) or "cn" (plain convolution).
    """

    kind: str
    kernel: int
    stride: int
    expansion: float
    channels: int
    squeeze: float
    activation: str


@dataclass(frozen=True)
class Style:
    """What the blocks of one model have in common.

    `width` multiplies channels. `gates` is (what squeeze-and-excitation is a share of: "inside" or "input", the divisor of its channels,
    its activation, its gate).
    """

    activation: str
    epsilon: float
    padding: str
    width: float
    gates: tuple[str, int, str, str]

    def channels(self, value: float) -> int:
        """How many channels of so many are there at this width."""
        return round_channels(value * self.width)


def decode(stage: str, activation: str, depth: float = 1.0) -> list[Block]:
    """The blocks of one stage from its string ("ir_r2_k3_s2_e6_c24 ..."); only the first of a repeat has the stride."""
    blocks = []
    for text in stage.split():
        kind, *options = text.split("_")
        value = dict(re.findall(r"^(se|[a-z])(.+)$", option)[0] for option in options)
        block = Block(
            kind=kind,
            kernel=int(value["k"]),
            stride=int(value["s"]),
            expansion=float(value.get("e", 1)),
            channels=int(value["c"]),
            squeeze=float(value.get("se", 0)),
            activation=value.get("a", activation),
        )
        repeats = math.ceil(int(value["r"]) * depth)
        blocks += [block, *[replace(block, stride=1)] * (repeats - 1)]
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
    """[N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    channels = style.channels(block.channels)
    if block.kind == "cn":
        return unit(x, channels, block, style, names=(f"{name}.conv", f"{name}.bn1"))
    shortcut, wide = x, iter(("bn1", "bn2", "bn3"))
    inside, linear = x.shape[-1], block.kind != "dsa"
    if block.kind == "ir":
        inside = round_channels(inside * block.expansion)
        x = unit(x, inside, block, style, names=(f"{name}.conv_pw", f"{name}.{next(wide)}"))  # [N, H, W, inside]
    x = unit(x, inside, block, style, names=(f"{name}.conv_dw", f"{name}.{next(wide)}"), depthwise=True)  # [N, H/s, W/s, inside]
    if block.squeeze:
        share_of, divisor, activation, gate = style.gates
        share = block.squeeze * (inside if share_of == "inside" else shortcut.shape[-1])
        x = squeeze_excite(x, max(1, round_channels(share, divisor)), name=f"{name}.se", activation=activation, gate=gate)
    last = "conv_pwl" if block.kind == "ir" else "conv_pw"
    x = unit(x, channels, block, style, names=(f"{name}.{last}", f"{name}.{next(wide)}"), linear=linear)  # [N, H/s, W/s, channels]
    fits = linear and block.stride == 1 and shortcut.shape[-1] == channels
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
    width: float = 1.0,
    depth: float = 1.0,
    gates: tuple[str, int, str, str] = ("inside", 8, "relu", "hard_sigmoid"),
    fixed_ends: bool = False,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> maps and features [N, features]; MobileNetV3 pools before its last convolution, the others after.

    `width` and `depth` multiply channels and the repeats of each stage; `features` 0 is no last convolution; `fixed_ends` keeps the stem
    and the repeats of the first and the last stage as they are (EfficientNet-Lite). See Style for the others.
    """
    style = Style(activation, epsilon, padding, width, gates)
    shared: dict[str, Any] = {"activation": activation, "padding": padding, "epsilon": epsilon}
    x = conv_bn(x, stem if fixed_ends else style.channels(stem), 3, 2, names=("conv_stem", "bn1"), **shared)  # [N, H/2, W/2, stem]
    pyramid = [x]
    for stage, text in enumerate(stages):
        blocks = decode(text, activation, 1.0 if fixed_ends and stage in (0, len(stages) - 1) else depth)
        for index, block in enumerate(blocks):
            x = apply_block(x, block, style, name=f"blocks.{stage}.{index}")  # [N, H/32, W/32, channels] in the end
        pyramid = [*(pyramid[:-1] if all(block.stride == 1 for block in blocks) else pyramid), x]  # of each size the last
    if not features:
        return pyramid, global_pool(x)
    if head_before_pool:
        x = conv_bn(x, features, names=("conv_head", "bn2"), activation=activation, epsilon=epsilon)  # [N, H/32, W/32, features]
        return pyramid, global_pool(x)  # [N, features]
    x = global_pool(x, keepdims=True)  # [N, 1, 1, channels]
    x = activate(convolution(x, features, name="conv_head", bias=True), activation, name="conv_head")  # [N, 1, 1, features]
    return pyramid, layers.Flatten(data_format=LAYOUT, name=layer_name("conv_head.flatten"))(x)  # [N, features]
