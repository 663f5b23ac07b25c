"""DenseNet (arXiv 1608.06993): each layer sees the maps of all layers before it in its block."""

from collections.abc import Sequence

from kclassify.models.blocks import Tensor, activate, average_pool, batch_norm, concatenate, conv_bn, convolution, global_pool, max_pool

BOTTLENECK = 4  # channels inside a layer, in parts of the growth


def norm_relu(x: Tensor, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same; the norm stands before its convolution."""
    return activate(batch_norm(x, name=name), "relu", name=name)


def dense_layer(x: Tensor, growth: int, *, name: str) -> Tensor:
    """1x1, 3x3: [N, H, W, C] -> [N, H, W, C + growth]."""
    y = convolution(norm_relu(x, name=f"{name}.norm1"), BOTTLENECK * growth, name=f"{name}.conv1")  # [N, H, W, 4 * growth]
    y = convolution(norm_relu(y, name=f"{name}.norm2"), growth, 3, name=f"{name}.conv2")  # [N, H, W, growth]
    return concatenate([x, y], name=name)  # [N, H, W, C + growth]


def build(x: Tensor, *, depths: Sequence[int], growth: int = 32, stem: int = 64) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, C]; `depths` counts each block's layers, each of which adds `growth` channels."""
    x = conv_bn(x, stem, 7, 2, names=("features.conv0", "features.norm0"))  # [N, H/2, W/2, stem]
    pyramid = [x]
    x = max_pool(x, name="features.pool0")  # [N, H/4, W/4, stem]
    for block, depth in enumerate(depths, start=1):
        for index in range(1, depth + 1):
            x = dense_layer(x, growth, name=f"features.denseblock{block}.denselayer{index}")
        if block < len(depths):
            pyramid.append(x)
            name = f"features.transition{block}"
            x = convolution(norm_relu(x, name=f"{name}.norm"), x.shape[-1] // 2, name=f"{name}.conv")  # [N, H, W, C/2]
            x = average_pool(x, 2, 2, name=f"{name}.pool")  # [N, H/2, W/2, C/2]
    x = norm_relu(x, name="features.norm5")  # [N, H/32, W/32, C]
    return [*pyramid, x], global_pool(x)  # [N, C]
