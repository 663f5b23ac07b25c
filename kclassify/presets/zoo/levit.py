"""LeViT."""

from typing import Any

from kclassify.presets.row import Series

LEVIT = Series("LeViT", "levit", "head.linear", "2104.01136")
BOTH: dict[str, Any] = {"heads": ("head.linear", "head_dist.linear")}

# fmt: off
ROWS = (
    LEVIT.row("levit_128s", {"widths": (128, 256, 384), "depths": (2, 3, 4), "heads": (4, 6, 8),  "key": 16}, paddle="LeViT_128S", timm="levit_128s.fb_dist_in1k", **BOTH),
    LEVIT.row("levit_128",  {"widths": (128, 256, 384), "depths": (4, 4, 4), "heads": (4, 8, 12), "key": 16}, paddle="LeViT_128",  timm="levit_128.fb_dist_in1k",  **BOTH),
    LEVIT.row("levit_192",  {"widths": (192, 288, 384), "depths": (4, 4, 4), "heads": (3, 5, 6),  "key": 32}, paddle="LeViT_192",  timm="levit_192.fb_dist_in1k",  **BOTH),
    LEVIT.row("levit_256",  {"widths": (256, 384, 512), "depths": (4, 4, 4), "heads": (4, 6, 8),  "key": 32}, paddle="LeViT_256",  timm="levit_256.fb_dist_in1k",  **BOTH),
    LEVIT.row("levit_384",  {"widths": (384, 512, 768), "depths": (4, 4, 4), "heads": (6, 9, 12), "key": 32}, paddle="LeViT_384",  timm="levit_384.fb_dist_in1k",  **BOTH),
)
# fmt: on
