"""Classifiers of keras_hub as presets: `keras_hub:resnet_50_imagenet`, or `keras_hub:FOLDER` that its `save_to_preset` wrote.

Such a folder is JSON and weights. What the JSON would have Keras build is looked at here first: only keras_hub's own classes, and
Keras' plain number formats, may be named in it.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kclassify.errors import ModelError, SetupError, UsageError, near_names
from kclassify.presets.card import Preprocessing
from kclassify.presets.row import ModelRow

PREFIX = "keras_hub:"
HEAD = "classifier"
FILES = ("config.json", "task.json", "model.weights.h5", "task.weights.h5")
CACHE = "KAGGLEHUB_CACHE"  # where keras_hub's downloads are, if not in ~/.cache/kagglehub
KINDS = ("Backbone", "ImageClassifier", "ImageClassifierPreprocessor", "ImageConverter")  # ends of the names of classes
FUNCTIONS = ("linear", "softmax", "sigmoid", "relu", "gelu", "silu", "tanh")

# Model and version on the hub: names there. Left out: those for segmentation, and three that keras_hub 0.32 sends to other weights.
TABLE: dict[str, str] = {
    name: f"keras/{model}/keras/{name}/{version}"
    for model, version, names in (
        ("cspdarknet", 2, "csp_darknet_53_ra_imagenet"),
        ("cspdarknet", 1, "csp_resnet_50_ra_imagenet csp_resnext_50_ra_imagenet darknet_53_imagenet"),
        ("deit", 1, "deit_tiny_distilled_patch16_224_imagenet deit_small_distilled_patch16_224_imagenet"),
        ("deit", 1, "deit_base_distilled_patch16_224_imagenet deit_base_distilled_patch16_384_imagenet"),
        ("densenet", 3, "densenet_121_imagenet densenet_169_imagenet densenet_201_imagenet"),
        ("efficientnet", 2, "efficientnet_b0_ra_imagenet efficientnet_b0_ra4_e3600_r224_imagenet efficientnet_b1_ra4_e3600_r240_imagenet"),
        ("efficientnet", 2, "efficientnet_b2_ra_imagenet efficientnet_b3_ra2_imagenet efficientnet_b4_ra2_imagenet"),
        ("efficientnet", 2, "efficientnet_b5_sw_imagenet efficientnet_b5_sw_ft_imagenet efficientnet_lite0_ra_imagenet"),
        ("efficientnet", 2, "efficientnet2_rw_m_agc_imagenet efficientnet2_rw_s_ra2_imagenet efficientnet2_rw_t_ra2_imagenet"),
        ("efficientnet", 5, "efficientnet_b1_ft_imagenet"),
        ("hgnetv2", 1, "hgnetv2_b4_ssld_stage2_ft_in1k hgnetv2_b5_ssld_stage1_in22k_in1k hgnetv2_b5_ssld_stage2_ft_in1k"),
        ("hgnetv2", 1, "hgnetv2_b6_ssld_stage1_in22k_in1k hgnetv2_b6_ssld_stage2_ft_in1k"),
        ("mobilenetv3", 1, "mobilenet_v3_small_050_imagenet mobilenet_v3_small_100_imagenet mobilenet_v3_large_100_imagenet"),
        ("mobilenetv3", 1, "mobilenet_v3_large_100_imagenet_21k"),
        ("resnetv1", 3, "resnet_18_imagenet resnet_50_imagenet resnet_101_imagenet resnet_152_imagenet"),
        ("resnetv2", 3, "resnet_v2_50_imagenet resnet_v2_101_imagenet"),
        ("resnet_vd", 2, "resnet_vd_18_imagenet resnet_vd_34_imagenet resnet_vd_50_imagenet resnet_vd_50_ssld_imagenet"),
        ("resnet_vd", 2, "resnet_vd_50_ssld_v2_imagenet resnet_vd_50_ssld_v2_fix_imagenet resnet_vd_101_imagenet"),
        ("resnet_vd", 2, "resnet_vd_101_ssld_imagenet resnet_vd_152_imagenet resnet_vd_200_imagenet"),
        ("swin-transformer", 1, "swin_tiny_patch4_window7_224 swin_small_patch4_window7_224 swin_base_patch4_window7_224"),
        ("swin-transformer", 1, "swin_base_patch4_window12_384 swin_large_patch4_window7_224 swin_large_patch4_window12_384"),
        ("vgg", 3, "vgg_11_imagenet vgg_13_imagenet vgg_16_imagenet vgg_19_imagenet"),
        ("vit", 4, "vit_base_patch16_224_imagenet vit_base_patch16_384_imagenet vit_large_patch16_224_imagenet"),
        ("vit", 4, "vit_large_patch16_384_imagenet"),
        ("vit", 3, "vit_base_patch32_384_imagenet vit_large_patch32_384_imagenet"),
        ("xception", 2, "xception_41_imagenet"),
    )
    for name in names.split()
}


def row(name: str) -> ModelRow:
    """The row of a name with PREFIX, read from its folder.

    Raises:
        UsageError: neither a folder nor a name of keras_hub; proposes the nearest.
        SetupError: the files of that name are not on this machine.
        ModelError: the folder is no image classifier of keras_hub, or names a class of somebody else.
    """
    folder = folder_of(name)
    task, config = _checked(folder / "task.json", "ImageClassifier"), _checked(folder / "config.json", "Backbone")
    try:
        settings = task["config"]
        converter = ((settings.get("preprocessor") or {}).get("config", {}).get("image_converter") or {}).get("config", {})
        preprocessing = _preprocessing(converter, config["config"])
        classes, dropout = int(settings["num_classes"]), float(settings.get("dropout") or 0)
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder}: its task.json cannot be understood ({error!r}).") from error
    full = name if name.removeprefix(PREFIX) in TABLE else f"{PREFIX}{folder}"
    return ModelRow(
        name=full,
        series="keras_hub",
        family="kerashub",
        config={"folder": str(folder)},
        heads=(HEAD,),
        paper="",
        preprocessing=preprocessing,
        dropout=dropout,
        weights=full,
        classes=classes,
    )


def folder_of(name: str) -> Path:
    """The folder that a name with PREFIX stands for, with all FILES in it."""
    text = name.removeprefix(PREFIX)
    if text in TABLE:
        folder = cached(text)
        if not all((folder / file).is_file() for file in FILES):
            raise SetupError(f"{name}: not on this machine.\nTo download it: kclassify presets show {name}")
        return folder
    folder = Path(text).expanduser().resolve()
    if not text or not folder.is_dir():
        raise UsageError(f"keras_hub has no classifier '{text}', and no such folder is here.{near_names(text, TABLE)}")
    if missing := [file for file in FILES if not (folder / file).is_file()]:
        raise ModelError(f"{folder}: has no {missing[0]}. Expected a folder that save_to_preset of a keras_hub ImageClassifier wrote.")
    return folder


def cached(name: str) -> Path:
    """Where the download of a name of TABLE is kept, by keras_hub and by us."""
    return Path(os.environ.get(CACHE) or "~/.cache/kagglehub").expanduser() / "models" / TABLE[name]


def short(name: str) -> str:
    """The name of a preset as a part of names of files and models: of a folder's path the last part alone."""
    return PREFIX + re.sub(r"[^\w.-]", "-", Path(name.removeprefix(PREFIX)).name) if name.startswith(PREFIX) else name


