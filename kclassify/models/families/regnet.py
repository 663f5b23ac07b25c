"""RegNet (arXiv 2003.13678): ResNeXt's blocks without a bottleneck, whose widths follow a line; RegNetY adds squeeze-and-excitation."""

import itertools
import math

from kclassify.models.blocks import Tensor, activate, add, conv_bn, drop_rates, global_pool, squeeze_excite


def stages(depth: int, line: tuple[int, float, float], group: int) -> list[tuple[int, int]]:
    """(blocks, channels) of each stage: a block's width on the `line` (start, slope, factor) goes to the nearest start * factor ** n.

    Widths are multiples of 8, and then of the channels of a group.
    """
    start, slope, factor = line
    steps = [round(math.log((start + slope * block) / start) / math.log(factor)) for block in range(depth)]
    widths = [round(start * factor**step / 8) * 8 for step in steps]
    return [(len(list(blocks)), round(width / group) * group if width > group else width) for width, blocks in itertools.groupby(widths)]


def unit(x: Tensor, channels: int, kernel: int = 1, stride: int = 1, *, name: str, activation: str | None = "relu", **more: int) -> Tensor:
    """Convolution, BatchNorm, activation: [N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    return conv_bn(x, channels, kernel, stride, names=(f"{name}.conv", f"{name}.bn"), activation=activation, **more)


def build(
    x: Tensor, *, depth: int, line: tuple[int, float, float], group: int, se: bool = False, drop_path: float = 0.0
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, C]; `depth`, `line` and `group` as in `stages`, `se` for RegNetY."""
    x = unit(x, 32, 3, 2, name="stem")  # [N, H/2, W/2, 32]
    pyramid, plan = [x], stages(depth, line, group)
    for stage, rates in enumerate(drop_rates(drop_path, [blocks for blocks, _ in plan])):
        width = plan[stage][1]
        for index, rate in enumerate(rates):
            name, stride = f"s{stage + 1}.b{index + 1}", 1 if index else 2
            y = unit(x, width, name=f"{name}.conv1")  # [N, H, W, width]
            y = unit(y, width, 3, stride, name=f"{name}.conv2", groups=max(1, width // group))  # [N, H/s, W/s, width]
            if se:
                y = squeeze_excite(y, round(x.shape[-1] / 4), name=f"{name}.se", gate="sigmoid", convs=("fc1", "fc2"))
            y = unit(y, width, name=f"{name}.conv3", activation=None, zero=True)
            if index == 0:
                x = unit(x, width, 1, 2, name=f"{name}.downsample", activation=None)
            x = activate(add(y, x, name=name, drop=rate), "relu", name=name)
        pyramid.append(x)  # [N, H/4, W/4, ...] to [N, H/32, W/32, ...]
    return pyramid, global_pool(x)
