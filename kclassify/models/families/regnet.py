"""RegNet (arXiv 2003.13678): ResNeXt's blocks without a bottleneck, whose widths follow a line; Y adds gates, Z inverts the blocks."""

import itertools
import math

from kclassify.models.blocks import Tensor, activate, add, drop_rates, global_pool, squeeze_excite, unit


def stages(depth: int, line: tuple[int, float, float], group: int) -> list[tuple[int, int]]:
    """(blocks, channels) of each stage: a block's width on the `line` (start, slope, factor) goes to the nearest start * factor ** n.

    Widths are multiples of 8, and then of the channels of a group.
    """
    start, slope, factor = line
    steps = [round(math.log((start + slope * block) / start) / math.log(factor)) for block in range(depth)]
    widths = [round(start * factor**step / 8) * 8 for step in steps]
    return [(len(list(blocks)), round(width / group) * group if width > group else width) for width, blocks in itertools.groupby(widths)]


def build(
    x: Tensor,
    *,
    depth: int,
    line: tuple[int, float, float],
    group: int,
    se: bool = False,
    features: int | None = None,
    drop_path: float = 0.0,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, C]; `depth`, `line` and `group` as in `stages`, `se` for RegNetY and Z.

    `features` makes it a RegNetZ, which is four times as wide inside of its blocks and has no shortcut where the map changes: they are
    the channels of a last convolution, or 0 for none.
    """
    wide, act = (1, "relu") if features is None else (4, "silu")
    x = unit(x, 32, 3, 2, name="stem", activation=act)  # [N, H/2, W/2, 32]
    pyramid, plan = [x], stages(depth, line, group)
    for stage, rates in enumerate(drop_rates(drop_path, [blocks for blocks, _ in plan])):
        width = plan[stage][1]
        for index, rate in enumerate(rates):
            name, stride, inside = f"s{stage + 1}.b{index + 1}", 1 if index else 2, wide * width
            y = unit(x, inside, name=f"{name}.conv1", activation=act)  # [N, H, W, inside]
            y = unit(y, inside, 3, stride, name=f"{name}.conv2", activation=act, groups=max(1, inside // group))  # [N, H/s, W/s, inside]
            if se:
                y = squeeze_excite(y, round(x.shape[-1] / 4), name=f"{name}.se", activation=act, gate="sigmoid", convs=("fc1", "fc2"))
            y = unit(y, width, name=f"{name}.conv3", activation=None, zero=features is None)  # [N, H/s, W/s, width]
            if index == 0 and features is None:
                x = unit(x, width, 1, 2, name=f"{name}.downsample", activation=None)
            x = add(y, x, name=name, drop=rate) if index or features is None else y
            x = activate(x, "relu", name=name) if features is None else x
        pyramid.append(x)  # [N, H/4, W/4, ...] to [N, H/32, W/32, ...]
    if features is not None:
        x = unit(x, features, name="final_conv", activation=act) if features else activate(x, act, name="final_conv")
        pyramid[-1] = x  # [N, H/32, W/32, features]
    return pyramid, global_pool(x)
