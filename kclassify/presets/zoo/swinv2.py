"""Swin Transformer v2."""

from kclassify.presets.row import Series

SWINV2 = Series("SwinTransformerV2", "swinv2", "head.fc", "2111.09883")

TINY, SMALL = (
    {"width": 96, "depths": (2, 2, 6, 2), "heads": (3, 6, 12, 24)},
    {"width": 96, "depths": (2, 2, 18, 2), "heads": (3, 6, 12, 24)},
)
BASE, LARGE = (
    {"width": 128, "depths": (2, 2, 18, 2), "heads": (4, 8, 16, 32)},
    {"width": 192, "depths": (2, 2, 18, 2), "heads": (6, 12, 24, 48)},
)
W8, W16 = {"window": 8}, {"window": 16}
W12TO16, W12TO24 = {"window": 16, "trained": (12, 12, 12, 6)}, {"window": 24, "trained": (12, 12, 12, 6)}

# fmt: off
ROWS = (
    SWINV2.row("swinv2_tiny_window8_256",   {**TINY, **W8},   paddle="SwinTransformerV2_tiny_patch4_window8_256",   timm="swinv2_tiny_window8_256.ms_in1k"),
    SWINV2.row("swinv2_tiny_window16_256",  {**TINY, **W16},  paddle="SwinTransformerV2_tiny_patch4_window16_256",  timm="swinv2_tiny_window16_256.ms_in1k"),
    SWINV2.row("swinv2_small_window8_256",  {**SMALL, **W8},  paddle="SwinTransformerV2_small_patch4_window8_256",  timm="swinv2_small_window8_256.ms_in1k"),
    SWINV2.row("swinv2_small_window16_256", {**SMALL, **W16}, paddle="SwinTransformerV2_small_patch4_window16_256", timm="swinv2_small_window16_256.ms_in1k"),
    SWINV2.row("swinv2_base_window8_256",   {**BASE, **W8},   paddle="SwinTransformerV2_base_patch4_window8_256",   timm="swinv2_base_window8_256.ms_in1k"),
    SWINV2.row("swinv2_base_window16_256",  {**BASE, **W16},  paddle="SwinTransformerV2_base_patch4_window16_256",  timm="swinv2_base_window16_256.ms_in1k"),
    SWINV2.row("swinv2_base_window12to16_192to256",  {**BASE, **W12TO16},  timm="swinv2_base_window12to16_192to256.ms_in22k_ft_in1k"),
    SWINV2.row("swinv2_base_window12to24_192to384",  {**BASE, **W12TO24},  paddle="SwinTransformerV2_base_patch4_window24_384@22kto1k",  timm="swinv2_base_window12to24_192to384.ms_in22k_ft_in1k"),
    SWINV2.row("swinv2_large_window12to16_192to256", {**LARGE, **W12TO16}, paddle="SwinTransformerV2_large_patch4_window16_256@22kto1k", timm="swinv2_large_window12to16_192to256.ms_in22k_ft_in1k"),
    SWINV2.row("swinv2_large_window12to24_192to384", {**LARGE, **W12TO24}, paddle="SwinTransformerV2_large_patch4_window24_384@22kto1k", timm="swinv2_large_window12to24_192to384.ms_in22k_ft_in1k"),
)
# fmt: on
