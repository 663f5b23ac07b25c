"""One framework's train step in a process of its own: it reads a line, does a step, and answers with its cost as JSON."""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "tools"))
SIZE = 224
CLASSES = 10
RATE = 0.01
PACKAGES = ("tensorflow", "keras", "jax", "torch", "timm", "paddlepaddle", "paddleclas")
PADDLECLAS = {"mobilenetv3_large": ("mobilenet_v3", "MobileNetV3_large_x1_0"), "resnet50": ("resnet", "ResNet50")}
TIMM = {"mobilenetv3_large": "mobilenetv3_large_100", "resnet50": "resnet50"}
APPLICATIONS = {"mobilenetv3_large": "MobileNetV3Large", "resnet50": "ResNet50"}


class Gate:
    """Lets a step through for each line of standard input, and tells on standard output what it took since the last answer."""

    def __init__(self) -> None:
        self.answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what the frameworks print must not be taken for an answer
        self.clocks = (0.0, time.perf_counter())
        self._wait()

    def passed(self, loss: Any = None) -> None:
        """After every step. Reading `loss` waits for frameworks that work ahead."""
        if loss is not None and not np.isfinite(float(loss)):
            raise ValueError(f"The loss is {float(loss)}.")
        used = resource.getrusage(resource.RUSAGE_SELF)
        clocks = (used.ru_utime + used.ru_stime, time.perf_counter())
        cpu, wall = (now - before for now, before in zip(clocks, self.clocks, strict=True))
        self.clocks = clocks
        print(json.dumps({"cpu": cpu, "wall": wall, "versions": _versions()}), file=self.answers, flush=True)
        self._wait()
        self.clocks = (self.clocks[0], time.perf_counter())

    def _wait(self) -> None:
        if not sys.stdin.readline():
            os._exit(0)  # nobody asks any more


def main() -> None:
    """Serve one case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("net", choices=TIMM)
    parser.add_argument("images", type=Path, help="a folder of images in class folders, for kclassify")
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    CASES[options.case](Gate(), options)


def pixels(batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Grey levels uint8 [batch, SIZE, SIZE, 3] and labels int64 [batch]."""
    random = np.random.default_rng(0)
    return random.integers(0, 256, (batch, SIZE, SIZE, 3), dtype=np.uint8), random.integers(0, CLASSES, batch)


def kclassify_step(gate: Gate, options: argparse.Namespace) -> None:
    """kclassify's model, loss and optimizer on one batch in memory, without averaged weights and metrics."""
    _one_thread()
    from kclassify import config as configs
    from kclassify import devices
    from kclassify.console import Console

    values = _settings(options) | {"optimizer.ema": 0.0}
    config = configs.resolve(configs.flat(values)).config
    devices.start(config.backend)
    from kclassify.training.setup import prepare

    model = prepare(config, Console(quiet=True)).model
    model.compile(model.optimizer, model.loss, jit_compile=model.jit_compile)
    _fit(gate, model, options.batch)


def kclassify_train(gate: Gate, options: argparse.Namespace) -> None:
    """The whole of `kclassify train`: images from the RAM cache, metrics, averaged weights, callbacks."""
    _one_thread()
    from kclassify import config as configs
    from kclassify import training
    from kclassify.console import Console

    class Gated(Console):
        """Shows nothing; its bar is moved after each step, and waits there."""

        def advance(self, done: int, values: Any, **_changes: Any) -> None:
            if "loss" in values:
                gate.passed(values["loss"])

    values = _settings(options) | {"image_cache": "ram", "out": str(options.images.parent / "runs"), "epochs": 1, "val_fraction": 0.01}
    values["checkpoint.minutes"] = 0  # most minutes go by while others have their turn: every step here would save, not one in hundreds
    training.train(configs.resolve(configs.flat(values)).config, Gated(quiet=True))


def keras_fit(gate: Gate, options: argparse.Namespace) -> None:
    """Keras' own application, compiled as is best on a CPU: without XLA, which is many times slower there."""
    _one_thread()
    import keras

    build = getattr(keras.applications, APPLICATIONS[options.net])
    model = build(weights=None, classes=CLASSES, classifier_activation=None, input_shape=(SIZE, SIZE, 3))
    _compile_as_documented(model)
    _fit(gate, model, options.batch)


