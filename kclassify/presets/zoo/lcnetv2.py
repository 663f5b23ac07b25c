"""PP-LCNetV2."""

from kclassify.presets.row import Series

PPLCNETV2 = Series("PPLCNetV2", "lcnetv2", "classifier", "", dropout=0.2)

# fmt: off
ROWS = (
    PPLCNETV2.row("pplcnetv2_small", {"width": 0.75, "depths": (2, 2, 4, 2)}, paddle="PPLCNetV2_small", timm="lcnetv2_small.paddle_in1k"),
    PPLCNETV2.row("pplcnetv2_base",  {"width": 1.0,  "depths": (2, 2, 6, 2)}, paddle="PPLCNetV2_base",  timm="lcnetv2_base.ssld_in1k"),
    PPLCNETV2.row("pplcnetv2_large", {"width": 1.25, "depths": (2, 2, 8, 2)}, paddle="PPLCNetV2_large", timm="lcnetv2_large.paddle_in1k"),
)
# fmt: on
