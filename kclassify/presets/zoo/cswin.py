"""CSWin Transformer, of which PaddleClas alone publishes weights in this form."""

from kclassify.presets.row import Series

CSWIN = Series("CSWinTransformer", "cswin", "head", "2107.00652")

TINY, DEEP = {"width": 64, "heads": (2, 4, 8, 16), "depths": (1, 2, 21, 1)}, {"depths": (2, 4, 32, 2)}
SMALL, BASE = {**DEEP, "width": 64, "heads": (2, 4, 8, 16)}, {**DEEP, "width": 96, "heads": (4, 8, 16, 32)}
LARGE = {**DEEP, "width": 144, "heads": (6, 12, 24, 24)}
S7, S12 = {"stripes": (1, 2, 7, 0)}, {"stripes": (1, 2, 12, 0)}
PADDLE = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/CSWinTransformer"

# fmt: off
ROWS = (
    CSWIN.row("cswin_tiny_224",  {**TINY, **S7},  paddle="CSWinTransformer_tiny_224",  sources=(f"{PADDLE}_tiny_224_pretrained.pdparams",)),
    CSWIN.row("cswin_small_224", {**SMALL, **S7}, paddle="CSWinTransformer_small_224", sources=(f"{PADDLE}_small_224_pretrained.pdparams",)),
    CSWIN.row("cswin_base_224",  {**BASE, **S7},  paddle="CSWinTransformer_base_224",  sources=(f"{PADDLE}_base_224_pretrained.pdparams",)),
    CSWIN.row("cswin_large_224", {**LARGE, **S7}, paddle="CSWinTransformer_large_224", sources=(f"{PADDLE}_large_224_pretrained.pdparams",)),
    CSWIN.row("cswin_base_384",  {**BASE, **S12},  paddle="CSWinTransformer_base_384",  sources=(f"{PADDLE}_base_384_pretrained.pdparams",),  size=384),
    CSWIN.row("cswin_large_384", {**LARGE, **S12}, paddle="CSWinTransformer_large_384", sources=(f"{PADDLE}_large_384_pretrained.pdparams",), size=384),
)
# fmt: on
