"""Twins: PCPVT, and SVT, which PaddleClas calls ALT-GVT."""

from kclassify.presets.row import Series

TWINS = Series("Twins", "twins", "head", "2104.13840")

PCPVT = {"widths": (64, 128, 320, 512), "heads": (1, 2, 5, 8), "ratios": (8, 8, 4, 4)}
SVT = {"ratios": (4, 4, 4, 4), "window": 7}

# fmt: off
ROWS = (
    TWINS.row("twins_pcpvt_small", {**PCPVT, "depths": (3, 4, 6, 3)},  paddle="pcpvt_small", timm="twins_pcpvt_small.in1k"),
    TWINS.row("twins_pcpvt_base",  {**PCPVT, "depths": (3, 4, 18, 3)}, paddle="pcpvt_base",  timm="twins_pcpvt_base.in1k"),
    TWINS.row("twins_pcpvt_large", {**PCPVT, "depths": (3, 8, 27, 3)}, paddle="pcpvt_large", timm="twins_pcpvt_large.in1k"),
    TWINS.row("twins_svt_small", {**SVT, "widths": (64, 128, 256, 512),   "heads": (2, 4, 8, 16),  "depths": (2, 2, 10, 4)}, paddle="alt_gvt_small", timm="twins_svt_small.in1k"),
    TWINS.row("twins_svt_base",  {**SVT, "widths": (96, 192, 384, 768),   "heads": (3, 6, 12, 24), "depths": (2, 2, 18, 2)}, paddle="alt_gvt_base",  timm="twins_svt_base.in1k"),
    TWINS.row("twins_svt_large", {**SVT, "widths": (128, 256, 512, 1024), "heads": (4, 8, 16, 32), "depths": (2, 2, 18, 2)}, paddle="alt_gvt_large", timm="twins_svt_large.in1k"),
)
# fmt: on
