"""Everything a run needs before its first step: devices, data, the model and the optimizer."""

import dataclasses
import gc
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kclassify import devices, presets
from kclassify.config import OptimizerConfig, RunConfig
from kclassify.config.limits import ONE_MACHINE
from kclassify.console import Console
from kclassify.data import dataset, decoded
from kclassify.data.augment import layers
from kclassify.data.dataset import Dataset
from kclassify.data.decoded import DecodedImages
from kclassify.data.index import balanced
from kclassify.data.pipeline import TrainTransform, steps_per_epoch
from kclassify.devices import Devices, cluster
from kclassify.errors import ModelError, UsageError
from kclassify.metrics import training_metrics
from kclassify.models import create_model, load_weights
from kclassify.models.blocks import layer_name
from kclassify.presets.card import ModelCard
from kclassify.training import batch_size
from kclassify.training.distillation import open_teacher, with_teacher
from kclassify.training.initial import draw_weights
from kclassify.training.losses import ClassificationLoss, balanced_weights
from kclassify.training.optimizer import make_groups, make_optimizer
from kclassify.training.replicas import for_training
from kclassify.training.schedules import Table, learning_rates


@dataclass(frozen=True)
class Task:
    """A run that could start now. `model` ends in logits and is compiled; `deployed` is its float32 twin with probabilities."""

    config: RunConfig
    data: Dataset
    machine: Devices
    card: ModelCard
    model: keras.Model
    deployed: keras.Model
    rates: np.ndarray
    decoded: DecodedImages | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Steps of one epoch; with accumulation every batch takes several."""
        return steps_per_epoch(len(self.data.train), self.config.batch_size) * self.config.accumulate

    @property
    def step_images(self) -> int:
        """Images of one step, over all devices."""
        return self.config.batch_size // self.config.accumulate

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.steps_per_epoch * self.config.epochs

    def images_before(self, step: int) -> int:
        """How many images the steps before this one have seen; those that fill up the last batch of an epoch do not count."""
        epochs, inside = divmod(step, self.steps_per_epoch)
        return epochs * len(self.data.train) + min(inside * self.step_images, len(self.data.train))

    @property
    def transform(self) -> TrainTransform:
        """The training transform that the config asks for."""
        return make_transform(self.config, self.card)


def prepare(config: RunConfig, console: Console) -> Task:
    """Choose the devices, index the data, build and compile the model.

    Raises:
        SetupError, DataError, ModelError: something is not there or cannot be used.
    """
    nodes = cluster.find(config.nodes, config.rank, os.environ)
    if nodes and config.multi_label:
        raise UsageError(f"nodes: {ONE_MACHINE}")
    machine = devices.select(config.gpus, nodes, join_seconds=config.join_seconds, note=console.line)
    console.line(f"device: {machine.text}")
    parts = machine.replicas * config.accumulate
    if config.batch_size % parts:
        among = f"{machine.replicas} devices" + (f" in {config.accumulate} parts" if config.accumulate > 1 else "")
        raise UsageError(f"batch_size {config.batch_size} cannot be shared by {among}. Expected a multiple of {parts}.")
    devices.set_seeds(config.seed, deterministic=config.deterministic)
    data = load_data(config, console)
    if not config.batch_size:
        config = dataclasses.replace(config, batch_size=_choose_batch_size(config, data, machine, console))
    config = _long_enough(config, len(data.train), console)
    for layer in [name for name in config.augment.ops if ":" in name]:
        layers.make_layer(layer)
        console.line(f"{layer} {layers.NOTE}")
    card = make_card(config, data.train.class_names)
    model, deployed = _build(config, card, machine, console)
    console.line(f"learning rate: {_rate_in_words(config)}")
    rates = compile_model(model, config, data, machine)
    return Task(config, data, machine, card, model, deployed, rates)


def _choose_batch_size(config: RunConfig, data: Dataset, machine: Devices, console: Console) -> int:
    """For `batch_size: 0`."""
    if machine.cluster:
        raise UsageError("batch_size: auto looks at one machine's memory. With several, expected a number.")

    def fits(size: int) -> bool:
        try:
            _try_steps(dataclasses.replace(config, batch_size=size), data, machine)
        except Exception as error:
            if not batch_size.is_out_of_memory(error):
                raise
            return False
        finally:
            gc.collect()
        return True

    images, parts = len(data.train), machine.replicas * config.accumulate
    on_gpu = devices.on_gpu()
    size = batch_size.largest(images, parts, fits) if on_gpu else batch_size.for_cpu(images, parts)
    devices.set_seeds(config.seed, deterministic=config.deterministic)  # a number instead of auto gives the same run
    console.line(f"batch size: {size}{', the largest power of two that fits' if on_gpu else ''}")
    return size


def _try_steps(config: RunConfig, data: Dataset, machine: Devices) -> None:
    """Two training steps on black images."""
    card, quiet = make_card(config, data.train.class_names), Console(quiet=True)
    model, _ = _build(config, card, machine, quiet)
    compile_model(model, config, data, machine)
    images, side = config.batch_size // config.accumulate, card.preprocessing.size
    pixels, targets = np.zeros((images, side, side, 3), np.uint8), np.eye(len(card.class_names), dtype=np.float32)[np.zeros(images, int)]
    model.fit(pixels, targets, np.ones(images), batch_size=images, epochs=2, shuffle=False, verbose=0)


def keep_decoded(task: Task, console: Console) -> Task:
    """The task with its training images decoded into memory or onto the disk, if the config asks for that."""
    where = task.config.image_cache
    if where == "none":
        return task
    with console.progress(f"decoding to {where}", len(task.data.train)) as bar:
        kept = decoded.keep_decoded(task.data.train, where, lambda done, total: bar.advance(done, {}))
    return dataclasses.replace(task, decoded=kept)


def make_card(config: RunConfig, class_names: tuple[str, ...]) -> ModelCard:
    """The preset's preprocessing, at the image size and crop of the config, with the data's class names."""
    spec = presets.get(config.preset).preprocessing
    spec = dataclasses.replace(spec, size=config.image_size or spec.size, crop_pct=config.crop_pct or spec.crop_pct)
    return ModelCard(config.preset, class_names, spec, config.multi_label)


def make_transform(config: RunConfig, card: ModelCard) -> TrainTransform:
    """The training transform of a config, at the image size of a card."""
    settings, spec = config.augment, card.preprocessing
    return TrainTransform(
        spec.size, settings.crop_scale, settings.crop_ratio, settings.flip, settings.chosen(), spec.mean_levels, settings.repeats
    )


def load_data(config: RunConfig, console: Console) -> Dataset:
    """The data set of a config, with its notes told to the user.

    Raises:
        DataError: as `dataset.load`.
    """
    with console.progress("indexing", 1) as bar:
        data = dataset.load(
            config.data,
            config.val,
            val_fraction=config.val_fraction,
            seed=config.seed,
            max_bad=config.max_bad,
            multi_label=config.multi_label,
            progress=lambda done, total: bar.advance(done, {}, total=total),
        )
    for note in data.notes:
        console.line(note)
    if config.balance:
        data = dataclasses.replace(data, train=balanced(data.train, config.seed))
        console.line(f"balanced: images of the smaller classes are repeated, {len(data.train)} in all")
    several = f", {data.train.class_counts().sum() / len(data.train):.2f} labels a picture" if config.multi_label else ""
    console.line(f"{len(data.train)} training and {len(data.val)} validation images, {len(data.train.class_names)} classes{several}")
    return data


def _build(config: RunConfig, card: ModelCard, machine: Devices, console: Console) -> tuple[keras.Model, keras.Model]:
    row = presets.get(config.preset)
    weights = {"none": None, "auto": "pretrained" if row.weights else None}.get(config.weights, config.weights)
    size = card.preprocessing.size
    settings: dict[str, Any] = {"num_classes": len(card.class_names), "input_shape": (size, size, 3), "in_channels": config.in_channels}
    with devices.precision("float32"):
        deployed = create_model(config.preset, **settings, activation="sigmoid" if card.multi_label else "softmax")
    with machine.scope(), devices.precision(config.precision):
        model = create_model(config.preset, **settings, activation=None, dropout=config.dropout)
        draw_weights(model, config.seed)
        start = _load(model, weights, card)
        if config.sync_bn or not machine.strategy:
            model = for_training(model)
        if config.finetune.freeze_bn:
            freeze_batch_norm(model)
        grey = " in grey" if config.in_channels == 1 else ""
        taught = f", taught by {config.distill.teacher}" if config.distill.teacher else ""
        console.line(f"model: {config.preset}, {parameters(model):,} parameters, {size} x {size} pixels{grey}, {start}{taught}")
        if config.distill.teacher:
            teacher = open_teacher(config.distill, card.class_names)
            model = with_teacher(model, teacher, config.distill, head=row.heads[0], seed=config.seed)
    return model, deployed


def _load(model: keras.Model, weights: str | None, card: ModelCard) -> str:
    if weights is None:
        return "random initial weights"
    report = load_weights(model, weights, row=presets.get(card.preset), class_names=card.class_names)
    kept = f", {report.kept} of them with their old rows" if report.kept else ""
    new_head = f" (a new head for {len(card.class_names)} classes{kept})" if report.left_out else ""
    return f"weights from {Path(report.source).name}{new_head}"


def compile_model(model: keras.Model, config: RunConfig, data: Dataset, machine: Devices, rates: np.ndarray | None = None) -> np.ndarray:
    """Give the model its optimizer, loss and metrics; returns the learning rate of every change of the weights (`rates`, if given)."""
    classes, rates = len(data.train.class_names), run_rates(config, len(data.train)) if rates is None else rates
    weights = balanced_weights(data.train.labels, classes) if config.loss.class_weights == "balanced" else None
    frozen = config.finetune.freeze_epochs * steps_per_epoch(len(data.train), config.batch_size)
    heads = [layer_name(head) for head in presets.get(config.preset).heads]
    groups = make_groups(config.optimizer, model, heads=heads, frozen_steps=frozen)
    with machine.scope():
        model.compile(
            make_optimizer(config.optimizer, Table(rates), groups, accumulate=config.accumulate),
            # Divided by the batch's fixed size: a sample counts the same in a filled-up batch and on any number of devices.
            ClassificationLoss(config.loss, classes, class_weights=weights, distill=config.distill),
            weighted_metrics=[] if config.multi_label else training_metrics(classes),
            # Keras chooses XLA, unless a run must be deterministic or has replicas; TensorFlow on a CPU is ten times slower with it.
            jit_compile="auto" if devices.backend() == "jax" or devices.on_gpu() else False,
        )
        getattr(model.optimizer, "inner_optimizer", model.optimizer).build(model.trainable_variables)
        model.optimizer.build(model.trainable_variables)
    return rates


def run_rates(config: RunConfig, samples: int) -> np.ndarray:
    """The learning rate of every change of the weights in a run on so many images: float64 [steps]."""
    updates = steps_per_epoch(samples, config.batch_size)
    lr = peak_learning_rate(config.optimizer, config.batch_size)
    return learning_rates(config.schedule, lr, total_steps=updates * config.epochs, steps_per_epoch=updates)


def peak_learning_rate(config: OptimizerConfig, batch_size: int) -> float:
    """The config's learning rate, scaled from the batch that it is meant for to the run's (Goyal et al., arXiv:1706.02677)."""
    ratio = batch_size / (config.reference_batch or batch_size)
    lr = 1.0 if isinstance(config.lr, str) else config.lr  # where it is still to be found, in parts of it
    return lr * {"none": 1.0, "linear": ratio, "sqrt": math.sqrt(ratio)}[config.lr_scale]


def _rate_in_words(config: RunConfig) -> str:
    """Such as `0.1 (0.05 for 64 images a step, 128 are x2, linear), cosine over 20 epochs`."""
    if isinstance(config.optimizer.lr, str):
        return "looked for by a range test"
    rate, own = config.optimizer, peak_learning_rate(config.optimizer, config.batch_size)
    scaled = (
        f" ({rate.lr:g} for {rate.reference_batch} images a step, {config.batch_size} are x{own / config.optimizer.lr:g}, {rate.lr_scale})"
    )
    return (
        f"{own:.4g}{scaled if own != rate.lr else ''}, {config.schedule.name} over {config.epochs} epoch{'s' if config.epochs > 1 else ''}"
    )


def _long_enough(config: RunConfig, samples: int, console: Console) -> RunConfig:
    """The config with the epochs that `min_steps` asks for on so many images; what is written down is their number alone."""
    epochs = max(config.epochs, -(-config.min_steps // steps_per_epoch(samples, config.batch_size)))
    if epochs > config.epochs:
        console.line(f"epochs: {epochs} instead of {config.epochs}, for at least {config.min_steps} steps; --epochs says otherwise")
    return dataclasses.replace(config, epochs=epochs, min_steps=0)


def freeze_batch_norm(model: keras.Model) -> None:
    """Keep BatchNorm's statistics, scale and offset as they are: small batches would spoil those of pre-trained weights."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def parameters(model: keras.Model) -> int:
    """How many numbers training changes by gradients: the count that is published; BatchNorm's statistics are not in it."""
    return sum(math.prod(variable.shape) for variable in model.trainable_variables)


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Give `target` the weights of the layers of the same name in `source`."""
    for layer in target.layers:
        if layer.weights:
            try:
                layer.set_weights(source.get_layer(layer.name).get_weights())
            except ValueError as error:
                raise ModelError(f"Layer '{layer.name}' differs between two builds of {target.name}: {error}") from error
