"""ConvNeXt (arXiv 2201.03545): depthwise 7x7 convolutions with a transformer's order of layers."""

from collections.abc import Sequence

from kclassify.models.blocks import Tensor, add, convolution, drop_rates, global_pool, layer_norm, mlp, scale


def build(x: Tensor, *, widths: Sequence[int], depths: Sequence[int], drop_path: float = 0.0) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> four maps and features [N, widths[-1]]."""
    x = layer_norm(convolution(x, widths[0], 4, 4, name="stem.0", padding="valid", bias=True), name="stem.1")  # [N, H/4, W/4, widths[0]]
    pyramid = []
    for stage, (width, rates) in enumerate(zip(widths, drop_rates(drop_path, depths), strict=True)):
        if stage:
            x, name = layer_norm(x, name=f"stages.{stage}.downsample.0"), f"stages.{stage}.downsample.1"
            x = convolution(x, width, 2, 2, name=name, padding="valid", bias=True)  # [N, H/(4 << stage), ..., width]
        for index, rate in enumerate(rates):
            name = f"stages.{stage}.blocks.{index}"
            y = convolution(x, width, 7, name=f"{name}.conv_dw", groups=width, bias=True)
            y = mlp(layer_norm(y, name=f"{name}.norm"), 4 * width, name=f"{name}.mlp")
            x = add(scale(y, name=f"{name}.gamma"), x, name=name, drop=rate)
        pyramid.append(x)
    return pyramid, layer_norm(global_pool(x), name="head.norm")
