"""PaddleClas' MobileNetV2 (arXiv 1801.04381) and V3 (arXiv 1905.02244), which are not quite the papers': every block expands."""

from typing import Any

from kclassify.models.blocks import PADDLE, Tensor, activate, add, convolution, flatten, global_pool, multiply, round_channels, unit

# Expansion, channels, repeats, stride of the first
V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
# Activation, whether squeeze-and-excitation follows, kernel, inner channels, channels, stride
LARGE = (
    ("relu", False, 3, 16, 16, 1),
    ("relu", False, 3, 64, 24, 2),
    ("relu", False, 3, 72, 24, 1),
    ("relu", True, 5, 72, 40, 2),
    *(("relu", True, 5, 120, 40, 1),) * 2,
    ("hard_silu", False, 3, 240, 80, 2),
    ("hard_silu", False, 3, 200, 80, 1),
    *(("hard_silu", False, 3, 184, 80, 1),) * 2,
    ("hard_silu", True, 3, 480, 112, 1),
    ("hard_silu", True, 3, 672, 112, 1),
    ("hard_silu", True, 5, 672, 160, 2),
    *(("hard_silu", True, 5, 960, 160, 1),) * 2,
)
SMALL = (
    ("relu", True, 3, 16, 16, 2),
    ("relu", False, 3, 72, 24, 2),
    ("relu", False, 3, 88, 24, 1),
    ("hard_silu", True, 5, 96, 40, 2),
    *(("hard_silu", True, 5, 240, 40, 1),) * 2,
    ("hard_silu", True, 5, 120, 48, 1),
    ("hard_silu", True, 5, 144, 48, 1),
    ("hard_silu", True, 5, 288, 96, 2),
    *(("hard_silu", True, 5, 576, 96, 1),) * 2,
)


def gated(x: Tensor, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same times clip(0.2 y + 0.5, 0, 1); Keras' hard_sigmoid is clip(y / 6 + 0.5, 0, 1)."""
    y = global_pool(x, name=f"{name}.pool", keepdims=True)  # [N, 1, 1, C]
    y = activate(convolution(y, x.shape[-1] // 4, name=f"{name}.conv1", bias=True), "relu", name=f"{name}.conv1")  # [N, 1, 1, C/4]
    y = convolution(y, x.shape[-1], name=f"{name}.conv2", bias=True)  # [N, 1, 1, C]
    return multiply([x, activate(y * 1.2, "hard_sigmoid", name=f"{name}.conv2")], name=name)


def second(x: Tensor, width: float) -> tuple[list[Tensor], Tensor]:
    """MobileNetV2, whose channels are not rounded to multiples of 8."""
    more: dict[str, Any] = {"leaves": PADDLE, "activation": "relu6"}
    x = unit(x, int(32 * width), 3, 2, name="conv1", **more)  # [N, H/2, W/2, 32 * width]
    pyramid = [x]
    for stage, (expansion, channels, repeats, first_stride) in enumerate(V2, start=2):
        for index in range(repeats):
            name = f"conv{stage}.conv{stage}_{index + 1}" if index else f"conv{stage}._first_block"
            stride, inside, shortcut = 1 if index else first_stride, x.shape[-1] * expansion, x
            x = unit(x, inside, name=f"{name}._expand_conv", **more)  # [N, H, W, inside]
            x = unit(x, inside, 3, stride, groups=inside, name=f"{name}._bottleneck_conv", **more)  # [N, H/s, W/s, inside]
            x = unit(
                x, int(channels * width), name=f"{name}._linear_conv", leaves=PADDLE, activation=None
            )  # [N, H/s, W/s, channels * width]
            x = add(x, shortcut, name=name) if index else x
            pyramid = [*(pyramid[:-1] if stride == 1 else pyramid), x]
    x = unit(x, int(1280 * max(1, width)), name="conv9", **more)  # [N, H/32, W/32, 1280 or more]
    return pyramid, global_pool(x)


def third(x: Tensor, width: float, *, small: bool) -> tuple[list[Tensor], Tensor]:
    """MobileNetV3, whose weights expect features smaller by the rate of the dropout after them, 0.2."""
    x = unit(x, round_channels(16 * width), 3, 2, name="conv", activation="hard_silu")  # [N, H/2, W/2, 16 * width]
    pyramid = [x]
    for index, (activation, squeeze, kernel, expanded, channels, stride) in enumerate(SMALL if small else LARGE):
        name, shortcut, inside, outside = f"blocks.{index}", x, round_channels(expanded * width), round_channels(channels * width)
        x = unit(x, inside, name=f"{name}.expand_conv", activation=activation)  # [N, H, W, inside]
        x = unit(x, inside, kernel, stride, groups=inside, name=f"{name}.bottleneck_conv", activation=activation)
        x = gated(x, name=f"{name}.mid_se") if squeeze else x  # [N, H/s, W/s, inside]
        x = unit(x, outside, name=f"{name}.linear_conv", activation=None)  # [N, H/s, W/s, outside]
        x = add(x, shortcut, name=name) if stride == 1 and shortcut.shape[-1] == outside else x
        pyramid = [*(pyramid[:-1] if stride == 1 else pyramid), x]
    before = round_channels((576 if small else 960) * width)
    x = unit(x, before, name="last_second_conv", activation="hard_silu")  # [N, H/32, W/32, before]
    x = activate(convolution(global_pool(x, keepdims=True), 1280, name="last_conv"), "hard_silu", name="last_conv")  # [N, 1, 1, 1280]
    return pyramid, flatten(x * 0.8, name="last_conv.flatten")  # [N, 1280]


def build(x: Tensor, *, version: int, width: float, small: bool = False) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 1280], of MobileNetV2 more at a width over 1; `small` is of MobileNetV3."""
    return second(x, width) if version == 2 else third(x, width, small=small)
