"""Dual path networks (arXiv 1707.01629): the first channels are summed from block to block as in ResNet, the others grow as in DenseNet."""

from collections.abc import Sequence

from kclassify.models.blocks import Tensor, activate, add, batch_norm, concatenate, convolution, global_pool, max_pool, unit

EPSILON = 1e-3


def norm_act(x: Tensor, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same."""
    return activate(batch_norm(x, name=f"{name}.bn", epsilon=EPSILON), "relu", name=f"{name}.bn")


def norm_conv(x: Tensor, channels: int, kernel: int = 1, stride: int = 1, *, name: str, groups: int = 1) -> Tensor:
    """BatchNorm, ReLU, convolution: [N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    return convolution(norm_act(x, name=name), channels, kernel, stride, name=f"{name}.conv", groups=groups)


def block(x: Tensor, inside: int, width: int, growth: int, *, stride: int, groups: int, first: bool, split: bool, name: str) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, C + growth]; the first block of a size makes `width` summed and 3 * `growth` channels.

    With `split` the two paths end with convolutions of their own.
    """
    old = norm_conv(x, width + 2 * growth, 1, stride, name=f"{name}.c1x1_w_s{stride}") if first else x
    y = norm_conv(x, inside, name=f"{name}.c1x1_a")
    y = norm_conv(y, inside, 3, stride, groups=groups, name=f"{name}.c3x3_b")  # [N, H/stride, W/stride, inside]
    if split:
        y = norm_act(y, name=f"{name}.c1x1_c")
        summed, new = convolution(y, width, name=f"{name}.c1x1_c1"), convolution(y, growth, name=f"{name}.c1x1_c2")
    else:
        y = norm_conv(y, width + growth, name=f"{name}.c1x1_c")
        summed, new = y[..., :width], y[..., width:]
    return concatenate([add(summed, old[..., :width], name=name), old[..., width:], new], name=name)


def build(
    x: Tensor,
    *,
    depths: Sequence[int],
    growths: Sequence[int],
    inside: int,
    groups: int = 32,
    stem: int,
    small: bool = False,
    split: bool = False,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 1, 1, C], for a classifier that is a convolution.

    `inside` counts the channels of the first size's 3x3 kernels, `growths` what each block adds; `small` is narrow, with a 3x3 stem.
    """
    x = unit(x, stem, 3 if small else 7, 2, name="features.conv1_1", epsilon=EPSILON)  # [N, H/2, W/2, stem]
    pyramid = [x]
    x = max_pool(x, name="features.conv1_pool")  # [N, H/4, W/4, stem]
    for stage, (depth, growth) in enumerate(zip(depths, growths, strict=True)):
        for index in range(depth):
            x = block(
                x,
                inside << stage,
                (64 if small else 256) << stage,
                growth,
                stride=2 if stage and not index else 1,
                groups=groups,
                first=index == 0,
                split=split,
                name=f"features.conv{stage + 2}_{index + 1}",
            )
        pyramid.append(x)  # [N, H/4, W/4, C] to [N, H/32, W/32, C]
    x = norm_act(x, name="features.conv5_bn_ac")
    return [*pyramid[:-1], x], global_pool(x, keepdims=True)  # [N, 1, 1, C]
