"""MobileViT (arXiv 2110.02178) and MobileViT v2 (arXiv 2206.02680): inverted residual blocks, and attention among every second place."""

from collections.abc import Sequence
from functools import partial

from keras import layers, ops

from kclassify.errors import UsageError
from kclassify.models.blocks import (
    Tensor,
    add,
    concatenate,
    convolution,
    drop_rates,
    fixed_size,
    global_pool,
    layer_name,
    round_channels,
    unit,
)
from kclassify.models.tokens import attention, dense, layer_norm, mlp

PATCH = 2
EPSILON = 1e-5


def inverted_residual(x: Tensor, channels: int, stride: int, expansion: int, *, name: str, drop: float) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    inside = round_channels(x.shape[-1] * expansion)
    y = unit(x, inside, name=f"{name}.conv1_1x1", activation="silu")  # [N, H, W, inside]
    y = unit(y, inside, 3, stride, groups=inside, name=f"{name}.conv2_kxk", activation="silu")
    y = unit(y, channels, name=f"{name}.conv3_1x1", activation=None)  # [N, H/stride, W/stride, channels]
    return add(y, x, name=name, drop=drop) if y.shape == x.shape else y


def into_places(x: Tensor) -> Tensor:
    """[N, H, W, C] -> [N, 4, H * W / 4, C]: the four places of a patch apart from each other."""
    height, width, channels = x.shape[1:]
    x = ops.reshape(x, (-1, height // PATCH, PATCH, width // PATCH, PATCH, channels))
    return ops.reshape(ops.transpose(x, (0, 2, 4, 1, 3, 5)), (-1, PATCH**2, height * width // PATCH**2, channels))


def out_of_places(x: Tensor, height: int, width: int) -> Tensor:
    """[N, 4, H * W / 4, C] -> [N, H, W, C]."""
    x = ops.reshape(x, (-1, PATCH, PATCH, height // PATCH, width // PATCH, x.shape[-1]))
    return ops.reshape(ops.transpose(x, (0, 3, 1, 4, 2, 5)), (-1, height, width, x.shape[-1]))


def group_norm(x: Tensor, *, name: str) -> Tensor:
    """[N, 4, L, C] -> the same, normalised over all but the samples."""
    return layers.GroupNormalization(1, epsilon=EPSILON, name=layer_name(name))(x)


def linear_attention(x: Tensor, *, name: str) -> Tensor:
    """Attention with one number a place instead of one a pair of places: [N, 4, L, C] -> the same."""
    channels = x.shape[-1]
    scores, key, value = ops.split(convolution(x, 1 + 2 * channels, name=f"{name}.qkv_proj", bias=True), [1, 1 + channels], axis=-1)
    context = ops.sum(key * ops.softmax(scores, axis=2), axis=2, keepdims=True)  # [N, 4, 1, C]
    return convolution(ops.relu(value) * context, channels, name=f"{name}.out_proj", bias=True)


def transform(x: Tensor, depth: int, *, linear: bool, name: str, drop: float) -> Tensor:
    """Transformer blocks among places, of `linear` attention or of the usual one: [N, 4, L, C] -> the same."""
    _, places, length, channels = x.shape
    norm, layer = (group_norm, convolution) if linear else (partial(layer_norm, epsilon=EPSILON), dense)
    x = x if linear else ops.reshape(x, (-1, length, channels))
    for index in range(depth):
        block = f"{name}.transformer.{index}"
        y, attn = norm(x, name=f"{block}.norm1"), f"{block}.attn"
        x = add(linear_attention(y, name=attn) if linear else attention(y, 4, name=attn), x, name=attn, drop=drop)
        y = mlp(norm(x, name=f"{block}.norm2"), 2 * channels, name=f"{block}.mlp", activation="silu", layer=layer)
        x = add(y, x, name=f"{block}.mlp", drop=drop)
    x = norm(x, name=f"{name}.norm")
    return x if linear else ops.reshape(x, (-1, places, length, channels))


def mobilevit_block(x: Tensor, inside: int, depth: int, *, linear: bool, name: str, drop: float) -> Tensor:
    """Convolutions for what is near, transformer blocks for what is far: [N, H, W, C] -> the same."""
    height, width, channels = x.shape[1:]
    y = unit(x, channels, 3, groups=channels if linear else 1, name=f"{name}.conv_kxk", activation="silu")
    y = into_places(convolution(y, inside, name=f"{name}.conv_1x1"))  # [N, 4, H * W / 4, inside]
    y = transform(y, depth, linear=linear, name=name, drop=drop)
    y = unit(out_of_places(y, height, width), channels, name=f"{name}.conv_proj", activation=None if linear else "silu")
    if linear:
        return y
    y = concatenate([x, y], name=name)
    return unit(y, channels, 3, name=f"{name}.conv_fusion", activation="silu")


def build(
    x: Tensor,
    *,
    stem: int,
    widths: Sequence[int],
    inner: Sequence[int],
    expansion: int,
    features: int = 0,
    linear: bool = False,
    drop_path: float = 0.0,
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, features], or [N, widths[-1]] for 0.

    `inner` are the widths of the transformers in the last three stages; `linear` is version 2. Raises UsageError for sides that are no
    multiples of 64.
    """
    if any(side % (32 * PATCH) for side in fixed_size(x)):
        raise UsageError(f"Unusable input_shape: {x.shape[1:]}. Expected sides that are multiples of {32 * PATCH}.")
    x = unit(x, stem, 3, 2, name="stem", activation="silu")  # [N, H/2, W/2, stem]
    pyramid, depths = [], (1, 2 if linear else 3, 2, 2, 2)
    for stage, (width, rates) in enumerate(zip(widths, drop_rates(drop_path, depths), strict=True)):
        for index, rate in enumerate(rates):
            name = f"stages.{stage}.{index}"
            if stage > 1 and index:
                x = mobilevit_block(x, inner[stage - 2], (2, 4, 3)[stage - 2], linear=linear, name=name, drop=rate)
            else:
                stride = 2 if stage and index == 0 else 1
                x = inverted_residual(x, width, stride, expansion, name=name, drop=rate)  # [N, H/(2 << stage), ..., width]
        pyramid.append(x)
    return pyramid, global_pool(unit(x, features, name="final_conv", activation="silu") if features else x)
