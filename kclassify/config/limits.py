"""What each setting may be: ranges, words to choose from, and pairs that must rise."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kclassify.config.settings import AugmentConfig, RunConfig
from kclassify.errors import UsageError, near_names
from kclassify.presets.augmentations import AUGMENTATIONS

PRECISIONS = ("float32", "bfloat16", "float16")
BACKENDS = ("tensorflow", "jax", "torch")
OPTIMIZERS = ("sgd", "rmsprop", "adamw", "lamb", "lion", "adafactor", "muon")
SCHEDULES = ("cosine", "linear", "polynomial", "constant", "step", "piecewise", "onecycle", "plateau")
LOSSES = ("cross_entropy", "bce", "focal")
WATCHERS = ("tensorboard", "wandb", "mlflow")
CACHES = ("none", "ram", "disk")
ONE_MACHINE = "with multi_label a run is judged on all scores together, on one machine. Expected no --nodes; --gpus are fine."
LAYER_PREFIXES = ("keras:", "keras_cv:")  # an augmentation that is a layer of these packages, such as keras:RandomContrast(factor=0.2)

_RANGES: dict[str, tuple[float, float]] = {
    "epochs": (1, 100_000),
    "join_seconds": (1, 86_400),
    "min_steps": (0, 2**31),
    "batch_size": (0, 1_000_000),
    "seed": (0, 2**31 - 1),
    "image_size": (8, 4096),
    "in_channels": (1, 3),
    "val_fraction": (0.001, 0.9),
    "max_bad": (0, 1),
    "crop_pct": (0.1, 1),
    "dropout": (0, 0.99),
    "optimizer.lr": (0, 1e6),
    "optimizer.momentum": (0, 0.9999),
    "optimizer.weight_decay": (0, 1e6),
    "optimizer.ema": (0, 0.999999),
    "optimizer.reference_batch": (0, 1_000_000),
    "optimizer.beta1": (0, 0.99999),
    "optimizer.beta2": (0, 0.999999),
    "optimizer.epsilon": (0, 1),
    "optimizer.layer_decay": (0.01, 1),
    "optimizer.clip_norm": (0, 1e6),
    "optimizer.clip_agc": (0, 1e3),
    "schedule.warmup_epochs": (0, 1e6),
    "schedule.warmup_lr": (0, 1),
    "schedule.min_lr": (0, 1),
    "schedule.power": (0.01, 100),
    "schedule.cycles": (1, 1000),
    "schedule.step_epochs": (0.01, 1e6),
    "schedule.gamma": (0.0001, 1),
    "schedule.plateau_epochs": (1, 10_000),
    "loss.gamma": (0, 10),
    "distill.weight": (0, 1),
    "distill.temperature": (0.1, 100),
    "distill.features": (0, 1000),
    "finetune.freeze_epochs": (0, 100_000),
    "accumulate": (1, 10_000),
    "rank": (0, 10_000),
    "loss.label_smoothing": (0, 0.99),
    "loss.target_threshold": (0, 0.99),
    "augment.flip": (0, 1),
    "augment.repeats": (1, 100),
    "augment.randaugment.layers": (1, 10),
    "augment.randaugment.magnitude": (0, 10),
    "augment.randaugment.noise": (0, 100),
    "augment.randaugment.probability": (0, 1),
    "augment.augmix.severity": (0, 10),
    "augment.augmix.width": (1, 10),
    "augment.augmix.depth": (-1, 10),
    "augment.augmix.alpha": (0.001, 1e3),
    "augment.color_jitter.brightness": (0, 1),
    "augment.color_jitter.contrast": (0, 1),
    "augment.color_jitter.saturation": (0, 1),
    "augment.color_jitter.hue": (0, 0.5),
    "augment.rotation.degrees": (0, 180),
    "augment.grey.probability": (0, 1),
    "augment.blur.probability": (0, 1),
    "augment.solarize.probability": (0, 1),
    "augment.solarize.threshold": (0, 256),
    "augment.cutout.length": (0, 1),
    "augment.cutout.holes": (1, 100),
    "augment.random_erasing.probability": (0, 1),
    "augment.hide_and_seek.probability": (0, 1),
    "augment.hide_and_seek.hide": (0, 1),
    "augment.gridmask.probability": (0, 1),
    "augment.gridmask.ramp_epochs": (0, 1e6),
    "augment.gridmask.ratio": (0, 1),
    "augment.gridmask.rotate": (0, 360),
    "augment.mixup.alpha": (0.001, 1e3),
    "augment.mixup.probability": (0, 1),
    "augment.cutmix.alpha": (0.001, 1e3),
    "augment.cutmix.probability": (0, 1),
    "augment.resizemix.probability": (0, 1),
    "checkpoint.steps": (0, 2**31),
    "checkpoint.minutes": (0, 1e6),
    "checkpoint.keep": (1, 1000),
    "stop.patience": (0, 100_000),
}


_CHOICES: dict[str, tuple[str, ...]] = {
    "precision": PRECISIONS,
    "image_cache": CACHES,
    "on_nan": ("stop", "rollback"),
    "backend": BACKENDS,
    "optimizer.name": OPTIMIZERS,
    "optimizer.lr_scale": ("none", "linear", "sqrt"),
    "schedule.name": SCHEDULES,
    "loss.name": LOSSES,
    "loss.class_weights": ("none", "balanced"),
    "augment.autoaugment.policy": ("imagenet", "cifar10", "svhn"),
    "augment.autoaugment.interpolation": ("nearest", "bilinear"),
    "augment.randaugment.interpolation": ("nearest", "bilinear"),
    "augment.trivialaugment.interpolation": ("nearest", "bilinear"),
    "augment.rotation.interpolation": ("nearest", "bilinear"),
    "augment.random_erasing.mode": ("const", "random", "pixel"),
}
# Pairs of numbers, the second at least as large as the first, with the largest that it may be.
_RISING: dict[str, float] = {
    "augment.crop_scale": 1.0,
    "augment.crop_ratio": 100.0,
    "augment.blur.sigma": 100.0,
    "augment.random_erasing.area": 1.0,
    "augment.random_erasing.aspect": 100.0,
    "augment.gridmask.period": 1.0,
    "augment.resizemix.scale": 1.0,
}


def check(config: RunConfig, values: Mapping[str, Any]) -> None:
    """Raise UsageError for the first setting of `config` that is out of its range; `values` are the same by dotted key."""
    for key, (low, high) in _RANGES.items():
        value = values[key]
        if value is not None and value != "auto" and not low <= value <= high:
            raise UsageError(f"{key}: expected {low} to {high}, got {value}.")
    for key, known in _CHOICES.items():
        if values[key] is not None and values[key] not in known:
            raise UsageError(f"{key}: expected one of {', '.join(known)}, got '{values[key]}'.{near_names(values[key], known)}")
    for key, limit in _RISING.items():
        low, high = values[key]
        if not 0 < low <= high <= limit:
            raise UsageError(f"{key}: expected 0 < low <= high <= {limit:g}, got [{low:g}, {high:g}].")
    _check_places(config.watch)
    if list(config.schedule.milestones) != sorted(set(config.schedule.milestones)) or min(config.schedule.milestones, default=1) <= 0:
        raise UsageError(f"schedule.milestones: expected rising numbers of epochs, got {list(config.schedule.milestones)}.")
    if config.name is not None and (Path(config.name).name != config.name or config.name in ("", ".", "..")):
        raise UsageError(f"name: expected the name of a folder to be made in '{config.out}', got '{config.name}'.")
    duration(config.stop.time_limit)
    _check_augmentations(config.augment)
    if config.multi_label:
        _check_multi_label(config)


def _check_multi_label(config: RunConfig) -> None:
    """What takes it that a picture has one class."""
    if config.loss.name != "bce":
        raise UsageError(f"loss.name: {config.loss.name} is for one label a picture. With multi_label expected bce.")
    if config.balance or config.loss.class_weights != "none":
        key = "balance" if config.balance else "loss.class_weights"
        raise UsageError(f"{key}: classes are weighed by the one label of a picture. With multi_label expected none of it.")
    if config.distill.teacher and config.distill.weight:
        raise UsageError(
            "distill.weight: a teacher's answers are probabilities of one label a picture. With multi_label expected its features alone:\n"
            "--set distill.weight=0 --set distill.features=1"
        )
    if config.nodes:
        raise UsageError(f"nodes: {ONE_MACHINE}")


def duration(text: str | None) -> float | None:
    """Seconds of a time such as 2h, 90m, 45s or 1h30m; None for None.

    Raises:
        UsageError: it is no such time, or none at all.
    """
    if text is None:
        return None
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text.strip().lower())
    seconds = sum(int(part or 0) * unit for part, unit in zip(match.groups(), (3600, 60, 1), strict=True)) if match else 0
    if not seconds:
        raise UsageError(f"stop.time_limit: expected a time such as 2h, 90m or 1h30m, got '{text}'.")
    return float(seconds)


def _check_places(watch: Iterable[str]) -> None:
    for place in watch:
        if place not in WATCHERS:
            raise UsageError(f"watch: expected some of {', '.join(WATCHERS)}, got '{place}'.{near_names(place, WATCHERS)}")


def _check_augmentations(augment: AugmentConfig) -> None:
    for name in augment.ops:
        if name not in AUGMENTATIONS and not name.startswith(LAYER_PREFIXES):
            raise UsageError(
                f"augment.ops: no augmentation is named '{name}'.{near_names(name, AUGMENTATIONS)} Known: {', '.join(AUGMENTATIONS)},\n"
                "and layers such as 'keras:RandomContrast(factor=0.2)'."
            )
    grid = augment.hide_and_seek.grid
    if not grid or not all(1 <= cells <= 31 for cells in grid):
        raise UsageError(f"augment.hide_and_seek.grid: expected numbers of 1 to 31, got {list(grid)}.")
