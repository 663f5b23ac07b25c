"""A stalled input: which share of an epoch went into waiting for images, and the knob that helps."""

import numpy as np

from kclassify.console import Console
from kclassify.data.decoded import decoded_bytes, fits
from kclassify.data.index import Index
from kclassify.processors import processors
from kclassify.training.setup import Task

SHARE = 0.3  # of an epoch; below it the input is not what makes a run slow
_LARGE = 2  # pictures of so many times the model's input side cost more to decode than they are worth
_PACKED = 8 / 7  # the short side of packed pictures, in the model's input side: 256 pixels for 224


class InputBound:
    """Tells the user, once a run, that it waits for images, and what to try."""

    def __init__(self, task: Task, console: Console):
        self.task, self.console, self.told = task, console, False

    def tell(self, share: float) -> None:
        """After an epoch of which `share` (0..1) went into waiting."""
        if share > SHARE and not self.told:
            self.told = True
            self.console.line(f"input-bound: {share:.0%} of the epoch went into waiting for images; {_advice(self.task)}")


def _advice(task: Task) -> str:
    config, train, size = task.config, task.data.train, task.card.preprocessing.size
    if config.image_cache == "none" and fits(train, "ram"):
        return f"try --cache ram (decoded they take {decoded_bytes(train) / 1e9:.2g} GB)"
    if _short_side(train) > _LARGE * size:
        return f"try smaller ones: kclassify data pack {config.data} -o packed/ --short-side {round(_PACKED * size)}"
    if config.image_cache == "none":
        return f"try --cache disk (decoded they take {decoded_bytes(train) / 1e9:.2g} GB)"
    if config.augment.ops:
        return f"try fewer augmentations than {', '.join(config.augment.ops)}"
    return f"more processors than {processors()} would help"


def _short_side(index: Index) -> float:
    return float(np.median(np.minimum(index.heights, index.widths)))
