"""What can be named after --augment: for each augmentation a row of settings, with its paper's values as defaults."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class AutoAugment:
    """A sub-policy of two operations that was found by search, per image (arXiv:1805.09501). `policy`: imagenet, cifar10 or svhn."""

    policy: str = "imagenet"
    interpolation: str = "nearest"


@dataclass(frozen=True)
class RandAugment:
    """`layers` operations drawn at random, all at one magnitude of 0 to 10 (arXiv:1909.13719).

    `noise` is the standard deviation of the magnitude, `probability` that of each layer; with `increasing` every operation gets stronger
    with the magnitude (timm's `inc1`).
    """

    layers: int = 2
    magnitude: float = 9.0
    noise: float = 0.0
    increasing: bool = False
    probability: float = 1.0
    interpolation: str = "nearest"


@dataclass(frozen=True)
class TrivialAugment:
    """One operation at a random magnitude, per image (arXiv:2103.10158)."""

    interpolation: str = "nearest"


@dataclass(frozen=True)
class AugMix:
    """A mixture of `width` chains of operations and the image (arXiv:1912.02781). `depth` -1 draws 1 to 3 operations a chain."""

    severity: float = 3.0
    width: int = 3
    depth: int = -1
    alpha: float = 1.0


@dataclass(frozen=True)
class ColorJitter:
    """Random factors of 1 - x to 1 + x, and a turn of the hue by up to so many whole circles."""

    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.0


@dataclass(frozen=True)
class Rotation:
    """A random turn of up to so many degrees to either side."""

    degrees: float = 15.0
    interpolation: str = "nearest"


@dataclass(frozen=True)
class Grey:
    """Grey levels instead of colours."""

    probability: float = 0.2


@dataclass(frozen=True)
class Blur:
    """A Gaussian blur of a random `sigma` in pixels."""

    probability: float = 0.5
    sigma: tuple[float, float] = (0.1, 2.0)


@dataclass(frozen=True)
class Solarize:
    """Inverts all values of `threshold` or more."""

    probability: float = 0.2
    threshold: float = 128.0


@dataclass(frozen=True)
class Cutout:
    """Squares of `length` times the image's side at random places, cut off at its edges (arXiv:1708.04552)."""

    length: float = 0.5
    holes: int = 1


@dataclass(frozen=True)
class RandomErasing:
    """A rectangle of a random share of the `area` and a random `aspect` (arXiv:1708.04896).

    The aspect is uniform, as in the paper, or with `log_aspect` its logarithm is, so that tall and wide are as likely.
    `mode`: const (the mean colour), random (one colour a rectangle) or pixel (one a pixel).
    """

    probability: float = 0.5
    area: tuple[float, float] = (0.02, 0.4)
    aspect: tuple[float, float] = (0.3, 1 / 0.3)
    log_aspect: bool = False
    mode: str = "pixel"


@dataclass(frozen=True)
class HideAndSeek:
    """Squares of a grid are hidden, each with probability `hide` (arXiv:1811.02545).

    The number of squares to a side is drawn from `grid`: 224 pixels over 16, 32, 44 and 56; 1 leaves the image whole.
    """

    probability: float = 1.0
    hide: float = 0.5
    grid: tuple[int, ...] = (1, 14, 7, 5, 4)


@dataclass(frozen=True)
class GridMask:
    """A turned grid of squares is taken away (arXiv:2001.04086).

    The period is a random share `period` of the side, of which `ratio` is kept; the probability rises in a line to `probability` over
    `ramp_epochs`.
    """

    probability: float = 0.8
    ramp_epochs: float = 240.0
    period: tuple[float, float] = (96 / 224, 1.0)
    ratio: float = 0.5
    rotate: float = 360.0


@dataclass(frozen=True)
class Mixup:
    """Every image is mixed with another one of its batch, and their labels too, in a share of Beta(alpha, alpha) (arXiv:1710.09412)."""

    alpha: float = 0.2
    probability: float = 1.0


@dataclass(frozen=True)
class CutMix:
    """A rectangle of another image of the batch; the labels are mixed by area, a share of Beta(alpha, alpha) (arXiv:1905.04899)."""

    alpha: float = 1.0
    probability: float = 1.0


@dataclass(frozen=True)
class ResizeMix:
    """Another image of the batch, made smaller to a random share `scale` of the side, put on top; labels by area (arXiv:2012.11101)."""

    scale: tuple[float, float] = (0.1, 0.8)
    probability: float = 1.0


# In the order in which they can come: one image each, then parts of a batch's images taken away, then images of a batch mixed.
AUGMENTATIONS: dict[str, Any] = {
    "autoaugment": AutoAugment,
    "randaugment": RandAugment,
    "trivialaugment": TrivialAugment,
    "augmix": AugMix,
    "color_jitter": ColorJitter,
    "rotation": Rotation,
    "grey": Grey,
    "blur": Blur,
    "solarize": Solarize,
    "cutout": Cutout,
    "random_erasing": RandomErasing,
    "hide_and_seek": HideAndSeek,
    "gridmask": GridMask,
    "mixup": Mixup,
    "cutmix": CutMix,
    "resizemix": ResizeMix,
}
