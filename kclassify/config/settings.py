"""RunConfig: every field that decides a training run, with its default."""

from dataclasses import dataclass, field
from typing import Any, Literal

from kclassify.presets import augmentations


@dataclass(frozen=True)
class OptimizerConfig:
    """How gradients change the weights. Which fields count depends on `name`: momentum for sgd and rmsprop, the betas for adamw and others.

    `lr` is for a batch of `reference_batch` images (0: for any) and scaled to the run's by `lr_scale`: none, linear or sqrt;
    auto looks for it by a range test before the first step.
    `weight_decay` is added to the gradient for sgd and rmsprop (L2) and taken off the weight for the others (decoupled), of kernels alone
    unless `decay_all`. `layer_decay` multiplies the learning rate once for every block further from the head. `clip_norm` limits the
    norm of all gradients together, `clip_agc` that of each unit relative to its weights (arXiv:2102.06171). `ema` is the decay of the
    averaged weights, 0 for none.
    """

    name: str = "sgd"
    lr: float | Literal["auto"] = 0.05
    lr_scale: str = "none"
    reference_batch: int = 0
    momentum: float = 0.9
    nesterov: bool = True
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 1e-4
    decay_all: bool = False
    layer_decay: float = 1.0
    clip_norm: float = 0.0
    clip_agc: float = 0.0
    ema: float = 0.99


@dataclass(frozen=True)
class ScheduleConfig:
    """The learning rate over the run, changing with every step: a linear rise over `warmup_epochs`, then a curve by `name`.

    cosine, linear, polynomial (of `power`) fall to `min_lr` times the peak, a cosine `cycles` times; step multiplies by `gamma` every
    `step_epochs`, piecewise at the `milestones` (epochs); onecycle rises to the peak over `warmup_epochs` and falls below its start;
    constant stays; plateau stays too, until the validation loss has not fallen for `plateau_epochs`, and goes on at `gamma` times that.
    """

    name: str = "cosine"
    warmup_epochs: float = 1.0
    warmup_lr: float = 0.0
    min_lr: float = 0.0
    power: float = 1.0
    cycles: int = 1
    step_epochs: float = 30.0
    gamma: float = 0.1
    milestones: tuple[float, ...] = (30.0, 60.0, 90.0)
    plateau_epochs: int = 5


@dataclass(frozen=True)
class LossConfig:
    """What is minimised: cross_entropy, bce (each class by itself, arXiv:2110.00476) or focal (of `gamma`, arXiv:1708.02002).

    Targets are softened by `label_smoothing` (arXiv:1512.00567). `target_threshold` is for bce on mixed pictures: a class with a larger
    share counts as present, others as absent; 0 keeps the shares. `class_weights`: none, or balanced, so that every class counts the same.
    """

    name: str = "cross_entropy"
    label_smoothing: float = 0.1
    target_threshold: float = 0.0
    gamma: float = 2.0
    class_weights: str = "none"


@dataclass(frozen=True)
class DistillConfig:
    """A `teacher` (preset, run or model file) whose probabilities at `temperature` are `weight` of the loss (arXiv:1503.02531).

    `features` is the weight of a second hint, added to the loss: how far the student's pooled features, through a linear layer that learns
    along, are from the teacher's (arXiv:1412.6550). With `weight` 0 the teacher may know other classes.
    """

    teacher: str | None = None
    weight: float = 0.5
    temperature: float = 4.0
    features: float = 0.0


@dataclass(frozen=True)
class FinetuneConfig:
    """What of pre-trained weights stands still: all but the head for `freeze_epochs`; BatchNorm altogether with `freeze_bn`.

    Statistics of BatchNorm that are not frozen follow the pictures from the first step on.
    """

    freeze_epochs: int = 0
    freeze_bn: bool = False


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
class StopConfig:
    """When a run ends early: after `patience` epochs without a better model (0: never), or, to be resumed, when this process has worked for
    `time_limit` (such as 2h, 90m or 1h30m).
    """

    patience: int = 0
    time_limit: str | None = None


@dataclass(frozen=True)
class RunConfig:
    """One training run. Field by field what `kclassify config show` prints; sections are written with a dot (`optimizer.lr`).

    `batch_size` counts the images of a step over all devices; 0, or the word auto, is the largest power of two that fits.
    `watch` names the places that show the run while it goes: tensorboard, wandb, mlflow.
    `in_channels` of the first convolution: 3, or 1 for a model that looks at pictures in grey.
    `on_nan` is what follows a loss that is not a number: stop, or rollback to the last checkpoint and on from there at half the rate.
    `multi_label`: a picture may have several labels or none; each class is decided by itself, with the loss bce.
    `deterministic`: every run gives the same bits; without it a GPU may choose faster ways (TensorFlow on one GPU compiles with XLA).
    `nodes` (host:port, all of them) and `rank` (the place of this one) are for several machines, which wait `join_seconds` for each other.
    Of few images there are more epochs than `epochs`: as many as make `min_steps` changes of the weights, unless somebody says how many.
    """

    preset: str = "mobilenetv3_large"
    recipe: str = "default"
    data: str = "digits"
    val: str | None = None
    val_fraction: float = 0.2
    multi_label: bool = False
    max_bad: float = 0.05
    image_cache: str = "none"
    weights: str = "auto"
    image_size: int | None = None
    in_channels: int = 3
    crop_pct: float | None = None
    dropout: float | None = None
    epochs: int = 10
    min_steps: int = 0
    batch_size: int = 32
    seed: int = 0
    accumulate: int = 1
    balance: bool = False
    precision: str = "float32"
    backend: str | None = None
    deterministic: bool = True
    gpus: str | None = None
    nodes: str | None = None
    rank: int | None = None
    join_seconds: float = 300.0
    sync_bn: bool = True
    on_nan: str = "stop"
    watch: tuple[str, ...] = ("tensorboard",)
    out: str = "runs"
    name: str | None = None
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    distill: DistillConfig = field(default_factory=DistillConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    stop: StopConfig = field(default_factory=StopConfig)
