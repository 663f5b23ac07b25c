"""RepVGG in the form that is trained; an export has the form for prediction."""

from kclassify.presets.row import Series

PADDLE_FILES = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/RepVGG_"

A, B = (2, 4, 14, 1), (4, 6, 16, 1)  # blocks of each stage, arXiv 2101.03697, table 3
B1, B2, B3 = (2, 2, 2, 4), (2.5, 2.5, 2.5, 5), (3, 3, 3, 5)  # widths

REPVGG = Series("RepVGG", "repvgg", "head.fc", "2101.03697")

# fmt: off
ROWS = (
    REPVGG.row("repvgg_a0",   {"depths": A, "widths": (0.75, 0.75, 0.75, 2.5)},             paddle="RepVGG_A0",   timm="repvgg_a0.rvgg_in1k"),
    REPVGG.row("repvgg_a1",   {"depths": A, "widths": (1, 1, 1, 2.5)},                      paddle="RepVGG_A1",   timm="repvgg_a1.rvgg_in1k"),
    REPVGG.row("repvgg_a2",   {"depths": A, "widths": (1.5, 1.5, 1.5, 2.75)},               paddle="RepVGG_A2",   timm="repvgg_a2.rvgg_in1k"),
    REPVGG.row("repvgg_b0",   {"depths": B, "widths": (1, 1, 1, 2.5)},                      paddle="RepVGG_B0",   timm="repvgg_b0.rvgg_in1k"),
    REPVGG.row("repvgg_b1",   {"depths": B, "widths": B1},                                  paddle="RepVGG_B1",   timm="repvgg_b1.rvgg_in1k"),
    REPVGG.row("repvgg_b1g2", {"depths": B, "widths": B1, "groups": 2, "paddle": True},     paddle="RepVGG_B1g2", heads=("linear",), sources=(f"{PADDLE_FILES}B1g2_pretrained.pdparams",)),
    REPVGG.row("repvgg_b1g4", {"depths": B, "widths": B1, "groups": 4},                     paddle="RepVGG_B1g4", timm="repvgg_b1g4.rvgg_in1k"),
    REPVGG.row("repvgg_b2",   {"depths": B, "widths": B2},                                  paddle="RepVGG_B2",   timm="repvgg_b2.rvgg_in1k"),
    REPVGG.row("repvgg_b2g4", {"depths": B, "widths": B2, "groups": 4},                     paddle="RepVGG_B2g4", timm="repvgg_b2g4.rvgg_in1k"),
    REPVGG.row("repvgg_b3",   {"depths": B, "widths": B3},                                  paddle="RepVGG_B3",   timm="repvgg_b3.rvgg_in1k"),
    REPVGG.row("repvgg_b3g4", {"depths": B, "widths": B3, "groups": 4},                     paddle="RepVGG_B3g4", timm="repvgg_b3g4.rvgg_in1k"),
    REPVGG.row("repvgg_d2se", {"depths": (8, 14, 24, 1), "widths": B2, "squeeze": True},    paddle="RepVGG_D2se", timm="repvgg_d2se.rvgg_in1k"),
)
# fmt: on
