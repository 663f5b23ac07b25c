"""ResNets that PaddleClas alone has, or whose weights it alone has, in its form and under its names."""

from kclassify.presets.card import Preprocessing
from kclassify.presets.row import Series

PADDLE_FILES = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/"

D18, D34 = {"depths": (2, 2, 2, 2), "groups": (0, 0)}, {"depths": (3, 4, 6, 3), "groups": (0, 0)}  # without bottlenecks
D50, D101 = {"depths": (3, 4, 6, 3)}, {"depths": (3, 4, 23, 3)}
D152, D200 = {"depths": (3, 8, 36, 3)}, {"depths": (3, 12, 48, 3)}
BLOCKS_VD = {"style": "blocks", "channels": (32, 32, 64)}
BB, BB_VD = {"style": "bb"}, {"style": "bb", "channels": (32, 32, 64)}
SE_VD, SEX_VD = {**BB_VD, "se": True}, {"style": "bb", "channels": (64, 64, 128), "se": True}  # a wider stem with groups
X32, X64 = {"groups": (32, 4)}, {"groups": (64, 4)}
X48 = {"style": "wsl", "groups": (32, 48)}

RESNET_VD = Series("ResNet_vd", "resnet_paddle", "fc", "1812.01187")
RESNEXT = Series("ResNeXt", "resnet_paddle", "out", "1611.05431")
WSL = Series("ResNeXt101_wsl", "resnet_paddle", "_out", "1805.00932")
SENET = Series("SENet", "resnet_paddle", "out", "1709.01507")

# fmt: off
ROWS = (
    RESNET_VD.row("resnet18_vd",       {**D18, **BLOCKS_VD},  paddle="ResNet18_vd",       sources=(f"{PADDLE_FILES}legendary_models/ResNet18_vd_pretrained.pdparams",)),
    RESNET_VD.row("resnet34_vd",       {**D34, **BLOCKS_VD},  paddle="ResNet34_vd",       sources=(f"{PADDLE_FILES}legendary_models/ResNet34_vd_pretrained.pdparams",)),
    RESNET_VD.row("resnet34_vd_ssld",  {**D34, **BLOCKS_VD},  paddle="ResNet34_vd_ssld",  sources=(f"{PADDLE_FILES}legendary_models/ResNet34_vd_ssld_pretrained.pdparams",)),
    RESNET_VD.row("resnet50_vd_ssld",  {**D50, **BLOCKS_VD},  paddle="ResNet50_vd_ssld",  sources=(f"{PADDLE_FILES}legendary_models/ResNet50_vd_ssld_pretrained.pdparams",)),
    RESNET_VD.row("resnet101_vd_ssld", {**D101, **BLOCKS_VD}, paddle="ResNet101_vd_ssld", sources=(f"{PADDLE_FILES}legendary_models/ResNet101_vd_ssld_pretrained.pdparams",)),
    RESNET_VD.row("resnet200_vd",      {**D200, **BLOCKS_VD}, paddle="ResNet200_vd",      sources=(f"{PADDLE_FILES}legendary_models/ResNet200_vd_pretrained.pdparams",)),
    RESNEXT.row("resnext50_64x4d",     {**D50, **X64, **BB},     paddle="ResNeXt50_64x4d",     sources=(f"{PADDLE_FILES}ResNeXt50_64x4d_pretrained.pdparams",)),
    RESNEXT.row("resnext50_vd_64x4d",  {**D50, **X64, **BB_VD},  paddle="ResNeXt50_vd_64x4d",  sources=(f"{PADDLE_FILES}ResNeXt50_vd_64x4d_pretrained.pdparams",)),
    RESNEXT.row("resnext101_vd_32x4d", {**D101, **X32, **BB_VD}, paddle="ResNeXt101_vd_32x4d", sources=(f"{PADDLE_FILES}ResNeXt101_vd_32x4d_pretrained.pdparams",)),
    RESNEXT.row("resnext101_vd_64x4d", {**D101, **X64, **BB_VD}, paddle="ResNeXt101_vd_64x4d", sources=(f"{PADDLE_FILES}ResNeXt101_vd_64x4d_pretrained.pdparams",)),
    RESNEXT.row("resnext152_32x4d",    {**D152, **X32, **BB},    paddle="ResNeXt152_32x4d",    sources=(f"{PADDLE_FILES}ResNeXt152_32x4d_pretrained.pdparams",)),
    RESNEXT.row("resnext152_vd_32x4d", {**D152, **X32, **BB_VD}, paddle="ResNeXt152_vd_32x4d", sources=(f"{PADDLE_FILES}ResNeXt152_vd_32x4d_pretrained.pdparams",)),
    RESNEXT.row("resnext152_64x4d",    {**D152, **X64, **BB},    paddle="ResNeXt152_64x4d",    sources=(f"{PADDLE_FILES}ResNeXt152_64x4d_pretrained.pdparams",)),
    RESNEXT.row("resnext152_vd_64x4d", {**D152, **X64, **BB_VD}, paddle="ResNeXt152_vd_64x4d", sources=(f"{PADDLE_FILES}ResNeXt152_vd_64x4d_pretrained.pdparams",)),
    WSL.row("resnext101_32x48d_wsl",     {**D101, **X48}, paddle="ResNeXt101_32x48d_wsl",     sources=(f"{PADDLE_FILES}ResNeXt101_32x48d_wsl_pretrained.pdparams",)),
    WSL.row("fix_resnext101_32x48d_wsl", {**D101, **X48}, paddle="Fix_ResNeXt101_32x48d_wsl", sources=(f"{PADDLE_FILES}Fix_ResNeXt101_32x48d_wsl_pretrained.pdparams",), preprocessing=Preprocessing(size=320)),
    SENET.row("se_resnet18_vd",        {**D18, **SE_VD},          paddle="SE_ResNet18_vd",        sources=(f"{PADDLE_FILES}SE_ResNet18_vd_pretrained.pdparams",)),
    SENET.row("se_resnet34_vd",        {**D34, **SE_VD},          paddle="SE_ResNet34_vd",        sources=(f"{PADDLE_FILES}SE_ResNet34_vd_pretrained.pdparams",)),
    SENET.row("se_resnet50_vd",        {**D50, **SE_VD},          paddle="SE_ResNet50_vd",        sources=(f"{PADDLE_FILES}SE_ResNet50_vd_pretrained.pdparams",)),
    SENET.row("se_resnext50_vd_32x4d", {**D50, **X32, **SEX_VD},  paddle="SE_ResNeXt50_vd_32x4d", sources=(f"{PADDLE_FILES}SE_ResNeXt50_vd_32x4d_pretrained.pdparams",)),
    SENET.row("senet154_vd",           {**D152, **X64, **SEX_VD}, paddle="SENet154_vd",           sources=(f"{PADDLE_FILES}SENet154_vd_pretrained.pdparams",)),
)
# fmt: on
