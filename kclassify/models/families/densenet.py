"""DenseNet (arXiv 1608.06993): each layer sees the maps of all layers before it in its block."""

from collections.abc import Sequence

from kclassify.models.blocks import Tensor, activate, average_pool, batch_norm, concatenate, conv_bn, convolution, global_pool, max_pool

BOTTLENECK = 4  # channels inside a layer, in parts of the growth


def norm_relu(x: Tensor, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same; the norm stands before its convolution."""
    return activate(batch_norm(x, name=name), "relu", name=name)


def dense_layer(x: Tensor, growth: int, *, name: str, paddle: bool) -> Tensor:
    """1x1, 3x3: [N, H, W, C] -> [N, H, W, C + growth]."""
    y = x
    for number, channels, kernel in ((1, BOTTLENECK * growth, 1), (2, growth, 3)):
        unit = f"{name}.bn_ac_func{number}"
        norm, conv = (f"{unit}._batch_norm", f"{unit}._conv") if paddle else (f"{name}.norm{number}", f"{name}.conv{number}")
        y = convolution(norm_relu(y, name=norm), channels, kernel, name=conv)  # [N, H, W, growth] in the end
    return concatenate([x, y], name=name)  # [N, H, W, C + growth]


def build(x: Tensor, *, depths: Sequence[int], growth: int = 32, stem: int = 64, paddle: bool = False) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, C]; `depths` counts each block's layers, each of which adds `growth` channels.

    `paddle` gives the layers PaddleClas' names.
    """
    names = ("conv1_func._conv", "conv1_func._batch_norm") if paddle else ("features.conv0", "features.norm0")
    x = conv_bn(x, stem, 7, 2, names=names)  # [N, H/2, W/2, stem]
    pyramid = [x]
    x = max_pool(x, name="features.pool0")  # [N, H/4, W/4, stem]
    for block, depth in enumerate(depths, start=1):
        for index in range(1, depth + 1):
            name = f"db_conv_{block + 1}.conv{block + 1}_{index}" if paddle else f"features.denseblock{block}.denselayer{index}"
            x = dense_layer(x, growth, name=name, paddle=paddle)
        if block < len(depths):
            pyramid.append(x)
            name = f"tr_conv{block + 1}_blk" if paddle else f"features.transition{block}"
            unit = f"{name}.conv_ac_func"
            norm, conv = (f"{unit}._batch_norm", f"{unit}._conv") if paddle else (f"{name}.norm", f"{name}.conv")
            x = convolution(norm_relu(x, name=norm), x.shape[-1] // 2, name=conv)  # [N, H, W, C/2]
            x = average_pool(x, 2, 2, name=f"{name}.pool")  # [N, H/2, W/2, C/2]
    x = norm_relu(x, name="batch_norm" if paddle else "features.norm5")  # [N, H/32, W/32, C]
    return [*pyramid, x], global_pool(x)  # [N, C]