def keras_same_layers(gate: Gate, options: argparse.Namespace) -> None:
    """The same with kclassify's network, which for ResNet-50 has the strides of PyTorch's and so more to compute."""
    _one_thread()
    import kclassify

    model = kclassify.create_model(options.net, num_classes=CLASSES, input_shape=(SIZE, SIZE, 3), activation=None)
    _compile_as_documented(model)
    _fit(gate, model, options.batch)


def timm_eager(gate: Gate, options: argparse.Namespace) -> None:
    """timm in PyTorch, channels last, eager."""
    _torch(gate, options, lambda model: model)


def timm_compiled(gate: Gate, options: argparse.Namespace) -> None:
    """timm in PyTorch, channels last, with torch.compile."""
    import torch

    _torch(gate, options, torch.compile)


def paddleclas(gate: Gate, options: argparse.Namespace) -> None:
    """The network of the paddleclas wheel in PaddlePaddle with oneDNN."""
    os.environ["FLAGS_use_mkldnn"] = "1"  # noqa: SIM112
    import importlib
    import importlib.util

    found = importlib.util.find_spec("paddleclas")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("paddleclas is not installed.")
    sys.path.insert(0, str(Path(found.origin).parent))
    import paddle
    from ppcls.utils import logger

    logger.init_logger()
    module, name = PADDLECLAS[options.net]
    model = getattr(importlib.import_module(f"ppcls.arch.backbone.legendary_models.{module}"), name)(class_num=CLASSES)
    model.train()
    optimizer = paddle.optimizer.Momentum(RATE, 0.9, parameters=model.parameters(), weight_decay=1e-4)
    images, labels = pixels(options.batch)
    inputs = paddle.to_tensor(images.transpose(0, 3, 1, 2).astype(np.float32) / 255.0)
    targets = paddle.to_tensor(labels)
    while True:
        loss = paddle.nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        gate.passed(loss)


CASES: dict[str, Callable[[Gate, argparse.Namespace], None]] = {
    "kclassify_step": kclassify_step,
    "kclassify_train": kclassify_train,
    "keras_fit": keras_fit,
    "keras_same_layers": keras_same_layers,
    "timm_eager": timm_eager,
    "timm_compiled": timm_compiled,
    "paddleclas": paddleclas,
}


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    """What of a run is not left at its default; the backend is the environment's."""
    return {
        "preset": options.net,
        "data": str(options.images),
        "batch_size": options.batch,
        "image_size": SIZE,
        "weights": "none",
        "optimizer.lr": RATE,
        "backend": os.environ.get("KERAS_BACKEND"),
        "gpus": "none",
    }


def _one_thread() -> None:
    """TensorFlow takes its threads from here; all others from OMP_NUM_THREADS and from the processors that the process may use.

    With oneDNN, as kclassify has it: TensorFlow alone would leave it out on processors without AVX512-VNNI.
    """
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def _compile_as_documented(model: Any) -> None:
    import keras

    optimizer = keras.optimizers.SGD(RATE, momentum=0.9, nesterov=True, weight_decay=1e-4)
    model.compile(optimizer, keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), jit_compile=False)


def _fit(gate: Gate, model: Any, batch: int) -> None:
    """`fit` without end on one batch in memory: grey levels uint8, one-hot targets, weights of 1."""
    import keras
    import tensorflow as tf

    class AfterStep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            gate.passed(logs["loss"])

    images, labels = pixels(batch)
    batches = tf.data.Dataset.from_tensors((images, np.eye(CLASSES, dtype=np.float32)[labels], np.ones(batch, np.float32))).repeat()
    model.fit(batches, steps_per_epoch=1_000_000, verbose=0, callbacks=[AfterStep()])


def _torch(gate: Gate, options: argparse.Namespace, compiled: Callable[[Any], Any]) -> None:
    import torch
    from timm_on_cpu import import_timm

    torch.set_num_threads(1)
    network = import_timm().create_model(TIMM[options.net], num_classes=CLASSES).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(network.parameters(), RATE, momentum=0.9, nesterov=True, weight_decay=1e-4)
    model = compiled(network)
    images, labels = pixels(options.batch)
    inputs = (torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255.0).contiguous(memory_format=torch.channels_last)
    targets = torch.from_numpy(labels)
    while True:
        loss = torch.nn.functional.cross_entropy(model(inputs), targets, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        gate.passed(loss)


def _versions() -> dict[str, str]:
    """Of the packages that this process has imported, by the name of their module where it is another."""
    modules = {"paddlepaddle": "paddle", "paddleclas": "ppcls"}
    return {name: version(name) for name in PACKAGES if modules.get(name, name) in sys.modules}


if __name__ == "__main__":
    main()
