"""The models of keras.applications as presets: `ka:NASNetMobile`.

Those that the zoo has as rows of its own with a better choice of weights (EfficientNet, ConvNeXt) are not among them.
"""

from typing import Any

from kclassify.errors import UsageError, near_names
from kclassify.presets.card import Preprocessing
from kclassify.presets.row import ModelRow

PREFIX = "ka:"
HEAD = "classifier"  # Keras calls it otherwise from model to model
PAGE = "https://keras.io/api/applications"

HALF = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
LITE = {"mean": (128 / 255,) * 3, "std": (128 / 255,) * 3}
# Of Caffe: grey levels less the mean, in the order B, G, R (the builder turns them round).
CAFFE = {"mean": (123.68 / 255, 116.779 / 255, 103.939 / 255), "std": (1 / 255,) * 3}
IMAGENET: dict[str, Any] = {}

# Name: side of the input, how it is normalised.
TABLE: dict[str, tuple[int, Any]] = {
    **dict.fromkeys(("VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152"), (224, CAFFE)),
    **dict.fromkeys(("ResNet50V2", "ResNet101V2", "ResNet152V2", "MobileNetV2", "NASNetMobile"), (224, HALF)),
    **dict.fromkeys(("InceptionV3", "InceptionResNetV2", "Xception"), (299, HALF)),
    "NASNetLarge": (331, HALF),
    **dict.fromkeys(("DenseNet121", "DenseNet169", "DenseNet201"), (224, IMAGENET)),
    "MobileNet": (224, HALF),
    **dict.fromkeys(("MobileNetV3Small", "MobileNetV3Large"), (224, HALF)),
    **{f"EfficientNetV2B{number}": (side, IMAGENET) for number, side in enumerate((224, 240, 260, 300))},
    **{f"EfficientNetV2{kind}": (side, LITE) for kind, side in (("S", 384), ("M", 480), ("L", 480))},
}


def row(name: str) -> ModelRow:
    """The row of a name with PREFIX. Raises UsageError that proposes the nearest."""
    model = name.removeprefix(PREFIX)
    if model not in TABLE:
        raise UsageError(f"keras.applications has no '{model}' for this.{near_names(model, TABLE)} See: {PAGE}")
    size, normalisation = TABLE[model]
    return ModelRow(
        name=name,
        series="keras.applications",
        family="applications",
        config={"name": model, "flip": normalisation is CAFFE},
        heads=(HEAD,),
        paper="",
        preprocessing=Preprocessing(size=size, **normalisation),
        sources=(f"{PREFIX}{model}",),
    )
