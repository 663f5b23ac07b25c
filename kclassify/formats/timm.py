"""A folder for timm: its weights under timm's names and the file that says which model they are for."""

import json
from pathlib import Path
from typing import Any

from kclassify import devices, presets
from kclassify.errors import ModelError
from kclassify.formats.keras_file import keras_forward
from kclassify.formats.saved_model import CARD, read_card
from kclassify.predictor import Predictor
from kclassify.presets.card import ModelCard

WEIGHTS, CONFIG = "model.safetensors", "config.json"


def save(model: Any, card: ModelCard, path: Path) -> None:
    """Write the folder `path`: `timm.create_model("local-dir:FOLDER", pretrained=True)` gives the same model in PyTorch.

    What goes in there is normalised [N, 3, size, size], what comes out are logits; the card is where a SavedModel has it.

    Raises:
        ModelError: timm has no such architecture.
    """
    from kclassify.models import state_dict
    from kclassify.statefiles import safetensor

    row = presets.get(card.preset)
    if not row.timm:
        raise ModelError(f"{row.name}: timm has no equal architecture. Expected a model with one, or another format, such as onnx.")
    spec, grey = card.preprocessing, any(layer.name == "grey" for layer in model.layers)
    config = {
        "architecture": row.timm,
        "num_classes": len(card.class_names),
        "pretrained_cfg": {
            "input_size": [1 if grey else 3, spec.size, spec.size],
            "interpolation": spec.interpolation,
            "crop_pct": spec.crop_pct,
            "mean": [sum(spec.mean) / 3] if grey else spec.mean,
            "std": [sum(spec.std) / 3] if grey else spec.std,
            "label_names": card.class_names,
        },
        "model_args": {"in_chans": 1} if grey else {},
    }
    (path / CARD).parent.mkdir(parents=True)
    (path / CARD).write_text(card.to_json(), encoding="utf-8")
    (path / CONFIG).write_text(json.dumps(config, indent=1, ensure_ascii=False), encoding="utf-8")
    safetensor.write(path / WEIGHTS, state_dict(model))


def load(path: Path) -> Predictor:
    """Open a folder that `save` wrote; ModelError for a damaged or foreign one."""
    devices.start()
    from kclassify.models import create_model

    card = read_card(path)
    size = card.preprocessing.size
    model = create_model(
        card.preset,
        num_classes=len(card.class_names),
        input_shape=(size, size, 3),
        in_channels=_channels(path / CONFIG),
        activation="sigmoid" if card.multi_label else "softmax",
        weights=path / WEIGHTS,
    )
    return Predictor(path.name, card, keras_forward(model, card))


def _channels(path: Path) -> int:
    try:
        return int(json.loads(path.read_text(encoding="utf-8")).get("model_args", {}).get("in_chans", 3))
    except (ValueError, AttributeError, TypeError) as error:
        raise ModelError(f"{path}: cannot be read as timm's config.json ({error}).") from error


def detect(path: Path) -> bool:
    """Whether `path` is such a folder."""
    return (path / WEIGHTS).is_file() and (path / CONFIG).is_file()
