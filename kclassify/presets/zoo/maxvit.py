"""MaxViT."""

from kclassify.presets.row import Series

MAXVIT = Series("MaxViT", "maxvit", "head.fc", "2204.01697")

TINY = {"stem": 64, "widths": (64, 128, 256, 512), "depths": (2, 2, 5, 2)}
SMALL = {"stem": 64, "widths": (96, 192, 384, 768), "depths": (2, 2, 5, 2)}

# fmt: off
ROWS = (
    MAXVIT.row("maxvit_tiny_tf_224",  TINY,  timm="maxvit_tiny_tf_224.in1k"),
    MAXVIT.row("maxvit_tiny_tf_384",  TINY,  timm="maxvit_tiny_tf_384.in1k"),
    MAXVIT.row("maxvit_small_tf_224", SMALL, timm="maxvit_small_tf_224.in1k"),
)
# fmt: on
