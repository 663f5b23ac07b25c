"""Deep layer aggregation."""

from kclassify.presets.row import Series

DLA = Series("DLA", "dla", "fc", "1707.06484")
THIN, WIDE = (16, 32, 64, 64, 128, 256), (16, 32, 128, 256, 512, 1024)
D34, D60, D102, D169 = (1, 2, 2, 1), (1, 2, 3, 1), (1, 3, 4, 1), (2, 3, 5, 1)
X = {"cardinality": 32, "width": 4}

# fmt: off
ROWS = (
    DLA.row("dla34",    {"channels": (16, 32, 64, 128, 256, 512), "levels": D34, "width": 0},                   paddle="DLA34", timm="dla34.in1k"),
    DLA.row("dla46_c",  {"channels": THIN, "levels": D34},                                                      paddle="DLA46_c", timm="dla46_c.in1k"),
    DLA.row("dla46x_c", {"channels": THIN, "levels": D34, **X},                                                 timm="dla46x_c.in1k"),
    DLA.row("dla60x_c", {"channels": THIN, "levels": D60, **X},                                                 paddle="DLA60x_c", timm="dla60x_c.in1k"),
    DLA.row("dla60",    {"channels": WIDE, "levels": D60},                                                      paddle="DLA60", timm="dla60.in1k"),
    DLA.row("dla60x",   {"channels": WIDE, "levels": D60, **X},                                                 paddle="DLA60x", timm="dla60x.in1k"),
    DLA.row("dla102",   {"channels": WIDE, "levels": D102, "residual": True},                                   paddle="DLA102", timm="dla102.in1k"),
    DLA.row("dla102x",  {"channels": WIDE, "levels": D102, "residual": True, **X},                              paddle="DLA102x", timm="dla102x.in1k"),
    DLA.row("dla102x2", {"channels": WIDE, "levels": D102, "residual": True, "cardinality": 64, "width": 4},    paddle="DLA102x2", timm="dla102x2.in1k"),
    DLA.row("dla169",   {"channels": WIDE, "levels": D169, "residual": True},                                   paddle="DLA169", timm="dla169.in1k"),
)
# fmt: on
