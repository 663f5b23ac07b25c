"""HarDNet (arXiv 1909.00948): dense blocks in which layer n is linked to layers n - 1, n - 2, n - 4, ... as far as they divide n."""

from collections.abc import Sequence

from keras import layers

from kclassify.models.blocks import Tensor, concatenate, conv_bn, global_pool, layer_name, max_pool


def unit(x: Tensor, channels: int, kernel: int = 3, stride: int = 1, *, name: str) -> Tensor:
    """Convolution, BatchNorm, ReLU6: [N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    return conv_bn(x, channels, kernel, stride, names=(f"{name}.conv", f"{name}.norm"), activation="relu6")


def depthwise(x: Tensor, stride: int = 1, *, name: str) -> Tensor:
    """Depthwise 3x3 and BatchNorm: [N, H, W, C] -> [N, H/stride, W/stride, C]."""
    return conv_bn(x, x.shape[-1], 3, stride, groups=x.shape[-1], names=(f"{name}.dwconv", f"{name}.norm"), activation=None)


def links(layer: int) -> list[int]:
    """The layers that are the input of layer 1, 2, ...; 0 is the block's own input."""
    return [layer - step for step in (1 << power for power in range(10)) if layer % step == 0]


def block(x: Tensor, depth: int, growth: int, factor: float, *, separable: bool, name: str) -> Tensor:
    """[N, H, W, C] -> [N, H, W, channels of the odd layers and the last]; a layer has more channels the more links it has."""
    maps = [x]
    for layer in range(1, depth + 1):
        several, path = [maps[link] for link in links(layer)], f"{name}.layers.{layer - 1}"
        channels: float = growth
        for _ in several[1:]:
            channels *= factor
        channels = int(int(channels + 1) / 2) * 2
        y = concatenate(several, name=path) if len(several) > 1 else several[0]
        maps.append(
            depthwise(unit(y, channels, 1, name=f"{path}.layer1"), name=f"{path}.layer2") if separable else unit(y, channels, name=path)
        )
    return concatenate([tensor for layer, tensor in enumerate(maps) if layer % 2 or layer == depth], name=name)


def build(
    x: Tensor,
    *,
    stem: tuple[int, int],
    stages: Sequence[tuple[int, int, int, bool]],
    factor: float = 1.7,
    separable: bool = False,
    dropout: float = 0.0,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> maps and features [N, channels of the last stage].

    A stage is (layers, growth, channels, whether the picture is halved after it). `separable` is the "ds" form, whose layers are a 1x1 and
    a depthwise convolution; `dropout` is the rate before the last convolution.
    """
    x = unit(x, stem[0], 3, 2, name="base.0")  # [N, H/2, W/2, stem[0]]
    x = unit(x, stem[1], 1 if separable else 3, name="base.1")  # [N, H/2, W/2, stem[1]]
    pyramid = [x]
    x = depthwise(x, 2, name="base.2") if separable else max_pool(x, name="base.2")  # [N, H/4, W/4, stem[1]]
    place = 3  # in PaddleClas' list of layers
    for depth, growth, channels, down in stages:
        x = block(x, depth, growth, factor, separable=separable, name=f"base.{place}")
        if dropout and channels == stages[-1][2]:
            place += 1
            x = layers.Dropout(dropout, seed=0, name=layer_name(f"base.{place}.dropout"))(x)
        x = unit(x, channels, 1, name=f"base.{place + 1}")  # [N, H/32, W/32, channels] in the end
        place += 2
        if down:
            pyramid.append(x)
            name = f"base.{place}"
            x = depthwise(x, 2, name=name) if separable else max_pool(x, 2, 2, padding=0, name=name)
            place += 1
    return [*pyramid, x], global_pool(x)  # [N, channels]
