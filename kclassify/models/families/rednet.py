"""RedNet (arXiv 2103.06255): ResNet whose 3x3 convolutions are involutions, with kernels computed from the picture itself."""

from collections.abc import Sequence

from keras import ops

from kclassify.errors import UsageError
from kclassify.models.blocks import (
    Tensor,
    activate,
    add,
    average_pool,
    batch_norm,
    conv_bn,
    convolution,
    fixed_size,
    global_pool,
    max_pool,
    pad,
    unit,
)

GROUP = 16  # channels that share a kernel


def windows(x: Tensor, kernel: int, stride: int) -> Tensor:
    """[N, H + kernel - 1, W + kernel - 1, ...] -> [N, H/stride, W/stride, ..., kernel * kernel], what a kernel sees at each place."""
    cuts = [slice(start, start - kernel + 1 or None, stride) for start in range(kernel)]
    x = ops.stack([x[:, :, cut] for cut in cuts], axis=-1)
    x = ops.stack([x[:, cut] for cut in cuts], axis=-2)  # [N, H/s, W/s, ..., kernel, kernel]
    return ops.reshape(x, (-1, *x.shape[1:-2], kernel**2))


def involution(x: Tensor, kernel: int, stride: int = 1, *, name: str) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, C]: each place has kernels of its own, one for every 16 channels."""
    channels, groups = x.shape[-1], x.shape[-1] // GROUP
    y = average_pool(x, stride, stride, name=f"{name}.avgpool") if stride > 1 else x
    y = unit(y, channels // 4, name=f"{name}.conv1")  # [N, H/s, W/s, C/4]
    y = convolution(y, kernel**2 * groups, name=f"{name}.conv2.conv", bias=True)  # [N, H/s, W/s, groups * kernel * kernel]
    y = ops.reshape(y, (-1, *y.shape[1:3], groups, kernel**2, 1))
    x = pad(x, kernel // 2, name=name)
    x = windows(ops.reshape(x, (-1, *x.shape[1:3], groups, GROUP)), kernel, stride)  # [N, H/s, W/s, groups, 16, kernel * kernel]
    return ops.reshape(ops.matmul(x, y), (-1, *y.shape[1:3], channels))  # [N, H/s, W/s, C]


def build(x: Tensor, *, depths: Sequence[int]) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] of a fixed size, multiples of 32 -> five maps and features [N, 2048]. Raises UsageError for other sizes."""
    if any(side % 32 for side in fixed_size(x)):
        raise UsageError(f"Unusable input_shape: {fixed_size(x)}. This model needs a height and a width that are multiples of 32.")
    x = unit(x, 32, 3, 2, name="stem.0")  # [N, H/2, W/2, 32]
    x = activate(batch_norm(involution(x, 3, name="stem.1"), name="stem.2"), "relu", name="stem.2")
    x = unit(x, 64, 3, name="stem.4")  # [N, H/2, W/2, 64]
    pyramid = [x]
    x = max_pool(x, name="maxpool")  # [N, H/4, W/4, 64]
    for stage, depth in enumerate(depths):
        for index in range(depth):
            name, stride, channels = f"layer{stage + 1}.{index}", 2 if stage and index == 0 else 1, 64 << stage
            y = conv_bn(x, channels, names=(f"{name}.conv1", f"{name}.bn1"))  # [N, H, W, channels]
            y = batch_norm(involution(y, 7, stride, name=f"{name}.conv2"), name=f"{name}.bn2")  # [N, H/s, W/s, channels]
            y = activate(y, "relu", name=f"{name}.bn2")
            y = conv_bn(y, 4 * channels, names=(f"{name}.conv3", f"{name}.bn3"), activation=None, zero=True)  # [N, H/s, W/s, 4 * channels]
            if index == 0:
                x = conv_bn(x, 4 * channels, 1, stride, names=(f"{name}.downsample.0", f"{name}.downsample.1"), activation=None)
            x = activate(add(y, x, name=name), "relu", name=name)
        pyramid.append(x)  # [N, H/4, W/4, 256] to [N, H/32, W/32, 2048]
    return pyramid, global_pool(x)  # [N, 2048]
