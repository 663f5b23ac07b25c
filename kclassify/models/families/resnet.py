"""ResNet (arXiv 1512.03385) with the stride in the 3x3 convolution, as torch and timm have it, and ResNeXt, ResNet-D, SE and ECA nets."""

import math
from collections.abc import Sequence

from keras import layers, ops

from kclassify.models.blocks import (
    Tensor,
    activate,
    add,
    average_pool,
    conv_bn,
    drop_rates,
    global_pool,
    layer_name,
    max_pool,
    multiply,
    round_channels,
    squeeze_excite,
)

# The paths of a stem's convolutions and of their BatchNorms.
STEM, DEEP_STEM = (("conv1", "bn1"),), (("conv1.0", "conv1.1"), ("conv1.3", "conv1.4"), ("conv1.6", "bn1"))


def stem(x: Tensor, channels: Sequence[int], names: Sequence[tuple[str, str]]) -> Tensor:
    """One 7x7 convolution, or three of 3x3 (arXiv 1812.01187), of these channels: [N, H, W, 3] -> [N, H/2, W/2, channels[-1]]."""
    for number, (out, pair) in enumerate(zip(channels, names, strict=True)):
        x = conv_bn(x, out, 3 if len(names) > 1 else 7, 1 if number else 2, names=pair)  # [N, H/2, W/2, out]
    return x


def basic_branch(x: Tensor, channels: int, stride: int, *, name: str) -> Tensor:
    """Two 3x3 convolutions: [N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    x = conv_bn(x, channels, 3, stride, names=(f"{name}.conv1", f"{name}.bn1"))  # [N, H/s, W/s, channels]
    return conv_bn(x, channels, 3, names=(f"{name}.conv2", f"{name}.bn2"), activation=None, zero=True)


def bottleneck_branch(x: Tensor, channels: int, stride: int, *, name: str, groups: tuple[int, int] = (1, 64)) -> Tensor:
    """1x1, 3x3 in groups, 1x1: [N, H, W, C] -> [N, H/stride, W/stride, 4 * channels]; `groups` as in `build`."""
    width = channels * groups[1] // 64 * groups[0]
    x = conv_bn(x, width, names=(f"{name}.conv1", f"{name}.bn1"))  # [N, H, W, width]
    x = conv_bn(x, width, 3, stride, names=(f"{name}.conv2", f"{name}.bn2"), groups=groups[0])  # [N, H/s, W/s, width]
    return conv_bn(x, 4 * channels, names=(f"{name}.conv3", f"{name}.bn3"), activation=None, zero=True)


def gate(x: Tensor, kind: str, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same, gated by all channels ("se", arXiv 1709.01507) or by the neighbouring ones ("eca", arXiv 1910.03151).

    Inside "se" are a 16th of the channels, inside "se4" a quarter.
    """
    channels = x.shape[-1]
    if kind in ("se", "se4"):
        inside = round_channels(channels / (4 if kind == "se4" else 16), limit=0.0)
        return squeeze_excite(x, inside, name=name, gate="sigmoid", convs=("fc1", "fc2"))
    kernel = max(3, int((math.log2(channels) + 1) / 2) | 1)
    y = ops.expand_dims(global_pool(x, name=f"{name}.pool"), -1)  # [N, C, 1]
    y = layers.Conv1D(1, kernel, padding="same", use_bias=False, data_format="channels_last", name=layer_name(f"{name}.conv"))(y)
    return multiply([x, activate(ops.reshape(y, (-1, 1, 1, channels)), "sigmoid", name=f"{name}.conv")], name=name)


def shortcut(x: Tensor, channels: int, stride: int, *, names: tuple[str, str], pool: str = "") -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels]; with a `pool`, its path, no pixel is left out (arXiv 1812.01187)."""
    if pool and stride > 1:
        x, stride = average_pool(x, 2, 2, name=pool, padding="same"), 1  # [N, H/2, W/2, C]
    return conv_bn(x, channels, 1, stride, names=names, activation=None)


def build(
    x: Tensor,
    *,
    depths: Sequence[int],
    bottleneck: bool,
    channels: Sequence[int] = (64,),
    average: bool = False,
    groups: tuple[int, int] = (1, 64),
    attention: str = "",
    drop_path: float = 0.0,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 512], or [N, 2048] with bottlenecks; `depths` counts each stage's blocks.

    `channels` are the stem's, a fourth those of a convolution instead of its pool (arXiv 2103.07579), `average` pools in shortcuts,
    `groups` are the number of groups and the channels of each in a first stage of 64 (arXiv 1611.05431), `attention` is "" or a `gate`.
    """
    more = {"groups": groups} if bottleneck else {}
    x = stem(x, channels[:3], STEM if len(channels) == 1 else DEEP_STEM)  # [N, H/2, W/2, 64]
    pyramid = [x]
    # [N, H/4, W/4, 64]
    x = max_pool(x, name="maxpool") if len(channels) < 4 else conv_bn(x, channels[3], 3, 2, names=("maxpool.0", "maxpool.1"))
    for stage, rates in enumerate(drop_rates(drop_path, depths)):
        for index, rate in enumerate(rates):
            name, stride = f"layer{stage + 1}.{index}", 2 if stage and index == 0 else 1
            branch = bottleneck_branch if bottleneck else basic_branch
            y = branch(x, 64 << stage, stride, name=name, **more)  # [N, H/(4 << stage), ...]
            y = gate(y, attention, name=f"{name}.se") if attention else y
            if stride > 1 or x.shape[-1] != y.shape[-1]:
                short, place = f"{name}.downsample", int(average)  # torch counts the pool too
                names = (f"{short}.{place}", f"{short}.{place + 1}")
                x = shortcut(x, y.shape[-1], stride, names=names, pool=f"{short}.0" if average else "")
            x = activate(add(y, x, name=name, drop=rate), "relu", name=name)
        pyramid.append(x)
    return pyramid, global_pool(x)  # [N, 512 or 2048]
