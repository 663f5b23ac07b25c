"""Dual path networks."""

from kclassify.presets.row import Series

DPN = Series("DPN", "dpn", "classifier", "1707.01629")
NARROW = {"depths": (3, 4, 12, 3), "growths": (16, 32, 32, 64), "inside": 128, "stem": 10, "small": True}

# fmt: off
ROWS = (
    DPN.row("dpn68",  NARROW,                                                                                                   paddle="DPN68", timm="dpn68.mx_in1k"),
    DPN.row("dpn68b", {**NARROW, "split": True},                                                                                timm="dpn68b.ra_in1k"),
    DPN.row("dpn92",  {"depths": (3, 4, 20, 3), "growths": (16, 32, 24, 128), "inside": 96, "stem": 64},                        paddle="DPN92", timm="dpn92.mx_in1k"),
    DPN.row("dpn98",  {"depths": (3, 6, 20, 3), "growths": (16, 32, 32, 128), "inside": 160, "groups": 40, "stem": 96},         paddle="DPN98", timm="dpn98.mx_in1k"),
    DPN.row("dpn107", {"depths": (4, 8, 20, 3), "growths": (20, 64, 64, 128), "inside": 200, "groups": 50, "stem": 128},        paddle="DPN107", timm="dpn107.mx_in1k"),
    DPN.row("dpn131", {"depths": (4, 8, 28, 3), "growths": (16, 32, 32, 128), "inside": 160, "groups": 40, "stem": 128},        paddle="DPN131", timm="dpn131.mx_in1k"),
)
# fmt: on
