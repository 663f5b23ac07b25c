"""PaddleClas' EfficientNetB0_small."""

from kclassify.presets.row import Series

PADDLE_FILES = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/EfficientNet"

EFFICIENT = Series("EfficientNet", "efficientnet_small", "_fc", "1905.11946", dropout=0.2)

ROWS = (
    EFFICIENT.row("efficientnet_b0_small", {}, paddle="EfficientNetB0_small", sources=(f"{PADDLE_FILES}B0_small_pretrained.pdparams",)),
)
