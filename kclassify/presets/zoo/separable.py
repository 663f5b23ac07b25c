"""PaddleClas' MobileNetV1 and PP-LCNet in all of their widths; timm's forms of them are in inverted.py."""

from kclassify.presets.row import Series

PADDLE_FILES = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/legendary_models/"

MOBILENET1 = Series("MobileNetV1", "separable", "fc", "1704.04861")
PPLCNET = Series("PPLCNet", "separable", "fc", "2109.15099", dropout=0.2)

# fmt: off
ROWS = (
    MOBILENET1.row("mobilenetv1_x0_25",  {"width": 0.25}, paddle="MobileNetV1_x0_25", sources=(f"{PADDLE_FILES}MobileNetV1_x0_25_pretrained.pdparams",)),
    MOBILENET1.row("mobilenetv1_x0_5",   {"width": 0.5}, paddle="MobileNetV1_x0_5", sources=(f"{PADDLE_FILES}MobileNetV1_x0_5_pretrained.pdparams",)),
    MOBILENET1.row("mobilenetv1_x0_75",  {"width": 0.75}, paddle="MobileNetV1_x0_75", sources=(f"{PADDLE_FILES}MobileNetV1_x0_75_pretrained.pdparams",)),
    MOBILENET1.row("mobilenetv1",        {"width": 1.0}, paddle="MobileNetV1", sources=(f"{PADDLE_FILES}MobileNetV1_pretrained.pdparams",)),
    MOBILENET1.row("mobilenetv1_ssld",   {"width": 1.0}, paddle="MobileNetV1_ssld", sources=(f"{PADDLE_FILES}MobileNetV1_ssld_pretrained.pdparams",)),
    PPLCNET.row("pplcnet_x0_25",         {"width": 0.25, "lcnet": True}, paddle="PPLCNet_x0_25", sources=(f"{PADDLE_FILES}PPLCNet_x0_25_pretrained.pdparams",)),
    PPLCNET.row("pplcnet_x0_35",         {"width": 0.35, "lcnet": True}, paddle="PPLCNet_x0_35", sources=(f"{PADDLE_FILES}PPLCNet_x0_35_pretrained.pdparams",)),
    PPLCNET.row("pplcnet_x0_5",          {"width": 0.5, "lcnet": True}, paddle="PPLCNet_x0_5", sources=(f"{PADDLE_FILES}PPLCNet_x0_5_pretrained.pdparams",)),
    PPLCNET.row("pplcnet_x0_75",         {"width": 0.75, "lcnet": True}, paddle="PPLCNet_x0_75", sources=(f"{PADDLE_FILES}PPLCNet_x0_75_pretrained.pdparams",)),
    PPLCNET.row("pplcnet",               {"width": 1.0, "lcnet": True}, paddle="PPLCNet_x1_0", sources=(f"{PADDLE_FILES}PPLCNet_x1_0_pretrained.pdparams",)),
    PPLCNET.row("pplcnet_x1_5",          {"width": 1.5, "lcnet": True}, paddle="PPLCNet_x1_5", sources=(f"{PADDLE_FILES}PPLCNet_x1_5_pretrained.pdparams",)),
    PPLCNET.row("pplcnet_x2_0",          {"width": 2.0, "lcnet": True}, paddle="PPLCNet_x2_0", sources=(f"{PADDLE_FILES}PPLCNet_x2_0_pretrained.pdparams",)),
    PPLCNET.row("pplcnet_x2_5",          {"width": 2.5, "lcnet": True}, paddle="PPLCNet_x2_5", sources=(f"{PADDLE_FILES}PPLCNet_x2_5_pretrained.pdparams",)),
    PPLCNET.row("pplcnet_x0_5_ssld",     {"width": 0.5, "lcnet": True}, paddle="PPLCNet_x0_5_ssld", sources=(f"{PADDLE_FILES}PPLCNet_x0_5_ssld_pretrained.pdparams",)),
    PPLCNET.row("pplcnet_ssld",          {"width": 1.0, "lcnet": True}, paddle="PPLCNet_x1_0_ssld", sources=(f"{PADDLE_FILES}PPLCNet_x1_0_ssld_pretrained.pdparams",)),
    PPLCNET.row("pplcnet_x2_5_ssld",     {"width": 2.5, "lcnet": True}, paddle="PPLCNet_x2_5_ssld", sources=(f"{PADDLE_FILES}PPLCNet_x2_5_ssld_pretrained.pdparams",)),
)
# fmt: on
