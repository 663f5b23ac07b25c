"""Built-in data sets: what they are and which settings suit them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class DatasetRow:
    """A data set known by name. `settings` are the RunConfig values that suit it better than the recipe's."""

    name: str
    description: str
    settings: Mapping[str, Any] = field(default_factory=dict)


_DIGITS = {
    "image_size": 64,
    "crop_pct": 1.0,
    "augment.crop_scale": (0.7, 1.0),
    "augment.crop_ratio": (0.9, 1.1),
    "augment.flip": 0.0,  # a mirrored 2 is not a 2
}

DATASETS = {
    row.name: row
    for row in (
        DatasetRow(
            "digits", "1,797 handwritten digits that come with scikit-learn, as 64 x 64 images; --data FOLDER trains on yours", _DIGITS
        ),
    )
}
