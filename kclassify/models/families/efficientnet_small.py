"""PaddleClas' EfficientNetB0_small: EfficientNet-B0 (arXiv 1905.11946) without squeeze-and-excitation."""

from functools import partial

from kclassify.models.blocks import Tensor, add, drop_rates, global_pool, unit

# Kernel, expansion, channels, repeats, stride of the first
STAGES = ((3, 1, 16, 1, 1), (3, 6, 24, 2, 2), (5, 6, 40, 2, 2), (3, 6, 80, 3, 2), (5, 6, 112, 3, 1), (5, 6, 192, 4, 2), (3, 6, 320, 1, 1))


def build(x: Tensor, *, drop_path: float = 0.0) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 1280]."""
    layer = partial(unit, leaves=("_conv._conv", "_bn"), activation="silu", epsilon=1e-3)
    x = layer(x, 32, 3, 2, name="_ef._conv_stem._conv")  # [N, H/2, W/2, 32]
    pyramid, count = [x], 0
    rates = drop_rates(drop_path, [repeats for _, _, _, repeats, _ in STAGES])
    for stage, (kernel, expansion, channels, repeats, first_stride) in enumerate(STAGES):
        for index in range(repeats):
            # PaddleClas' paths have two dots here.
            name, stride, shortcut = f"_ef.{'block' if index else '_blocks'}.{count}.", 1 if index else first_stride, x
            inside, count = x.shape[-1] * expansion, count + 1
            x = layer(x, inside, name=f"{name}._ecn._conv") if expansion > 1 else x  # [N, H, W, inside]
            x = layer(x, inside, kernel, stride, name=f"{name}._dcn._conv", groups=inside)  # [N, H/s, W/s, inside]
            x = layer(x, channels, name=f"{name}._pcn._conv", activation=None)  # [N, H/s, W/s, channels]
            x = add(x, shortcut, name=name, drop=rates[stage][index]) if index else x
        pyramid = [*(pyramid[:-1] if first_stride == 1 else pyramid), x]
    return pyramid, global_pool(layer(x, 1280, name="_conv"))  # [N, 1280]
