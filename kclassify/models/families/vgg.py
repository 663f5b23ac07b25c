"""VGG (arXiv 1409.1556): 3x3 convolutions in five sizes, then two dense layers, which timm writes as convolutions."""

from collections.abc import Sequence

from kclassify.errors import UsageError
from kclassify.models.blocks import Tensor, activate, batch_norm, convolution, fixed_size, global_pool, max_pool

WIDTHS = (64, 128, 256, 512, 512)
LEAST = 224  # the first dense layer looks at 7 x 7 places after five halvings


def build(x: Tensor, *, depths: Sequence[int], norm: bool = False) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 4096]; `depths` counts the convolutions of each size.

    With `norm` each of them has a BatchNorm. Raises UsageError for sides below 224.
    """
    if min(fixed_size(x)) < LEAST:
        raise UsageError(f"Unusable input_shape: {tuple(x.shape[1:])}. Expected sides of at least {LEAST} for VGG.")
    pyramid, number = [], 0
    for width, depth in zip(WIDTHS, depths, strict=True):
        for _ in range(depth):
            name = f"features.{number}"
            x = convolution(x, width, 3, name=name, bias=True)
            if norm:
                name = f"features.{number + 1}"
                x = batch_norm(x, name=name)
            x = activate(x, "relu", name=name)
            number += 3 if norm else 2  # torch counts the activation too
        pyramid.append(x)
        x = max_pool(x, 2, 2, name=f"features.{number}.pool", padding=0)  # [N, H/2, W/2, 64] to [N, H/32, W/32, 512]
        number += 1
    for name, kernel in (("pre_logits.fc1", 7), ("pre_logits.fc2", 1)):
        x = activate(convolution(x, 4096, kernel, name=name, padding="valid", bias=True), "relu", name=name)  # [N, H/32 - 6, ..., 4096]
    return pyramid, global_pool(x)  # [N, 4096]
