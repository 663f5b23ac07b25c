"""RegNetX, RegNetY with squeeze-and-excitation, and RegNetZ; the numbers are those of the papers."""

from kclassify.presets.row import Series

REGNET = Series("RegNet", "regnet", "head.fc", "2003.13678")
REGNETZ = Series("RegNet", "regnet", "head.fc", "2103.06877")

# fmt: off
ROWS = (
    REGNET.row("regnetx_002", {"depth": 13, "line": (24, 36.44, 2.49), "group": 8},                 paddle="RegNetX_200MF",  timm="regnetx_002.pycls_in1k"),
    REGNET.row("regnetx_004", {"depth": 22, "line": (24, 24.48, 2.54), "group": 16},                paddle="RegNetX_400MF",  timm="regnetx_004.pycls_in1k"),
    REGNET.row("regnetx_006", {"depth": 16, "line": (48, 36.97, 2.24), "group": 24},                paddle="RegNetX_600MF",  timm="regnetx_006.pycls_in1k"),
    REGNET.row("regnetx_008", {"depth": 16, "line": (56, 35.73, 2.28), "group": 16},                paddle="RegNetX_800MF",  timm="regnetx_008.tv2_in1k"),
    REGNET.row("regnetx_016", {"depth": 18, "line": (80, 34.01, 2.25), "group": 24},                paddle="RegNetX_1600MF", timm="regnetx_016.tv2_in1k"),
    REGNET.row("regnetx_032", {"depth": 25, "line": (88, 26.31, 2.25), "group": 48},                paddle="RegNetX_3200MF", timm="regnetx_032.tv2_in1k"),
    REGNET.row("regnetx_040", {"depth": 23, "line": (96, 38.65, 2.43), "group": 40},                paddle="RegNetX_4GF",    timm="regnetx_040.pycls_in1k"),
    REGNET.row("regnetx_064", {"depth": 17, "line": (184, 60.83, 2.07), "group": 56},               paddle="RegNetX_6400MF", timm="regnetx_064.pycls_in1k"),
    REGNET.row("regnetx_080", {"depth": 23, "line": (80, 49.56, 2.88), "group": 120},               paddle="RegNetX_8GF",    timm="regnetx_080.tv2_in1k"),
    REGNET.row("regnetx_120", {"depth": 19, "line": (168, 73.36, 2.37), "group": 112},              paddle="RegNetX_12GF",   timm="regnetx_120.pycls_in1k"),
    REGNET.row("regnetx_160", {"depth": 22, "line": (216, 55.59, 2.1), "group": 128},               paddle="RegNetX_16GF",   timm="regnetx_160.tv2_in1k"),
    REGNET.row("regnetx_320", {"depth": 23, "line": (320, 69.86, 2.0), "group": 168},               paddle="RegNetX_32GF",   timm="regnetx_320.tv2_in1k"),
    REGNET.row("regnety_002", {"depth": 13, "line": (24, 36.44, 2.49), "group": 8, "se": True},                              timm="regnety_002.pycls_in1k"),
    REGNET.row("regnety_004", {"depth": 16, "line": (48, 27.89, 2.09), "group": 8, "se": True},                              timm="regnety_004.tv2_in1k"),
    REGNET.row("regnety_006", {"depth": 15, "line": (48, 32.54, 2.32), "group": 16, "se": True},                             timm="regnety_006.pycls_in1k"),
    REGNET.row("regnety_008", {"depth": 14, "line": (56, 38.84, 2.4), "group": 16, "se": True},                              timm="regnety_008.pycls_in1k"),
    REGNET.row("regnety_016", {"depth": 27, "line": (48, 20.71, 2.65), "group": 24, "se": True},                             timm="regnety_016.tv2_in1k"),
    REGNET.row("regnety_032", {"depth": 21, "line": (80, 42.63, 2.66), "group": 24, "se": True},                             timm="regnety_032.ra_in1k"),
    REGNET.row("regnety_040", {"depth": 22, "line": (96, 31.41, 2.24), "group": 64, "se": True},                             timm="regnety_040.ra3_in1k"),
    REGNET.row("regnety_064", {"depth": 25, "line": (112, 33.22, 2.27), "group": 72, "se": True},                            timm="regnety_064.ra3_in1k"),
    REGNET.row("regnety_080", {"depth": 17, "line": (192, 76.82, 2.19), "group": 56, "se": True},                            timm="regnety_080.ra3_in1k"),
    REGNET.row("regnety_120", {"depth": 19, "line": (168, 73.36, 2.37), "group": 112, "se": True},                           timm="regnety_120.sw_in12k_ft_in1k"),
    REGNET.row("regnety_160", {"depth": 18, "line": (200, 106.23, 2.48), "group": 112, "se": True},                          timm="regnety_160.swag_ft_in1k"),
    REGNET.row("regnety_320", {"depth": 20, "line": (232, 115.89, 2.53), "group": 232, "se": True},                          timm="regnety_320.swag_ft_in1k"),
    REGNETZ.row("regnetz_040",   {"depth": 28, "line": (48, 14.5, 2.226), "group": 8, "se": True, "features": 0},             timm="regnetz_040.ra3_in1k"),
    REGNETZ.row("regnetz_040_h", {"depth": 28, "line": (48, 14.5, 2.226), "group": 8, "se": True, "features": 1536},          timm="regnetz_040_h.ra3_in1k"),
)
# fmt: on
