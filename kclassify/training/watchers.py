"""Other places to watch a run in: Weights & Biases and MLflow get its settings and each epoch's row."""

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kclassify.config import RunConfig, flatten
from kclassify.console import Console
from kclassify.errors import SetupError
from kclassify.training.run_folder import RunFolder

_PROJECT = "kclassify"
_PARAMETERS = 100  # that MLflow takes at a time
Write = Callable[[Mapping[str, float], int], Any]


def check(names: Iterable[str]) -> None:
    """SetupError for a place whose package is not installed."""
    for name in names:
        if name in _OPENED_BY and importlib.util.find_spec(name) is None:
            raise SetupError(f'--watch {name}: the package {name} is not installed. Install it with: pip install "kclassify[{name}]"')


class Watchers:
    """The places of a run. One that fails is told and gets no more; training goes on."""

    def __init__(self, names: Iterable[str], run: RunFolder, config: RunConfig, console: Console):
        self.console = console
        self._places: dict[str, tuple[Write, Callable[[], Any]]] = {}
        known = dict(run.facts.get("watched", {}))  # under which names the places know the run, for when it goes on
        for name in names:
            if name in _OPENED_BY:
                try:
                    known[name], write, end = _OPENED_BY[name](run, config, known.get(name))
                    self._places[name] = (write, end)
                except Exception as error:
                    self._told(name, error)
        if known:
            run.update(watched=known)

    def write_epoch(self, row: Mapping[str, Any]) -> None:
        """Send an epoch's numbers."""
        numbers = {key.replace("_", "/", 1): float(row[key]) for key in row if key != "step"}
        for name, (write, _) in list(self._places.items()):
            try:
                write(numbers, row["step"])
            except Exception as error:
                del self._places[name]
                self._told(name, error)

    def close(self) -> None:
        """Tell all places that this process is done with the run."""
        for name, (_, end) in self._places.items():
            try:
                end()
            except Exception as error:
                self._told(name, error)
        self._places = {}

    def _told(self, name: str, error: Exception) -> None:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        self.console.line(f"{name} gets no more of this run: {reason[:200]}")


def _wandb(run: RunFolder, config: RunConfig, known: str | None) -> tuple[str, Write, Callable[[], Any]]:
    import wandb

    opened = wandb.init(
        project=_PROJECT, name=run.path.name, id=known, resume="allow" if known else None, dir=str(run.path), config=flatten(config)
    )
    return opened.id, lambda numbers, step: opened.log(dict(numbers), step=step), opened.finish


def _mlflow(run: RunFolder, config: RunConfig, known: str | None) -> tuple[str, Write, Callable[[], Any]]:
    import mlflow

    mlflow.set_experiment(_PROJECT)
    opened = mlflow.start_run(run_id=known, run_name=None if known else run.path.name)
    if not known:
        settings = list(flatten(config).items())
        for first in range(0, len(settings), _PARAMETERS):
            mlflow.log_params(dict(settings[first : first + _PARAMETERS]))
    return opened.info.run_id, lambda numbers, step: mlflow.log_metrics(dict(numbers), step=step), mlflow.end_run


_OPENED_BY: dict[str, Callable[[RunFolder, RunConfig, str | None], tuple[str, Write, Callable[[], Any]]]] = {
    "wandb": _wandb,
    "mlflow": _mlflow,
}
