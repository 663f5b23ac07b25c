"""RepVGG (arXiv 2101.03697): a 3x3 convolution, a 1x1 convolution and the input itself, summed; `reparameterise` makes them one."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras import layers

from kclassify.models.blocks import Tensor, activate, batch_norm, global_pool, layer_name, squeeze_excite, unit

TIMM: dict[str, Any] = {"stem": "stem", "stage": "stages.{}", "first": 0, "kxk": "conv_kxk", "one": "conv_1x1", "identity": "identity"}
PADDLE: dict[str, Any] = {
    "stem": "stage0",
    "stage": "stage{}",
    "first": 1,
    "kxk": "rbr_dense",
    "one": "rbr_1x1",
    "identity": "rbr_identity",
}


def block(x: Tensor, channels: int, stride: int, *, name: str, paths: Mapping[str, Any], groups: int = 1, squeeze: bool = False) -> Tensor:
    """[N, H, W, C] -> [N, H/stride, W/stride, channels]; the input itself takes part where it has that shape."""
    branches = []
    for kernel, part in ((3, "kxk"), (1, "one")):  # [N, H/s, W/s, channels] each
        branches.append(unit(x, channels, kernel, stride, name=f"{name}.{paths[part]}", groups=groups, activation=None))
    if stride == 1 and x.shape[-1] == channels:
        branches.append(batch_norm(x, name=f"{name}.{paths['identity']}"))
    x = layers.Add(name=layer_name(f"{name}.add"))(branches)
    if squeeze:
        x = squeeze_excite(x, channels // 16, name=f"{name}.attn", gate="sigmoid", convs=("fc1", "fc2"))
    return activate(x, "relu", name=name)


def build(
    x: Tensor, *, depths: Sequence[int], widths: Sequence[float], groups: int = 1, squeeze: bool = False, paddle: bool = False
) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, 512 * widths[3]]; every second convolution has the `groups`.

    `paddle` gives the layers PaddleClas' names instead of timm's.
    """
    paths = PADDLE if paddle else TIMM
    x = block(x, min(64, int(64 * widths[0])), 2, name=paths["stem"], paths=paths, squeeze=squeeze)  # [N, H/2, W/2, 64]
    pyramid, count = [x], 1
    for stage, (depth, width) in enumerate(zip(depths, widths, strict=True)):
        for index in range(depth):
            name = f"{paths['stage'].format(stage + paths['first'])}.{index}"
            more: dict[str, Any] = {"groups": 1 if count % 2 else groups, "squeeze": squeeze}
            x = block(x, int((64 << stage) * width), 1 if index else 2, name=name, paths=paths, **more)
            count += 1
        pyramid.append(x)  # [N, H/4, W/4, ...] to [N, H/32, W/32, ...]
    return pyramid, global_pool(x)  # [N, 512 * widths[3]]
