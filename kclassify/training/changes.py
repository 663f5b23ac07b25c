"""What may change when a run goes on: new settings are compared with those that it was begun with, and refused or told."""

from collections.abc import Mapping
from typing import Any

from kclassify import config as configs
from kclassify.config import RunConfig
from kclassify.errors import UsageError

# Everything else decides which variables there are, what they were drawn from, or what was measured on which images.
_MAY = {
    *("epochs", "batch_size", "gpus", "nodes", "rank", "image_cache", "deterministic", "data", "val", "on_nan", "watch"),
    *("optimizer.lr", "optimizer.lr_scale", "optimizer.reference_batch", "optimizer.weight_decay", "optimizer.decay_all"),
    *("optimizer.layer_decay", "optimizer.clip_norm", "optimizer.clip_agc", "distill.weight", "distill.temperature"),
}
_MAY_SECTIONS = ("schedule.", "loss.", "augment.", "checkpoint.", "stop.")

Changes = Mapping[str, tuple[Any, Any]]


def compare(before: RunConfig, after: RunConfig) -> Changes:
    """The settings that differ, by dotted key: (old, new)."""
    old, new = configs.flatten(before), configs.flatten(after)
    return {key: (old[key], new[key]) for key in old if old[key] != new[key]}


def check(changes: Changes, run: str) -> None:
    """UsageError for the first change with which a run cannot go on; `run` is its folder as it is typed in a shell.

    The images are not judged by `data`, which is a place, but by their fingerprint, once they have been looked at.
    """
    for key, (old, new) in changes.items():
        if new == "auto" or (key, new) == ("batch_size", 0):
            raise UsageError(f"{key}: auto is for a new run, this one was begun with {old}. Expected a number.")
        if not (key in _MAY or key.startswith(_MAY_SECTIONS) or _same_variables(key, old, new)):
            anew = f"kclassify train -c {run}/config.yaml --set {key}={new}"
            raise UsageError(f"{key}: the run was begun with {old} and cannot go on with {new}. For a new run: {anew}")


def _same_variables(key: str, old: Any, new: Any) -> bool:
    """Whether a change leaves the variables of model and optimizer what they are: float16 brings those of loss scaling."""
    return (key == "precision" and "float16" not in (old, new)) or (
        key in ("optimizer.ema", "optimizer.momentum") and bool(old) == bool(new)
    )


def place_after(place: int, *, before: int, after: int, accumulate: int, samples: int) -> int:
    """Where a run stands in steps of another batch size: in the same epoch, at the same image.

    Args:
        place: where it stands in steps of the batch size `before`, of which `accumulate` make a batch.
        samples: how many images an epoch has.

    Raises:
        UsageError: the images seen of the running epoch are no whole number of the new batches.
    """
    if before == after:
        return place
    epoch, inside = divmod(place, -(-samples // before) * accumulate)
    seen, rest = divmod(inside * before, accumulate)
    if rest or inside % accumulate or seen % after:
        possible = max((size for size in range(1, after) if seen % size == 0 and not size % accumulate), default=before)
        raise UsageError(
            f"batch_size: of epoch {epoch + 1} the run has seen {seen} images with {before}, which {after} does not divide.\n"
            f"Expected one that does, such as {possible}; at the end of an epoch any will do."
        )
    return (epoch * -(-samples // after) + seen // after) * accumulate


def told(changes: Changes) -> str:
    """One line for the user: `epochs 4 instead of 2, optimizer.lr 0.1 instead of 0.05`."""
    return ", ".join(f"{key} {new} instead of {old}" for key, (old, new) in changes.items())
