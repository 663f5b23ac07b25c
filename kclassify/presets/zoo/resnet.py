"""ResNet and its relatives."""

from kclassify.presets.row import Series

RESNET = Series("ResNet", "resnet", "fc", "1512.03385")

ROWS = (
    RESNET.row("resnet18", {"depths": (2, 2, 2, 2), "bottleneck": False}, paddle="ResNet18", timm="resnet18.a1_in1k"),
    RESNET.row("resnet50", {"depths": (3, 4, 6, 3), "bottleneck": True}, paddle="ResNet50", timm="resnet50.a1_in1k"),
)
