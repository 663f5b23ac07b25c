"""PoolFormer (arXiv 2111.11418), ConvFormer and CAFormer (arXiv 2210.13452): transformers whose tokens are mixed by whatever one likes."""

from collections.abc import Sequence
from functools import partial

from keras import initializers, layers, ops

from kclassify.models import blocks
from kclassify.models.blocks import Tensor, activate, add, average_pool, drop_rates, fixed_size, global_pool, layer_name
from kclassify.models.tokens import dense, layer_norm, picture, scale, sequence

HEAD = 32  # channels of an attention head
HIDDEN = 4  # times the channels are inside an MLP

convolution = partial(blocks.convolution, spread=0.02)  # the start of all kernels in the paper's code


def norm(x: Tensor, *, name: str, first: bool = False, pool: bool = False) -> Tensor:
    """[N, ..., C] -> the same, normalised over the picture where pools mix, else for each place; the `first` paper has offsets."""
    if pool:
        return layers.GroupNormalization(1, epsilon=1e-5 if first else 1e-6, center=first, name=layer_name(name))(x)
    return layers.LayerNormalization(epsilon=1e-6, center=False, name=layer_name(name))(x)


def star_relu(x: Tensor, *, name: str) -> Tensor:
    """The square of ReLU, times a learned number plus another: [N, ..., C] -> the same. Two stock layers hold the numbers."""
    axes, squared = "nabc"[: len(x.shape)], ops.square(ops.relu(x))
    times = layers.EinsumDense(
        f"{axes}x,x->{axes}", output_shape=x.shape[1:], kernel_initializer=initializers.Ones(), name=layer_name(f"{name}.scale")
    )
    plus = layers.EinsumDense(
        f"{axes[:-1]}x,x->{axes[:-1]}", output_shape=x.shape[1:-1], kernel_initializer=initializers.Zeros(), name=layer_name(f"{name}.bias")
    )
    return times(ops.expand_dims(squared, -1)) + ops.expand_dims(plus(ops.ones_like(x[..., :1])), -1)


def mix(x: Tensor, mixer: str, *, name: str) -> Tensor:
    """Every place learns of others, by a "pool", a separable "conv" or "attention": [N, ..., C] -> the same."""
    width = x.shape[-1]
    if mixer == "pool":
        return average_pool(x, 3, 1, name=f"{name}.pool", padding="same") - x
    if mixer == "conv":
        x = star_relu(convolution(x, 2 * width, name=f"{name}.pwconv1"), name=f"{name}.act1")  # [N, H, W, 2 * C]
        x = convolution(x, 2 * width, 7, groups=2 * width, name=f"{name}.dwconv")
        return convolution(x, width, name=f"{name}.pwconv2")
    length = x.shape[1]
    qkv = ops.reshape(dense(x, 3 * width, name=f"{name}.qkv", bias=False), (-1, length, 3, width // HEAD, HEAD))
    x = ops.dot_product_attention(qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2])  # [N, L, C/32, 32]
    return dense(ops.reshape(x, (-1, length, width)), width, name=f"{name}.proj", bias=False)


def mlp(x: Tensor, *, name: str, first: bool) -> Tensor:
    """Two dense layers, for pictures as 1x1 convolutions: [N, ..., C] -> the same."""
    width = x.shape[-1]
    layer = dense if len(x.shape) == 3 else convolution
    y = layer(x, HIDDEN * width, name=f"{name}.fc1", bias=first)
    y = activate(y, "gelu", name=f"{name}.fc1") if first else star_relu(y, name=f"{name}.act")
    return layer(y, width, name=f"{name}.fc2", bias=first)


def block(x: Tensor, mixer: str, *, name: str, first: bool, weigh: bool, drop: float) -> Tensor:
    """Mixer and MLP, each added to the rest: [N, ..., C] -> the same. `weigh` scales the rest, the `first` paper what is added."""
    for number in (1, 2):
        y = norm(x, name=f"{name}.norm{number}", first=first, pool=mixer == "pool")
        y = mix(y, mixer, name=f"{name}.token_mixer") if number == 1 else mlp(y, name=f"{name}.mlp", first=first)
        y = scale(y, name=f"{name}.layer_scale{number}.scale", start=1e-5) if first else y
        x = scale(x, name=f"{name}.res_scale{number}.scale", start=1.0) if weigh else x
        x = add(y, x, name=f"{name}.{number}", drop=drop)
    return x


def build(
    x: Tensor, *, depths: Sequence[int], widths: Sequence[int], mixers: Sequence[str], first: bool = False, drop_path: float = 0.0
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> four maps and features [N, C], or [N, 4 * C] where a hidden layer stands before the classifier.

    `mixers` names what mixes the tokens at each size; `first` is PoolFormer as first published.
    """
    if "attention" in mixers:
        fixed_size(x)
    x = convolution(x, widths[0], 7, 4, padding=2, name="stem.conv", bias=True)  # [N, H/4, W/4, C]
    x = x if first else norm(x, name="stem.norm")
    pyramid: list[Tensor] = []
    for stage, rates in enumerate(drop_rates(drop_path, depths)):
        name, mixer = f"stages.{stage}", mixers[stage]
        if stage:
            x = x if first else norm(x, name=f"{name}.downsample.norm")
            x = convolution(x, widths[stage], 3, 2, name=f"{name}.downsample.conv", bias=True)  # [N, H/2, W/2, C] of before
        height, width = x.shape[1:3]
        x = sequence(x) if mixer == "attention" else x
        for index, drop in enumerate(rates):
            x = block(x, mixer, name=f"{name}.blocks.{index}", first=first, weigh=stage > 1 and not first, drop=drop)
        x = picture(x, height, width) if mixer == "attention" else x
        pyramid.append(x)
    x = layer_norm(global_pool(x), name="head.norm")  # [N, C]
    if "pool" not in mixers:
        x = ops.square(activate(dense(x, HIDDEN * widths[-1], name="head.fc.fc1"), "relu", name="head.fc.fc1"))
        x = layer_norm(x, name="head.fc.norm")  # [N, 4 * C]
    return pyramid, x
