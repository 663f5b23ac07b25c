"""Training: from a config to a run folder, and on from where it stopped."""

import os
import shlex
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kclassify import config as configs
from kclassify import devices
from kclassify.config import RunConfig
from kclassify.console import Console
from kclassify.data.sources import check_exists
from kclassify.errors import Interrupted
from kclassify.training.stop import StopSignals

if TYPE_CHECKING:
    from kclassify.training.lr_finder import RangeTest


@dataclass(frozen=True)
class Run:
    """What a run has come to: its folder, its models, and its best and last rows of metrics.csv."""

    path: Path
    best: Mapping[str, Any]
    last: Mapping[str, Any]

    @property
    def best_model(self) -> Path:
        """The `.keras` file of the best epoch (highest top1 in validation, of several labels a picture highest map)."""
        return self.path / "best.keras"

    def to_json(self) -> dict[str, Any]:
        """The result as `kclassify train --json` prints it."""
        return {"schema_version": 1, "run": str(self.path), "best": dict(self.best), "last": dict(self.last)}


def train(config: RunConfig, console: Console) -> Run:
    """Train a model and leave everything in a new run folder.

    Raises:
        KClassifyError: DataError, ModelError, SetupError by what is wrong; Interrupted when told to stop, with the state saved.
    """
    from kclassify.training import watchers
    from kclassify.training.run_folder import RunFolder, check_place

    with StopSignals() as signals:
        check_place(config)
        check_exists(config.data)
        if config.val:
            check_exists(config.val)
        watchers.check(config.watch)
        devices.start(config.backend)
        from kclassify.training.guards import check_room
        from kclassify.training.lr_finder import with_found_rate
        from kclassify.training.setup import keep_decoded, prepare

        task = prepare(config, console)
        check_room(Path(config.out), task)
        task = with_found_rate(keep_decoded(task, console), console, signals)
        with tempfile.TemporaryDirectory(prefix="kclassify-worker-") as scratch:
            # Of several workers one writes the run; the others do the same in a place that is thrown away.
            run = RunFolder.create(task.config if task.machine.is_chief else replace(task.config, out=scratch))
            with run.claimed():
                console.line(f"run: {run.path}" if task.machine.is_chief else "the run is written by worker 0")
                run.record_data(task.data)
                return _finish(task, run, console, signals)


def resume(path: str | os.PathLike[str], console: Console, *, flags: Mapping[str, Any] | None = None, settings: Iterable[str] = ()) -> Run:
    """Go on with a run at the exact step where its last checkpoint was saved; a finished run that stays as it is is only reported.

    Args:
        flags: settings by dotted key that are to change from here on, None for those that are not; `settings` the same as `key=value`.
            What they change is told, and noted in run.json; see changes.py for what may change.

    Raises:
        KClassifyError: as `train`; UsageError for a change that cannot be; DataError if the data set is no longer the one of the run.
    """
    from kclassify.training import changes, watchers
    from kclassify.training.run_folder import CONFIG, RunFolder

    run = RunFolder.open(path)
    config = configs.resolve(flags, file=run.path / CONFIG, settings=settings).config
    changed = changes.compare(run.config(), config)
    changes.check(changed, shlex.quote(str(run.path)))
    if run.facts["status"] == "finished" and not changed.keys() & {"epochs", "stop.patience"}:
        step = run.facts["last"]["step"]
        console.line(f"{run.path} is finished at step {step}; there is nothing to resume. For more epochs: --epochs {2 * config.epochs}")
        return Run(run.path, run.facts["best"], run.facts["last"])
    with StopSignals() as signals, run.claimed():
        watchers.check(config.watch)
        devices.start(config.backend)
        if other := run.surroundings():
            console.line(f"here: {other}; what follows can differ from an uninterrupted run in the last digits")
        from kclassify.training.guards import check_room
        from kclassify.training.setup import keep_decoded, prepare

        task = prepare(config, console)
        run.check_data(task.data)
        check_room(run.path, task, present=run.bytes_present())
        return _finish(keep_decoded(task, console), run, console, signals, changed)


def _finish(task: Any, run: Any, console: Console, signals: StopSignals, changed: Mapping[str, tuple[Any, Any]] | None = None) -> Run:
    """Build, restore, fit, report: the part that a new run and a resumed one share."""
    from kclassify.training.loop import Loop

    signals.advice = f"Go on with: kclassify resume {shlex.quote(str(run.path))}"
    loop = Loop(task, run, console)
    loop.state.restore()
    if changed:
        run.record_changes(task.config, loop.state.changes(run.config(), changed))
    with run.failure_noted():
        loop.fit(signals)
    run.update(
        status="finished", best=loop.state.progress.best, last=loop.state.progress.history[-1], weights_sha256=loop.state.weights_sha256()
    )
    task.machine.leave()
    if signals.received:  # too late to stop anything here, but what comes after in a script is not to begin
        raise Interrupted(f"{run.path} was finished already when the signal came.", signals.received)
    return Run(run.path, run.facts["best"], run.facts["last"])


def find_learning_rate(config: RunConfig, console: Console, *, plot: Path | None = None, force: bool = False) -> "RangeTest":
    """Look for the learning rate of a training with this config; nothing is written but the picture `plot`.

    Raises:
        UsageError: the picture is there already (`force` replaces it), or has an ending of no known format.
        KClassifyError: as `train` and `lr_finder.find`.
    """
    from kclassify.training.preview import check_target, save_picture

    if plot:
        check_target(plot, config, force=force, option="--plot")
    check_exists(config.data)
    devices.start(config.backend)
    from kclassify.training import lr_chart, lr_finder
    from kclassify.training.setup import keep_decoded, prepare

    config = replace(config, optimizer=replace(config.optimizer, lr="auto"))
    found = lr_finder.find(keep_decoded(prepare(config, console), console), console)
    if plot:
        save_picture(lr_chart.draw(found), plot)
    return found


@dataclass(frozen=True)
class Plan:
    """What a training would do, from `dry_run`."""

    preset: str
    parameters: int
    classes: int
    train_images: int
    val_images: int
    epochs: int
    steps: int
    devices: str

    def to_json(self) -> dict[str, Any]:
        """The plan as `kclassify train --dry-run --json` prints it."""
        return {"schema_version": 1, **asdict(self)}


def dry_run(config: RunConfig, console: Console) -> Plan:
    """Do everything that comes before the first step, and write nothing."""
    from kclassify.training.run_folder import check_place

    check_place(config)
    check_exists(config.data)
    if config.val:
        check_exists(config.val)
    devices.start(config.backend)
    from kclassify.training.setup import parameters, prepare

    task = prepare(config, console)
    data = task.data
    return Plan(
        config.preset,
        parameters(task.model),
        len(data.train.class_names),
        len(data.train),
        len(data.val),
        task.config.epochs,
        task.total_steps,
        task.machine.text,
    )