def _checked(path: Path, kind: str) -> dict[str, Any]:
    """The JSON of a class of keras_hub of this kind, with no other classes in it. Raises ModelError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        named = list(_named(document))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read as JSON ({error}).") from error
    if not isinstance(document, dict) or not str(document.get("class_name")).endswith(kind):
        raise ModelError(f"{path}: does not hold what keras_hub calls {kind}.")
    if foreign := [entry for entry in named if not _allowed(entry)]:
        entry = foreign[0]
        what = f"{entry.get('module')}.{entry.get('class_name')} ({entry.get('registered_name')})"
        raise ModelError(f"{path}: names {what[:200]}, which is not a class for this of keras_hub. It is not loaded: that could run code.")
    return document


def _named(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a JSON document that names something to build."""
    if isinstance(value, dict):
        if not {"class_name", "registered_name", "module"}.isdisjoint(value):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _named(item)


def _allowed(entry: dict[str, Any]) -> bool:
    name, module, registered = (entry.get(key) for key in ("class_name", "module", "registered_name"))
    if name == "__tuple__":
        return module is None and registered is None
    if module == "builtins" and name == "function":
        return entry.get("config") in FUNCTIONS and registered in ("function", None)
    if module == "keras":
        return name in ("DTypePolicy", "DTypePolicyMap") and registered is None
    package = str(module).partition(".")[0]
    return package in ("keras_hub", "keras_nlp") and registered == f"{package}>{name}" and str(name).endswith(KINDS)


def _preprocessing(converter: dict[str, Any], backbone: dict[str, Any]) -> Preprocessing:
    """keras_hub's `x * scale + offset` of grey levels as mean and standard deviation; it cuts the largest square out, without a margin."""
    shape = backbone.get("image_shape") or (None, None)
    size = converter.get("image_size") or (converter.get("height"), converter.get("width"))
    height, width = (side or shape[number] or 224 for number, side in enumerate(size))
    if height != width:
        raise ValueError(f"expected a square picture, not {height} x {width}")
    scale, offset = _three(converter.get("scale"), 1.0), _three(converter.get("offset"), 0.0)
    if "variance" in converter and "mean" in converter:  # as the first releases wrote it
        spread = [value**0.5 for value in converter["variance"]]
        offset = [-value / root for value, root in zip(converter["mean"], spread, strict=True)]
        scale = [value / root for value, root in zip(scale, spread, strict=True)]
    std = tuple(1 / (255 * value) for value in scale)
    mean = tuple(0.0 - value * root for value, root in zip(offset, std, strict=True))
    return Preprocessing(size=int(height), crop_pct=1.0, interpolation=str(converter.get("interpolation", "bilinear")), mean=mean, std=std)


def _three(value: Any, default: float) -> list[float]:
    """A number for each of R, G and B; Keras writes a tuple as a mapping with items."""
    if isinstance(value, dict):
        value = value["items"]
    values = value if isinstance(value, list) else [default if value is None else value] * 3
    if len(values) != 3:
        raise ValueError(f"expected three channels, not {len(values)}")
    return [float(item) for item in values]
