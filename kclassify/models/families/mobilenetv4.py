"""MobileNetV4 (arXiv 2404.10518): universal inverted bottlenecks, with a depthwise convolution before the expansion, after it, or both."""

import re
from collections.abc import Sequence

from kclassify.models.blocks import Tensor, add, conv_bn, drop_rates, flatten, global_pool, round_channels, unit

Block = tuple[str, dict[str, int]]


def decode(stage: str) -> list[Block]:
    """The blocks of one stage from its string ("uir_r2_a3_k5_s1_e4_c80 ..."), each a kind and its numbers.

    The kinds are "uir" (universal: depthwise kernels `a` before and `k` after the expansion, 0 for none), "er" (the expansion is a plain
    convolution of kernel `k`) and "cn" (a plain convolution).
    """
    blocks: list[Block] = []
    for text in stage.split():
        kind, *options = text.split("_")
        numbers = {key: int(value) for key, value in re.findall(r"([a-z])(\d+)", "_".join(options))}
        blocks += [(kind, numbers)] * numbers.pop("r", 1)
    return blocks


def universal(x: Tensor, channels: int, block: dict[str, int], *, name: str, activation: str) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    before, kernel, stride = block["a"], block["k"], block["s"]
    if before:
        x = unit(x, x.shape[-1], before, 1 if kernel else stride, name=f"{name}.dw_start", groups=x.shape[-1], activation=None)
    inside = round_channels(x.shape[-1] * block["e"])
    x = unit(x, inside, name=f"{name}.pw_exp", activation=activation)  # [N, H or H/s, W or W/s, inside]
    if kernel:
        x = unit(x, inside, kernel, stride, name=f"{name}.dw_mid", groups=inside, activation=activation)  # [N, H/s, W/s, inside]
    return unit(x, channels, name=f"{name}.pw_proj", activation=None)  # [N, H/s, W/s, channels]


def branch(x: Tensor, channels: int, kind: str, block: dict[str, int], *, name: str, activation: str) -> Tensor:
    """A block of any kind without its shortcut: [N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    if kind == "uir":
        return universal(x, channels, block, name=name, activation=activation)
    if kind == "cn":
        return unit(x, channels, block["k"], block["s"], name=name, leaves=("conv", "bn1"), activation=activation)
    inside = round_channels(x.shape[-1] * block["e"])
    x = unit(x, inside, block["k"], block["s"], name=name, leaves=("conv_exp", "bn1"), activation=activation)  # [N, H/s, W/s, inside]
    return unit(x, channels, name=name, leaves=("conv_pwl", "bn2"), activation=None)  # [N, H/s, W/s, channels]


def build(
    x: Tensor, *, stages: Sequence[str], stem: int, width: float = 1.0, activation: str = "relu", drop_path: float = 0.0
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 1280]; `width` multiplies all channels but the stem's."""
    x = conv_bn(x, stem, 3, 2, names=("conv_stem", "bn1"), activation=activation)  # [N, H/2, W/2, stem]
    pyramid, decoded = [x], [decode(text) for text in stages]
    rates = drop_rates(drop_path, [len(blocks) for blocks in decoded])
    for stage, blocks in enumerate(decoded):
        for index, (kind, block) in enumerate(blocks):
            name, channels = f"blocks.{stage}.{index}", round_channels(block["c"] * width)
            y = branch(x, channels, kind, block, name=name, activation=activation)
            fits = kind != "cn" and block["s"] == 1 and x.shape[-1] == channels
            x = add(y, x, name=name, drop=rates[stage][index]) if fits else y
        pyramid = [*(pyramid[:-1] if all(block["s"] == 1 for _, block in blocks) else pyramid), x]  # of each size the last
    x = global_pool(x, keepdims=True)  # [N, 1, 1, 960 * width]
    x = conv_bn(x, 1280, names=("conv_head", "norm_head"), activation=activation)  # [N, 1, 1, 1280]
    return pyramid, flatten(x, name="conv_head.flatten")  # [N, 1280]
