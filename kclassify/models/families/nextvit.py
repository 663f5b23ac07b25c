"""Next-ViT (arXiv 2207.05501): blocks of grouped convolutions, and in each stage some that mix attention with them."""

from collections.abc import Sequence

from keras import ops

from kclassify.models.blocks import (
    Tensor,
    add,
    average_pool,
    batch_norm,
    concatenate,
    conv_bn,
    convolution,
    drop_rates,
    fixed_size,
    global_pool,
    round_channels,
)
from kclassify.models.tokens import dense, mlp, sequence

HEAD = 32  # channels of a head of attention and of a group of convolutions
MIX = 0.75  # the part of the channels that attention makes
STEM = ((64, 2), (32, 1), (64, 1), (64, 2))  # (channels, stride)


def embed(x: Tensor, channels: int, stride: int = 1, *, name: str) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels]; nothing is done where the shape is right."""
    x = average_pool(x, 2, 2, name=f"{name}.pool", padding="same") if stride > 1 else x
    same = stride == 1 and channels == x.shape[-1]
    return x if same else conv_bn(x, channels, names=(f"{name}.conv", f"{name}.norm"), activation=None)


def grouped(x: Tensor, *, name: str, drop: float) -> Tensor:
    """A convolution in groups, one for each head, beside a shortcut: [N, H, W, C] -> the same."""
    channels, names = x.shape[-1], (f"{name}.group_conv3x3", f"{name}.norm")
    y = conv_bn(x, channels, 3, groups=channels // HEAD, names=names)
    return add(convolution(y, channels, name=f"{name}.projection"), x, name=name, drop=drop)


def feed_forward(x: Tensor, ratio: int, *, norm: str, name: str, drop: float) -> Tensor:
    """Two 1x1 convolutions beside a shortcut: [N, H, W, C] -> the same."""
    y = mlp(batch_norm(x, name=norm), ratio * x.shape[-1], name=name, activation="relu", layer=convolution)
    return add(y, x, name=name, drop=drop)


def attention(x: Tensor, reduction: int, *, name: str) -> Tensor:
    """Multi-head attention of each place to the means of `reduction` squared places in a row: [N, H, W, C] -> the same."""
    height, width, channels = x.shape[1:]
    x = sequence(x)  # [N, H * W, C]
    query = dense(x, channels, name=f"{name}.q")
    if reduction > 1:
        means = height * width // reduction**2
        x = ops.mean(ops.reshape(x[:, : means * reduction**2], (-1, means, reduction**2, channels)), axis=2)
        x = batch_norm(x, name=f"{name}.norm")  # [N, means, C]
    tensors = (query, dense(x, channels, name=f"{name}.k"), dense(x, channels, name=f"{name}.v"))
    y = ops.dot_product_attention(*(ops.reshape(tensor, (-1, tensor.shape[1], channels // HEAD, HEAD)) for tensor in tensors))
    return dense(ops.reshape(y, (-1, height, width, channels)), channels, name=f"{name}.proj")


def conv_block(x: Tensor, channels: int, stride: int, *, name: str, drop: float) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels]."""
    x = grouped(embed(x, channels, stride, name=f"{name}.patch_embed"), name=f"{name}.mhca", drop=drop)
    return feed_forward(x, 3, norm=f"{name}.norm", name=f"{name}.mlp", drop=drop)


def mixed_block(x: Tensor, channels: int, stride: int, reduction: int, *, name: str, drop: float) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels]: what attention makes beside what grouped convolutions make of that."""
    inside = round_channels(int(channels * MIX), 32)
    x = embed(x, inside, stride, name=f"{name}.patch_embed")  # [N, H/stride, W/stride, inside]
    y = attention(batch_norm(x, name=f"{name}.norm1"), reduction, name=f"{name}.e_mhsa")
    x = add(y, x, name=f"{name}.e_mhsa", drop=drop * MIX)
    y = grouped(embed(x, channels - inside, name=f"{name}.projection"), name=f"{name}.mhca", drop=drop * (1 - MIX))
    return feed_forward(concatenate([x, y], name=name), 2, norm=f"{name}.norm2", name=f"{name}.mlp", drop=drop)


def build(x: Tensor, *, depths: Sequence[int], drop_path: float = 0.0) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> four maps and features [N, 1024]."""
    fixed_size(x)
    for index, (channels, stride) in enumerate(STEM):
        x = conv_bn(x, channels, 3, stride, names=(f"stem.{index}.conv", f"stem.{index}.norm"))  # [N, H/4, W/4, 64] in the end
    pyramid = []
    for stage, rates in enumerate(drop_rates(drop_path, depths)):
        period = 5 if stage == 2 else depths[stage]  # blocks from one with attention to the next
        for index, rate in enumerate(rates):
            name, stride = f"stages.{stage}.blocks.{index}", 2 if stage and index == 0 else 1
            if stage and (index + 1) % period == 0:
                x = mixed_block(x, (256, 512, 1024)[stage - 1], stride, 8 >> stage, name=name, drop=rate)
            else:
                x = conv_block(x, 96 << stage, stride, name=name, drop=rate)  # [N, H/(4 << stage), ..., 96 << stage]
        pyramid.append(x)
    return pyramid, global_pool(batch_norm(x, name="norm"))
