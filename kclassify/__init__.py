"""kclassify: image classification on Keras 3, from a folder of images to a deployed model.

    import kclassify as kc
    run = kc.train(preset="efficientnet_lite0", data="photos/")
    kc.predict(["new.jpg"], model=run.path)

Nothing heavy is imported before it is used.
"""

import importlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kclassify.errors import KClassifyError

if TYPE_CHECKING:
    import keras

    from kclassify import presets
    from kclassify.evaluation import Evaluation
    from kclassify.formats import ExportReport
    from kclassify.predictor import Result
    from kclassify.training import Run

__version__ = "0.1.0"
__all__ = ["KClassifyError", "create_model", "evaluate", "export", "load_model", "predict", "presets", "resume", "train"]

PathLike = str | os.PathLike[str]


def __getattr__(name: str) -> Any:
    """`kclassify.presets` is read when it is asked for: the zoo has many rows, and a command begins without them."""
    if name == "presets":
        return importlib.import_module("kclassify.presets")
    raise AttributeError(f"module 'kclassify' has no attribute '{name}'")


def train(*, config: PathLike | None = None, settings: Iterable[str] = (), verbose: bool = True, **values: Any) -> "Run":
    """Train a model; as `kclassify train`.

    Args:
        config: a YAML file, such as the config.yaml of another run.
        settings: `key=value` texts, as after `--set`.
        values: fields of RunConfig: preset, data, epochs, batch_size ... A section is a dict: `optimizer={"lr": 0.1}`. `data` and `val` may
            also be (images, labels) as NumPy arrays or lists, or a finite tf.data.Dataset of (image, label); see `data.arrays.store`. They
            are put into the cache folder, and the run's config names that place.

    Returns:
        a Run with `path`, `best_model`, `best` and `last`.

    Raises:
        KClassifyError: see errors.py; its text says what to do.
    """
    from kclassify import config as configs
    from kclassify import training
    from kclassify.console import Console
    from kclassify.remote import kerashub

    kerashub.fetch(values.get("preset"))
    values |= {name: _stored(values[name]) for name in ("data", "val") if name in values}
    resolved = configs.resolve(configs.flat(values), file=config, settings=settings, environment=os.environ)
    return training.train(resolved.config, Console(quiet=not verbose))


def _stored(data: Any) -> Any:
    """A path or a name as it is; images from Python as the folder in the cache that they are now in."""
    if data is None or isinstance(data, (str, os.PathLike)):
        return data
    from kclassify.data.sources import arrays

    return arrays.store(data)


def resume(run: PathLike, *, settings: Iterable[str] = (), verbose: bool = True, **values: Any) -> "Run":
    """Go on with a stopped run at the exact step of its last checkpoint; as `kclassify resume`.

    Args:
        settings: `key=value` texts, as after `--set`, that change from here on; `values` are such settings as with `train`: `epochs=40`.

    Raises:
        KClassifyError: see errors.py; UsageError for a change with which the run cannot go on.
    """
    from kclassify import config as configs
    from kclassify import training
    from kclassify.console import Console

    return training.resume(run, Console(quiet=not verbose), flags=configs.flat(values), settings=settings)


def evaluate(
    model: PathLike, data: PathLike | None = None, *, batch_size: int = 32, gpus: str | None = None, verbose: bool = True
) -> "Evaluation":
    """Judge a run, a `.keras` file or a preset: top1, top5 and loss, of several labels a picture map, f1 and loss; as `kclassify eval`."""
    from kclassify import evaluation
    from kclassify.console import Console

    name = None if data is None else os.fspath(data)
    return evaluation.evaluate(os.fspath(model), name, batch_size=batch_size, gpus=gpus, console=Console(quiet=not verbose))


def predict(inputs: PathLike | Iterable[PathLike], *, model: PathLike | None = None, topk: int | None = None) -> "list[Result]":
    """Classify files, or all images of folders; as `kclassify predict`.

    Args:
        inputs: one path or several.
        model: a run, a `.keras` file, an export or a preset; by default an ImageNet classifier whose weights are installed with kclassify.
        topk: how many classes a Result holds, the most probable first; by default 5. Of a model for several labels a picture a Result
            holds those with a probability of 0.5 or more, by default all.

    Returns:
        one Result a file; a file that cannot be read has its reason in `error`.
    """
    from kclassify import formats, predictor, reference

    paths = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    opened = formats.open_predictor(reference.find(os.fspath(model or reference.DEFAULT)))
    return list(predictor.predict_files(opened, predictor.image_files(paths), topk=topk))


def export(model: PathLike, *, format: str = "onnx", path: PathLike | None = None) -> "ExportReport":
    """Write a run, a `.keras` file or a preset as "onnx", "saved_model" or "tf-trt", compared with Keras; as `kclassify export`."""
    from kclassify import formats, reference

    return formats.export_reference(reference.find(os.fspath(model)), format, None if path is None else Path(path))


def load_model(model: PathLike) -> "keras.Model":
    """The Keras model of a run, a `.keras` file or a preset: float32 RGB 0..255 [N, H, W, 3] in, probabilities [N, classes] out.

    `keras.models.load_model("best.keras")` gives the same without kclassify.
    """
    from kclassify import reference

    return reference.open_keras(reference.find(os.fspath(model)))[0]


def create_model(name: str, **settings: Any) -> "keras.Model":
    """A preset as a Keras model; see `kclassify.models.create_model`."""
    from kclassify import models

    return models.create_model(name, **settings)
