"""Res2Net (arXiv 1904.01169): the 3x3 convolution of a bottleneck in pieces, each of which sees the result of the one before."""

from collections.abc import Sequence

from keras import ops

from kclassify.models.blocks import Tensor, activate, add, concatenate, conv_bn, drop_rates, global_pool, max_pool, mean_of_nine
from kclassify.models.families.resnet import DEEP_STEM, STEM, shortcut, stem

Names = dict[str, tuple[str, str]]

STEMS = {  # by (paddle, deep)
    (False, False): STEM,
    (False, True): DEEP_STEM,
    (True, False): [("conv1._conv", "conv1._batch_norm")],
    (True, True): [(f"conv1_{number}._conv", f"conv1_{number}._batch_norm") for number in (1, 2, 3)],
}


def timm_names(stage: int, index: int, depths: Sequence[int], pieces: int, deep: bool) -> tuple[str, Names]:
    """A block's path and those of its convolutions with their BatchNorms."""
    block = f"layer{stage + 1}.{index}"
    ends = {part: (f"{block}.conv{part}", f"{block}.bn{part}") for part in "13"}
    middle = {f"2.{piece}": (f"{block}.convs.{piece}", f"{block}.bns.{piece}") for piece in range(pieces)}
    return block, {**ends, **middle, "short": (f"{block}.downsample.{deep + 0}", f"{block}.downsample.{deep + 1}")}


def paddle_names(stage: int, index: int, depths: Sequence[int], pieces: int, deep: bool) -> tuple[str, Names]:
    """The same in PaddleClas, whose pieces are called by Caffe's names: res2a, res2b, but res4b1 in long stages."""
    block = f"bb_{stage}_{index}"
    letter = f"b{index}" if index and stage == 2 and depths[2] > 6 else chr(ord("a") + index)
    parts = {"1": "conv0", "3": "conv2", "short": "short"}
    parts |= {f"2.{piece}": f"res{stage + 2}{letter}_branch2b_{piece + 1}" for piece in range(pieces)}
    return block, {part: (f"{block}.{name}._conv", f"{block}.{name}._batch_norm") for part, name in parts.items()}


def branch(x: Tensor, channels: int, stride: int, names: Names, *, shape: tuple[int, int, int], first: bool, paddle: bool) -> Tensor:
    """1x1, the pieces, 1x1: [N, H, W, C] -> [N, H/stride, W/stride, 4 * channels]; `shape` is (pieces, channels of each, groups in each).

    The pieces of a stage's `first` block do not see each other.
    """
    scales, width, cardinality = shape
    y = conv_bn(x, width * scales, names=names["1"])  # [N, H, W, width * scales]
    *pieces, rest = ops.split(y, scales, axis=-1)  # [N, H, W, width] each
    done: list[Tensor] = []
    for number, piece in enumerate(pieces):
        given = piece if first or not done else piece + done[-1]
        done.append(conv_bn(given, width, 3, stride, names=names[f"2.{number}"], groups=cardinality))  # [N, H/s, W/s, width]
    done.append(mean_of_nine(rest, stride, exclusive=paddle) if first else rest)
    y = concatenate(done, name=names["3"][0])  # [N, H/s, W/s, width * scales]
    return conv_bn(y, 4 * channels, names=names["3"], activation=None, zero=True)


def build(
    x: Tensor,
    *,
    depths: Sequence[int],
    width: int,
    scales: int,
    cardinality: int = 1,
    deep: bool = False,
    paddle: bool = False,
    drop_path: float = 0.0,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 2048]; `width` are the channels of each of `scales` pieces in the first stage.

    `deep` is the stem and the shortcut of ResNet-D (arXiv 1812.01187). In PaddleClas' form, `paddle`, the first stage begins with a block
    like the others.
    """
    x = stem(x, (32, 32, 64) if deep else (64,), STEMS[paddle, deep])  # [N, H/2, W/2, 64]
    pyramid = [x]
    x = max_pool(x, name="maxpool")  # [N, H/4, W/4, 64]
    for stage, rates in enumerate(drop_rates(drop_path, depths)):
        for index, rate in enumerate(rates):
            stride = 2 if stage and index == 0 else 1
            block, names = (paddle_names if paddle else timm_names)(stage, index, depths, scales - 1, deep)
            first = stride > 1 or (index == 0 and not paddle)
            shape = (scales, (width << stage) * cardinality, cardinality)
            y = branch(x, 64 << stage, stride, names, shape=shape, first=first, paddle=paddle)  # [N, H/(4 << stage), ...]
            if index == 0:
                x = shortcut(x, y.shape[-1], stride, names=names["short"], pool=f"{block}.downsample.0" if deep else "")
            x = activate(add(y, x, name=block, drop=rate), "relu", name=block)
        pyramid.append(x)
    return pyramid, global_pool(x)  # [N, 2048]
