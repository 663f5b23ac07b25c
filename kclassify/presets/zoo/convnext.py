"""ConvNeXt."""

from kclassify.presets.row import Series

CONVNEXT = Series("ConvNeXt", "convnext", "head.fc", "2201.03545")

# fmt: off
ROWS = (
    CONVNEXT.row("convnext_tiny",  {"widths": (96, 192, 384, 768),   "depths": (3, 3, 9, 3)},  paddle="ConvNeXt_tiny",      timm="convnext_tiny.fb_in1k"),
    CONVNEXT.row("convnext_small", {"widths": (96, 192, 384, 768),   "depths": (3, 3, 27, 3)}, paddle="ConvNeXt_small",     timm="convnext_small.fb_in1k"),
    CONVNEXT.row("convnext_base",  {"widths": (128, 256, 512, 1024), "depths": (3, 3, 27, 3)}, paddle="ConvNeXt_base_224",  timm="convnext_base.fb_in1k"),
    CONVNEXT.row("convnext_large", {"widths": (192, 384, 768, 1536), "depths": (3, 3, 27, 3)}, paddle="ConvNeXt_large_224", timm="convnext_large.fb_in1k"),
)
# fmt: on
