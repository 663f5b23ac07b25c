"""ResNet (arXiv 1512.03385) with the stride in the 3x3 convolution, as torch and timm have it."""

from collections.abc import Sequence

from kclassify.models.blocks import Tensor, activate, add, conv_bn, drop_rates, global_pool, max_pool


def basic_branch(x: Tensor, channels: int, stride: int, *, name: str) -> Tensor:
    """Two 3x3 convolutions: [N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    x = conv_bn(x, channels, 3, stride, names=(f"{name}.conv1", f"{name}.bn1"))  # [N, H/s, W/s, channels]
    return conv_bn(x, channels, 3, names=(f"{name}.conv2", f"{name}.bn2"), activation=None, zero=True)


def bottleneck_branch(x: Tensor, channels: int, stride: int, *, name: str) -> Tensor:
    """1x1, 3x3, 1x1: [N, H, W, C] -> [N, H/stride, W/stride, 4 * channels]."""
    x = conv_bn(x, channels, names=(f"{name}.conv1", f"{name}.bn1"))  # [N, H, W, channels]
    x = conv_bn(x, channels, 3, stride, names=(f"{name}.conv2", f"{name}.bn2"))  # [N, H/s, W/s, channels]
    return conv_bn(x, 4 * channels, names=(f"{name}.conv3", f"{name}.bn3"), activation=None, zero=True)


def build(x: Tensor, *, depths: Sequence[int], bottleneck: bool, drop_path: float = 0.0) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 512], or [N, 2048] with bottlenecks; `depths` counts each stage's blocks."""
    branch = bottleneck_branch if bottleneck else basic_branch
    x = conv_bn(x, 64, 7, 2, names=("conv1", "bn1"))  # [N, H/2, W/2, 64]
    pyramid = [x]
    x = max_pool(x, name="maxpool")  # [N, H/4, W/4, 64]
    for stage, rates in enumerate(drop_rates(drop_path, depths)):
        for index, rate in enumerate(rates):
            name, stride = f"layer{stage + 1}.{index}", 2 if stage and index == 0 else 1
            y = branch(x, 64 << stage, stride, name=name)  # [N, H/(4 << stage), ...]
            if stride > 1 or x.shape[-1] != y.shape[-1]:
                x = conv_bn(x, y.shape[-1], 1, stride, names=(f"{name}.downsample.0", f"{name}.downsample.1"), activation=None)
            x = activate(add(y, x, name=name, drop=rate), "relu", name=name)
        pyramid.append(x)
    return pyramid, global_pool(x)  # [N, 512 or 2048]
