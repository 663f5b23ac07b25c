"""ShuffleNetV2: torchvision's weights where it has the width, else PaddleClas'."""

from kclassify.presets.row import Series

PADDLE_FILES = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/ShuffleNetV2_"
TORCHVISION_FILES = "https://download.pytorch.org/models/shufflenetv2_"

SHUFFLENETV2 = Series("ShuffleNetV2", "shufflenetv2", "fc", "1807.11164")

# fmt: off
ROWS = (
    SHUFFLENETV2.row("shufflenetv2_x0_25", {"channels": (24, 48, 96), "features": 512, "paddle": True},                  heads=("_fc",), paddle="ShuffleNetV2_x0_25", sources=(f"{PADDLE_FILES}x0_25_pretrained.pdparams",)),
    SHUFFLENETV2.row("shufflenetv2_x0_33", {"channels": (32, 64, 128), "features": 512, "paddle": True},                 heads=("_fc",), paddle="ShuffleNetV2_x0_33", sources=(f"{PADDLE_FILES}x0_33_pretrained.pdparams",)),
    SHUFFLENETV2.row("shufflenetv2_x0_5",  {"channels": (48, 96, 192)},                                                  paddle="ShuffleNetV2_x0_5",  sources=(f"{TORCHVISION_FILES}x0.5-f707e7126e.pth",), licence="BSD-3-Clause"),
    SHUFFLENETV2.row("shufflenetv2",       {"channels": (116, 232, 464)},                                                paddle="ShuffleNetV2",       sources=(f"{TORCHVISION_FILES}x1-5666bf0f80.pth",),   licence="BSD-3-Clause", aliases=("ShuffleNetV2_x1_0",)),
    SHUFFLENETV2.row("shufflenetv2_x1_5",  {"channels": (176, 352, 704)},                                                paddle="ShuffleNetV2_x1_5",  sources=(f"{TORCHVISION_FILES}x1_5-3c479a10.pth",),   licence="BSD-3-Clause"),
    SHUFFLENETV2.row("shufflenetv2_x2_0",  {"channels": (244, 488, 976), "features": 2048},                              paddle="ShuffleNetV2_x2_0",  sources=(f"{TORCHVISION_FILES}x2_0-8be3c8ee.pth",),   licence="BSD-3-Clause"),
    SHUFFLENETV2.row("shufflenetv2_swish", {"channels": (116, 232, 464), "activation": "silu", "paddle": True},          heads=("_fc",), paddle="ShuffleNetV2_swish", sources=(f"{PADDLE_FILES}swish_pretrained.pdparams",)),
)
# fmt: on
