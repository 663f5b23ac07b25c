"""ShuffleNetV2 (arXiv 1807.11164): half of the channels pass by each block, and the two halves are shuffled after it."""

from collections.abc import Sequence

from keras import ops

from kclassify.models.blocks import Tensor, concatenate, conv_bn, global_pool, max_pool

DEPTHS = (4, 8, 4)


def paths(stage: int, index: int, paddle: bool) -> list[tuple[str, str]]:
    """The paths of a block's five convolutions and their BatchNorms: two beside it (where it strides), then three in it."""
    if not paddle:
        block, places = f"stage{stage}.{index}", ("branch1.0", "branch1.2", "branch2.0", "branch2.3", "branch2.5")
        return [(f"{block}.{place}", f"{block}.{place[:-1]}{int(place[-1]) + 1}") for place in places]
    block, end = f"{stage}_{index + 1}", "" if index else "_2"
    parts = ("_conv_dw_1", "_conv_linear_1", f"_conv_pw{end}", f"_conv_dw{end}", f"_conv_linear{end}")
    return [(f"{block}.{part}._conv", f"{block}.{part}._batch_norm") for part in parts]


def shuffle(x: Tensor) -> Tensor:
    """[N, H, W, C] -> the same, channels taken in turn from the first half and the second."""
    half = x.shape[-1] // 2
    return ops.take(x, [place for pair in zip(range(half), range(half, 2 * half), strict=True) for place in pair], axis=-1)


def block(x: Tensor, channels: int, stride: int, *, names: Sequence[tuple[str, str]], name: str, activation: str) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels]; without a stride C is `channels` and one half stays as it is."""
    half, depthwise = channels // 2, {"activation": None}
    if stride > 1:
        side = conv_bn(x, x.shape[-1], 3, stride, groups=x.shape[-1], names=names[0], **depthwise)  # [N, H/s, W/s, C]
        side = conv_bn(side, half, names=names[1], activation=activation)  # [N, H/s, W/s, channels/2]
    else:
        side, x = ops.split(x, 2, axis=-1)
    x = conv_bn(x, half, names=names[2], activation=activation)  # [N, H, W, channels/2]
    x = conv_bn(x, half, 3, stride, groups=half, names=names[3], **depthwise)  # [N, H/s, W/s, channels/2]
    x = conv_bn(x, half, names=names[4], activation=activation)
    return shuffle(concatenate([side, x], name=name))


def build(
    x: Tensor, *, channels: Sequence[int], features: int = 1024, activation: str = "relu", paddle: bool = False
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, features]; `paddle` gives the layers PaddleClas' names for torchvision's."""
    names = ("_conv1._conv", "_conv1._batch_norm") if paddle else ("conv1.0", "conv1.1")
    x = conv_bn(x, 24, 3, 2, names=names, activation=activation)  # [N, H/2, W/2, 24]
    pyramid = [x]
    if activation != "relu":
        x = ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=-1.0)  # swish is never below -0.28
    x = max_pool(x, name="maxpool", padding=1 if activation == "relu" else 0)  # [N, H/4, W/4, 24]
    pyramid.append(x)
    for stage, (depth, width) in enumerate(zip(DEPTHS, channels, strict=True), 2):
        for index in range(depth):
            name = f"stage{stage}.{index}"
            x = block(x, width, 1 if index else 2, names=paths(stage, index, paddle), name=name, activation=activation)
        pyramid.append(x)  # [N, H/8, W/8, ...] to [N, H/32, W/32, ...]
    names = ("_last_conv._conv", "_last_conv._batch_norm") if paddle else ("conv5.0", "conv5.1")
    x = conv_bn(x, features, names=names, activation=activation)  # [N, H/32, W/32, features]
    return pyramid, global_pool(x)  # [N, features]
