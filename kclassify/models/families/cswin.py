"""CSWin Transformer (arXiv 2107.00652): half of the heads look along columns, the other half along rows, in stripes that widen."""

import math
from collections.abc import Sequence

from keras import ops

from kclassify.errors import UsageError
from kclassify.models.blocks import Tensor, add, convolution, drop_rates, fixed_size, global_pool
from kclassify.models.tokens import dense, into_windows, layer_norm, mlp, out_of_windows

EPSILON = 1e-5


def stripe_attention(tensors: Sequence[Tensor], heads: int, tall: int, wide: int, *, name: str) -> Tensor:
    """Multi-head attention inside stripes of `tall` by `wide`: queries, keys and values [N, H, W, C] -> one such.

    What a depthwise convolution makes of the values is added: so places are known by their neighbours.
    """
    height, width, channels = tensors[0].shape[1:]
    query, key, value = (ops.reshape(into_windows(tensor, tall, wide), (-1, tall, wide, channels)) for tensor in tensors)
    places = ops.reshape(convolution(value, channels, 3, name=f"{name}.get_v", groups=channels, bias=True), (-1, tall * wide, channels))
    query, key, value = (ops.reshape(tensor, (-1, tall * wide, heads, channels // heads)) for tensor in (query, key, value))
    y = ops.reshape(ops.dot_product_attention(query, key, value), (-1, tall * wide, channels))
    return out_of_windows(add(y, places, name=name), height, width, tall, wide)


def attention(x: Tensor, heads: int, stripe: int, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same: half of the channels in columns and half in rows, `stripe` wide, or for 0 all over the whole map."""
    height, width, channels = x.shape[1:]
    shapes = [(height, stripe), (stripe, width)] if stripe else [(height, width)]
    parts = ops.split(dense(x, 3 * channels, name=f"{name}.qkv"), 3 * len(shapes), axis=-1)  # queries, keys, values by turns
    made = [
        stripe_attention(parts[index :: len(shapes)], heads // len(shapes), tall, wide, name=f"{name}.attns.{index}")
        for index, (tall, wide) in enumerate(shapes)
    ]
    return dense(made[0] if len(made) == 1 else ops.concatenate(made, axis=-1), channels, name=f"{name}.proj")


def build(
    x: Tensor, *, width: int, depths: Sequence[int], heads: Sequence[int], stripes: Sequence[int], drop_path: float = 0.0
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> four maps and features [N, 8 * width]; `stripes` are the widths in each stage, 0 for no stripes.

    Raises UsageError for sides that stripes do not fill.
    """
    least = math.lcm(32, *(stripe << stage + 2 for stage, stripe in enumerate(stripes) if stripe))
    if any(side % least for side in fixed_size(x)):
        raise UsageError(f"Unusable input_shape: {x.shape[1:]}. Expected sides that are multiples of {least}.")
    x = convolution(x, width, 7, 4, name="patch_embedding.patch_embed", padding=2, bias=True)  # [N, H/4, W/4, width]
    x = layer_norm(x, name="patch_embedding.norm", epsilon=EPSILON)
    pyramid = []
    for stage, rates in enumerate(drop_rates(drop_path, depths)):
        if stage:
            name = f"stages.{stage - 1}.merge"
            x = convolution(x, width << stage, 3, 2, name=f"{name}.conv", bias=True)  # [N, H/(4 << stage), ..., width << stage]
            x = layer_norm(x, name=f"{name}.norm", epsilon=EPSILON)
        for index, rate in enumerate(rates):
            name = f"stages.{stage}.blocks.{index}"
            y = attention(layer_norm(x, name=f"{name}.norm1", epsilon=EPSILON), heads[stage], stripes[stage], name=name)
            x = add(y, x, name=f"{name}.proj", drop=rate)
            y = mlp(layer_norm(x, name=f"{name}.norm2", epsilon=EPSILON), 4 * x.shape[-1], name=f"{name}.mlp")
            x = add(y, x, name=f"{name}.mlp", drop=rate)
        pyramid.append(x)
    return pyramid, global_pool(layer_norm(x, name="norm", epsilon=EPSILON))
