"""DarkNet53 (arXiv 1804.02767), the backbone of YOLOv3, and CSPDarkNet53 (arXiv 1911.11929), in which half of each stage passes by."""

from keras import layers, ops

from kclassify.models.blocks import Tensor, add, concatenate, conv_bn, global_pool, layer_name

DEPTHS = (1, 2, 8, 8, 4)
SLOPE = 0.01  # of the leaky ReLU for negative numbers


def unit(x: Tensor, channels: int, kernel: int = 1, stride: int = 1, *, name: str, paddle: bool = False, zero: bool = False) -> Tensor:
    """Convolution, BatchNorm, activation: [N, H, W, C] -> [N, H/stride, W/stride, channels]; PaddleClas has ReLU for leaky ReLU."""
    if paddle:
        return conv_bn(x, channels, kernel, stride, names=(f"{name}._conv", f"{name}._bn"), zero=zero)
    x = conv_bn(x, channels, kernel, stride, names=(f"{name}.conv", f"{name}.bn"), activation=None, zero=zero)
    return layers.LeakyReLU(negative_slope=SLOPE, name=layer_name(f"{name}.bn.activation"))(x)


def block(x: Tensor, inside: int, *, names: tuple[str, str, str], paddle: bool = False) -> Tensor:
    """1x1, 3x3 and the shortcut: [N, H, W, C] -> the same; the names are the block's and its two convolutions'."""
    y = unit(x, inside, name=f"{names[0]}.{names[1]}", paddle=paddle)  # [N, H, W, inside]
    return add(unit(y, x.shape[-1], 3, name=f"{names[0]}.{names[2]}", paddle=paddle, zero=True), x, name=names[0])


def cross_stage(x: Tensor, channels: int, depth: int, *, name: str, first: bool) -> Tensor:
    """[N, H, W, channels] -> the same; half of the expanded channels goes through the blocks, the other half meets them at the end."""
    expanded = 2 * channels if first else channels
    side, x = ops.split(unit(x, expanded, name=f"{name}.conv_exp"), 2, axis=-1)  # [N, H, W, expanded/2] each
    for index in range(depth):
        x = block(x, channels // 2, names=(f"{name}.blocks.{index}", "conv1", "conv2"))
    x = unit(x, expanded // 2, name=f"{name}.conv_transition_b")
    return unit(concatenate([side, x], name=name), channels, name=f"{name}.conv_transition")  # [N, H, W, channels]


def build(x: Tensor, *, cross: bool = False, paddle: bool = False) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> six maps, the first of full size, and features [N, 1024]; `cross` is CSPDarkNet53.

    `paddle` is PaddleClas' DarkNet53, with its names and ReLU.
    """
    x = unit(x, 32, 3, name="_conv1" if paddle else "stem.conv1", paddle=paddle)  # [N, H, W, 32]
    pyramid = [x]
    for stage, depth in enumerate(DEPTHS):
        channels, name = 64 << stage, f"stages.{stage}"
        down = (f"_downsample_{stage - 1}" if stage else "_conv2") if paddle else f"{name}.conv_down"
        x = unit(x, channels, 3, 2, name=down, paddle=paddle)  # [N, H/(2 << stage), W/(2 << stage), channels]
        if cross:
            x = cross_stage(x, channels, depth, name=name, first=stage == 0)
        for index in range(0 if cross else depth):
            names = (f"_basic_block_{stage}{index + 1}", "_conv1", "_conv2") if paddle else (f"{name}.blocks.{index}", "conv1", "conv2")
            x = block(x, channels // 2, names=names, paddle=paddle)
        pyramid.append(x)
    return pyramid, global_pool(x)  # [N, 1024]
