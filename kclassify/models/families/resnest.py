"""ResNeSt (arXiv 2004.08955): a ResNet-D whose 3x3 convolutions are several, mixed by weights from all of them."""

from collections.abc import Mapping, Sequence

from keras import ops

from kclassify.models.blocks import (
    Tensor,
    activate,
    add,
    conv_bn,
    convolution,
    drop_rates,
    global_pool,
    max_pool,
    mean_of_nine,
    round_channels,
)
from kclassify.models.families import resnet

Names = Mapping[str, tuple[str, str]]

PADDLE_STEM = tuple((f"stem.conv{number}._conv", f"stem.conv{number}._batch_norm") for number in (1, 2, 3))


def timm_names(block: str) -> Names:
    """The paths of a block's convolutions with their BatchNorms."""
    parts = {"1": ("conv1", "bn1"), "split": ("conv2.conv", "conv2.bn0"), "fc1": ("conv2.fc1", "conv2.bn1"), "fc2": ("conv2.fc2", "")}
    parts |= {"3": ("conv3", "bn3"), "short": ("downsample.1", "downsample.2")}
    return {part: (f"{block}.{conv}", f"{block}.{norm}") for part, (conv, norm) in parts.items()}


def paddle_names(block: str) -> Names:
    """The same in PaddleClas."""
    parts = {"1": "conv1", "split": "conv2.conv1", "fc1": "conv2.conv2", "3": "conv3"}
    names = {part: (f"{block}.{name}._conv", f"{block}.{name}._batch_norm") for part, name in parts.items()}
    return {**names, "fc2": (f"{block}.conv2.conv3", ""), "short": (f"{block}.conv4", f"{block}._batch_norm")}


def split_attention(x: Tensor, names: Names, *, radix: int, cardinality: int, paddle: bool) -> Tensor:
    """`radix` convolutions and their weighted sum: [N, H, W, C] -> the same."""
    channels = x.shape[-1]
    x = conv_bn(x, radix * channels, 3, names=names["split"], groups=radix * cardinality)  # [N, H, W, radix * C]
    parts = ops.split(x, radix, axis=-1) if radix > 1 else [x]  # [N, H, W, C] each
    inside = round_channels(channels * radix / 4, least=32)
    y = global_pool(sum(parts[1:], parts[0]), name=f"{names['fc1'][0]}.pool", keepdims=True)  # [N, 1, 1, C]
    y = conv_bn(y, inside, names=names["fc1"], groups=cardinality, bias=not paddle)  # [N, 1, 1, inside]
    y = convolution(y, radix * channels, name=names["fc2"][0], groups=cardinality, bias=True)  # [N, 1, 1, radix * C]
    if radix == 1:
        return x * activate(y, "sigmoid", name=names["fc2"][0])
    y = ops.softmax(ops.reshape(y, (-1, cardinality, radix, channels // cardinality)), axis=2)
    y = ops.reshape(ops.transpose(y, (0, 2, 1, 3)), (-1, radix, 1, 1, channels))
    products = [part * y[:, number] for number, part in enumerate(parts)]
    return sum(products[1:], products[0])  # [N, H, W, C]


def build(
    x: Tensor,
    *,
    depths: Sequence[int],
    stem: int = 32,
    radix: int = 2,
    groups: tuple[int, int] = (1, 64),
    pool_first: bool = False,
    paddle: bool = False,
    drop_path: float = 0.0,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 2048].

    `groups` are the number of groups and the channels of each in a first stage of 64; blocks of stride 2 pool after the convolutions, or
    before them with `pool_first`. `paddle` is PaddleClas' form, whose pools leave out what is around the picture.
    """
    x = resnet.stem(x, (stem, stem, 2 * stem), PADDLE_STEM if paddle else resnet.DEEP_STEM)  # [N, H/2, W/2, 2 * stem]
    pyramid = [x]
    x = max_pool(x, name="maxpool")  # [N, H/4, W/4, 2 * stem]
    for stage, rates in enumerate(drop_rates(drop_path, depths)):
        for index, rate in enumerate(rates):
            stride, layer = 2 if stage and index == 0 else 1, f"layer{stage + 1}"
            block = f"{layer}.{layer}_bottleneck_{index}" if paddle else f"{layer}.{index}"
            names = paddle_names(block) if paddle else timm_names(block)
            y = conv_bn(x, (64 << stage) * groups[1] // 64 * groups[0], names=names["1"])  # [N, H, W, width]
            y = mean_of_nine(y, 2, exclusive=paddle) if stride > 1 and pool_first else y
            y = split_attention(y, names, radix=radix, cardinality=groups[0], paddle=paddle)
            y = mean_of_nine(y, 2, exclusive=paddle) if stride > 1 and not pool_first else y  # [N, H/s, W/s, width]
            y = conv_bn(y, 256 << stage, names=names["3"], activation=None, zero=True)  # [N, H/s, W/s, 256 << stage]
            if index == 0:
                x = resnet.shortcut(x, 256 << stage, stride, names=names["short"], pool=f"{block}.downsample.0")
            x = activate(add(y, x, name=block, drop=rate), "relu", name=block)
        pyramid.append(x)
    return pyramid, global_pool(x)  # [N, 2048]
