"""PaddleClas' MobileNetV2 and MobileNetV3 in all of their widths; timm's forms of them are in inverted.py."""

from kclassify.presets.row import Series

V2_FILES = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/"
V3_FILES = f"{V2_FILES}legendary_models/"

MOBILENET2 = Series("MobileNetV2", "inverted_paddle", "out", "1801.04381")
MOBILENET3 = Series("MobileNetV3", "inverted_paddle", "fc", "1905.02244", dropout=0.2)

# fmt: off
ROWS = (
    MOBILENET2.row("mobilenetv2_x0_25",          {"version": 2, "width": 0.25}, paddle="MobileNetV2_x0_25", sources=(f"{V2_FILES}MobileNetV2_x0_25_pretrained.pdparams",)),
    MOBILENET2.row("mobilenetv2_x0_5",           {"version": 2, "width": 0.5}, paddle="MobileNetV2_x0_5", sources=(f"{V2_FILES}MobileNetV2_x0_5_pretrained.pdparams",)),
    MOBILENET2.row("mobilenetv2_x0_75",          {"version": 2, "width": 0.75}, paddle="MobileNetV2_x0_75", sources=(f"{V2_FILES}MobileNetV2_x0_75_pretrained.pdparams",)),
    MOBILENET2.row("mobilenetv2_x1_5",           {"version": 2, "width": 1.5}, paddle="MobileNetV2_x1_5", sources=(f"{V2_FILES}MobileNetV2_x1_5_pretrained.pdparams",)),
    MOBILENET2.row("mobilenetv2_x2_0",           {"version": 2, "width": 2.0}, paddle="MobileNetV2_x2_0", sources=(f"{V2_FILES}MobileNetV2_x2_0_pretrained.pdparams",)),
    MOBILENET2.row("mobilenetv2_ssld",           {"version": 2, "width": 1.0}, paddle="MobileNetV2_ssld", sources=(f"{V2_FILES}MobileNetV2_ssld_pretrained.pdparams",)),
    MOBILENET3.row("mobilenetv3_large_x0_35",    {"version": 3, "width": 0.35}, paddle="MobileNetV3_large_x0_35", sources=(f"{V3_FILES}MobileNetV3_large_x0_35_pretrained.pdparams",)),
    MOBILENET3.row("mobilenetv3_large_x0_5",     {"version": 3, "width": 0.5}, paddle="MobileNetV3_large_x0_5", sources=(f"{V3_FILES}MobileNetV3_large_x0_5_pretrained.pdparams",)),
    MOBILENET3.row("mobilenetv3_large_x0_75",    {"version": 3, "width": 0.75}, paddle="MobileNetV3_large_x0_75", sources=(f"{V3_FILES}MobileNetV3_large_x0_75_pretrained.pdparams",)),
    MOBILENET3.row("mobilenetv3_large_x1_25",    {"version": 3, "width": 1.25}, paddle="MobileNetV3_large_x1_25", sources=(f"{V3_FILES}MobileNetV3_large_x1_25_pretrained.pdparams",)),
    MOBILENET3.row("mobilenetv3_small_x0_35",    {"version": 3, "width": 0.35, "small": True}, paddle="MobileNetV3_small_x0_35", sources=(f"{V3_FILES}MobileNetV3_small_x0_35_pretrained.pdparams",)),
    MOBILENET3.row("mobilenetv3_small_x0_5",     {"version": 3, "width": 0.5, "small": True}, paddle="MobileNetV3_small_x0_5", sources=(f"{V3_FILES}MobileNetV3_small_x0_5_pretrained.pdparams",)),
    MOBILENET3.row("mobilenetv3_small_x0_75",    {"version": 3, "width": 0.75, "small": True}, paddle="MobileNetV3_small_x0_75", sources=(f"{V3_FILES}MobileNetV3_small_x0_75_pretrained.pdparams",)),
    MOBILENET3.row("mobilenetv3_small_x1_0",     {"version": 3, "width": 1.0, "small": True}, paddle="MobileNetV3_small_x1_0", sources=(f"{V3_FILES}MobileNetV3_small_x1_0_pretrained.pdparams",)),
    MOBILENET3.row("mobilenetv3_small_x1_25",    {"version": 3, "width": 1.25, "small": True}, paddle="MobileNetV3_small_x1_25", sources=(f"{V3_FILES}MobileNetV3_small_x1_25_pretrained.pdparams",)),
    MOBILENET3.row("mobilenetv3_large_x1_0_ssld",{"version": 3, "width": 1.0}, paddle="MobileNetV3_large_x1_0_ssld", sources=(f"{V3_FILES}MobileNetV3_large_x1_0_ssld_pretrained.pdparams",)),
    MOBILENET3.row("mobilenetv3_small_x0_35_ssld",{"version": 3, "width": 0.35, "small": True}, paddle="MobileNetV3_small_x0_35_ssld", sources=(f"{V3_FILES}MobileNetV3_small_x0_35_ssld_pretrained.pdparams",)),
    MOBILENET3.row("mobilenetv3_small_x1_0_ssld",{"version": 3, "width": 1.0, "small": True}, paddle="MobileNetV3_small_x1_0_ssld", sources=(f"{V3_FILES}MobileNetV3_small_x1_0_ssld_pretrained.pdparams",)),
)
# fmt: on
