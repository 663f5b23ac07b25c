"""ResNet, ResNet-D, ResNeXt and their nets with gates, in torch's form."""

from kclassify.presets.row import Series

D18, D34 = {"depths": (2, 2, 2, 2), "bottleneck": False}, {"depths": (3, 4, 6, 3), "bottleneck": False}
D26, D50 = {"depths": (2, 2, 2, 2), "bottleneck": True}, {"depths": (3, 4, 6, 3), "bottleneck": True}
D101, D152 = {"depths": (3, 4, 23, 3), "bottleneck": True}, {"depths": (3, 8, 36, 3), "bottleneck": True}
D200 = {"depths": (3, 24, 36, 3), "bottleneck": True}
# Stems and shortcuts of arXiv 1812.01187; "t" is timm's stem of growing width.
VC, VD, VT = {"channels": (32, 32, 64)}, {"channels": (32, 32, 64), "average": True}, {"channels": (24, 32, 64), "average": True}
X32, X64, X32_8 = {"groups": (32, 4)}, {"groups": (64, 4)}, {"groups": (32, 8)}
RS = {"channels": (32, 32, 64, 64), "average": True, "attention": "se4"}
SE, ECA = {"attention": "se"}, {"attention": "eca"}

RESNET = Series("ResNet", "resnet", "fc", "1512.03385")
RESNET_VD = Series("ResNet_vd", "resnet", "fc", "1812.01187")
WIDE = Series("Wide ResNet", "resnet", "fc", "1605.07146")
RESNEXT = Series("ResNeXt", "resnet", "fc", "1611.05431")
WSL = Series("ResNeXt101_wsl", "resnet", "fc", "1805.00932")
SENET = Series("SENet", "resnet", "fc", "1709.01507")
RESNET_RS = Series("ResNet-RS", "resnet", "fc", "2103.07579")
ECANET = Series("ECA-Net", "resnet", "fc", "1910.03151")

