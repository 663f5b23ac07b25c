"""EVA-02."""

from kclassify.presets.row import Series

EVA02 = Series("EVA-02", "eva", "head", "2303.11331")

# fmt: off
ROWS = (
    EVA02.row("eva02_tiny_patch14_336",  {"width": 192,  "depth": 12, "fused": True},  timm="eva02_tiny_patch14_336.mim_in22k_ft_in1k"),
    EVA02.row("eva02_small_patch14_336", {"width": 384,  "depth": 12, "fused": True},  timm="eva02_small_patch14_336.mim_in22k_ft_in1k"),
    EVA02.row("eva02_base_patch14_448",  {"width": 768,  "depth": 12, "fused": False}, timm="eva02_base_patch14_448.mim_in22k_ft_in22k_in1k"),
    EVA02.row("eva02_large_patch14_448", {"width": 1024, "depth": 24, "fused": False}, timm="eva02_large_patch14_448.mim_m38m_ft_in22k_in1k"),
)
# fmt: on
