"""PaddleClas' MobileNetV1 (arXiv 1704.04861) and PP-LCNet (arXiv 2109.15099): depthwise separable convolutions without shortcuts."""

from functools import partial

from kclassify.models.blocks import Tensor, activate, convolution, flatten, global_pool, round_channels, squeeze_excite, unit

# Kernel, channels and stride of each block of a stage; PP-LCNet's last stage has squeeze-and-excitation.
MOBILENETV1 = (
    ((3, 64, 1), (3, 128, 2), (3, 128, 1), (3, 256, 2), (3, 256, 1), (3, 512, 2), *((3, 512, 1),) * 5, (3, 1024, 2), (3, 1024, 1)),
)
LCNET = (
    ((3, 32, 1),),
    ((3, 64, 2), (3, 64, 1)),
    ((3, 128, 2), (3, 128, 1)),
    ((3, 256, 2), *((5, 256, 1),) * 5),
    ((5, 512, 2), (5, 512, 1)),
)


def build(x: Tensor, *, width: float, lcnet: bool = False) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features, [N, 1024 * width] of MobileNetV1 and [N, 1280] of PP-LCNet.

    PP-LCNet's weights expect features smaller by the rate of the dropout after them, 0.2.
    """
    activation = "hard_silu" if lcnet else "relu"
    stem, stages, depthwise, pointwise = (
        (16, LCNET, "dw_conv", "pw_conv") if lcnet else (32, MOBILENETV1, "depthwise_conv", "pointwise_conv")
    )
    layer = partial(unit, activation=activation)
    x = layer(x, round_channels(stem * width), 3, 2, name="conv1" if lcnet else "conv")  # [N, H/2, W/2, stem * width]
    pyramid = [x]
    for stage, blocks in enumerate(stages):
        for index, (kernel, channels, stride) in enumerate(blocks):
            name = f"blocks{stage + 2}.{index}" if lcnet else f"blocks.{index}"
            x = layer(x, x.shape[-1], kernel, stride, name=f"{name}.{depthwise}", groups=x.shape[-1])  # [N, H/s, W/s, C]
            if channels == 512 and lcnet:
                x = squeeze_excite(x, x.shape[-1] // 4, name=f"{name}.se", convs=("conv1", "conv2"))
            x = layer(x, round_channels(channels * width), name=f"{name}.{pointwise}")  # [N, H/32, W/32, channels * width] in the end
            pyramid = [*(pyramid[:-1] if stride == 1 else pyramid), x]
    if not lcnet:
        return pyramid, global_pool(x)  # [N, 1024 * width]
    x = activate(convolution(global_pool(x, keepdims=True), 1280, name="last_conv"), activation, name="last_conv")  # [N, 1, 1, 1280]
    return pyramid, flatten(x * 0.8, name="last_conv.flatten")  # [N, 1280]
