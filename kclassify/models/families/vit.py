"""Vision transformers: ViT (arXiv 2010.11929), DeiT (2012.12877), DeiT III (2204.07118), CLIP (2103.00020), DINOv2 (2304.07193)."""

from typing import Any

from keras import ops

from kclassify.models.blocks import Tensor, add, concatenate, convolution, drop_rates, fixed_size
from kclassify.models.tokens import attention, layer_norm, mlp, parameter, picture, scale, sequence


def block(x: Tensor, heads: int, hidden: int, *, name: str, epsilon: float, layer_scale: float, drop: float, **more: Any) -> Tensor:
    """Attention and two dense layers, each beside a shortcut: [N, L, C] -> the same; `more` is of `attention`."""
    y = attention(layer_norm(x, name=f"{name}.norm1", epsilon=epsilon), heads, name=f"{name}.attn", **more)
    y = scale(y, name=f"{name}.ls1.gamma", start=layer_scale) if layer_scale else y
    x = add(y, x, name=f"{name}.attn", drop=drop)
    y = mlp(layer_norm(x, name=f"{name}.norm2", epsilon=epsilon), hidden, name=f"{name}.mlp")
    y = scale(y, name=f"{name}.ls2.gamma", start=layer_scale) if layer_scale else y
    return add(y, x, name=f"{name}.mlp", drop=drop)


def tokens(x: Tensor, *, distilled: bool, registers: int, embed_class: bool) -> Tensor:
    """Patches [N, H * W, C] -> with their places, and before them tokens: of the class, of the teacher if `distilled`, and `registers`."""
    width, kinds = x.shape[-1], {"cls_token": 1, "dist_token": int(distilled), "reg_token": registers}
    places = parameter(x, (1, x.shape[1] + (sum(kinds.values()) if embed_class else 0), width), name="pos_embed")
    if not embed_class:
        x = add(x, places, name="pos_embed")
    first = [parameter(x, (1, count, width), name=name) for name, count in kinds.items() if count]
    x = concatenate([*first, x], name="tokens", axis=1)  # [N, tokens + H * W, C]
    return add(x, places, name="pos_embed") if embed_class else x


def build(
    x: Tensor,
    *,
    patch: int,
    width: int,
    depth: int,
    heads: int,
    mlp_ratio: int = 4,
    qkv_bias: bool = True,
    attention_scale: float | None = None,
    epsilon: float = 1e-6,
    distilled: bool = False,
    registers: int = 0,
    layer_scale: float = 0.0,
    embed_class: bool = True,
    pre_norm: bool = False,
    drop_path: float = 0.0,
) -> tuple[list[Tensor], Tensor | list[Tensor]]:
    """Normalised [N, H, W, 3] -> one map of patches and features [N, width]; two of those for a distilled model.

    `attention_scale` is the factor of the logits of attention, by default 1 over the root of a head's width; `embed_class`: the class
    token has a place of its own; `registers` is the number of tokens for what belongs to no place (arXiv 2309.16588); `pre_norm`: the
    first block gets normalised tokens, and patches no bias (CLIP).
    """
    fixed_size(x)
    x = convolution(x, width, patch, patch, name="patch_embed.proj", padding="valid", bias=not pre_norm)  # [N, H/patch, W/patch, width]
    height, across = x.shape[1:3]
    x = tokens(sequence(x), distilled=distilled, registers=registers, embed_class=embed_class)  # [N, L, width]
    x = layer_norm(x, name="norm_pre", epsilon=epsilon) if pre_norm else x
    shared: dict[str, Any] = {"epsilon": epsilon, "layer_scale": layer_scale, "bias": qkv_bias, "factor": attention_scale}
    for index, rate in enumerate(drop_rates(drop_path, [depth])[0]):
        x = block(x, heads, mlp_ratio * width, name=f"blocks.{index}", drop=rate, **shared)
    x = layer_norm(x, name="norm", epsilon=epsilon)
    patches = ops.reshape(x[:, -height * across :], (-1, height * across, width))
    return [picture(patches, height, across)], [x[:, 0], x[:, 1]] if distilled else x[:, 0]
