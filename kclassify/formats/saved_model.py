"""TensorFlow SavedModel: pixels in, probabilities and class names out, for TensorFlow Serving and for any TensorFlow program."""

from pathlib import Path
from typing import Any

import numpy as np

from kclassify import devices
from kclassify.data.preprocess import preprocess
from kclassify.errors import ModelError
from kclassify.formats.quiet import quiet
from kclassify.predictor import Predictor
from kclassify.presets.card import ModelCard

CARD = Path("assets.extra") / "kclassify.json"
GRAPH = "saved_model.pb"
HINT = "Write a new one with: kclassify export RUN --format saved_model"

# A graph is a program: these operators reach the file system, Python or other machines, and no classifier needs them. SaveV2 and RestoreV2
# stay allowed because every SavedModel holds them. This stops the obvious, it is no sandbox: open only models whose origin is trusted.
FORBIDDEN = (
    *("ReadFile", "WriteFile", "MatchingFiles", "TextFile", "FileSystem", "Reader", "Dataset", "ImmutableConst"),
    *("PyFunc", "Print", "Debug", "Summary", "VocabRemapping", "LoadAndRemap", "Remote", "Rpc"),
)


def save(model: Any, card: ModelCard, path: Path) -> None:
    """Write the folder `path`.

    Its signature `serving_default` maps `pixels`, uint8 [N, H, W, 3] of any H and W, to `probabilities`, float32 [N, classes]; the
    signature `class_names` gives the names, string [classes] (of its own, because TensorFlow Serving's row format wants N in every
    output). The card is `assets.extra/kclassify.json`.
    """
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, name="pixels")])
    def serve(pixels: Any) -> dict[str, Any]:
        probabilities = model(preprocess(pixels, card.preprocessing), training=False)
        return {"probabilities": tf.cast(probabilities, tf.float32)}

    @tf.function(input_signature=[])
    def class_names() -> dict[str, Any]:
        return {"class_names": tf.constant(card.class_names, tf.string)}

    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    with quiet("tensorflow"):
        tf.saved_model.save(module, str(path), signatures={"serving_default": serve, "class_names": class_names})
    (path / CARD).parent.mkdir(exist_ok=True)
    (path / CARD).write_text(card.to_json(), encoding="utf-8")


def load(path: Path) -> Predictor:
    """Open a folder that `save` wrote; a damaged or foreign one raises ModelError before any of its operators runs."""
    card = read_card(path)
    devices.start()
    refuse_forbidden_operators(path)
    import tensorflow as tf

    try:
        with quiet("tensorflow"):
            serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    except Exception as error:  # TensorFlow raises a dozen unrelated types for a damaged folder
        raise ModelError(f"{path}: this SavedModel cannot be loaded ({type(error).__name__}). {HINT}") from error

    def forward(pixels: np.ndarray) -> np.ndarray:
        return np.asarray(serve(pixels=tf.constant(pixels))["probabilities"])

    return Predictor(path.name, card, forward)


def detect(path: Path) -> bool:
    """Whether `path` is a SavedModel folder."""
    return (path / GRAPH).is_file()


def read_card(path: Path) -> ModelCard:
    """The card inside the folder, or ModelError."""
    try:
        text = (path / CARD).read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: no {CARD.as_posix()} inside, so class names and preprocessing are unknown. {HINT}") from error
    return ModelCard.from_json(text, str(path))


def refuse_forbidden_operators(path: Path) -> None:
    """Raise ModelError if the graph holds an operator that reaches beyond its inputs."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    try:
        proto = saved_model_pb2.SavedModel.FromString((path / GRAPH).read_bytes())
    except (OSError, DecodeError) as error:
        raise ModelError(f"{path}: {GRAPH} cannot be read ({type(error).__name__}). {HINT}") from error
    graphs = [meta.graph_def for meta in proto.meta_graphs]
    operators = {node.op for graph in graphs for node in graph.node}
    operators |= {node.op for graph in graphs for function in graph.library.function for node in function.node_def}
    found = sorted(name for name in operators if any(part in name for part in FORBIDDEN))
    if found:
        raise ModelError(f"{path}: refused, its graph holds operators that reach files or Python: {', '.join(found[:5])}. {HINT}")
