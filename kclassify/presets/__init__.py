"""Rows that people choose by name: models, and the names of the ImageNet classes."""

import functools
import importlib.resources
import re
from collections.abc import Callable
from typing import Any

from kclassify.errors import UsageError, near_names
from kclassify.presets import applications, kerashub
from kclassify.presets.kerashub import short
from kclassify.presets.models import MODELS
from kclassify.presets.row import ModelRow

__all__ = ["MODELS", "ORDERS", "PASSED_ON", "ModelRow", "get", "imagenet_class_names", "names", "orders", "select", "short"]

PASSED_ON = (applications.PREFIX, kerashub.PREFIX)  # what follows these is another package's name


def get(name: str) -> ModelRow:
    """The row called `name`, by its own name or an alias (PaddleClas', timm's), in any case; `ka:NAME` is a model of keras.applications.

    `keras_hub:NAME` or `keras_hub:FOLDER` is a classifier of keras_hub whose files are on this machine; see `kerashub.row` for its errors.
    Raises UsageError that proposes the nearest name.
    """
    if name.startswith(applications.PREFIX):
        return applications.row(name)
    if name.startswith(kerashub.PREFIX):
        return kerashub.row(name)
    # As it is written first: ViT_small_patch16_224 and vit_small_patch16_224 are two models, of PaddleClas and of timm.
    for wanted, fold in ((name, str), (name.lower(), str.lower)):
        for row in MODELS.values():
            if wanted in {row.name, *map(fold, row.aliases)}:
                return row
    raise UsageError(f"No preset is named '{name}'.{near_names(name, MODELS)} See: kclassify presets list")


def names() -> list[str]:
    """The names of all presets, in the order of the table."""
    return list(MODELS)


# How a table of models may be sorted: by name, fewest parameters, fewest multiplications, or best accuracy first.
ORDERS: dict[str, Callable[[ModelRow], Any]] = {
    "name": lambda row: natural(row.name),
    "params": lambda row: row.params,
    "macs": lambda row: row.macs,
    "top1": lambda row: -row.top1,
}


def orders() -> list[str]:
    """The names that `select` takes for `sort`."""
    return list(ORDERS)


def natural(name: str) -> list[Any]:
    """A key that sorts resnet18 before resnet101."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def select(*, series: str | None = None, max_params: float | None = None, sort: str = "name") -> list[ModelRow]:
    """Rows whose series (or name) has `series` in it, with at most `max_params` million parameters, in an order of ORDERS.

    Raises UsageError for an unknown order, and if there is no such row.
    """
    if sort not in ORDERS:
        raise UsageError(f"Unknown order '{sort}'.{near_names(sort, ORDERS)} Expected one of: {', '.join(ORDERS)}.")
    rows = [row for row in MODELS.values() if series is None or series.lower() in f"{row.series} {row.name}".lower()]
    if not rows:
        known = list(dict.fromkeys(row.series for row in MODELS.values()))
        raise UsageError(f"No series has '{series}' in its name.{near_names(series or '', known)} See: kclassify presets list")
    rows = [row for row in rows if max_params is None or row.params <= 1e6 * max_params]
    return sorted(rows, key=ORDERS[sort])


@functools.cache
def imagenet_class_names() -> tuple[str, ...]:
    """The 1,000 classes of ImageNet-1k (ILSVRC 2012) in index order: each synset's first WordNet lemma, made distinct where two agree."""
    text = importlib.resources.files(__name__).joinpath("imagenet_classes.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())
