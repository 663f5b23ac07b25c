"""PP-HGNet and PP-HGNetV2: blocks that concatenate the outputs of a chain of convolutions (PaddleClas, 2022 and 2023)."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from kclassify.models.blocks import (
    Tensor,
    activate,
    add,
    concatenate,
    conv_bn,
    convolution,
    drop_rates,
    flatten,
    global_pool,
    max_pool,
    multiply,
)
from kclassify.models.tokens import scale


def affine(x: Tensor, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same, times a learned number, plus another."""
    one = ops.ones_like(x[:, :1, :1, :1])  # [N, 1, 1, 1]
    return x * scale(one, name=f"{name}.scale", start=1.0) + scale(one, name=f"{name}.bias", start=0.0)


def unit(x: Tensor, channels: int, kernel: int = 1, stride: int = 1, *, name: str, lab: bool = False, **more: Any) -> Tensor:
    """Convolution, BatchNorm, ReLU and maybe the affine layer: [N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    x = conv_bn(x, channels, kernel, stride, names=(f"{name}.conv", f"{name}.bn"), **more)
    return affine(x, name=f"{name}.lab") if lab else x


def light(x: Tensor, channels: int, kernel: int, *, name: str, lab: bool) -> Tensor:
    """1x1 and depthwise convolution: [N, H, W, C] -> [N, H, W, channels]."""
    x = unit(x, channels, name=f"{name}.conv1", activation=None)  # [N, H, W, channels]
    return unit(x, channels, kernel, groups=channels, name=f"{name}.conv2", lab=lab)


def stem_v2(x: Tensor, channels: Sequence[int], *, lab: bool) -> Tensor:
    """[N, H, W, 3] -> [N, H/4, W/4, channels[1]], with two branches at half of the size."""
    inside = channels[0]
    x = unit(x, inside, 3, 2, name="stem.stem1", lab=lab)  # [N, H/2, W/2, inside]
    x = ops.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]])
    y = unit(x, inside // 2, 2, name="stem.stem2a", lab=lab, padding="valid")  # [N, H/2, W/2, inside/2]
    y = unit(y, inside, 2, name="stem.stem2b", lab=lab, padding="same")
    x = concatenate([max_pool(x, 2, 1, padding=0, name="stem.pool"), y], name="stem")  # [N, H/2, W/2, 2 * inside]
    x = unit(x, inside, 3, 2, name="stem.stem3", lab=lab)  # [N, H/4, W/4, inside]
    return unit(x, channels[1], name="stem.stem4", lab=lab)  # [N, H/4, W/4, channels[1]]


def block(x: Tensor, inside: int, channels: int, *, name: str, depth: int, kernel: int, second: bool, lab: bool) -> Tensor:
    """[N, H, W, C] -> [N, H, W, channels]; kernels larger than 3 are in light layers, and the `second` version has no gates."""
    maps = [x]
    for index in range(depth):
        path = f"{name}.layers.{index}"
        x = light(x, inside, kernel, name=path, lab=lab) if kernel > 3 else unit(x, inside, kernel, name=path, lab=lab)
        maps.append(x)
    x, name = concatenate(maps, name=name), f"{name}.aggregation"  # [N, H, W, C + depth * inside]
    if second:
        return unit(unit(x, channels // 2, name=f"{name}.0", lab=lab), channels, name=f"{name}.1", lab=lab)
    x = unit(x, channels, name=f"{name}.0")  # [N, H, W, channels]
    gate = convolution(global_pool(x, name=f"{name}.1.pool", keepdims=True), channels, name=f"{name}.1.conv", bias=True)
    return multiply([x, activate(gate, "sigmoid", name=f"{name}.1.conv")], name=f"{name}.1")


def build(
    x: Tensor, *, stem: Sequence[int], stages: Sequence[tuple[int, ...]], depth: int, lab: bool = False, drop_path: float = 0.0
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> four maps and features [N, 2048]; `lab` puts affine layers after the ReLUs.

    A stage is (channels inside, channels, blocks, kernel), and `depth` counts the layers of a block; three numbers of the `stem` are
    PP-HGNet's, two PP-HGNetV2's.
    """
    second = len(stem) == 2
    for index, channels in enumerate(() if second else stem):
        x = unit(x, channels, 3, 1 if index else 2, name=f"stem.stem.{index}")  # [N, H/2, W/2, channels]
    x = stem_v2(x, stem, lab=lab) if second else max_pool(x, name="stem.pool")  # [N, H/4, W/4, stem[-1]]
    pyramid = []
    for stage, rates in enumerate(drop_rates(drop_path, [stage[2] for stage in stages])):
        inside, channels, _, kernel = stages[stage]
        if stage:
            x = unit(x, x.shape[-1], 3, 2, groups=x.shape[-1], activation=None, name=f"stages.{stage}.downsample")
        for index, rate in enumerate(rates):
            name = f"stages.{stage}.blocks.{index}"
            y = block(x, inside, channels, name=name, depth=depth, kernel=kernel, second=second, lab=lab)
            x = add(y, x, name=name, drop=rate) if index else y
        pyramid.append(x)  # [N, H/4, W/4, ...] to [N, H/32, W/32, ...]
    x = activate(convolution(global_pool(x, keepdims=True), 2048, name="head.last_conv.0"), "relu", name="head.last_conv.0")
    x = affine(x, name="head.last_conv.2") if lab else x  # [N, 1, 1, 2048]
    return pyramid, flatten(x)  # [N, 2048]
