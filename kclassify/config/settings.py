"""RunConfig: every field that decides a training run, with its default."""

from dataclasses import dataclass, field
from typing import Any

from kclassify.presets import augmentations


@dataclass(frozen=True)
class OptimizerConfig:
    """Stochastic gradient descent with momentum; `weight_decay` is the L2 factor of kernels, `ema` the decay of the averaged weights."""

    lr: float = 0.05
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 1e-4
    ema: float = 0.99


@dataclass(frozen=True)
class ScheduleConfig:
    """Cosine from `optimizer.lr` to 0 over the run, after a linear rise over the first epochs. Changes with every step."""

    warmup_epochs: float = 1.0


@dataclass(frozen=True)
class LossConfig:
    """Cross-entropy against targets softened by `label_smoothing` (arXiv:1512.00567)."""

    label_smoothing: float = 0.1


@dataclass(frozen=True)
class AugmentConfig:
    """Random resized crop (share of the area, width / height), the probability of a left-right flip, and the augmentations in `ops`.

    `repeats` shows every image so many times in a batch, and a part of the images an epoch (arXiv:1901.09335).
    """

    crop_scale: tuple[float, float] = (0.25, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    repeats: int = 1
    ops: tuple[str, ...] = ()
    autoaugment: augmentations.AutoAugment = field(default_factory=augmentations.AutoAugment)
    randaugment: augmentations.RandAugment = field(default_factory=augmentations.RandAugment)
    trivialaugment: augmentations.TrivialAugment = field(default_factory=augmentations.TrivialAugment)
    augmix: augmentations.AugMix = field(default_factory=augmentations.AugMix)
    color_jitter: augmentations.ColorJitter = field(default_factory=augmentations.ColorJitter)
    rotation: augmentations.Rotation = field(default_factory=augmentations.Rotation)
    grey: augmentations.Grey = field(default_factory=augmentations.Grey)
    blur: augmentations.Blur = field(default_factory=augmentations.Blur)
    solarize: augmentations.Solarize = field(default_factory=augmentations.Solarize)
    cutout: augmentations.Cutout = field(default_factory=augmentations.Cutout)
    random_erasing: augmentations.RandomErasing = field(default_factory=augmentations.RandomErasing)
    hide_and_seek: augmentations.HideAndSeek = field(default_factory=augmentations.HideAndSeek)
    gridmask: augmentations.GridMask = field(default_factory=augmentations.GridMask)
    mixup: augmentations.Mixup = field(default_factory=augmentations.Mixup)
    cutmix: augmentations.CutMix = field(default_factory=augmentations.CutMix)
    resizemix: augmentations.ResizeMix = field(default_factory=augmentations.ResizeMix)

    def chosen(self) -> tuple[tuple[str, Any], ...]:
        """The names in `ops`, each with its settings; a layer of Keras has none."""
        return tuple((name, getattr(self, name, None)) for name in self.ops)


@dataclass(frozen=True)
class CheckpointConfig:
    """When the state is saved beyond every epoch's end: after so many steps or minutes (0: never); how many are kept."""

    steps: int = 0
    minutes: float = 10.0
    keep: int = 2


@dataclass(frozen=True)
class RunConfig:
    """One training run. Field by field what `kclassify config show` prints; sections are written with a dot (`optimizer.lr`)."""

    preset: str = "mobilenetv3_large"
    recipe: str = "default"
    data: str = "digits"
    val: str | None = None
    val_fraction: float = 0.2
    max_bad: float = 0.05
    image_cache: str = "none"
    weights: str = "auto"
    image_size: int | None = None
    crop_pct: float | None = None
    dropout: float | None = None
    epochs: int = 10
    batch_size: int = 32
    seed: int = 0
    precision: str = "float32"
    deterministic: bool = True
    gpus: str | None = None
    out: str = "runs"
    name: str | None = None
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
