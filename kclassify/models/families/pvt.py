"""PVT v2 (arXiv 2106.13797): patches that overlap, attention to a coarse copy of the map, convolutions between the dense layers."""

from collections.abc import Sequence

from keras import ops

from kclassify.errors import UsageError
from kclassify.models.blocks import Tensor, activate, add, average_pool, convolution, drop_rates, fixed_size, global_pool
from kclassify.models.tokens import dense, layer_norm

POOLED = 7  # the side of the coarse map with linear attention


def coarse(x: Tensor, reduction: int, *, linear: bool, name: str) -> Tensor:
    """The map that attention looks at: [N, H, W, C] -> [N, H/reduction, W/reduction, C], or [N, 7, 7, C] with `linear`."""
    channels = x.shape[-1]
    if linear:
        factor = x.shape[1] // POOLED
        x = average_pool(x, factor, factor, name=f"{name}.pool") if factor > 1 else x
        x = layer_norm(convolution(x, channels, name=f"{name}.sr", bias=True), name=f"{name}.norm", epsilon=1e-5)
        return activate(x, "gelu", name=f"{name}.norm")
    if reduction == 1:
        return x
    x = convolution(x, channels, reduction, reduction, name=f"{name}.sr", padding="valid", bias=True)
    return layer_norm(x, name=f"{name}.norm", epsilon=1e-5)


def coarse_attention(x: Tensor, heads: int, reduction: int, *, linear: bool = False, name: str) -> Tensor:
    """Multi-head attention of each place to the coarse map: [N, H, W, C] -> the same."""
    height, width, channels = x.shape[1:]
    query = ops.reshape(dense(x, channels, name=f"{name}.q"), (-1, height * width, heads, channels // heads))
    x = coarse(x, reduction, linear=linear, name=name)
    kv = ops.reshape(dense(x, 2 * channels, name=f"{name}.kv"), (-1, x.shape[1] * x.shape[2], 2, heads, channels // heads))
    y = ops.dot_product_attention(query, kv[:, :, 0], kv[:, :, 1])  # [N, H * W, heads, C/heads]
    return dense(ops.reshape(y, (-1, height, width, channels)), channels, name=f"{name}.proj")


def mlp(x: Tensor, hidden: int, *, linear: bool, name: str) -> Tensor:
    """Two dense layers with a depthwise convolution between them: [N, H, W, C] -> the same."""
    y = activate(dense(x, hidden, name=f"{name}.fc1"), "relu" if linear else None, name=f"{name}.fc1")
    y = convolution(y, hidden, 3, name=f"{name}.dwconv", groups=hidden, bias=True)
    return dense(activate(y, "gelu", name=f"{name}.dwconv"), x.shape[-1], name=f"{name}.fc2")


def build(
    x: Tensor,
    *,
    widths: Sequence[int],
    depths: Sequence[int],
    ratios: Sequence[int] = (8, 8, 4, 4),
    linear: bool = False,
    drop_path: float = 0.0,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> four maps and features [N, widths[-1]].

    `ratios` are those of the dense layers; `linear` attention looks at 7 x 7 places whatever the size. Raises UsageError for sides that
    these do not divide.
    """
    if any(side % (32 * POOLED) for side in fixed_size(x)) and linear:
        raise UsageError(f"Unusable input_shape: {x.shape[1:]}. Expected sides that are multiples of {32 * POOLED}.")
    pyramid = []
    for stage, (width, rates) in enumerate(zip(widths, drop_rates(drop_path, depths), strict=True)):
        name, kernel, stride = (f"stages.{stage}.downsample", 3, 2) if stage else ("patch_embed", 7, 4)
        x = convolution(x, width, kernel, stride, name=f"{name}.proj", bias=True)  # [N, H/(4 << stage), ..., width]
        x = layer_norm(x, name=f"{name}.norm", epsilon=1e-5)
        for index, rate in enumerate(rates):
            name, heads = f"stages.{stage}.blocks.{index}", (1, 2, 5, 8)[stage]
            y = coarse_attention(layer_norm(x, name=f"{name}.norm1"), heads, 8 >> stage, linear=linear, name=f"{name}.attn")
            x = add(y, x, name=f"{name}.attn", drop=rate)
            y = mlp(layer_norm(x, name=f"{name}.norm2"), ratios[stage] * width, linear=linear, name=f"{name}.mlp")
            x = add(y, x, name=f"{name}.mlp", drop=rate)
        x = layer_norm(x, name=f"stages.{stage}.norm")
        pyramid.append(x)
    return pyramid, global_pool(x)