# fmt: off
ROWS = (
    RESNET.row("resnet18",  D18,  paddle="ResNet18",  timm="resnet18.a1_in1k"),
    RESNET.row("resnet34",  D34,  paddle="ResNet34",  timm="resnet34.a1_in1k"),
    RESNET.row("resnet50",  D50,  paddle="ResNet50",  timm="resnet50.a1_in1k"),
    RESNET.row("resnet101", D101, paddle="ResNet101", timm="resnet101.a1_in1k"),
    RESNET.row("resnet152", D152, paddle="ResNet152", timm="resnet152.a1_in1k"),
    RESNET.row("resnet26",  D26,                      timm="resnet26.bt_in1k"),
    RESNET_VD.row("resnet50_vc",  {**D50, **VC},  paddle="ResNet50_vc",  timm="resnet50c.gluon_in1k"),
    RESNET_VD.row("resnet50_vd",  {**D50, **VD},  paddle="ResNet50_vd",  timm="resnet50d.a1_in1k"),
    RESNET_VD.row("resnet101_vd", {**D101, **VD}, paddle="ResNet101_vd", timm="resnet101d.ra2_in1k"),
    RESNET_VD.row("resnet152_vd", {**D152, **VD}, paddle="ResNet152_vd", timm="resnet152d.ra2_in1k"),
    RESNET_VD.row("resnet18d",    {**D18, **VD},                         timm="resnet18d.ra2_in1k"),
    RESNET_VD.row("resnet34d",    {**D34, **VD},                         timm="resnet34d.ra2_in1k"),
    RESNET_VD.row("resnet26d",    {**D26, **VD},                         timm="resnet26d.bt_in1k"),
    RESNET_VD.row("resnet26t",    {**D26, **VT},                         timm="resnet26t.ra2_in1k"),
    RESNET_VD.row("resnet200d",   {**D200, **VD},                        timm="resnet200d.ra2_in1k"),
    WIDE.row("wide_resnet50_2",  {**D50, "groups": (1, 128)},  timm="wide_resnet50_2.tv2_in1k"),
    WIDE.row("wide_resnet101_2", {**D101, "groups": (1, 128)}, timm="wide_resnet101_2.tv2_in1k"),
    RESNEXT.row("resnext50_32x4d",    {**D50, **X32},       paddle="ResNeXt50_32x4d",    timm="resnext50_32x4d.a1_in1k"),
    RESNEXT.row("resnext50_vd_32x4d", {**D50, **X32, **VD}, paddle="ResNeXt50_vd_32x4d", timm="resnext50d_32x4d.bt_in1k"),
    RESNEXT.row("resnext101_32x4d",   {**D101, **X32},      paddle="ResNeXt101_32x4d",   timm="resnext101_32x4d.fb_swsl_ig1b_ft_in1k"),
    RESNEXT.row("resnext101_64x4d",   {**D101, **X64},      paddle="ResNeXt101_64x4d",   timm="resnext101_64x4d.tv_in1k"),
    RESNEXT.row("resnext101_32x8d",   {**D101, **X32_8},                                 timm="resnext101_32x8d.tv2_in1k"),
    WSL.row("resnext101_32x8d_wsl",  {**D101, **X32_8},            paddle="ResNeXt101_32x8d_wsl",  timm="resnext101_32x8d", sources=("timm/resnext101_32x8d.fb_wsl_ig1b_ft_in1k",)),
    WSL.row("resnext101_32x16d_wsl", {**D101, "groups": (32, 16)}, paddle="ResNeXt101_32x16d_wsl", timm="resnext101_32x16d.fb_wsl_ig1b_ft_in1k"),
    WSL.row("resnext101_32x32d_wsl", {**D101, "groups": (32, 32)}, paddle="ResNeXt101_32x32d_wsl", timm="resnext101_32x32d.fb_wsl_ig1b_ft_in1k"),
    SENET.row("se_resnext50_32x4d",  {**D50, **X32, **SE},          paddle="SE_ResNeXt50_32x4d",  timm="seresnext50_32x4d.racm_in1k"),
    SENET.row("se_resnext101_32x4d", {**D101, **X32, **SE},         paddle="SE_ResNeXt101_32x4d", timm="seresnext101_32x4d.gluon_in1k"),
    SENET.row("seresnet50",          {**D50, **SE},                                               timm="seresnet50.ra2_in1k"),
    SENET.row("seresnet152d",        {**D152, **VD, **SE},                                        timm="seresnet152d.ra2_in1k"),
    SENET.row("seresnext26d_32x4d",  {**D26, **X32, **VD, **SE},                                  timm="seresnext26d_32x4d.bt_in1k"),
    SENET.row("seresnext101_32x8d",  {**D101, **X32_8, **SE},                                     timm="seresnext101_32x8d.ah_in1k"),
    SENET.row("seresnext101d_32x8d", {**D101, **X32_8, **VD, **SE},                               timm="seresnext101d_32x8d.ah_in1k"),
    RESNET_RS.row("resnetrs50",  {**D50, **RS},  timm="resnetrs50.tf_in1k"),
    RESNET_RS.row("resnetrs101", {**D101, **RS}, timm="resnetrs101.tf_in1k"),
    RESNET_RS.row("resnetrs152", {**D152, **RS}, timm="resnetrs152.tf_in1k"),
    RESNET_RS.row("resnetrs200", {**D200, **RS}, timm="resnetrs200.tf_in1k"),
    ECANET.row("ecaresnet26t",  {**D26, **VT, **ECA},  timm="ecaresnet26t.ra2_in1k"),
    ECANET.row("ecaresnet50t",  {**D50, **VT, **ECA},  timm="ecaresnet50t.a1_in1k"),
    ECANET.row("ecaresnet50d",  {**D50, **VD, **ECA},  timm="ecaresnet50d.miil_in1k"),
    ECANET.row("ecaresnet101d", {**D101, **VD, **ECA}, timm="ecaresnet101d.miil_in1k"),
)
# fmt: on
