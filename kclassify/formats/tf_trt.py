"""TF-TRT: a SavedModel whose subgraphs run in TensorRT, where TensorFlow was built with it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kclassify.errors import SetupError
from kclassify.formats.quiet import quiet
from kclassify.presets.card import ModelCard

EXTRA = "assets.extra"


def save(model: Any, card: ModelCard, path: Path, *, save_plain: Callable[..., None], converter: Callable[..., Any] | None = None) -> None:
    """Write the SavedModel beside `path` with `save_plain`, convert it in precision FP32 to the folder `path` and carry the card over.

    `converter` stands in for `tf.experimental.tensorrt.Converter` (TrtGraphConverterV2). Raises SetupError where that does not work.
    """
    plain = path.with_name(f"{path.name}-plain")
    conversion = open_converter(plain, converter)  # before the work, since most builds of TensorFlow refuse here
    save_plain(model, card, plain)
    conversion.convert()
    conversion.save(str(path))
    shutil.copytree(plain / EXTRA, path / EXTRA, dirs_exist_ok=True)


def open_converter(source: Path, converter: Callable[..., Any] | None = None) -> Any:
    """A converter of the SavedModel `source`, or SetupError with the way around."""
    import tensorflow as tf

    try:
        with quiet("tensorflow"):
            return (converter or tf.experimental.tensorrt.Converter)(input_saved_model_dir=str(source), precision_mode="FP32")
    except (AttributeError, ImportError, OSError, RuntimeError) as error:
        raise SetupError(
            f"TensorFlow {tf.__version__} cannot write tf-trt here: it was built without TensorRT, as all its own builds since 2.18.\n"
            "Type instead: kclassify export RUN --format onnx\n"
            "and then: trtexec --onnx=model.onnx (if it refuses antialias: onnxruntime-gpu with the TensorrtExecutionProvider)"
        ) from error


def detect(path: Path) -> bool:
    """Whether `path` is a SavedModel folder with TensorRT engines inside."""
    graph = path / "saved_model.pb"
    return graph.is_file() and b"TRTEngineOp" in graph.read_bytes()
