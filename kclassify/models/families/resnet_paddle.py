"""PaddleClas' ResNets under its names: each stage begins with a convolution in the shortcut, and gates have C / 16 channels unrounded."""

from collections.abc import Sequence
from dataclasses import dataclass

from kclassify.models.blocks import Tensor, activate, add, conv_bn, drop_rates, global_pool, max_pool, squeeze_excite
from kclassify.models.families.resnet import shortcut, stem
from kclassify.models.tokens import dense


@dataclass(frozen=True)
class Names:
    """The paths of one of PaddleClas' files: stems of one and of three convolutions, a block, its shortcut, convolution and BatchNorm."""

    stem: str
    deep: tuple[str, str, str]
    block: str
    conv: str
    short: str
    leaves: tuple[str, str]

    def pair(self, path: str) -> tuple[str, str]:
        """The paths of a convolution and of its BatchNorm."""
        return f"{path}.{self.leaves[0]}", f"{path}.{self.leaves[1]}"


ZOO = ("conv1_1", "conv1_2", "conv1_3")
STYLES = {
    "blocks": Names("stem.0", ("stem.0", "stem.1", "stem.2"), "blocks.{count}", "conv{}", "short", ("conv", "bn")),
    "bb": Names("conv", ZOO, "bb_{stage}_{index}", "conv{}", "short", ("_conv", "_batch_norm")),
    "wsl": Names("_conv_stem", ZOO, "_conv{number}_{index}", "_conv{}", "_short._conv", ("_conv", "_bn")),
}


def branch(x: Tensor, channels: int, stride: int, *, name: str, names: Names, groups: tuple[int, int]) -> Tensor:
    """1x1, 3x3 in groups, 1x1, or for `groups` (0, 0) two 3x3: [N, H, W, C] -> [N, H/stride, W/stride, 4 * channels or channels]."""
    width = channels * groups[1] // 64 * groups[0]
    steps = [(channels, 3, stride, 1), (channels, 3, 1, 1)]  # channels, kernel, stride, groups
    if width:
        steps = [(width, 1, 1, 1), (width, 3, stride, groups[0]), (4 * channels, 1, 1, 1)]
    for number, (out, kernel, step, parts) in enumerate(steps):
        last = number == len(steps) - 1
        path = names.pair(f"{name}.{names.conv.format(number)}")
        x = conv_bn(x, out, kernel, step, names=path, groups=parts, activation=None if last else "relu", zero=last)
    return x


def build(
    x: Tensor,
    *,
    style: str,
    depths: Sequence[int],
    groups: tuple[int, int] = (1, 64),
    channels: Sequence[int] = (64,),
    se: bool = False,
    drop_path: float = 0.0,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 2048], or [N, 512] for `groups` (0, 0), which are nets without bottlenecks.

    `style` is one of STYLES. `channels` are the stem's: one 7x7 convolution, or three of 3x3, and with those the shortcuts pool (vd,
    arXiv 1812.01187). `groups` are the number of groups and the channels of each in a first stage of 64 (arXiv 1611.05431).
    """
    names, count = STYLES[style], 0
    deep = len(channels) == 3
    x = stem(x, channels, [names.pair(path) for path in (names.deep if deep else [names.stem])])  # [N, H/2, W/2, 64 or 128]
    pyramid = [x]
    x = max_pool(x, name="max_pool")  # [N, H/4, W/4, 64 or 128]
    for stage, rates in enumerate(drop_rates(drop_path, depths)):
        for index, rate in enumerate(rates):
            name, stride = names.block.format(stage=stage, number=stage + 1, index=index, count=count), 2 if stage and index == 0 else 1
            y = branch(x, 64 << stage, stride, name=name, names=names, groups=groups)  # [N, H/(4 << stage), ...]
            if se:
                y = squeeze_excite(y, y.shape[-1] // 16, name=f"{name}.scale", gate="sigmoid", convs=("squeeze", "excitation"), layer=dense)
            if index == 0:
                short = f"{name}.{names.short}"
                x = shortcut(x, y.shape[-1], stride, names=names.pair(short), pool=f"{short}.avg_pool" if deep else "")
            x = activate(add(y, x, name=name, drop=rate), "relu", name=name)
            count += 1
        pyramid.append(x)
    return pyramid, global_pool(x)  # [N, 512 or 2048]
