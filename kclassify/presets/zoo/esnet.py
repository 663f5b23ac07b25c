"""ESNet, the backbone of PP-PicoDet."""

from kclassify.presets.row import Series

PADDLE_FILES = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/legendary_models/ESNet_"

ESNET = Series("ESNet", "esnet", "fc", "2111.00902", dropout=0.2)

# fmt: off
ROWS = (
    ESNET.row("esnet_x0_25", {"width": 0.25, "dropout": 0.2}, paddle="ESNet_x0_25", sources=(f"{PADDLE_FILES}x0_25_pretrained.pdparams",)),
    ESNET.row("esnet_x0_5",  {"width": 0.5,  "dropout": 0.2}, paddle="ESNet_x0_5",  sources=(f"{PADDLE_FILES}x0_5_pretrained.pdparams",)),
    ESNET.row("esnet_x0_75", {"width": 0.75, "dropout": 0.2}, paddle="ESNet_x0_75", sources=(f"{PADDLE_FILES}x0_75_pretrained.pdparams",)),
    ESNET.row("esnet",       {"width": 1.0,  "dropout": 0.2}, paddle="ESNet_x1_0",  sources=(f"{PADDLE_FILES}x1_0_pretrained.pdparams",)),
)
# fmt: on
