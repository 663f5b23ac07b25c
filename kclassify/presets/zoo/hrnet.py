"""HRNet; timm's models have biases at the end that PaddleClas' leave to BatchNorm, which changes nothing but the count."""

from kclassify.presets.row import Series

PADDLE_FILES = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/legendary_models/"

HRNET = Series("HRNet", "hrnet", "classifier", "1908.07919")
HRNET_PADDLE = Series("HRNet", "hrnet", "fc", "1908.07919")

# fmt: off
ROWS = (
    HRNET.row("hrnet_w18_small",    {"width": 16, "first": (1, 32), "modules": (1, 1, 1), "depth": 2},                      timm="hrnet_w18_small.gluon_in1k"),
    HRNET.row("hrnet_w18_small_v2", {"width": 18, "first": (2, 64), "modules": (1, 3, 2), "depth": 2},                      timm="hrnet_w18_small_v2.gluon_in1k"),
    HRNET.row("hrnet_w18_c",        {"width": 18},                paddle="HRNet_W18_C",      timm="hrnet_w18.ms_aug_in1k"),
    HRNET.row("hrnet_w30_c",        {"width": 30},                paddle="HRNet_W30_C",      timm="hrnet_w30.ms_in1k"),
    HRNET.row("hrnet_w32_c",        {"width": 32},                paddle="HRNet_W32_C",      timm="hrnet_w32.ms_in1k"),
    HRNET.row("hrnet_w40_c",        {"width": 40},                paddle="HRNet_W40_C",      timm="hrnet_w40.ms_in1k"),
    HRNET.row("hrnet_w44_c",        {"width": 44},                paddle="HRNet_W44_C",      timm="hrnet_w44.ms_in1k"),
    HRNET.row("hrnet_w48_c",        {"width": 48},                paddle="HRNet_W48_C",      timm="hrnet_w48.ms_in1k"),
    HRNET.row("hrnet_w64_c",        {"width": 64},                paddle="HRNet_W64_C",      timm="hrnet_w64.ms_in1k"),
    HRNET.row("hrnet_w18_c_ssld",   {"width": 18, "bias": False}, paddle="HRNet_W18_C_ssld", timm="hrnet_w18_ssld.paddle_in1k"),
    HRNET.row("hrnet_w48_c_ssld",   {"width": 48, "bias": False}, paddle="HRNet_W48_C_ssld", timm="hrnet_w48_ssld.paddle_in1k"),
    HRNET_PADDLE.row("se_hrnet_w64_c_ssld", {"width": 64, "bias": False, "se": True}, paddle="SE_HRNet_W64_C_ssld", sources=(f"{PADDLE_FILES}SE_HRNet_W64_C_ssld_pretrained.pdparams",)),
)
# fmt: on
