"""HarDNet and its depthwise separable form "ds"."""

from kclassify.presets.row import Series

PADDLE_FILES = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/HarDNet"

# Layers, growth, channels, and whether the picture is halved after the stage: arXiv 1909.00948, table 2
H39 = ((4, 16, 96, True), (16, 20, 320, True), (8, 64, 640, True), (4, 160, 1024, False))
H68 = ((8, 14, 128, True), (16, 16, 256, False), (16, 20, 320, True), (16, 40, 640, True), (4, 160, 1024, False))
H85 = ((8, 24, 192, True), (16, 24, 256, False), (16, 28, 320, True), (16, 36, 480, False), (16, 48, 720, True), (4, 256, 1280, False))

HARDNET = Series("HarDNet", "hardnet", "base.16.3", "1909.00948")

# fmt: off
ROWS = (
    HARDNET.row("hardnet39_ds", {"stem": (24, 48), "stages": H39, "factor": 1.6, "separable": True}, paddle="HarDNet39_ds", heads=("base.14.3",), dropout=0.05, sources=(f"{PADDLE_FILES}39_ds_pretrained.pdparams",)),
    HARDNET.row("hardnet68_ds", {"stem": (32, 64), "stages": H68, "separable": True}, paddle="HarDNet68_ds",                       dropout=0.05, sources=(f"{PADDLE_FILES}68_ds_pretrained.pdparams",)),
    HARDNET.row("hardnet68",    {"stem": (32, 64), "stages": H68},                    paddle="HarDNet68",                          dropout=0.1,  sources=(f"{PADDLE_FILES}68_pretrained.pdparams",)),
    HARDNET.row("hardnet85",    {"stem": (48, 96), "stages": H85, "dropout": 0.1},    paddle="HarDNet85",    heads=("base.19.3",), dropout=0.2,  sources=(f"{PADDLE_FILES}85_pretrained.pdparams",)),
)
# fmt: on
