"""Aligned Xception (arXiv 1802.02611), DeepLab's backbone: blocks of three separable convolutions, of which the last one strides."""

from collections.abc import Sequence
from typing import Any

from kclassify.models.blocks import Tensor, activate, add, batch_norm, convolution, drop_rates, global_pool, unit

Widths = tuple[int, int, int]
EXIT: Widths = (1536, 1536, 2048)


def separable(x: Tensor, channels: int, stride: int, *, name: str, paddle: bool, relu: bool, dilation: int) -> Tensor:
    """Depthwise 3x3 and 1x1, each with its BatchNorm, and with `relu` its ReLU: [N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    depth, point = (("_conv1", "_bn1"), ("_conv2", "_bn2")) if paddle else (("conv_dw", "bn_dw"), ("conv_pw", "bn_pw"))
    more: dict[str, Any] = {"name": name, "activation": "relu" if relu else None, "epsilon": 1e-3}
    x = unit(x, x.shape[-1], 3, stride, groups=x.shape[-1], dilation=dilation, leaves=depth, **more)
    return unit(x, channels, leaves=point, **more)


def block(x: Tensor, widths: Widths, stride: int, *, name: str, paddle: bool, last: bool, drop: float) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, C']; the last block has no shortcut, its ReLUs stand behind, and PaddleClas dilates it."""
    y = x
    for number, channels in enumerate(widths, start=1):
        part = f"{name}._conv{number}" if paddle else f"{name}.stack.conv{number}"
        y = y if last else activate(y, "relu", name=f"{part}.input")
        dilation = 2 if last and paddle else 1
        y = separable(y, channels, stride if number == 3 else 1, name=part, paddle=paddle, relu=last, dilation=dilation)
    if last:
        return y
    if stride > 1 or x.shape[-1] != widths[-1]:
        path, leaves = ("_short", ("_conv", "_bn")) if paddle else ("shortcut", ("conv", "bn"))
        x = unit(x, widths[-1], 1, stride, name=f"{name}.{path}", leaves=leaves, activation=None, epsilon=1e-3)
    return add(y, x, name=name, drop=drop)


def early_block(x: Tensor, widths: Widths, stride: int, *, name: str, last: bool, drop: float, epsilon: float) -> Tensor:
    """The block of the nets called "p": BatchNorm and ReLU come before, once for each separable convolution, the first for both ways."""
    y = x
    for number, channels in enumerate(widths, start=1):
        part = f"{name}.stack.conv{number}"
        norm = f"{part}.norm" if number > 1 else f"{name}.norm"
        y = activate(batch_norm(y, name=norm, epsilon=epsilon), "relu", name=norm)
        x = x if number > 1 else y
        y = convolution(y, y.shape[-1], 3, stride if number == 3 else 1, groups=y.shape[-1], name=f"{part}.conv_dw")
        y = convolution(y, channels, name=f"{part}.conv_pw")  # [N, H/stride, W/stride, C'] in the end
    if last:
        return y
    if stride > 1 or x.shape[-1] != widths[-1]:
        x = convolution(x, widths[-1], 1, stride, name=f"{name}.shortcut")
    return add(y, x, name=name, drop=drop)


def block_paths(entry: int, middle: int, paddle: str) -> list[str]:
    """The torch paths of all blocks; PaddleClas' begin with the net's name."""
    if not paddle:
        return [f"blocks.{number}" for number in range(entry + middle + 2)]
    flows = [f"{paddle}.{flow}_flow.block{number + 1}" for flow, count in (("entry", entry), ("middle", middle)) for number in range(count)]
    return [*flows, "_exit_flow_1", "_exit_flow_2"]


def build(
    x: Tensor,
    *,
    entry: Sequence[tuple[int, int]],
    middle: int,
    early: bool = False,
    epsilon: float = 1e-3,
    paddle: str = "",
    drop_path: float = 0.0,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 2048]; `entry` is (channels, stride) of the first blocks, `middle` a number.

    `early` norms before each convolution, with this `epsilon`. `paddle` is PaddleClas' name of a net whose weights are its own.
    """
    stem, leaves = (("_conv1", "_conv2"), ("_conv", "_bn")) if paddle else (("stem.0", "stem.1"), ("conv", "bn"))
    x = unit(x, 32, 3, 2, name=stem[0], leaves=leaves, epsilon=epsilon)  # [N, H/2, W/2, 32]
    x = convolution(x, 64, 3, name=stem[1]) if early else unit(x, 64, 3, name=stem[1], leaves=leaves, epsilon=epsilon)
    pyramid = [x]
    blocks = [*(((width, width, width), stride) for width, stride in entry), *[((728, 728, 728), 1)] * middle]
    blocks += [((728, 1024, 1024), 2), (EXIT, 1)]
    paths, rates = block_paths(len(entry), middle, paddle), drop_rates(drop_path, [len(blocks)])[0]
    for path, (widths, stride), drop in zip(paths, blocks, rates, strict=True):
        last = widths == EXIT
        if early:
            x = early_block(x, widths, stride, name=path, last=last, drop=drop, epsilon=epsilon)
        else:
            x = block(x, widths, stride, name=path, paddle=bool(paddle), last=last, drop=drop)
        pyramid = [*(pyramid if stride > 1 else pyramid[:-1]), x]  # [N, H/32, W/32, 2048] in the end
    x = activate(x, "relu", name="act") if early else x
    features = global_pool(x)  # [N, 2048]
    # PaddleClas' dropout of one half makes features smaller in use, where torch's and Keras' makes them larger in training.
    return [*pyramid[:-1], x], features * 0.5 if paddle else features
