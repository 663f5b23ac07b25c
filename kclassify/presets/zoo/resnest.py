"""ResNeSt in PaddleClas' form, whose pools are others, and in timm's."""

from kclassify.presets.row import Series

PADDLE_FILES = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/"

D50, D101 = {"depths": (3, 4, 6, 3)}, {"depths": (3, 4, 23, 3), "stem": 64}
D200 = {"depths": (3, 24, 36, 3), "stem": 64}

RESNEST_PADDLE = Series("ResNeSt", "resnest", "out", "2004.08955")
RESNEST = Series("ResNeSt", "resnest", "fc", "2004.08955")

# fmt: off
ROWS = (
    RESNEST_PADDLE.row("resnest50_fast_1s1x64d", {**D50, "paddle": True, "radix": 1, "pool_first": True}, paddle="ResNeSt50_fast_1s1x64d", sources=(f"{PADDLE_FILES}ResNeSt50_fast_1s1x64d_pretrained.pdparams",)),
    RESNEST_PADDLE.row("resnest50",              {**D50, "paddle": True},                                 paddle="ResNeSt50",              sources=(f"{PADDLE_FILES}ResNeSt50_pretrained.pdparams",)),
    RESNEST.row("resnest14d",         {"depths": (1, 1, 1, 1)},                                   timm="resnest14d.gluon_in1k"),
    RESNEST.row("resnest26d",         {"depths": (2, 2, 2, 2)},                                   timm="resnest26d.gluon_in1k"),
    RESNEST.row("resnest50d",         D50,                                                        timm="resnest50d.in1k"),
    RESNEST.row("resnest50d_1s4x24d", {**D50, "radix": 1, "groups": (4, 24), "pool_first": True}, timm="resnest50d_1s4x24d.in1k"),
    RESNEST.row("resnest50d_4s2x40d", {**D50, "radix": 4, "groups": (2, 40), "pool_first": True}, timm="resnest50d_4s2x40d.in1k"),
    RESNEST.row("resnest101e",        D101,                                                       timm="resnest101e.in1k"),
    RESNEST.row("resnest200e",        D200,                                                       timm="resnest200e.in1k"),
)
# fmt: on
