"""Everything a run needs before its first step: devices, data, the model and the optimizer."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from kclassify import devices, presets
from kclassify.config import RunConfig
from kclassify.console import Console
from kclassify.data import dataset, decoded
from kclassify.data.augment import layers
from kclassify.data.dataset import Dataset
from kclassify.data.decoded import DecodedImages
from kclassify.data.pipeline import TrainTransform, steps_per_epoch
from kclassify.devices import Devices
from kclassify.errors import ModelError
from kclassify.metrics import training_metrics
from kclassify.models import create_model, load_weights
from kclassify.presets.card import ModelCard
from kclassify.training.optimizer import cosine_with_warmup, make_optimizer
from kclassify.training.replicas import for_replicas


@dataclass(frozen=True)
class Task:
    """A run that could start now. `model` ends in logits and is compiled; `deployed` is its float32 twin with probabilities."""

    config: RunConfig
    data: Dataset
    machine: Devices
    card: ModelCard
    model: keras.Model
    deployed: keras.Model
    schedule: Any
    decoded: DecodedImages | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Steps of one epoch."""
        return steps_per_epoch(len(self.data.train), self.config.batch_size)

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.steps_per_epoch * self.config.epochs

    @property
    def transform(self) -> TrainTransform:
        """The training transform that the config asks for."""
        return make_transform(self.config, self.card)


def prepare(config: RunConfig, console: Console) -> Task:
    """Choose the devices, index the data, build and compile the model.

    Raises:
        SetupError, DataError, ModelError: something is not there or cannot be used.
    """
    machine = devices.select(config.gpus)
    console.line(f"device: {machine.text}")
    if config.batch_size % machine.replicas:
        raise devices.SetupError(
            f"batch_size {config.batch_size} cannot be shared by {machine.replicas} devices. Expected a multiple of it."
        )
    devices.set_seeds(config.seed, deterministic=config.deterministic)
    data = load_data(config, console)
    for layer in [name for name in config.augment.ops if ":" in name]:
        layers.make_layer(layer)
        console.line(f"{layer} {layers.NOTE}")
    card = make_card(config, data.train.class_names)
    model, deployed = _build(config, card, machine, console)
    schedule = _compile(model, config, data, machine)
    return Task(config, data, machine, card, model, deployed, schedule)


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
    return ModelCard(config.preset, class_names, spec)


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
            progress=lambda done, total: bar.advance(done, {}, total=total),
        )
    for note in data.notes:
        console.line(note)
    console.line(f"{len(data.train)} training and {len(data.val)} validation images, {len(data.train.class_names)} classes")
    return data


def _build(config: RunConfig, card: ModelCard, machine: Devices, console: Console) -> tuple[keras.Model, keras.Model]:
    row = presets.get(config.preset)
    weights = {"none": None, "auto": "pretrained" if row.weights else None}.get(config.weights, config.weights)
    settings: dict[str, Any] = {"num_classes": len(card.class_names), "input_shape": (card.preprocessing.size,) * 2 + (3,)}
    with devices.precision("float32"):
        deployed = create_model(config.preset, **settings)
    with machine.scope(), devices.precision(config.precision):
        model = create_model(config.preset, **settings, activation=None, dropout=config.dropout)
        start = _load(model, weights, config.preset)
        if machine.replicas > 1:
            model = for_replicas(model)
    size = card.preprocessing.size
    console.line(f"model: {config.preset}, {parameters(model):,} parameters, {size} x {size} pixels, {start}")
    return model, deployed


def _load(model: keras.Model, weights: str | None, preset: str) -> str:
    if weights is None:
        return "random initial weights"
    report = load_weights(model, weights, row=presets.get(preset))
    new_head = f" (a new head for {model.output_shape[-1]} classes)" if report.left_out else ""
    return f"weights from {Path(report.source).name}{new_head}"


def _compile(model: keras.Model, config: RunConfig, data: Dataset, machine: Devices) -> Any:
    per_epoch = steps_per_epoch(len(data.train), config.batch_size)
    warmup = math.ceil(config.schedule.warmup_epochs * per_epoch)
    schedule = cosine_with_warmup(config.optimizer.lr, total_steps=per_epoch * config.epochs, warmup_steps=warmup)
    with machine.scope():
        model.compile(
            make_optimizer(config.optimizer, schedule),
            # Divided by the batch's fixed size: a sample counts the same in a filled-up batch and on any number of devices.
            keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=config.loss.label_smoothing),
            weighted_metrics=training_metrics(len(data.train.class_names)),
            jit_compile=False,  # XLA on a CPU is many times slower on depthwise convolutions, and fails under MirroredStrategy
        )
        model.optimizer.build(model.trainable_variables)
    return schedule


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
