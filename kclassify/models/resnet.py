"""ResNet (arXiv 1512.03385) with the stride in the 3x3 convolution, as torch and timm have it."""

from collections.abc import Sequence

from keras import layers

from kclassify.models.blocks import LAYOUT, Tensor, activate, add, batch_norm, convolution, layer_name


def basic_branch(x: Tensor, channels: int, stride: int, *, name: str) -> Tensor:
    """Two 3x3 convolutions: [N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    x = convolution(x, channels, 3, stride, name=f"{name}.conv1")  # [N, H/s, W/s, channels]
    x = activate(batch_norm(x, name=f"{name}.bn1"), "relu", name=f"{name}.bn1")
    x = convolution(x, channels, 3, name=f"{name}.conv2")
    return batch_norm(x, name=f"{name}.bn2", zero=True)


def bottleneck_branch(x: Tensor, channels: int, stride: int, *, name: str) -> Tensor:
    """1x1, 3x3, 1x1: [N, H, W, C] -> [N, H/stride, W/stride, 4 * channels]."""
    x = convolution(x, channels, name=f"{name}.conv1")  # [N, H, W, channels]
    x = activate(batch_norm(x, name=f"{name}.bn1"), "relu", name=f"{name}.bn1")
    x = convolution(x, channels, 3, stride, name=f"{name}.conv2")  # [N, H/s, W/s, channels]
    x = activate(batch_norm(x, name=f"{name}.bn2"), "relu", name=f"{name}.bn2")
    x = convolution(x, 4 * channels, name=f"{name}.conv3")  # [N, H/s, W/s, 4 * channels]
    return batch_norm(x, name=f"{name}.bn3", zero=True)


def build(x: Tensor, *, depths: Sequence[int], bottleneck: bool) -> Tensor:
    """Normalised [N, H, W, 3] -> features [N, 512], or [N, 2048] with bottlenecks; `depths` counts the blocks of each stage."""
    branch = bottleneck_branch if bottleneck else basic_branch
    x = convolution(x, 64, 7, 2, name="conv1")  # [N, H/2, W/2, 64]
    x = activate(batch_norm(x, name="bn1"), "relu", name="bn1")
    x = layers.ZeroPadding2D(1, data_format=LAYOUT, name=layer_name("maxpool.pad"))(x)  # after ReLU zero is as good as torch's -inf
    x = layers.MaxPooling2D(3, 2, data_format=LAYOUT, name="maxpool")(x)  # [N, H/4, W/4, 64]
    for stage, depth in enumerate(depths):
        for index in range(depth):
            name = f"layer{stage + 1}.{index}"
            stride = 2 if stage and index == 0 else 1
            y = branch(x, 64 << stage, stride, name=name)  # [N, H/(4 << stage), ...]
            if stride > 1 or x.shape[-1] != y.shape[-1]:
                x = convolution(x, y.shape[-1], 1, stride, name=f"{name}.downsample.0")
                x = batch_norm(x, name=f"{name}.downsample.1")
            x = activate(add(y, x, name=name), "relu", name=name)
    return layers.GlobalAveragePooling2D(data_format=LAYOUT, name="pool")(x)  # [N, 512 or 2048]
