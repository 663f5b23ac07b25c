"""MobileViT and MobileViT v2."""

from kclassify.presets.row import Series

MOBILEVIT = Series("MobileViT", "mobilevit", "head.fc", "2110.02178")
MOBILEVIT2 = Series("MobileViT v2", "mobilevit", "head.fc", "2206.02680")

V2 = {"expansion": 2, "linear": True}

# fmt: off
ROWS = (
    MOBILEVIT.row("mobilevit_xxs", {"stem": 16, "widths": (16, 24, 48, 64, 80),   "inner": (64, 80, 96),    "expansion": 2, "features": 320}, paddle="MobileViT_XXS", timm="mobilevit_xxs.cvnets_in1k"),
    MOBILEVIT.row("mobilevit_xs",  {"stem": 16, "widths": (32, 48, 64, 80, 96),   "inner": (96, 120, 144),  "expansion": 4, "features": 384}, paddle="MobileViT_XS",  timm="mobilevit_xs.cvnets_in1k"),
    MOBILEVIT.row("mobilevit_s",   {"stem": 16, "widths": (32, 64, 96, 128, 160), "inner": (144, 192, 240), "expansion": 4, "features": 640}, paddle="MobileViT_S",   timm="mobilevit_s.cvnets_in1k"),
    MOBILEVIT2.row("mobilevitv2_050", {**V2, "stem": 16, "widths": (32, 64, 128, 192, 256),   "inner": (64, 96, 128)},   timm="mobilevitv2_050.cvnets_in1k"),
    MOBILEVIT2.row("mobilevitv2_075", {**V2, "stem": 24, "widths": (48, 96, 192, 288, 384),   "inner": (96, 144, 192)},  timm="mobilevitv2_075.cvnets_in1k"),
    MOBILEVIT2.row("mobilevitv2_100", {**V2, "stem": 32, "widths": (64, 128, 256, 384, 512),  "inner": (128, 192, 256)}, timm="mobilevitv2_100.cvnets_in1k"),
    MOBILEVIT2.row("mobilevitv2_150", {**V2, "stem": 48, "widths": (96, 192, 384, 576, 768),  "inner": (192, 288, 384)}, timm="mobilevitv2_150.cvnets_in22k_ft_in1k"),
    MOBILEVIT2.row("mobilevitv2_200", {**V2, "stem": 64, "widths": (128, 256, 512, 768, 1024), "inner": (256, 384, 512)}, timm="mobilevitv2_200.cvnets_in22k_ft_in1k"),
)
# fmt: on
