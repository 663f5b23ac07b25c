"""MobileNetV4 without attention; stages are block strings."""

from kclassify.presets.row import Series

SMALL = (  # arXiv 2404.10518, tables 5 to 7
    "cn_k3_s2_c32 cn_k1_s1_c32",
    "cn_k3_s2_c96 cn_k1_s1_c64",
    "uir_a5_k5_s2_e3_c96 uir_r4_a0_k3_s1_e2_c96 uir_a3_k0_s1_e4_c96",
    "uir_a3_k3_s2_e6_c128 uir_a5_k5_s1_e4_c128 uir_a0_k5_s1_e4_c128 uir_a0_k5_s1_e3_c128 uir_r2_a0_k3_s1_e4_c128",
    "cn_k1_s1_c960",
)
MEDIUM = (
    "er_k3_s2_e4_c48",
    "uir_a3_k5_s2_e4_c80 uir_a3_k3_s1_e2_c80",
    "uir_a3_k5_s2_e6_c160 uir_r2_a3_k3_s1_e4_c160 uir_a3_k5_s1_e4_c160 uir_a3_k3_s1_e4_c160 "
    "uir_a3_k0_s1_e4_c160 uir_a0_k0_s1_e2_c160 uir_a3_k0_s1_e4_c160",
    "uir_a5_k5_s2_e6_c256 uir_a5_k5_s1_e4_c256 uir_r2_a3_k5_s1_e4_c256 uir_a0_k0_s1_e4_c256 uir_a3_k0_s1_e4_c256 "
    "uir_a3_k5_s1_e2_c256 uir_a5_k5_s1_e4_c256 uir_r2_a0_k0_s1_e4_c256 uir_a5_k0_s1_e2_c256",
    "cn_k1_s1_c960",
)
LARGE = (
    "er_k3_s2_e4_c48",
    "uir_a3_k5_s2_e4_c96 uir_a3_k3_s1_e4_c96",
    "uir_a3_k5_s2_e4_c192 uir_r3_a3_k3_s1_e4_c192 uir_a3_k5_s1_e4_c192 uir_r5_a5_k3_s1_e4_c192 uir_a3_k0_s1_e4_c192",
    "uir_a5_k5_s2_e4_c512 uir_r3_a5_k5_s1_e4_c512 uir_a5_k0_s1_e4_c512 uir_a5_k3_s1_e4_c512 uir_r2_a5_k0_s1_e4_c512 "
    "uir_a5_k3_s1_e4_c512 uir_a5_k5_s1_e4_c512 uir_r3_a5_k0_s1_e4_c512",
    "cn_k1_s1_c960",
)

MOBILENET4 = Series("MobileNetV4", "mobilenetv4", "classifier", "2404.10518", dropout=0.2)

# fmt: off
ROWS = (
    MOBILENET4.row("mobilenetv4_conv_small_050", {"stages": SMALL,  "stem": 32, "width": 0.5}, timm="mobilenetv4_conv_small_050.e3000_r224_in1k"),
    MOBILENET4.row("mobilenetv4_conv_small",     {"stages": SMALL,  "stem": 32},               timm="mobilenetv4_conv_small.e2400_r224_in1k"),
    MOBILENET4.row("mobilenetv4_conv_medium",    {"stages": MEDIUM, "stem": 32},               timm="mobilenetv4_conv_medium.e500_r256_in1k"),
    MOBILENET4.row("mobilenetv4_conv_large",     {"stages": LARGE,  "stem": 24},               timm="mobilenetv4_conv_large.e600_r384_in1k"),
)
# fmt: on
