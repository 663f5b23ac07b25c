"""What travels with weights: the preprocessing that they expect and the names of their classes."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from kclassify.errors import ModelError

SCHEMA_VERSION = 1
INTERPOLATIONS = ("bilinear", "bicubic")
FITS = ("crop",)


@dataclass(frozen=True)
class Preprocessing:
    """How a picture of any size becomes the model's input.

    The short side is resized to `round(size / crop_pct)` with antialiasing, rounded to whole grey levels, and the centre `size` x `size`
    is cut out. The model's input is float32 RGB 0..255; it subtracts `mean` and divides by `std` itself. Both are in units of 0..1 as
    everywhere in the field.
    """

    size: int = 224
    crop_pct: float = 0.875
    interpolation: str = "bilinear"
    fit: str = "crop"
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)

    def __post_init__(self) -> None:
        if self.interpolation not in INTERPOLATIONS:
            raise ModelError(f"Unknown interpolation '{self.interpolation}'. Expected one of: {', '.join(INTERPOLATIONS)}.")
        if self.fit not in FITS:
            raise ModelError(f"Unknown fit '{self.fit}'. Expected one of: {', '.join(FITS)}.")
        if self.size < 1 or not 0 < self.crop_pct <= 1:
            raise ModelError(
                f"Unusable preprocessing: size={self.size}, crop_pct={self.crop_pct}. Expected size >= 1 and 0 < crop_pct <= 1."
            )

    @property
    def mean_levels(self) -> tuple[int, ...]:
        """The mean colour in whole grey levels of R, G and B, 0 to 255."""
        return tuple(round(255 * value) for value in self.mean)

    @property
    def resize_short(self) -> int:
        """The length in pixels of the short side before the centre crop."""
        return round(self.size / self.crop_pct)


# What models are judged by, beside their loss; the first decides which is better. Shares of right first answers and of right answers among
# the first five; with several labels a picture the mean average precision of the classes, and their mean F1 of scores from 0.5 on.
ONE_LABEL, MULTI_LABEL = ("top1", "top5"), ("map", "f1")


@dataclass(frozen=True)
class ModelCard:
    """Names and preprocessing of one model, stored inside every artefact that kclassify writes.

    `multi_label`: a picture may have several classes or none, and each has a probability by itself.
    """

    preset: str
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    multi_label: bool = False

    @property
    def metrics(self) -> tuple[str, str]:
        """The names of what the model is judged by."""
        return MULTI_LABEL if self.multi_label else ONE_LABEL

    def to_json(self) -> str:
        """One JSON document; `from_json` reads it back to an equal card."""
        return json.dumps({"schema_version": SCHEMA_VERSION, **dataclasses.asdict(self)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes, source: str) -> "ModelCard":
        """Read a card; `source` names the file in the error (ModelError) for one that cannot be read."""
        try:
            fields: dict[str, Any] = json.loads(text)
            version = fields.pop("schema_version")
            if version > SCHEMA_VERSION:
                newest = f"this kclassify reads up to {SCHEMA_VERSION}. Update with: pip install -U kclassify"
                raise ModelError(f"{source}: its card has format {version}, {newest}")
            spec = fields["preprocessing"]
            spec = Preprocessing(**{**spec, "mean": tuple(spec["mean"]), "std": tuple(spec["std"])})
            several = fields.get("multi_label", False) is True  # cards that were written before know nothing of it
            return cls(str(fields["preset"]), tuple(map(str, fields["class_names"])), spec, several)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{source}: the kclassify card inside cannot be read ({error!r}).") from error
