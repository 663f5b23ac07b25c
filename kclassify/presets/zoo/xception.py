"""Xception as PaddleClas has it, and the aligned one of DeepLab, as timm and PaddleClas have it."""

from kclassify.presets.card import Preprocessing
from kclassify.presets.row import Series

XCEPTION = Series("Xception", "xception", "_exit_flow._out", "1610.02357")
DEEPLAB = Series("Xception", "xception_aligned", "_fc", "1802.02611", dropout=0.5)
ALIGNED = Series("Xception", "xception_aligned", "head.fc", "1802.02611")
PADDLE = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/"
SIZE = Preprocessing(size=299, crop_pct=0.934)
THREE, FIVE = ((128, 2), (256, 2), (728, 2)), ((128, 2), (256, 1), (256, 2), (728, 1), (728, 2))

# timm's first: their names are found in any case. PaddleClas' deeplab forms differ from timm's nets in one dilation.
# fmt: off
ROWS = (
    ALIGNED.row("xception41",         {"entry": THREE, "middle": 8},                                    timm="xception41.tf_in1k"),
    ALIGNED.row("xception65",         {"entry": THREE, "middle": 16},                                   timm="xception65.ra3_in1k"),
    ALIGNED.row("xception71",         {"entry": FIVE, "middle": 16},                                    timm="xception71.tf_in1k"),
    ALIGNED.row("xception41p",        {"entry": THREE, "middle": 8, "early": True, "epsilon": 1e-5},    timm="xception41p.ra3_in1k"),
    ALIGNED.row("xception65p",        {"entry": THREE, "middle": 16, "early": True},                    timm="xception65p.ra3_in1k"),
    XCEPTION.row("xception41_paddle", {"entry": THREE, "middle": 8},                                    paddle="Xception41", sources=(f"{PADDLE}Xception41_pretrained.pdparams",), preprocessing=SIZE),
    XCEPTION.row("xception65_paddle", {"entry": THREE, "middle": 16},                                   paddle="Xception65", sources=(f"{PADDLE}Xception65_pretrained.pdparams",), preprocessing=SIZE),
    XCEPTION.row("xception71_paddle", {"entry": FIVE, "middle": 16},                                    paddle="Xception71", sources=(f"{PADDLE}Xception71_pretrained.pdparams",), preprocessing=SIZE),
    DEEPLAB.row("xception41_deeplab", {"entry": THREE, "middle": 8, "paddle": "xception_41"},           paddle="Xception41_deeplab", sources=(f"{PADDLE}Xception41_deeplab_pretrained.pdparams",), preprocessing=SIZE),
    DEEPLAB.row("xception65_deeplab", {"entry": THREE, "middle": 16, "paddle": "xception_65"},          paddle="Xception65_deeplab", sources=(f"{PADDLE}Xception65_deeplab_pretrained.pdparams",), preprocessing=SIZE),
)
# fmt: on
