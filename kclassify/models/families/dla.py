"""Deep layer aggregation (arXiv 1707.06484): trees of residual blocks, at whose roots the maps of the branches are merged."""

from collections.abc import Sequence
from typing import Any

from keras import layers

from kclassify.models.blocks import LAYOUT, Tensor, activate, add, batch_norm, concatenate, conv_bn, convolution, global_pool, layer_name


def half(x: Tensor, *, name: str) -> Tensor:
    """[N, H, W, C] -> [N, H/2, W/2, C], rounded up as the convolutions beside it do."""
    return layers.MaxPooling2D(2, 2, padding="same", data_format=LAYOUT, name=layer_name(f"{name}.downsample"))(x)


def block(x: Tensor, shortcut: Tensor, channels: int, stride: int, *, name: str, cardinality: int, width: int) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels]: two 3x3 convolutions for `width` 0, else a bottleneck as in ResNeXt."""
    if width:
        inside = channels * width // 64 * cardinality // 2
        x = conv_bn(x, inside, names=(f"{name}.conv1", f"{name}.bn1"))
        x = conv_bn(x, inside, 3, stride, groups=cardinality, names=(f"{name}.conv2", f"{name}.bn2"))
        x = conv_bn(x, channels, names=(f"{name}.conv3", f"{name}.bn3"), activation=None)
    else:
        x = conv_bn(x, channels, 3, stride, names=(f"{name}.conv1", f"{name}.bn1"))
        x = conv_bn(x, channels, 3, names=(f"{name}.conv2", f"{name}.bn2"), activation=None)
    return activate(add(x, shortcut, name=name), "relu", name=f"{name}.add")


def root(children: Sequence[Tensor], channels: int, *, name: str, residual: bool) -> Tensor:
    """Maps [N, H, W, ...] beside each other -> [N, H, W, channels]."""
    x = batch_norm(convolution(concatenate(children, name=name), channels, name=f"{name}.conv"), name=f"{name}.bn")
    return activate(add(x, children[0], name=name) if residual else x, "relu", name=name)


def tree(
    x: Tensor, channels: int, levels: int, stride: int = 1, *, name: str, residual: bool, below: Sequence[Tensor] = (), **kind: Any
) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels]; the last root merges `below` too, the maps of the trees before this one."""
    if levels > 1:
        left = tree(x, channels, levels - 1, stride, name=f"{name}.tree1", residual=residual, **kind)
        return tree(left, channels, levels - 1, name=f"{name}.tree2", residual=residual, below=(*below, left), **kind)
    shortcut = half(x, name=name) if stride > 1 else x
    if shortcut.shape[-1] != channels:
        shortcut = conv_bn(shortcut, channels, names=(f"{name}.project.0", f"{name}.project.1"), activation=None)
    left = block(x, shortcut, channels, stride, name=f"{name}.tree1", **kind)
    right = block(left, left, channels, 1, name=f"{name}.tree2", **kind)
    return root([right, left, *below], channels, name=f"{name}.root", residual=residual)


def build(
    x: Tensor, *, channels: Sequence[int], levels: Sequence[int], residual: bool = False, cardinality: int = 1, width: int = 64
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> six maps, the first of full size, and features [N, 1, 1, C], for a classifier that is a convolution.

    `levels` is the depth of each of the last four sizes' trees; `residual` roots add their first map; `width` is 64 for a bottleneck's,
    0 for the blocks of DLA-34.
    """
    x = conv_bn(x, channels[0], 7, names=("base_layer.0", "base_layer.1"))  # [N, H, W, 16]
    pyramid = []
    for number in (0, 1):
        x = conv_bn(x, channels[number], 3, number + 1, names=(f"level{number}.0", f"level{number}.1"))  # [N, H/2, W/2, 32] in the end
        pyramid.append(x)
    for number, depth in enumerate(levels, start=2):
        name = f"level{number}"
        below = (half(x, name=f"{name}.below"),) if number > 2 else ()
        x = tree(x, channels[number], depth, 2, name=name, residual=residual, below=below, cardinality=cardinality, width=width)
        pyramid.append(x)  # [N, H/4, W/4, C] to [N, H/32, W/32, C]
    return pyramid, global_pool(x, keepdims=True)  # [N, 1, 1, C]
