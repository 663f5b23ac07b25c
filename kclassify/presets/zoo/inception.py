"""GoogLeNet, InceptionV3, InceptionV4 and InceptionResNetV2."""

from kclassify.presets.card import Preprocessing
from kclassify.presets.row import Series

GOOGLENET = Series("GoogLeNet", "inception", "fc", "1409.4842", dropout=0.2)
V3 = Series("InceptionV3", "inception", "fc", "1512.00567", dropout=0.2)
V4 = Series("InceptionV4", "inception", "last_linear", "1602.07261", dropout=0.2)
RESNET_V2 = Series("InceptionResNetV2", "inception", "classif", "1602.07261", dropout=0.2)

# fmt: off
ROWS = (
    GOOGLENET.row("googlenet",           {"net": "googlenet"},    paddle="GoogLeNet", sources=("https://download.pytorch.org/models/googlenet-1378be20.pth",), preprocessing=Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))),
    V3.row("inception_v3",               {"net": "v3"},           paddle="InceptionV3", timm="inception_v3.gluon_in1k"),
    V4.row("inception_v4",               {"net": "v4"},           paddle="InceptionV4", timm="inception_v4.tf_in1k"),
    RESNET_V2.row("inception_resnet_v2", {"net": "resnet_v2"},    timm="inception_resnet_v2.tf_in1k"),
)
# fmt: on
