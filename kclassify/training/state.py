"""The state of a run: how far it is, and everything that a step reads and writes; saved, and taken up again."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from kclassify import devices
from kclassify.config import RunConfig
from kclassify.console import Console
from kclassify.errors import KClassifyError, UsageError
from kclassify.training import changes, checkpoint, guards
from kclassify.training.run_folder import RunFolder
from kclassify.training.schedules import plateau_factor
from kclassify.training.setup import Task, run_rates


@dataclass
class Progress:
    """How far a run is. `sums` holds the running epoch's metrics, each times the samples behind it.

    `step` counts all steps; `shift` more are they as if every one had been of `batch_size`, which only a resumed run may change.
    """

    step: int = 0
    shift: int = 0
    batch_size: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


class State:
    """The progress of a run and the variables of its model and optimizer."""

    def __init__(self, task: Task, run: RunFolder, console: Console):
        self.task, self.run, self.console = task, run, console
        self.progress = Progress(batch_size=task.config.batch_size)
        self.optimizer = getattr(task.model.optimizer, "inner_optimizer", task.model.optimizer)
        self.saved_at, self.factor = time.monotonic(), 1.0

    @property
    def place(self) -> int:
        """Where the run is: its steps, as if all had been of this batch size."""
        return self.progress.step + self.progress.shift

    @property
    def epoch(self) -> int:
        """The epoch of the last step, counted from 1."""
        return max(0, self.place - 1) // self.task.steps_per_epoch + 1

    def restore(self, checkpoints: Path | None = None) -> None:
        """Take up the latest checkpoint of the run (or in another folder), if there is one."""
        found = checkpoint.latest(checkpoints or self.run.checkpoints, note=self.console.line)
        if found is None:
            return
        variables = dict(self._variables())
        if set(variables) != set(found.arrays):
            raise KClassifyError(f"{found.path}: holds other variables than the model of this run. Was kclassify updated in between?")
        for name, variable in variables.items():
            variable.assign(found.arrays[name])
        self.progress = Progress(**found.facts["progress"])
        self._adopt_batch_size()
        self.follow()
        self.run.write_metrics(self.progress.history)
        self.console.line(f"resuming at step {self.progress.step} of {self.task.total_steps - self.progress.shift}")

    def _adopt_batch_size(self) -> None:
        config, progress = self.task.config, self.progress
        sizes = {"before": progress.batch_size or config.batch_size, "after": config.batch_size, "accumulate": config.accumulate}
        place = changes.place_after(self.place, **sizes, samples=len(self.task.data.train))
        if place != self.place:
            self.optimizer.iterations_made(place)
        progress.shift, progress.batch_size = place - progress.step, config.batch_size

    def changes(self, before: RunConfig, changed: changes.Changes) -> dict[str, Any]:
        """What run.json notes, and the user is told, of settings that are others than `before` from this step on."""
        now, samples = self.task.config, len(self.task.data.train)
        if self.place > self.task.total_steps:
            raise UsageError(f"epochs: the run is in epoch {self.epoch} and cannot end after {now.epochs}. Expected {self.epoch} or more.")
        sizes = {"before": now.batch_size, "after": before.batch_size, "accumulate": now.accumulate}
        places = changes.place_after(self.place, **sizes, samples=samples), self.place
        tables = run_rates(before, samples), self.task.rates
        rates = [float(rate) * self._factor() for rate in map(_rate_after, tables, (place // now.accumulate for place in places))]
        self.console.line(f"changed: {changes.told(changed)}")
        if "epochs" in changed or rates[0] != rates[1]:
            self.console.line(
                f"learning rate of the next step: {rates[1]:.6g} instead of {rates[0]:.6g} ({now.schedule.name} over {now.epochs} epochs)"
            )
        values = {key: list(pair) for key, pair in changed.items()}
        return {"step": self.progress.step, "epoch": len(self.progress.history), "lr": rates, "values": values}

    def _factor(self) -> float:
        """What the learning rates of the schedule are multiplied by, for what has happened so far."""
        config, factor = self.task.config, guards.ROLLBACK_LR ** len(self.run.facts.get("rollbacks", []))
        if config.schedule.name == "plateau":
            factor *= plateau_factor([row["val_loss"] for row in self.progress.history], config.schedule)
        return factor

    def follow(self) -> None:
        """Let the learning rate follow what has happened so far."""
        self.factor = self._factor()
        self.optimizer.lr_factor.assign(self.factor)

    def lr(self) -> float:
        """The learning rate of the last step. Variables are not asked: on JAX they are empty between the steps."""
        return float(self.task.rates[max(0, self.place - 1) // self.task.config.accumulate]) * self.factor

    def commit(self) -> None:
        """Save the state of this moment; NotFinite, and nothing is saved, if it has numbers that are none."""
        arrays = self.arrays()
        facts = {"progress": asdict(self.progress), "class_names": list(self.task.card.class_names), "seed": self.task.config.seed}
        checkpoint.save(self.run.checkpoints, self.progress.step, arrays, facts, keep=self.task.config.checkpoint.keep)
        self.saved_at = time.monotonic()

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that is saved, by name; NotFinite if there are numbers in it that are none."""
        devices.bring_home(self.task.model)
        arrays = {name: ops.convert_to_numpy(variable) for name, variable in self._variables()}
        guards.check_arrays(self.progress.step, arrays)
        return arrays

    def weights_sha256(self) -> str:
        """A mark of the last weights: equal for two runs that ended in the same bits."""
        digest = hashlib.sha256()
        for variable in self.task.model.weights:
            digest.update(ops.convert_to_numpy(variable).tobytes())
        return digest.hexdigest()

    def _variables(self) -> Iterator[tuple[str, Any]]:
        """Everything that a step reads and writes, by a name that is the same in every process; random states included."""
        model = self.task.model
        seen: set[int] = set()
        for owner, variables in (("model", model.variables), ("optimizer", model.optimizer.variables)):
            for number, variable in enumerate(variables):
                if id(variable) not in seen:
                    seen.add(id(variable))
                    yield f"{owner}-{number:04d}", variable


def _rate_after(table: np.ndarray, made: int) -> float:
    """The learning rate of the next change of the weights after so many; a run that is over has none."""
    return float(table[made]) if made < len(table) else 0.0
