"""DarkNet53, and CSPDarkNet53."""

from kclassify.presets.card import Preprocessing
from kclassify.presets.row import Series

DARKNET = Series("DarkNet", "darknet", "head.fc", "1804.02767")
CSPNET = Series("CSPNet", "darknet", "head.fc", "1911.11929")

# PaddleClas' DarkNet53 has ReLU; the paper's and timm's, leaky ReLU.
# fmt: off
ROWS = (
    DARKNET.row("darknet53",       {"paddle": True}, paddle="DarkNet53", heads=("_out",), sources=("https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/DarkNet53_pretrained.pdparams",), preprocessing=Preprocessing(size=256)),
    DARKNET.row("darknet53_leaky", {},               timm="darknet53", sources=("timm/darknet53.c2ns_in1k",)),
    CSPNET.row("cspdarknet53",     {"cross": True},  paddle="CSPDarkNet53", timm="cspdarknet53.ra_in1k"),
)
# fmt: on
