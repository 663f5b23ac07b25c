"""PP-HGNet and PP-HGNetV2; stages are (channels inside, channels, blocks, kernel)."""

from kclassify.presets.row import Series

PPHGNET = Series("PPHGNet", "hgnet", "head.fc", "")
PPHGNETV2 = Series("PPHGNetV2", "hgnet", "head.fc", "")

TINY = {"stem": (48, 48, 96), "depth": 5, "stages": ((96, 224, 1, 3), (128, 448, 1, 3), (160, 512, 2, 3), (192, 768, 1, 3))}
SMALL = {"stem": (64, 64, 128), "depth": 6, "stages": ((128, 256, 1, 3), (160, 512, 1, 3), (192, 768, 2, 3), (224, 1024, 1, 3))}
BASE = {"stem": (96, 96, 160), "depth": 7, "stages": ((192, 320, 1, 3), (224, 640, 2, 3), (256, 960, 3, 3), (288, 1280, 2, 3))}
B0 = {"stem": (16, 16), "depth": 3, "stages": ((16, 64, 1, 3), (32, 256, 1, 3), (64, 512, 2, 5), (128, 1024, 1, 5)), "lab": True}
B1 = {"stem": (24, 32), "depth": 3, "stages": ((32, 64, 1, 3), (48, 256, 1, 3), (96, 512, 2, 5), (192, 1024, 1, 5)), "lab": True}
B2 = {"stem": (24, 32), "depth": 4, "stages": ((32, 96, 1, 3), (64, 384, 1, 3), (128, 768, 3, 5), (256, 1536, 1, 5)), "lab": True}
B3 = {"stem": (24, 32), "depth": 5, "stages": ((32, 128, 1, 3), (64, 512, 1, 3), (128, 1024, 3, 5), (256, 2048, 1, 5)), "lab": True}
B4 = {"stem": (32, 48), "depth": 6, "stages": ((48, 128, 1, 3), (96, 512, 1, 3), (192, 1024, 3, 5), (384, 2048, 1, 5))}
B5 = {"stem": (32, 64), "depth": 6, "stages": ((64, 128, 1, 3), (128, 512, 2, 3), (256, 1024, 5, 5), (512, 2048, 2, 5))}
B6 = {"stem": (48, 96), "depth": 6, "stages": ((96, 192, 2, 3), (192, 512, 3, 3), (384, 1024, 6, 5), (768, 2048, 3, 5))}

# fmt: off
ROWS = (
    PPHGNET.row("pphgnet_tiny",       TINY,  paddle="PPHGNet_tiny",       timm="hgnet_tiny.paddle_in1k"),
    PPHGNET.row("pphgnet_tiny_ssld",  TINY,  paddle="PPHGNet_tiny_ssld",  timm="hgnet_tiny",  sources=("timm/hgnet_tiny.ssld_in1k",)),
    PPHGNET.row("pphgnet_small",      SMALL, paddle="PPHGNet_small",      timm="hgnet_small.paddle_in1k"),
    PPHGNET.row("pphgnet_small_ssld", SMALL, paddle="PPHGNet_small_ssld", timm="hgnet_small", sources=("timm/hgnet_small.ssld_in1k",)),
    PPHGNET.row("pphgnet_base_ssld",  BASE,  paddle="PPHGNet_base_ssld",  timm="hgnet_base.ssld_in1k"),
    PPHGNETV2.row("pphgnetv2_b0",     B0,    paddle="PPHGNetV2_B0",       timm="hgnetv2_b0.ssld_stage2_ft_in1k"),
    PPHGNETV2.row("pphgnetv2_b1",     B1,    paddle="PPHGNetV2_B1",       timm="hgnetv2_b1.ssld_stage2_ft_in1k"),
    PPHGNETV2.row("pphgnetv2_b2",     B2,    paddle="PPHGNetV2_B2",       timm="hgnetv2_b2.ssld_stage2_ft_in1k"),
    PPHGNETV2.row("pphgnetv2_b3",     B3,    paddle="PPHGNetV2_B3",       timm="hgnetv2_b3.ssld_stage2_ft_in1k"),
    PPHGNETV2.row("pphgnetv2_b4",     B4,    paddle="PPHGNetV2_B4",       timm="hgnetv2_b4.ssld_stage2_ft_in1k"),
    PPHGNETV2.row("pphgnetv2_b5",     B5,    paddle="PPHGNetV2_B5",       timm="hgnetv2_b5.ssld_stage2_ft_in1k"),
    PPHGNETV2.row("pphgnetv2_b6",     B6,    paddle="PPHGNetV2_B6",       timm="hgnetv2_b6.ssld_stage2_ft_in1k"),
)
# fmt: on
