"""ConvNeXt (arXiv 2201.03545): depthwise 7x7 convolutions with a transformer's order of layers; V2 (arXiv 2301.00808)."""

from collections.abc import Sequence
from functools import partial

from keras import ops

from kclassify.models import blocks
from kclassify.models.blocks import Tensor, activate, add, drop_rates, global_pool, multiply
from kclassify.models.tokens import dense, layer_norm, parameter, scale

convolution = partial(blocks.convolution, spread=0.02)  # the start of all kernels in the papers' code


def response_norm(x: Tensor, *, name: str) -> Tensor:
    """[N, H, W, C] plus its channels scaled by their own norms over the picture, in parts of the mean norm of all channels."""
    squares = ops.sum(ops.square(ops.cast(x, "float32")), axis=(1, 2), keepdims=True)  # half precision would overflow
    norms = ops.sqrt(ops.maximum(squares, 1e-12))  # [N, 1, 1, C]; a root has no slope at 0
    norms = ops.cast(norms / (ops.mean(norms, axis=-1, keepdims=True) + 1e-6), x.dtype)
    offset = parameter(norms, (x.shape[-1],), name=f"{name}.bias", start=0.0)  # [1, C]
    return x + scale(multiply([x, norms], name=name), name=f"{name}.weight", start=0.0) + offset


def feed_forward(x: Tensor, *, name: str, pointwise: bool, response: bool) -> Tensor:
    """Two matrices with a GELU between them: [N, H, W, C] -> the same; `pointwise` where torch keeps them as 1x1 convolutions."""
    layer = convolution if pointwise else dense
    y = activate(layer(x, 4 * x.shape[-1], name=f"{name}.fc1", bias=True), "gelu", name=f"{name}.fc1")  # [N, H, W, 4 * C]
    y = response_norm(y, name=f"{name}.grn") if response else y
    return layer(y, x.shape[-1], name=f"{name}.fc2", bias=True)


def build(
    x: Tensor, *, widths: Sequence[int], depths: Sequence[int], pointwise: bool = False, version: int = 1, drop_path: float = 0.0
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> four maps and features [N, widths[-1]]; `version` 2 has response norms instead of layer scales."""
    x = layer_norm(convolution(x, widths[0], 4, 4, name="stem.0", padding="valid", bias=True), name="stem.1")  # [N, H/4, W/4, widths[0]]
    pyramid = []
    for stage, (width, rates) in enumerate(zip(widths, drop_rates(drop_path, depths), strict=True)):
        if stage:
            x, name = layer_norm(x, name=f"stages.{stage}.downsample.0"), f"stages.{stage}.downsample.1"
            x = convolution(x, width, 2, 2, name=name, padding="valid", bias=True)  # [N, H/(4 << stage), ..., width]
        for index, rate in enumerate(rates):
            name = f"stages.{stage}.blocks.{index}"
            y = layer_norm(convolution(x, width, 7, name=f"{name}.conv_dw", groups=width, bias=True), name=f"{name}.norm")
            y = feed_forward(y, name=f"{name}.mlp", pointwise=pointwise, response=version == 2)
            x = add(scale(y, name=f"{name}.gamma") if version == 1 else y, x, name=name, drop=rate)
        pyramid.append(x)
    return pyramid, layer_norm(global_pool(x), name="head.norm")
