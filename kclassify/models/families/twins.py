"""Twins (arXiv 2104.13840): attention to a coarse copy of the map (PCPVT), in turn with attention inside windows (SVT)."""

from collections.abc import Sequence

from keras import ops

from kclassify.models.blocks import Tensor, add, convolution, drop_rates, fixed_size, global_pool
from kclassify.models.families.pvt import coarse_attention
from kclassify.models.tokens import attention, into_windows, layer_norm, mlp, out_of_windows


def window_attention(x: Tensor, heads: int, window: int, *, name: str) -> Tensor:
    """Multi-head attention inside windows: [N, H, W, C] -> the same; zeros fill the windows at the right and lower edges."""
    height, width, channels = x.shape[1:]
    bottom, right = -height % window, -width % window
    x = ops.pad(x, [[0, 0], [0, bottom], [0, right], [0, 0]]) if bottom or right else x
    y = attention(ops.reshape(into_windows(x, window, window), (-1, window**2, channels)), heads, name=name)  # [N * windows, L, C]
    return out_of_windows(y, height + bottom, width + right, window, window)[:, :height, :width]


def build(
    x: Tensor,
    *,
    widths: Sequence[int],
    depths: Sequence[int],
    heads: Sequence[int],
    ratios: Sequence[int],
    window: int = 0,
    drop_path: float = 0.0,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> four maps and features [N, widths[-1]].

    `ratios` are those of the dense layers; with a `window` the first block of each stage and every second after it look inside windows.
    """
    fixed_size(x)
    pyramid = []
    for stage, (width, rates) in enumerate(zip(widths, drop_rates(drop_path, depths), strict=True)):
        patch = 2 if stage else 4
        x = convolution(x, width, patch, patch, name=f"patch_embeds.{stage}.proj", padding="valid", bias=True)
        x = layer_norm(x, name=f"patch_embeds.{stage}.norm", epsilon=1e-5)  # [N, H/(4 << stage), ..., width]
        for index, rate in enumerate(rates):
            name = f"blocks.{stage}.{index}"
            y = layer_norm(x, name=f"{name}.norm1")
            if window and index % 2 == 0:
                y = window_attention(y, heads[stage], window, name=f"{name}.attn")
            else:
                y = coarse_attention(y, heads[stage], 8 >> stage, name=f"{name}.attn")
            x = add(y, x, name=f"{name}.attn", drop=rate)
            y = mlp(layer_norm(x, name=f"{name}.norm2"), ratios[stage] * width, name=f"{name}.mlp")
            x = add(y, x, name=f"{name}.mlp", drop=rate)
            if index == 0:  # places are known by their neighbours (arXiv 2102.10882)
                y = convolution(x, width, 3, name=f"pos_block.{stage}.proj.0", groups=width, bias=True)
                x = add(y, x, name=f"pos_block.{stage}")
        pyramid.append(x)
    return pyramid, global_pool(layer_norm(x, name="norm"))
