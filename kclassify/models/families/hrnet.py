"""HRNet (arXiv 1908.07919): branches of 1/4 to 1/32 of the picture beside each other, which hear of each other after every few blocks."""

import itertools
from collections.abc import Sequence
from typing import Any

from keras import layers

from kclassify.errors import UsageError
from kclassify.models.blocks import LAYOUT, Tensor, activate, add, conv_bn, global_pool, layer_name, squeeze_excite
from kclassify.models.tokens import dense

# The paths of a convolution and of its BatchNorm in timm.
TIMM = {
    "stem": ("conv{part}", "bn{part}"),
    "block": ("{block}.conv{part}", "{block}.bn{part}"),
    "short": ("{block}.downsample.0", "{block}.downsample.1"),
    "split": ("transition{stage}.{branch}.{inner}0", "transition{stage}.{branch}.{inner}1"),
    "fuse": ("{module}.fuse_layers.{to}.{branch}.{inner}0", "{module}.fuse_layers.{to}.{branch}.{inner}1"),
    "down": ("downsamp_modules.{part}.0", "downsamp_modules.{part}.1"),
    "last": ("final_layer.0", "final_layer.1"),
}
# In PaddleClas both are in one module.
PADDLE = {
    "stem": "conv_layer1_{part}",
    "block": "{block}.conv{part}",
    "short": "{block}.conv_down",
    "split": "conv_tr{number}",
    "fuse": "{module}.fuse_func.residual_func_list.{count}",
    "down": "cls_head_conv_list.{part}",
    "last": "conv_last",
}
# The paths of a module, of a branch's blocks in it, and of the blocks at the end.
MODULES = ("stage{}.{}", "{}.branches.{}.{}", "incre_modules.{}.0")
PADDLE_MODULES = ("st{}.stage_func_list.{}", "{}.basic_block_list.{}.{}", "last_cls.func_list.{}")


def names(kind: str, *, paddle: bool, **numbers: object) -> tuple[str, str]:
    """The paths of a convolution and of its BatchNorm."""
    conv, norm = (f"{PADDLE[kind]}.conv", f"{PADDLE[kind]}.bn") if paddle else TIMM[kind]
    return conv.format(**numbers), norm.format(**numbers)


def block(x: Tensor, plan: Sequence[tuple[int, int]], *, name: str, se: bool) -> Tensor:
    """A convolution for each (channels, kernel) of `plan`, beside a shortcut: [N, H, W, C] -> [N, H, W, the last channels]."""
    y = x
    for part, (channels, kernel) in enumerate(plan, start=1):
        last = part == len(plan)
        pair = names("block", paddle=se, block=name, part=part)
        y = conv_bn(y, channels, kernel, names=pair, activation=None if last else "relu", zero=last)
    if se:
        y = squeeze_excite(y, y.shape[-1] // 16, name=f"{name}.se", gate="sigmoid", convs=("fc_squeeze", "fc_excitation"), layer=dense)
    if x.shape[-1] != y.shape[-1]:
        x = conv_bn(x, y.shape[-1], names=names("short", paddle=se, block=name), activation=None)
    return activate(add(y, x, name=name), "relu", name=name)


def bottleneck(channels: int) -> list[tuple[int, int]]:
    """The plan of ResNet's block with 4 * channels at its end."""
    return [(channels, 1), (channels, 3), (4 * channels, 1)]


def fuse(maps: Sequence[Tensor], *, module: str, paddle: bool) -> list[Tensor]:
    """Each map of [N, H, W, C] becomes the sum of all, brought to its size and channels."""
    fused, count = [], itertools.count()
    for to, target in enumerate(maps):
        name, parts = f"{module}.fuse_layers.{to}", []
        for branch, source in enumerate(maps):
            y = source
            path: dict[str, Any] = {"paddle": paddle, "module": module, "to": to, "branch": branch}
            for step in range(branch, to):  # each halves the map; the last gives it the target's channels
                pair, last = names("fuse", inner=f"{step - branch}.", count=next(count), **path), step == to - 1
                y = conv_bn(y, (target if last else y).shape[-1], 3, 2, names=pair, activation=None if last else "relu")
            if branch > to:
                y = conv_bn(y, target.shape[-1], names=names("fuse", inner="", count=next(count), **path), activation=None)
                y = layers.UpSampling2D(1 << (branch - to), data_format=LAYOUT, name=layer_name(f"{name}.{branch}.2"))(y)
            parts.append(y)  # as the target
        fused.append(activate(layers.Add(name=layer_name(f"{name}.add"))(parts), "relu", name=name))
    return fused


def build(
    x: Tensor,
    *,
    width: int,
    first: tuple[int, int] = (4, 64),
    modules: tuple[int, int, int] = (1, 4, 3),
    depth: int = 4,
    bias: bool = True,
    se: bool = False,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 2048]; `width` are the channels of the branch of 1/4 of the picture.

    `first` are the bottlenecks before there are branches and their channels, `modules` those of 2, 3 and 4 branches, `depth` the blocks
    of a branch in each. `bias` is of the convolutions at the end, `se` for PaddleClas' form with gates. Raises UsageError for sides that
    are no multiple of 32.
    """
    if any(side is not None and side % 32 for side in x.shape[1:3]):
        raise UsageError(f"Unusable input_shape: {x.shape[1:]}. Expected sides that are multiples of 32, such as (224, 224, 3).")
    module_path, block_path, end_path = PADDLE_MODULES if se else MODULES
    pyramid = [conv_bn(x, 64, 3, 2, names=names("stem", paddle=se, part=1))]  # [N, H/2, W/2, 64]
    x = conv_bn(pyramid[0], 64, 3, 2, names=names("stem", paddle=se, part=2))  # [N, H/4, W/4, 64]
    for index in range(first[0]):
        x = block(x, bottleneck(first[1]), name=f"layer1.{index}", se=se)  # [N, H/4, W/4, 4 * first[1]]
    maps = [conv_bn(x, width, 3, names=names("split", paddle=se, stage=1, branch=0, inner="", number="1_1"))]
    for stage, count in enumerate(modules, start=1):
        pair = names("split", paddle=se, stage=stage, branch=stage, inner="0.", number="1_2" if stage == 1 else stage)
        maps.append(conv_bn(maps[-1] if stage > 1 else x, width << stage, 3, 2, names=pair))  # [N, H/(4 << stage), ..., width << stage]
        for index in range(count):
            module = module_path.format(stage + 1, index)
            for branch, inner in itertools.product(range(len(maps)), range(depth)):
                plan = [(width << branch, 3)] * 2
                maps[branch] = block(maps[branch], plan, name=block_path.format(module, branch, inner), se=se)
            maps = fuse(maps, module=module, paddle=se)
    for branch, x in enumerate(maps):
        y = block(x, bottleneck(32 << branch), name=end_path.format(branch), se=se)  # [N, H/(4 << branch), ..., 128 << branch]
        if branch:
            pair = names("down", paddle=se, part=branch - 1)
            y = add(conv_bn(pyramid[-1], y.shape[-1], 3, 2, names=pair, bias=bias), y, name=f"downsamp_modules.{branch - 1}")
        pyramid.append(y)
    pyramid[-1] = conv_bn(pyramid[-1], 2048, names=names("last", paddle=se), bias=bias)  # [N, H/32, W/32, 2048]
    return pyramid, global_pool(pyramid[-1])
