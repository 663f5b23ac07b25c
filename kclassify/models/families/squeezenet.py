"""SqueezeNet (arXiv 1602.07360): few 1x1 convolutions squeeze, many 1x1 and 3x3 ones expand; the classifier is a convolution."""

from collections.abc import Sequence

from keras import layers

from kclassify.errors import UsageError
from kclassify.models.blocks import LAYOUT, Tensor, activate, concatenate, convolution, layer_name, max_pool


def fire(x: Tensor, squeeze: int, *, name: str) -> Tensor:
    """[N, H, W, C] -> [N, H, W, 8 * squeeze]."""
    x = activate(convolution(x, squeeze, name=f"{name}.squeeze", bias=True), "relu", name=f"{name}.squeeze")  # [N, H, W, squeeze]
    parts = [(f"{name}.expand1x1", 1), (f"{name}.expand3x3", 3)]
    wide = [activate(convolution(x, 4 * squeeze, kernel, name=part, bias=True), "relu", name=part) for part, kernel in parts]
    return concatenate(wide, name=name)  # [N, H, W, 8 * squeeze]


def pool(x: Tensor, *, name: str) -> Tensor:
    """[N, H, W, C] -> [N, H/2, W/2, C] as with torch's ceil_mode: the last window may stand over the edge of an even side."""
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), data_format=LAYOUT, name=layer_name(f"{name}.pad"))(x)
    return max_pool(x, name=f"{name}.pool", padding=0)


def build(x: Tensor, *, stem: tuple[int, int], pools: Sequence[int], fires: Sequence[int]) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> four maps and features [N, H/16, W/16, 512], for a classifier that is a convolution.

    `stem` is (channels, kernel) of the first convolution; `pools` and `fires` are the places of pools and fire modules in torch's list;
    the fire modules squeeze to 16, 16, 32, 32, 48, 48, 64, 64 channels. Raises UsageError for sides of which one pixel is left.
    """
    size = tuple(x.shape[1:])
    x = activate(convolution(x, *stem, 2, name="features.0", padding="valid", bias=True), "relu", name="features.0")  # [N, H/2, W/2, C]
    pyramid = []
    for number in sorted([*pools, *fires]):
        name = f"features.{number}"
        if number in pools:
            pyramid.append(x)
            x = pool(x, name=name)  # [N, H/4, W/4, C] to [N, H/16, W/16, C]
        else:
            x = fire(x, 16 * (fires.index(number) // 2 + 1), name=name)
    if x.shape[1] == 1:
        raise UsageError(f"Unusable input_shape: {size}. Expected sides of at least 64 for SqueezeNet.")
    return [*pyramid, x], x
