"""Transformer in Transformer (arXiv 2103.00112): a small transformer over the pixels of each patch feeds a large one over the patches."""

from keras import ops

from kclassify.models.blocks import Tensor, add, concatenate, convolution, drop_rates, fixed_size
from kclassify.models.tokens import dense, layer_norm, mlp, parameter, picture

PATCH = 16
INNER_HEADS = 4
EPSILON = 1e-5


def norm(x: Tensor, *, name: str) -> Tensor:
    """LayerNorm with the epsilon of this family."""
    return layer_norm(x, name=name, epsilon=EPSILON)


def attention(x: Tensor, heads: int, *, name: str) -> Tensor:
    """Multi-head self-attention whose values have a layer of their own: [N, L, C] -> the same."""
    length, width = x.shape[1:]
    qk = ops.reshape(dense(x, 2 * width, name=f"{name}.qk", bias=False), (-1, length, 2, heads, width // heads))
    value = ops.reshape(dense(x, width, name=f"{name}.v", bias=False), (-1, length, heads, width // heads))
    y = ops.dot_product_attention(qk[:, :, 0], qk[:, :, 1], value)  # [N, L, heads, C/heads]
    return dense(ops.reshape(y, (-1, length, width)), width, name=f"{name}.proj")


def transform(x: Tensor, heads: int, *, name: str, ending: str, drop: float) -> Tensor:
    """Attention and two dense layers, each beside a shortcut: [N, L, C] -> the same; `ending` is that of the layers' names."""
    attn, dense_layers = f"{name}.attn_{ending}", f"{name}.mlp_in" if ending == "in" else f"{name}.mlp"
    x = add(attention(norm(x, name=f"{name}.norm_{ending}"), heads, name=attn), x, name=attn, drop=drop)
    y = mlp(norm(x, name=dense_layers.replace(".mlp", ".norm_mlp")), 4 * x.shape[-1], name=dense_layers)
    return add(y, x, name=dense_layers, drop=drop)


def build(x: Tensor, *, width: int, inner: int, depth: int, heads: int, drop_path: float = 0.0) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> one map of patches and features [N, width]; a patch has 16 places of `inner` channels."""
    fixed_size(x)
    rows, columns = x.shape[1] // PATCH, x.shape[2] // PATCH
    count = rows * columns
    x = x[:, : rows * PATCH, : columns * PATCH]
    x = ops.transpose(ops.reshape(x, (-1, rows, PATCH, columns, PATCH, 3)), (0, 1, 3, 2, 4, 5))
    x = ops.reshape(x, (-1, PATCH, PATCH, 3))  # [N * count, 16, 16, 3]: each patch is a picture of its own
    x = convolution(x, inner, 7, 4, name="pixel_embed.proj", bias=True)  # [N * count, 4, 4, inner]
    side = x.shape[1]
    places = ops.transpose(parameter(x, (1, inner, side, side), name="pixel_pos"), (0, 2, 3, 1))
    pixels = ops.reshape(add(x, places, name="pixel_pos"), (-1, side**2, inner))  # [N * count, 16, inner]
    y = norm(ops.reshape(pixels, (-1, count, side**2 * inner)), name="norm1_proj")
    x = norm(dense(y, width, name="proj"), name="norm2_proj")  # [N, count, width]
    x = concatenate([parameter(x, (1, 1, width), name="cls_token"), x], name="tokens", axis=1)  # [N, 1 + count, width]
    x = add(x, parameter(x, (1, 1 + count, width), name="patch_pos"), name="patch_pos")
    for index, drop in enumerate(drop_rates(drop_path, [depth])[0]):
        name = f"blocks.{index}"
        pixels = transform(pixels, INNER_HEADS, name=name, ending="in", drop=drop)
        y = norm(ops.reshape(pixels, (-1, count, side**2 * inner)), name=f"{name}.norm1_proj")
        y = norm(dense(y, width, name=f"{name}.proj", bias=False), name=f"{name}.norm2_proj")
        x = add(ops.pad(y, [[0, 0], [1, 0], [0, 0]]), x, name=f"{name}.proj")  # nothing for the class token
        x = transform(x, heads, name=name, ending="out", drop=drop)
    x = norm(x, name="norm")
    return [picture(x[:, 1:], rows, columns)], x[:, 0]
