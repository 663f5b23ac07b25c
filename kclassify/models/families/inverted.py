"""Blocks written as strings: MobileNetV1 to V3, PP-LCNet, EfficientNet and its V2, MixNet.

arXiv 1704.04861, 1801.04381, 1905.02244, 2109.15099, 1905.11946, 2104.00298, 1907.09595.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from keras import ops

from kclassify.models.blocks import (
    Tensor,
    activate,
    add,
    batch_norm,
    concatenate,
    conv_bn,
    convolution,
    drop_rates,
    flatten,
    global_pool,
    round_channels,
    squeeze_excite,
)

Kernels = tuple[int, ...]


@dataclass(frozen=True)
class Block:
    """One block of a stage: `kind` is "ds" (depthwise separable), "dsa" (the same without a shortcut, activated), "ir" (inverted
    residual), "er" (the same with one plain convolution for the first two), "cn" (plain convolution) or "cs" (the same with a shortcut).

    Of several kernels each is for a part of the channels (MixNet); `before` are those of the expansion, `after` those of the projection.
    """

    kind: str
    kernels: Kernels
    before: Kernels
    after: Kernels
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
        kernels, before, after = (tuple(map(int, value.get(key, "1").split("."))) for key in "kbp")
        block = Block(
            kind=kind,
            kernels=kernels,
            before=before,
            after=after,
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
    x: Tensor,
    channels: int,
    kernels: Kernels,
    style: Style,
    *,
    names: tuple[str, str],
    stride: int = 1,
    activation: str | None = None,
    depthwise: bool = False,
) -> Tensor:
    """Convolution, BatchNorm, activation: [N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    parts = len(kernels)
    if parts == 1:
        more = {"padding": style.padding, "epsilon": style.epsilon, "groups": channels if depthwise else 1}
        return conv_bn(x, channels, kernels[0], stride, names=names, activation=activation, **more)
    inside, outside = ([total // parts + total % parts, *[total // parts] * (parts - 1)] for total in (x.shape[-1], channels))
    pieces = ops.split(x, [sum(inside[:part]) for part in range(1, parts)], axis=-1)
    mixed = [
        convolution(piece, out, kernel, stride, name=f"{names[0]}.{part}", groups=out if depthwise else 1, padding=style.padding)
        for part, (piece, out, kernel) in enumerate(zip(pieces, outside, kernels, strict=True))
    ]
    x = batch_norm(concatenate(mixed, name=names[0]), name=names[1], epsilon=style.epsilon)  # [N, H/s, W/s, channels]
    return activate(x, activation, name=names[1])


def branch(x: Tensor, block: Block, style: Style, *, name: str) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels], without the shortcut."""
    channels, inside, given = style.channels(block.channels), x.shape[-1], x.shape[-1]
    moved: dict[str, Any] = {"stride": block.stride, "activation": block.activation}
    if block.kind in ("cn", "cs"):
        return unit(x, channels, block.kernels, style, names=(f"{name}.conv", f"{name}.bn1"), **moved)
    norms = iter((f"{name}.bn1", f"{name}.bn2", f"{name}.bn3"))
    if block.kind in ("ir", "er"):
        inside = round_channels(inside * block.expansion)
    if block.kind == "ir":
        x = unit(x, inside, block.before, style, names=(f"{name}.conv_pw", next(norms)), activation=block.activation)  # [N, H, W, inside]
    names = (f"{name}.conv_exp" if block.kind == "er" else f"{name}.conv_dw", next(norms))
    x = unit(x, inside, block.kernels, style, names=names, depthwise=block.kind != "er", **moved)  # [N, H/s, W/s, inside]
    if block.squeeze:
        share_of, divisor, activation, gate = style.gates
        share = block.squeeze * (inside if share_of == "inside" else given)
        x = squeeze_excite(x, max(1, round_channels(share, divisor)), name=f"{name}.se", activation=activation, gate=gate)
    names = (f"{name}.conv_pwl" if block.kind in ("ir", "er") else f"{name}.conv_pw", next(norms))
    return unit(x, channels, block.after, style, names=names, activation=block.activation if block.kind == "dsa" else None)


def apply_block(x: Tensor, block: Block, style: Style, *, name: str, drop: float) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels]; `drop` is the rate of stochastic depth."""
    y = branch(x, block, style, name=name)
    fits = block.stride == 1 and x.shape[-1] == y.shape[-1] and block.kind not in ("cn", "dsa")
    return add(y, x, name=name, drop=drop) if fits else y


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
    drop_path: float = 0.0,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> maps and features [N, features]; MobileNetV3 pools before its last convolution, the others after.

    `width` and `depth` multiply channels and the repeats of each stage; `features` 0 is no last convolution; `fixed_ends` keeps the stem
    and the repeats of the first and the last stage as they are (EfficientNet-Lite). See Style for the others.
    """
    style = Style(activation, epsilon, padding, width, gates)
    shared: dict[str, Any] = {"activation": activation, "padding": padding, "epsilon": epsilon}
    x = conv_bn(x, stem if fixed_ends else style.channels(stem), 3, 2, names=("conv_stem", "bn1"), **shared)  # [N, H/2, W/2, stem]
    pyramid = [x]
    ends = (0, len(stages) - 1) if fixed_ends else ()
    decoded = [decode(text, activation, 1.0 if stage in ends else depth) for stage, text in enumerate(stages)]
    rates = drop_rates(drop_path, [len(blocks) for blocks in decoded])
    for stage, blocks in enumerate(decoded):
        for index, block in enumerate(blocks):
            x = apply_block(x, block, style, name=f"blocks.{stage}.{index}", drop=rates[stage][index])  # [N, H/32, W/32, channels] at last
        pyramid = [*(pyramid[:-1] if all(block.stride == 1 for block in blocks) else pyramid), x]  # of each size the last
    if not features:
        return pyramid, global_pool(x)
    if head_before_pool:
        x = conv_bn(x, features, names=("conv_head", "bn2"), activation=activation, epsilon=epsilon)  # [N, H/32, W/32, features]
        return pyramid, global_pool(x)  # [N, features]
    x = global_pool(x, keepdims=True)  # [N, 1, 1, channels]
    x = activate(convolution(x, features, name="conv_head", bias=True), activation, name="conv_head")  # [N, 1, 1, features]
    return pyramid, flatten(x, name="conv_head.flatten")  # [N, features]
