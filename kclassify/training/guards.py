"""Guards: what would spoil or end a run is found early, and becomes one message with what to type next."""

import errno
import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kclassify.errors import KClassifyError, SetupError, UsageError
from kclassify.training.batch_size import is_out_of_memory
from kclassify.training.setup import Task

ROLLBACKS = 3  # after so many in one run the learning rate was not the cause
ROLLBACK_LR = 0.5  # what every rollback multiplies the learning rate by, from there on
_SHOWN = 3  # names of images in a message; run.json has all
_SMALL_FILES = 1_000_000  # what tables, logs and the heads of files take beside the numbers
_FULL = (errno.ENOSPC, errno.EDQUOT)


class NotFinite(Exception):
    """A loss or weights that are no numbers after `step`; `what` says which."""

    def __init__(self, step: int, what: str):
        super().__init__(what)
        self.step, self.what = step, what


def check_loss(step: int, logs: Mapping[str, Any]) -> None:
    """NotFinite if the loss is NaN or infinite; Keras' running mean of an epoch is from that step on."""
    loss = float(logs["loss"])
    if not math.isfinite(loss):
        raise NotFinite(step, f"The loss of step {step} is {loss}")


def check_arrays(step: int, arrays: Mapping[str, np.ndarray]) -> None:
    """NotFinite if a state that is about to be saved has NaN or infinity in it: a finite loss can still spoil the weights."""
    for array in arrays.values():
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            raise NotFinite(step, f"The weights after step {step} are not finite")


def check_settings(task: Task) -> None:
    """UsageError for what several machines cannot do: each would stop at, or go back to, a step of its own."""
    if task.machine.cluster and task.config.on_nan == "rollback":
        raise UsageError("on_nan: rollback works on one machine; with several, expected stop. Leave --on-nan out.")
    if task.machine.cluster and task.config.stop.time_limit:
        raise UsageError(
            f"stop.time_limit: works on one machine, got {task.config.stop.time_limit} with several. Send SIGTERM to each instead."
        )


def check_room(folder: Path, task: Task, *, present: int = 0) -> None:
    """SetupError if the disk below `folder` cannot take the checkpoints and models of a run, of which `present` bytes are there.

    While a checkpoint or a model is written its forerunner is still there, so there is one more of each.
    """
    keep = task.config.checkpoint.keep
    model, optimizer = _bytes(task.model.variables), _bytes(task.model.optimizer.variables)
    needed = (keep + 1) * (model + optimizer) + 3 * _bytes(task.deployed.weights) + _SMALL_FILES - present
    place = next(parent for parent in (folder.resolve(), *folder.resolve().parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if free < needed:
        fewer = ", or keep one checkpoint: --set checkpoint.keep=1" if keep > 1 else "."
        raise SetupError(
            f"'{folder}': the run needs {_size(needed)} for its checkpoints and models, the disk has {_size(free)} free.\n"
            f"Make room or choose another place with --out{fewer}"
        )


def _bytes(variables: Iterable[Any]) -> int:
    return sum(math.prod(variable.shape) * np.dtype(variable.dtype).itemsize for variable in variables)


def _size(count: int) -> str:
    unit, name = next(((10**power, name) for power, name in ((9, "GB"), (6, "MB")) if count >= 10**power), (1000, "kB"))
    return f"{count / unit:.1f} {name}"


def spoilt(found: NotFinite, lr: float, images: Sequence[str], run: str, good: int | None, *, rollbacks: int) -> KClassifyError:
    """The error that ends a run whose loss or weights are no numbers. `good` is the step of the last checkpoint, None without one."""
    advice = "with --precision float32, or with --on-nan rollback" if not rollbacks else "or with --precision float32"
    more = f" and {len(images) - _SHOWN} more (run.json has all)" if len(images) > _SHOWN else ""
    kept = "there is no checkpoint yet" if good is None else f"the last good checkpoint is of step {good}"
    return KClassifyError(
        f"{found.what}, at learning rate {lr:.4g}. Its images: {', '.join(images[:_SHOWN])}{more}.\n"
        f"Nothing of it was saved; {kept} in {run}.\n"
        f"{f'{rollbacks} rollbacks did not help. ' if rollbacks else ''}Train anew with a lower --lr, {advice}."
    )


def explained(error: Exception, task: Task, *, run: str, step: int, good: int | None) -> KClassifyError | None:
    """The message for a full disk or memory, by whatever library it was raised; None for any other error."""
    text = str(error)
    if getattr(error, "errno", None) in _FULL or "No space left on device" in text:
        kept = "no checkpoint was saved yet" if good is None else f"the last good checkpoint is of step {good}"
        return SetupError(
            f"The disk is full: nothing more could be written after step {step}; {kept}.\nMake room, then: kclassify resume {run}"
        )
    if is_out_of_memory(error):
        return _out_of_memory(task, step)
    return None


def _out_of_memory(task: Task, step: int) -> SetupError:
    config, size, images = task.config, task.card.preprocessing.size, task.step_images
    where = f"Out of memory after step {step}, with {images} images of {size} x {size} pixels a step."
    if images == 1:
        return SetupError(f"{where}\nTry a smaller --image-size or --preset, or --precision bfloat16.")
    smaller = f"--batch-size {max(1, config.batch_size // 2)}"
    if images % 2:
        return SetupError(f"{where}\nTry {smaller}.")
    return SetupError(
        f"{where}\nTry {smaller}, or keep the batch of {config.batch_size} in smaller parts: --set accumulate={2 * config.accumulate}"
    )
