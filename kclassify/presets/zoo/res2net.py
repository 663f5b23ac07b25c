"""Res2Net in timm's form and in PaddleClas', whose first block and pools are others."""

from kclassify.presets.row import Series

PADDLE_FILES = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/"

D50, D101, D200 = {"depths": (3, 4, 6, 3)}, {"depths": (3, 4, 23, 3)}, {"depths": (3, 12, 48, 3)}
W26, W14 = {"width": 26, "scales": 4}, {"width": 14, "scales": 8}
DEEP, PADDLE, PADDLE_VD = {"deep": True}, {"paddle": True}, {"paddle": True, "deep": True}

RES2NET_PADDLE = Series("Res2Net", "res2net", "out", "1904.01169")
RES2NET = Series("Res2Net", "res2net", "fc", "1904.01169")

# fmt: off
ROWS = (
    RES2NET.row("res2net50_26w_4s",  {**D50, **W26},                                     timm="res2net50_26w_4s.in1k"),
    RES2NET.row("res2net50_14w_8s",  {**D50, **W14},                                     timm="res2net50_14w_8s.in1k"),
    RES2NET.row("res2net50_48w_2s",  {**D50, "width": 48, "scales": 2},                  timm="res2net50_48w_2s.in1k"),
    RES2NET.row("res2net50_26w_8s",  {**D50, "width": 26, "scales": 8},                  timm="res2net50_26w_8s.in1k"),
    RES2NET.row("res2net101_26w_4s", {**D101, **W26},                                    timm="res2net101_26w_4s.in1k"),
    RES2NET.row("res2net50d",        {**D50, **W26, **DEEP},                             timm="res2net50d.in1k"),
    RES2NET.row("res2net101d",       {**D101, **W26, **DEEP},                            timm="res2net101d.in1k"),
    RES2NET.row("res2next50",        {**D50, "width": 4, "scales": 4, "cardinality": 8}, timm="res2next50.in1k"),
    RES2NET_PADDLE.row("res2net50_26w_4s_paddle",   {**D50, **W26, **PADDLE},     paddle="Res2Net50_26w_4s",          sources=(f"{PADDLE_FILES}Res2Net50_26w_4s_pretrained.pdparams",)),
    RES2NET_PADDLE.row("res2net50_14w_8s_paddle",   {**D50, **W14, **PADDLE},     paddle="Res2Net50_14w_8s",          sources=(f"{PADDLE_FILES}Res2Net50_14w_8s_pretrained.pdparams",)),
    RES2NET_PADDLE.row("res2net50_vd_26w_4s",       {**D50, **W26, **PADDLE_VD},  paddle="Res2Net50_vd_26w_4s",       sources=(f"{PADDLE_FILES}Res2Net50_vd_26w_4s_pretrained.pdparams",)),
    RES2NET_PADDLE.row("res2net50_vd_26w_4s_ssld",  {**D50, **W26, **PADDLE_VD},  paddle="Res2Net50_vd_26w_4s_ssld",  sources=(f"{PADDLE_FILES}Res2Net50_vd_26w_4s_ssld_pretrained.pdparams",)),
    RES2NET_PADDLE.row("res2net101_vd_26w_4s",      {**D101, **W26, **PADDLE_VD}, paddle="Res2Net101_vd_26w_4s",      sources=(f"{PADDLE_FILES}Res2Net101_vd_26w_4s_pretrained.pdparams",)),
    RES2NET_PADDLE.row("res2net101_vd_26w_4s_ssld", {**D101, **W26, **PADDLE_VD}, paddle="Res2Net101_vd_26w_4s_ssld", sources=(f"{PADDLE_FILES}Res2Net101_vd_26w_4s_ssld_pretrained.pdparams",)),
    RES2NET_PADDLE.row("res2net200_vd_26w_4s",      {**D200, **W26, **PADDLE_VD}, paddle="Res2Net200_vd_26w_4s",      sources=(f"{PADDLE_FILES}Res2Net200_vd_26w_4s_pretrained.pdparams",)),
    RES2NET_PADDLE.row("res2net200_vd_26w_4s_ssld", {**D200, **W26, **PADDLE_VD}, paddle="Res2Net200_vd_26w_4s_ssld", sources=(f"{PADDLE_FILES}Res2Net200_vd_26w_4s_ssld_pretrained.pdparams",)),
)
# fmt: on
