"""The loop around `model.fit`: what happens after a step and after an epoch, and how both survive a crash."""

import math
import shlex
import signal
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from kclassify import bundle
from kclassify.config import duration
from kclassify.console import Console
from kclassify.data import pipeline
from kclassify.data.augment.mixing import MIXINGS
from kclassify.data.stopwatch import Stopwatch
from kclassify.errors import DataError, Interrupted, KClassifyError
from kclassify.metrics import multi_label_results, results
from kclassify.training import checkpoint, epoch_report, guards
from kclassify.training.callbacks import AfterEpoch, AfterStep, StopBetweenBatches, StopRequested
from kclassify.training.guards import NotFinite
from kclassify.training.input_bound import InputBound
from kclassify.training.optimizer import averaged, groups_table
from kclassify.training.run_folder import RunFolder
from kclassify.training.schedules import rates_by_epoch
from kclassify.training.setup import Task, copy_weights
from kclassify.training.state import State
from kclassify.training.stop import StopSignals
from kclassify.training.tensorboard import TensorBoard
from kclassify.training.watchers import Watchers

_READ_AHEAD = 64  # batches that the pipeline may have been ahead of the step that failed


class Loop:
    """One run in progress."""

    def __init__(self, task: Task, run: RunFolder, console: Console):
        self.task, self.run, self.console = task, run, console
        self.state = State(task, run, console)
        self.deadline = time.monotonic() + (duration(task.config.stop.time_limit) or math.inf)
        self.segment_start = 0  # the step at which this process began the running epoch
        self.epoch_began = time.monotonic()
        self.waiting, self.input_bound = Stopwatch(), InputBound(task, console)
        self.board = TensorBoard(self)
        how: dict[str, Any] = {"batch_size": task.config.batch_size, "part": task.machine.part}
        self.val_batches = pipeline.eval_batches(task.data.val, task.card.preprocessing, **how)
        if task.config.image_cache == "ram":
            self.val_batches = self.val_batches.cache()
        # Of several labels a picture, or a mixture of two, there is no right answer: what is left of the training metrics is the loss.
        only_loss = task.card.multi_label or task.transform.among(MIXINGS)
        self.train_metrics = ("loss",) if only_loss else ("loss", *task.card.metrics)

    # -- running -------------------------------------------------------------------------------------------------------------

    def fit(self, signals: StopSignals) -> None:
        """Run to the last step. Told to stop, it saves and raises Interrupted."""
        guards.check_settings(self.task)
        groups = groups_table(self.state.optimizer.groups, self.task.model)
        self.run.update(status="running", learning_rates=rates_by_epoch(self.task.rates, self.task.config.epochs), parameter_groups=groups)
        places = self.task.config.watch if self.task.machine.is_chief else ()
        self.watchers = Watchers(places, self.run, self.task.config, self.console)
        try:
            self._fit_with_rollbacks(signals)
        except StopRequested:
            self.run.update(status="interrupted")
            self.task.machine.leave()
            limit = self.task.config.stop.time_limit
            why = "Stopped" if signals.received or not limit else f"The time limit of {limit} is over"
            done = f"{why}; the state is saved at step {self.state.progress.step} of {self.task.total_steps - self.state.progress.shift}."
            # A time limit is for those who would otherwise be told to stop by SIGTERM, and looks like it to a script.
            raise Interrupted(f"{done}\nGo on with: kclassify resume {self.name}", signals.received or signal.SIGTERM) from None
        except KClassifyError:
            raise
        except Exception as error:
            facts: dict[str, Any] = {"run": self.name, "step": self.state.progress.step, "good": checkpoint.last_step(self.run.checkpoints)}
            known = self.task.machine.lost_worker() or guards.explained(error, self.task, **facts) or self._unreadable_file()
            if known is None:
                raise
            raise known from error
        finally:
            self.board.close()
            self.watchers.close()

    def _fit_with_rollbacks(self, signals: StopSignals) -> None:
        if self.task.config.on_nan == "rollback" and checkpoint.last_step(self.run.checkpoints) is None:
            self.state.commit()  # a state to go back to from the first steps
        while True:
            try:
                try:
                    return self._fit(signals)
                except StopRequested:
                    self.state.commit()
                    raise
            except NotFinite as found:
                self._roll_back(found)

    def _roll_back(self, found: NotFinite) -> None:
        """Go on from the last good checkpoint at a lower learning rate, if the config says so, at most `guards.ROLLBACKS` times."""
        good, lr, train = checkpoint.last_step(self.run.checkpoints), self.state.lr(), self.task.data.train
        images = sorted({str(train.paths[row]) for row in self._rows(range(self.state.place - 1, self.state.place))})
        earlier = self.run.facts.get("rollbacks", [])
        event = {"step": found.step, "reason": found.what, "lr": lr, "images": images}
        if self.task.config.on_nan == "stop" or good is None or len(earlier) == guards.ROLLBACKS:
            self.run.update(not_finite=event)
            raise guards.spoilt(found, lr, images, self.name, good, rollbacks=len(earlier)) from None
        self.run.update(rollbacks=[*earlier, {**event, "back_to": good}])
        self.console.line(
            f"{found.what}, at learning rate {lr:.4g}: back to step {good}, and on from there at {guards.ROLLBACK_LR:g} times the learning "
            f"rate (rollback {len(earlier) + 1} of at most {guards.ROLLBACKS}; the images of step {found.step} are in run.json)"
        )
        self.state.restore()
        self.epoch_began, self.waiting.seconds = time.monotonic(), 0.0

    def _fit(self, signals: StopSignals) -> None:
        per_epoch, total = self.task.steps_per_epoch, self.task.total_steps
        if len(self.state.progress.history) < self.state.place // per_epoch:  # stopped after an epoch's last step, before its report
            self.end_epoch(signals)
        while self.state.place < total and not self.out_of_patience():
            first = self.state.place
            # What is left of a broken epoch is a fit of its own; all whole epochs after it are one fit, whose pipeline never stops.
            last = total if first % per_epoch == 0 else first - first % per_epoch + per_epoch
            self.segment_start = self.state.progress.step
            with self.console.progress(self.title(), per_epoch) as bar:
                self.task.model.fit(
                    self._train_batches(first, last),
                    initial_epoch=first // per_epoch,
                    epochs=-(-last // per_epoch),
                    steps_per_epoch=min(per_epoch, last - first),
                    callbacks=[AfterStep(self, signals, bar), self.board, AfterEpoch(self, signals)],
                    shuffle=False,  # the pipeline has its own order
                    verbose=0,
                )
        if self.state.place < total:
            patience, best = self.task.config.stop.patience, self.state.progress.best["epoch"]
            self.console.line(f"no better model for {patience} epochs: the run ends; its best epoch is {best}")

    def out_of_patience(self) -> bool:
        """Whether the run ends before its last epoch: the best one is `stop.patience` epochs ago."""
        patience, history = self.task.config.stop.patience, self.state.progress.history
        return bool(patience and history) and len(history) - self.state.progress.best.get("epoch", 0) >= patience

    def _unreadable_file(self) -> DataError | None:
        """After a failed step: a file of the coming batches, or of the validation set, that can no longer be decoded, with the reason."""
        data = self.task.data
        coming = data.train.take(self._rows(range(self.state.place, self.state.place + _READ_AHEAD)))
        culprit = pipeline.find_unreadable(coming) or pipeline.find_unreadable(data.val)
        if culprit is None:
            return None
        return DataError(f"{culprit}. It was usable when the run began.\nMend it, then go on with: kclassify resume {self.name}")

    def _rows(self, steps: range) -> np.ndarray:
        """Which training images some steps use, by their rows in the index; steps are places, counted from 0."""
        task, config = self.task, self.task.config
        return pipeline.rows_of_steps(len(task.data.train), task.step_images, config.seed, steps, config.augment.repeats, config.accumulate)

    def _train_batches(self, first: int, last: int) -> Any:
        task, config = self.task, self.task.config
        batches = pipeline.train_batches(
            task.data.train,
            task.transform,
            batch_size=task.step_images,
            accumulate=config.accumulate,
            seed=config.seed,
            first_step=first,
            last_step=last,
            part=task.machine.part,
            decoded=task.decoded,
        )
        return self.waiting.around(batches)

    def after_step(self, logs: Mapping[str, Any]) -> bool:
        """Count a step; save if it is time to. True at the end of an epoch."""
        self.state.progress.step += 1
        guards.check_loss(self.state.progress.step, logs)
        due = self.task.config.checkpoint
        at_end = self.state.place % self.task.steps_per_epoch == 0
        by_steps = due.steps and self.state.progress.step % due.steps == 0
        by_time = due.minutes and self.task.machine.any_worker(time.monotonic() - self.state.saved_at > 60 * due.minutes)
        if (by_steps or by_time) and not at_end:
            before, began = (self.state.progress.sums, self.state.progress.seconds), self.epoch_began
            self.note_metrics(logs)
            self.state.commit()
            self.state.progress.sums, self.state.progress.seconds = before
            self.epoch_began = began
        return at_end

    def note_metrics(self, logs: Mapping[str, Any]) -> None:
        """Add what this process has measured of the running epoch to what an earlier one had."""
        logs = self.task.machine.metrics_of_all(self.task.model, logs)
        per_epoch, batch = self.task.steps_per_epoch, self.task.step_images
        steps = min(self.state.progress.step - self.segment_start, (self.state.place - 1) % per_epoch + 1)
        samples = steps * batch
        if self.state.place % per_epoch == 0:
            samples -= per_epoch * batch - len(self.task.data.train)  # the filled-up ones
        # Keras averages its loss over all places of the batches, the metrics over the weights.
        new = {"loss": float(logs["loss"]) * steps * batch, "samples": float(samples), "waiting": self.waiting.seconds}
        new |= {name: float(logs[name]) * samples for name in self.task.card.metrics if name in logs}
        self.state.progress.sums = {name: self.state.progress.sums.get(name, 0.0) + value for name, value in new.items()}
        self.state.progress.seconds += time.monotonic() - self.epoch_began

    # -- after an epoch --------------------------------------------------------------------------------------------------------

    def end_epoch(self, signals: StopSignals) -> None:
        """Validate, keep the model if it is the best, write the epoch's row, save the state."""
        signals.defer()
        self.state.arrays()  # before any file is replaced
        row = self._row()
        candidates = {"val": self._validate(signals)}
        row |= {f"val_{name}": value for name, value in candidates["val"].items()}
        if self.task.config.optimizer.ema:
            with averaged(self.task.model):
                candidates["ema"] = self._validate(signals)
            row |= {f"ema_{name}": value for name, value in candidates["ema"].items()}
        self.state.progress.history.append(row)
        self.state.follow()
        self._keep_best(candidates, row)
        copy_weights(self.task.model, self.task.deployed)
        bundle.save(self.task.deployed, self.task.card, self.run.last)
        self.state.progress.sums, self.state.progress.seconds = {}, 0.0
        self.board.write_epoch(row)  # before the checkpoint: what is beyond one is forgotten and written anew, what is missing is not
        self.state.commit()
        self.run.write_metrics(self.state.progress.history)
        self.run.update(best=self.state.progress.best, last=row)
        self.watchers.write_epoch(row)
        left = (self.task.total_steps - self.state.place) * self.task.step_images
        told = (row, self.task.config.epochs, left)
        is_best = self.state.progress.best.get("epoch") == row["epoch"]
        self.console.row(epoch_report.line(*told), epoch_report.cells(*told), least=epoch_report.LEAST, marked=is_best)
        self.input_bound.tell(row["waiting"])
        self.epoch_began, self.waiting.seconds = time.monotonic(), 0.0

    def _row(self) -> dict[str, Any]:
        sums, step = self.state.progress.sums, self.state.progress.step
        means = {f"train_{name}": sums[name] / sums["samples"] for name in self.train_metrics}
        seconds = max(self.state.progress.seconds, 1e-9)
        return {
            "epoch": self.state.place // self.task.steps_per_epoch,
            "step": step,
            "lr": self.state.lr(),
            **means,
            "images_per_second": round(sums["samples"] / seconds, 1),
            "waiting": round(sums["waiting"] / seconds, 3),
        }

    def _validate(self, signals: StopSignals) -> dict[str, float]:
        steps = pipeline.steps_per_epoch(len(self.task.data.val), self.task.config.batch_size)  # unknown to Keras with several machines
        stop, val = StopBetweenBatches(self, signals), self.task.data.val
        if self.task.card.multi_label:
            logits = self.task.model.predict(self.val_batches, verbose=0, steps=steps, callbacks=[stop])
            return multi_label_results(val.target_table()[val.labels], logits[: len(val), : len(val.class_names)])
        logs = self.task.model.evaluate(self.val_batches, verbose=0, return_dict=True, steps=steps, callbacks=[stop])
        return results(logs, len(val))

    def _keep_best(self, candidates: Mapping[str, Mapping[str, float]], row: Mapping[str, Any]) -> None:
        """Write best.keras if top1 (or map) is higher than ever, or as high with a lower loss; of raw and averaged weights the better."""
        judge = self.task.card.metrics[0]
        for kind, found in candidates.items():
            rank = [found[judge], -found["loss"]]
            best = self.state.progress.best
            if not math.isfinite(found["loss"]) or (best and rank <= [best[judge], -best["loss"]]):
                continue
            self.state.progress.best = {"epoch": row["epoch"], "weights": {"val": "raw", "ema": "averaged"}[kind], **found}
            if kind == "ema":
                with averaged(self.task.model):
                    copy_weights(self.task.model, self.task.deployed)
            else:
                copy_weights(self.task.model, self.task.deployed)
            bundle.save(self.task.deployed, self.task.card, self.run.best)

    def title(self) -> str:
        """What the bar says on its left: the epoch of the last step."""
        return f"epoch {self.state.epoch}/{self.task.config.epochs}"

    @property
    def name(self) -> str:
        """The run folder as it is typed in a shell."""
        return shlex.quote(str(self.run.path))
