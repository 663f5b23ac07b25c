"""ReXNet (arXiv 2007.00992): inverted residual blocks whose channels grow a little from each block to the next."""

from typing import Any

from keras import ops

from kclassify.models.blocks import Tensor, activate, add, batch_norm, convolution, drop_rates, global_pool, multiply, round_channels, unit

DEPTHS, STRIDES = (1, 2, 2, 3, 3, 5), (1, 2, 2, 2, 1, 2)
GROWTH = 180  # channels from the first block to the last at width 1


def squeeze_excite(x: Tensor, channels: int, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same, each channel scaled by a gate from all of them; there is a BatchNorm inside."""
    y = convolution(global_pool(x, name=f"{name}.pool", keepdims=True), channels, name=f"{name}.fc1", bias=True)  # [N, 1, 1, channels]
    y = activate(batch_norm(y, name=f"{name}.bn"), "relu", name=f"{name}.bn")
    y = activate(convolution(y, x.shape[-1], name=f"{name}.fc2", bias=True), "sigmoid", name=f"{name}.fc2")  # [N, 1, 1, C]
    return multiply([x, y], name=name)


def block(x: Tensor, channels: int, stride: int, *, expansion: int, squeeze: bool, divisor: int, name: str, drop: float) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels]; the shortcut is added to the first C of the channels."""
    y, inside = x, round_channels(x.shape[-1] * expansion, divisor)
    if expansion > 1:
        y = unit(y, inside, name=f"{name}.conv_exp", activation="silu")  # [N, H, W, inside]
    y = unit(y, inside, 3, stride, groups=inside, name=f"{name}.conv_dw", activation=None)  # [N, H/s, W/s, inside]
    if squeeze:
        y = squeeze_excite(y, round_channels(int(inside * (1 / 12)), divisor), name=f"{name}.se")
    y = activate(y, "relu6", name=f"{name}.act_dw")
    y = unit(y, channels, name=f"{name}.conv_pwl", activation=None)  # [N, H/s, W/s, channels]
    if stride > 1 or channels < x.shape[-1]:
        return y
    return add(y, ops.pad(x, [[0, 0], [0, 0], [0, 0], [0, channels - x.shape[-1]]]), name=name, drop=drop)


def build(x: Tensor, *, width: float, divisor: int = 1, drop_path: float = 0.0) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 1280 * width]; all channels are multiples of `divisor`."""
    x = unit(x, round_channels(round(32 * width), divisor), 3, 2, name="stem", activation="silu")  # [N, H/2, W/2, 32 * width]
    pyramid, count, base = [x], 0, 16.0
    for stage, rates in enumerate(drop_rates(drop_path, DEPTHS)):
        for index, drop in enumerate(rates):
            stride, channels = STRIDES[stage] if index == 0 else 1, round_channels(round(base * width), divisor)
            more: dict[str, Any] = {"expansion": 6 if stage else 1, "squeeze": stage > 1, "divisor": divisor}
            x = block(x, channels, stride, name=f"features.{count}", drop=drop, **more)  # [N, H/32, W/32, ...] in the end
            pyramid = [*(pyramid if stride > 1 else pyramid[:-1]), x]
            count, base = count + 1, base + GROWTH / sum(DEPTHS)
    x = unit(x, round_channels(1280 * width, divisor), name=f"features.{count}", activation="silu")  # [N, H/32, W/32, ...]
    return pyramid, global_pool(x)  # [N, 1280 * width]
