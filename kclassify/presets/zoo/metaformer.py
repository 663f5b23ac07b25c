"""PoolFormer, ConvFormer and CAFormer."""

from kclassify.presets.row import Series

POOLFORMER = Series("PoolFormer", "metaformer", "head.fc", "2111.11418")
POOLFORMER_V2 = Series("PoolFormerV2", "metaformer", "head.fc", "2210.13452")
CONVFORMER = Series("ConvFormer", "metaformer", "head.fc.fc2", "2210.13452")
CAFORMER = Series("CAFormer", "metaformer", "head.fc.fc2", "2210.13452")
SMALL, MEDIUM, BASE = ({"widths": widths} for widths in ((64, 128, 320, 512), (96, 192, 384, 576), (128, 256, 512, 768)))
D12, D24, D36 = ({"depths": depths} for depths in ((2, 2, 6, 2), (4, 4, 12, 4), (6, 6, 18, 6)))
C18, C36 = ({"depths": depths} for depths in ((3, 3, 9, 3), (3, 12, 18, 3)))
POOL, CONV, CA = ({"mixers": mixers} for mixers in (("pool",) * 4, ("conv",) * 4, ("conv", "conv", "attention", "attention")))

# fmt: off
ROWS = (
    POOLFORMER.row("poolformer_s12",      {**D12, **SMALL, **POOL, "first": True},    timm="poolformer_s12.sail_in1k"),
    POOLFORMER.row("poolformer_s24",      {**D24, **SMALL, **POOL, "first": True},    timm="poolformer_s24.sail_in1k"),
    POOLFORMER.row("poolformer_s36",      {**D36, **SMALL, **POOL, "first": True},    timm="poolformer_s36.sail_in1k"),
    POOLFORMER_V2.row("poolformerv2_s12", {**D12, **SMALL, **POOL},                   timm="poolformerv2_s12.sail_in1k"),
    POOLFORMER_V2.row("poolformerv2_s24", {**D24, **SMALL, **POOL},                   timm="poolformerv2_s24.sail_in1k"),
    POOLFORMER_V2.row("poolformerv2_s36", {**D36, **SMALL, **POOL},                   timm="poolformerv2_s36.sail_in1k"),
    CONVFORMER.row("convformer_s18",      {**C18, **SMALL, **CONV},                   timm="convformer_s18.sail_in22k_ft_in1k"),
    CONVFORMER.row("convformer_s36",      {**C36, **SMALL, **CONV},                   timm="convformer_s36.sail_in22k_ft_in1k"),
    CONVFORMER.row("convformer_m36",      {**C36, **MEDIUM, **CONV},                  timm="convformer_m36.sail_in22k_ft_in1k"),
    CAFORMER.row("caformer_s18",          {**C18, **SMALL, **CA},                     timm="caformer_s18.sail_in22k_ft_in1k"),
    CAFORMER.row("caformer_s36",          {**C36, **SMALL, **CA},                     timm="caformer_s36.sail_in22k_ft_in1k"),
    CAFORMER.row("caformer_m36",          {**C36, **MEDIUM, **CA},                    timm="caformer_m36.sail_in22k_ft_in1k"),
    CAFORMER.row("caformer_b36",          {**C36, **BASE, **CA},                      timm="caformer_b36.sail_in22k_ft_in1k"),
)
# fmt: on
