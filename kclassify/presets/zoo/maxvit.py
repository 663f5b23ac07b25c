"""MaxViT."""

from kclassify.presets.row import Series

MAXVIT = Series("MaxViT", "maxvit", "head.fc", "2204.01697")

TINY = {"stem": 64, "widths": (64, 128, 256, 512), "depths": (2, 2, 5, 2)}
SMALL = {"stem": 64, "widths": (96, 192, 384, 768), "depths": (2, 2, 5, 2)}
BASE = {"stem": 64, "widths": (96, 192, 384, 768), "depths": (2, 6, 14, 2)}
LARGE = {"stem": 128, "widths": (128, 256, 512, 1024), "depths": (2, 6, 14, 2)}

# fmt: off
ROWS = (
    MAXVIT.row("maxvit_tiny_tf_224",  TINY,  timm="maxvit_tiny_tf_224.in1k"),
    MAXVIT.row("maxvit_tiny_tf_384",  TINY,  timm="maxvit_tiny_tf_384.in1k"),
    MAXVIT.row("maxvit_tiny_tf_512",  TINY,  timm="maxvit_tiny_tf_512.in1k"),
    MAXVIT.row("maxvit_small_tf_224", SMALL, timm="maxvit_small_tf_224.in1k"),
    MAXVIT.row("maxvit_small_tf_384", SMALL, timm="maxvit_small_tf_384.in1k"),
    MAXVIT.row("maxvit_small_tf_512", SMALL, timm="maxvit_small_tf_512.in1k"),
    MAXVIT.row("maxvit_base_tf_224",  BASE,  timm="maxvit_base_tf_224.in1k"),
    MAXVIT.row("maxvit_base_tf_384",  BASE,  timm="maxvit_base_tf_384.in1k"),
    MAXVIT.row("maxvit_base_tf_512",  BASE,  timm="maxvit_base_tf_512.in1k"),
    MAXVIT.row("maxvit_large_tf_224", LARGE, timm="maxvit_large_tf_224.in1k"),
    MAXVIT.row("maxvit_large_tf_384", LARGE, timm="maxvit_large_tf_384.in1k"),
    MAXVIT.row("maxvit_large_tf_512", LARGE, timm="maxvit_large_tf_512.in1k"),
)
# fmt: on
