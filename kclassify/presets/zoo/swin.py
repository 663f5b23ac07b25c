"""Swin Transformer."""

from kclassify.presets.row import Series

SWIN = Series("SwinTransformer", "swin", "head.fc", "2103.14030")

TINY, SMALL = (
    {"width": 96, "depths": (2, 2, 6, 2), "heads": (3, 6, 12, 24)},
    {"width": 96, "depths": (2, 2, 18, 2), "heads": (3, 6, 12, 24)},
)
BASE, LARGE = (
    {"width": 128, "depths": (2, 2, 18, 2), "heads": (4, 8, 16, 32)},
    {"width": 192, "depths": (2, 2, 18, 2), "heads": (6, 12, 24, 48)},
)
W7, W12 = {"window": 7}, {"window": 12}

# fmt: off
ROWS = (
    SWIN.row("swin_tiny_patch4_window7_224",         {**TINY, **W7},   paddle="SwinTransformer_tiny_patch4_window7_224",            timm="swin_tiny_patch4_window7_224.ms_in1k"),
    SWIN.row("swin_small_patch4_window7_224",        {**SMALL, **W7},  paddle="SwinTransformer_small_patch4_window7_224",           timm="swin_small_patch4_window7_224.ms_in1k"),
    SWIN.row("swin_base_patch4_window7_224",         {**BASE, **W7},   paddle="SwinTransformer_base_patch4_window7_224",            timm="swin_base_patch4_window7_224.ms_in1k"),
    SWIN.row("swin_base_patch4_window12_384",        {**BASE, **W12},  paddle="SwinTransformer_base_patch4_window12_384",           timm="swin_base_patch4_window12_384.ms_in1k"),
    SWIN.row("swin_base_patch4_window7_224_22kto1k",   {**BASE, **W7},   paddle="SwinTransformer_base_patch4_window7_224@22kto1k",  timm="swin_base_patch4_window7_224",   sources=("timm/swin_base_patch4_window7_224.ms_in22k_ft_in1k",)),
    SWIN.row("swin_base_patch4_window12_384_22kto1k",  {**BASE, **W12},  paddle="SwinTransformer_base_patch4_window12_384@22kto1k", timm="swin_base_patch4_window12_384",  sources=("timm/swin_base_patch4_window12_384.ms_in22k_ft_in1k",)),
    SWIN.row("swin_large_patch4_window7_224_22kto1k",  {**LARGE, **W7},  paddle="SwinTransformer_large_patch4_window7_224@22kto1k",  timm="swin_large_patch4_window7_224.ms_in22k_ft_in1k"),
    SWIN.row("swin_large_patch4_window12_384_22kto1k", {**LARGE, **W12}, paddle="SwinTransformer_large_patch4_window12_384@22kto1k", timm="swin_large_patch4_window12_384.ms_in22k_ft_in1k"),
)
# fmt: on
