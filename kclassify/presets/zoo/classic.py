"""AlexNet, VGG and SqueezeNet, the nets without BatchNorm. PaddleClas' SqueezeNet pads otherwise than the authors' and torchvision's."""

from kclassify.presets.row import Series

ALEXNET = Series("AlexNet", "alexnet", "classifier.6", "1404.5997")
VGG = Series("VGG", "vgg", "head.fc", "1409.1556", dropout=0.5)
SQUEEZENET = Series("SqueezeNet", "squeezenet", "classifier.1", "1602.07360", dropout=0.5)
TORCHVISION = "https://download.pytorch.org/models/"

# fmt: off
ROWS = (
    ALEXNET.row("alexnet",          {},                                                                                              paddle="AlexNet", sources=(f"{TORCHVISION}alexnet-owt-7be5be79.pth",)),
    VGG.row("vgg11",                {"depths": (1, 1, 2, 2, 2)},                                                                     paddle="VGG11", timm="vgg11.tv_in1k"),
    VGG.row("vgg13",                {"depths": (2, 2, 2, 2, 2)},                                                                     paddle="VGG13", timm="vgg13.tv_in1k"),
    VGG.row("vgg16",                {"depths": (2, 2, 3, 3, 3)},                                                                     paddle="VGG16", timm="vgg16.tv_in1k"),
    VGG.row("vgg19",                {"depths": (2, 2, 4, 4, 4)},                                                                     paddle="VGG19", timm="vgg19.tv_in1k"),
    VGG.row("vgg11_bn",             {"depths": (1, 1, 2, 2, 2), "norm": True},                                                       timm="vgg11_bn.tv_in1k"),
    VGG.row("vgg16_bn",             {"depths": (2, 2, 3, 3, 3), "norm": True},                                                       timm="vgg16_bn.tv_in1k"),
    VGG.row("vgg19_bn",             {"depths": (2, 2, 4, 4, 4), "norm": True},                                                       timm="vgg19_bn.tv_in1k"),
    SQUEEZENET.row("squeezenet1_0", {"stem": (96, 7), "pools": (2, 6, 11), "fires": (3, 4, 5, 7, 8, 9, 10, 12)},                     paddle="SqueezeNet1_0", sources=(f"{TORCHVISION}squeezenet1_0-b66bff10.pth",)),
    SQUEEZENET.row("squeezenet1_1", {"stem": (64, 3), "pools": (2, 5, 8), "fires": (3, 4, 6, 7, 9, 10, 11, 12)},                     paddle="SqueezeNet1_1", sources=(f"{TORCHVISION}squeezenet1_1-b8a52dc0.pth",)),
)
# fmt: on
