"""Next-ViT."""

from kclassify.presets.row import Series

NEXTVIT = Series("NextViT", "nextvit", "head.fc", "2207.05501")

SMALL, BASE, LARGE = {"depths": (3, 4, 10, 3)}, {"depths": (3, 4, 20, 3)}, {"depths": (3, 4, 30, 3)}

# fmt: off
ROWS = (
    NEXTVIT.row("nextvit_small", SMALL, paddle="NextViT_small_224", timm="nextvit_small.bd_in1k"),
    NEXTVIT.row("nextvit_base",  BASE,  paddle="NextViT_base_224",  timm="nextvit_base.bd_in1k"),
    NEXTVIT.row("nextvit_large", LARGE, paddle="NextViT_large_224", timm="nextvit_large.bd_in1k"),
    NEXTVIT.row("nextvit_small_384", SMALL, paddle="NextViT_small_384", timm="nextvit_small", sources=("timm/nextvit_small.bd_in1k_384",)),
    NEXTVIT.row("nextvit_base_384",  BASE,  paddle="NextViT_base_384",  timm="nextvit_base",  sources=("timm/nextvit_base.bd_in1k_384",)),
    NEXTVIT.row("nextvit_large_384", LARGE, paddle="NextViT_large_384", timm="nextvit_large", sources=("timm/nextvit_large.bd_in1k_384",)),
    NEXTVIT.row("nextvit_small_ssld", SMALL, paddle="NextViT_small_224_ssld", timm="nextvit_small", sources=("timm/nextvit_small.bd_ssld_6m_in1k",)),
    NEXTVIT.row("nextvit_base_ssld",  BASE,  paddle="NextViT_base_224_ssld",  timm="nextvit_base",  sources=("timm/nextvit_base.bd_ssld_6m_in1k",)),
    NEXTVIT.row("nextvit_large_ssld", LARGE, paddle="NextViT_large_224_ssld", timm="nextvit_large", sources=("timm/nextvit_large.bd_ssld_6m_in1k",)),
    NEXTVIT.row("nextvit_small_384_ssld", SMALL, paddle="NextViT_small_384_ssld", timm="nextvit_small", sources=("timm/nextvit_small.bd_ssld_6m_in1k_384",)),
    NEXTVIT.row("nextvit_base_384_ssld",  BASE,  paddle="NextViT_base_384_ssld",  timm="nextvit_base",  sources=("timm/nextvit_base.bd_ssld_6m_in1k_384",)),
    NEXTVIT.row("nextvit_large_384_ssld", LARGE, paddle="NextViT_large_384_ssld", timm="nextvit_large", sources=("timm/nextvit_large.bd_ssld_6m_in1k_384",)),
)
# fmt: on
