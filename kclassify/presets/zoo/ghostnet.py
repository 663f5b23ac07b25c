"""GhostNet in PaddleClas' form and in timm's; their gates and the sizes inside them differ."""

from kclassify.presets.row import Series

PADDLE_FILES = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/GhostNet_"

GHOSTNET = Series("GhostNet", "ghostnet", "classifier", "1911.11907", dropout=0.2)

# fmt: off
ROWS = (
    GHOSTNET.row("ghostnet_x0_5",      {"width": 0.5, "paddle": True}, heads=("fc_1",), paddle="GhostNet_x0_5",      sources=(f"{PADDLE_FILES}x0_5_pretrained.pdparams",)),
    GHOSTNET.row("ghostnet",           {"width": 1.0, "paddle": True}, heads=("fc_1",), paddle="GhostNet_x1_0",      sources=(f"{PADDLE_FILES}x1_0_pretrained.pdparams",)),
    GHOSTNET.row("ghostnet_x1_3",      {"width": 1.3, "paddle": True}, heads=("fc_1",), paddle="GhostNet_x1_3",      sources=(f"{PADDLE_FILES}x1_3_pretrained.pdparams",)),
    GHOSTNET.row("ghostnet_x1_3_ssld", {"width": 1.3, "paddle": True}, heads=("fc_1",), paddle="GhostNet_x1_3_ssld", sources=(f"{PADDLE_FILES}x1_3_ssld_pretrained.pdparams",)),
    GHOSTNET.row("ghostnet_050",       {"width": 0.5}, timm="ghostnet_050"),
    GHOSTNET.row("ghostnet_100",       {"width": 1.0}, timm="ghostnet_100.in1k"),
    GHOSTNET.row("ghostnet_130",       {"width": 1.3}, timm="ghostnet_130"),
)
# fmt: on
