"""RedNet: ResNet with involutions."""

from kclassify.presets.row import Series

PADDLE_FILES = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/RedNet"

REDNET = Series("RedNet", "rednet", "fc", "2103.06255")

# fmt: off
ROWS = (
    REDNET.row("rednet26",  {"depths": (1, 2, 4, 1)},  paddle="RedNet26",  sources=(f"{PADDLE_FILES}26_pretrained.pdparams",)),
    REDNET.row("rednet38",  {"depths": (2, 3, 5, 2)},  paddle="RedNet38",  sources=(f"{PADDLE_FILES}38_pretrained.pdparams",)),
    REDNET.row("rednet50",  {"depths": (3, 4, 6, 3)},  paddle="RedNet50",  sources=(f"{PADDLE_FILES}50_pretrained.pdparams",)),
    REDNET.row("rednet101", {"depths": (3, 4, 23, 3)}, paddle="RedNet101", sources=(f"{PADDLE_FILES}101_pretrained.pdparams",)),
    REDNET.row("rednet152", {"depths": (3, 8, 36, 3)}, paddle="RedNet152", sources=(f"{PADDLE_FILES}152_pretrained.pdparams",)),
)
# fmt: on
