"""DenseNet."""

from kclassify.presets.row import Series

DENSENET = Series("DenseNet", "densenet", "classifier", "1608.06993")

# fmt: off
ROWS = (
    DENSENET.row("densenet121", {"depths": (6, 12, 24, 16)},                            paddle="DenseNet121", timm="densenet121.ra_in1k"),
    DENSENET.row("densenet161", {"depths": (6, 12, 36, 24), "growth": 48, "stem": 96},  paddle="DenseNet161", timm="densenet161.tv_in1k"),
    DENSENET.row("densenet169", {"depths": (6, 12, 32, 32)},                            paddle="DenseNet169", timm="densenet169.tv_in1k"),
    DENSENET.row("densenet201", {"depths": (6, 12, 48, 32)},                            paddle="DenseNet201", timm="densenet201.tv_in1k"),
    DENSENET.row("densenet264", {"depths": (6, 12, 64, 48), "paddle": True},            paddle="DenseNet264", heads=("out",), sources=("https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/DenseNet264_pretrained.pdparams",)),
)
# fmt: on
