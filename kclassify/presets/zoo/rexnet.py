"""ReXNet, and timm's ReXNetR, whose channels are multiples of 8 or 16."""

from kclassify.presets.row import Series

REXNET = Series("ReXNet", "rexnet", "head.fc", "2007.00992", dropout=0.2)

# fmt: off
ROWS = (
    REXNET.row("rexnet_1_0",  {"width": 1.0}, paddle="ReXNet_1_0", timm="rexnet_100.nav_in1k"),
    REXNET.row("rexnet_1_3",  {"width": 1.3}, paddle="ReXNet_1_3", timm="rexnet_130.nav_in1k"),
    REXNET.row("rexnet_1_5",  {"width": 1.5}, paddle="ReXNet_1_5", timm="rexnet_150.nav_in1k"),
    REXNET.row("rexnet_2_0",  {"width": 2.0}, paddle="ReXNet_2_0", timm="rexnet_200.nav_in1k"),
    REXNET.row("rexnet_3_0",  {"width": 3.0}, paddle="ReXNet_3_0", timm="rexnet_300.nav_in1k"),
    REXNET.row("rexnetr_200", {"width": 2.0, "divisor": 8}, timm="rexnetr_200.sw_in12k_ft_in1k"),
    REXNET.row("rexnetr_300", {"width": 3.0, "divisor": 16}, timm="rexnetr_300.sw_in12k_ft_in1k"),
)
# fmt: on
