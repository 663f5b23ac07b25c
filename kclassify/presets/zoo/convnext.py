"""ConvNeXt and ConvNeXt V2."""

from kclassify.presets.row import Series

CONVNEXT = Series("ConvNeXt", "convnext", "head.fc", "2201.03545")
CONVNEXT_V2 = Series("ConvNeXtV2", "convnext", "head.fc", "2301.00808")

ATTO, FEMTO, PICO = {"widths": (40, 80, 160, 320)}, {"widths": (48, 96, 192, 384)}, {"widths": (64, 128, 256, 512)}
NANO, TINY, BASE = {"widths": (80, 160, 320, 640)}, {"widths": (96, 192, 384, 768)}, {"widths": (128, 256, 512, 1024)}
LARGE, HUGE = {"widths": (192, 384, 768, 1536)}, {"widths": (352, 704, 1408, 2816)}
# The small ones keep their matrices as convolutions.
D12, D14 = {"depths": (2, 2, 6, 2), "pointwise": True}, {"depths": (2, 2, 8, 2), "pointwise": True}
D18, D36 = {"depths": (3, 3, 9, 3)}, {"depths": (3, 3, 27, 3)}
V2 = {"version": 2}

# fmt: off
ROWS = (
    CONVNEXT.row("convnext_atto",  {**ATTO, **D12},                               timm="convnext_atto.d2_in1k"),
    CONVNEXT.row("convnext_femto", {**FEMTO, **D12},                              timm="convnext_femto.d1_in1k"),
    CONVNEXT.row("convnext_pico",  {**PICO, **D12},                               timm="convnext_pico.d1_in1k"),
    CONVNEXT.row("convnext_nano",  {**NANO, **D14},                               timm="convnext_nano.in12k_ft_in1k"),
    CONVNEXT.row("convnext_tiny",  {**TINY, **D18},  paddle="ConvNeXt_tiny",      timm="convnext_tiny.fb_in1k"),
    CONVNEXT.row("convnext_small", {**TINY, **D36},  paddle="ConvNeXt_small",     timm="convnext_small.fb_in1k"),
    CONVNEXT.row("convnext_base",  {**BASE, **D36},  paddle="ConvNeXt_base_224",  timm="convnext_base.fb_in1k"),
    CONVNEXT.row("convnext_large", {**LARGE, **D36}, paddle="ConvNeXt_large_224", timm="convnext_large.fb_in1k"),
    CONVNEXT_V2.row("convnextv2_atto",  {**ATTO, **D12, **V2},  timm="convnextv2_atto.fcmae_ft_in1k"),
    CONVNEXT_V2.row("convnextv2_femto", {**FEMTO, **D12, **V2}, timm="convnextv2_femto.fcmae_ft_in1k"),
    CONVNEXT_V2.row("convnextv2_pico",  {**PICO, **D12, **V2},  timm="convnextv2_pico.fcmae_ft_in1k"),
    CONVNEXT_V2.row("convnextv2_nano",  {**NANO, **D14, **V2},  timm="convnextv2_nano.fcmae_ft_in22k_in1k"),
    CONVNEXT_V2.row("convnextv2_tiny",  {**TINY, **D18, **V2},  timm="convnextv2_tiny.fcmae_ft_in22k_in1k"),
    CONVNEXT_V2.row("convnextv2_base",  {**BASE, **D36, **V2},  timm="convnextv2_base.fcmae_ft_in22k_in1k"),
    CONVNEXT_V2.row("convnextv2_large", {**LARGE, **D36, **V2}, timm="convnextv2_large.fcmae_ft_in22k_in1k"),
    CONVNEXT_V2.row("convnextv2_huge",  {**HUGE, **D36, **V2},  timm="convnextv2_huge.fcmae_ft_in1k"),
)
# fmt: on
