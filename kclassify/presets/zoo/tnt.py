"""Transformer in Transformer."""

from kclassify.presets.row import Series

TNT = Series("TNT", "tnt", "head", "2103.00112")

# fmt: off
ROWS = (
    TNT.row("tnt_s_patch16_224", {"width": 384, "inner": 24, "depth": 12, "heads": 6},  paddle="TNT_small", timm="tnt_s_patch16_224.in1k"),
    TNT.row("tnt_b_patch16_224", {"width": 640, "inner": 40, "depth": 12, "heads": 10}, paddle="TNT_base",  timm="tnt_b_patch16_224.in1k"),
)
# fmt: on
