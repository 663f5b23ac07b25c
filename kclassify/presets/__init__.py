"""Rows that people choose by name: models, and the names of the ImageNet classes."""

import functools
import importlib.resources

from kclassify.errors import UsageError, near_names
from kclassify.presets.models import MODELS
from kclassify.presets.row import ModelRow

__all__ = ["MODELS", "ModelRow", "get", "imagenet_class_names", "names"]


def get(name: str) -> ModelRow:
    """The row called `name`, by its own name or an alias (PaddleClas', timm's), in any case.

    Raises UsageError that proposes the nearest name.
    """
    wanted = name.lower()
    for row in MODELS.values():
        if wanted in {row.name, *(alias.lower() for alias in row.aliases)}:
            return row
    raise UsageError(f"No preset is named '{name}'.{near_names(name, MODELS)} See: kclassify presets list")


def names() -> list[str]:
    """The names of all presets, in the order of the table."""
    return list(MODELS)


@functools.cache
def imagenet_class_names() -> tuple[str, ...]:
    """The 1,000 classes of ImageNet-1k (ILSVRC 2012) in index order: each synset's first WordNet lemma, made distinct where two agree."""
    text = importlib.resources.files(__name__).joinpath("imagenet_classes.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())
