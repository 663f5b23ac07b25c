"""PVT v2."""

from kclassify.presets.row import Series

PVT = Series("PVTV2", "pvt", "head", "2106.13797")

WIDTHS = {"widths": (64, 128, 320, 512)}

# fmt: off
ROWS = (
    PVT.row("pvt_v2_b0", {"widths": (32, 64, 160, 256), "depths": (2, 2, 2, 2)}, paddle="PVT_V2_B0", timm="pvt_v2_b0.in1k"),
    PVT.row("pvt_v2_b1", {**WIDTHS, "depths": (2, 2, 2, 2)},  paddle="PVT_V2_B1", timm="pvt_v2_b1.in1k"),
    PVT.row("pvt_v2_b2", {**WIDTHS, "depths": (3, 4, 6, 3)},  paddle="PVT_V2_B2", timm="pvt_v2_b2.in1k"),
    PVT.row("pvt_v2_b3", {**WIDTHS, "depths": (3, 4, 18, 3)}, paddle="PVT_V2_B3", timm="pvt_v2_b3.in1k"),
    PVT.row("pvt_v2_b4", {**WIDTHS, "depths": (3, 8, 27, 3)}, paddle="PVT_V2_B4", timm="pvt_v2_b4.in1k"),
    PVT.row("pvt_v2_b5", {**WIDTHS, "depths": (3, 6, 40, 3), "ratios": (4, 4, 4, 4)}, paddle="PVT_V2_B5", timm="pvt_v2_b5.in1k"),
    PVT.row("pvt_v2_b2_li", {**WIDTHS, "depths": (3, 4, 6, 3), "linear": True}, paddle="PVT_V2_B2_Linear", timm="pvt_v2_b2_li.in1k"),
)
# fmt: on
