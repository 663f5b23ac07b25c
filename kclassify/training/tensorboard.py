"""What TensorBoard shows of a run, of bounded size: curves, the first images, weights, precision and recall, the graph."""

import io
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.graph import metadata
from tensorboard.plugins.histogram.summary_v2 import histogram_pb
from tensorboard.plugins.pr_curve import summary as pr_curve
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util.tensor_util import make_tensor_proto

from kclassify.data import pipeline
from kclassify.training import sheet
from kclassify.training.preview import first_images
from kclassify.training.setup import Task

_POINTS = 1000  # of the curves by step, over a whole run
_HISTOGRAMS, _CURVES = 50, 10  # epochs of a run with histograms, and with a curve of precision and recall
_IMAGES = 16  # on the sheet
_VALUES = 10_000  # of a variable, evenly spaced, that a histogram is made of
_JUDGED = 512  # validation images, evenly spaced, behind a curve of precision and recall


class TensorBoard(keras.callbacks.Callback):
    """Writes a run's event files: a point every few steps, and with `write_epoch` what there is to show of an epoch.

    Each `fit` begins with a session log, by which TensorBoard forgets what a process that was killed had written beyond the checkpoint.
    """

    def __init__(self, loop: Any):
        super().__init__()
        self.loop, self.task = loop, loop.task
        self._writer: EventFileWriter | None = None
        self._every = math.ceil(self.task.total_steps / _POINTS)
        self._noted = (0, 0.0)  # batches of this epoch, and the sum of their losses, up to the last point

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Show the graph and the images of a new run."""
        step = self.loop.state.progress.step
        self._begin(step)
        if step == 0 and self._writer:
            self._write(0, _graph(self.task))
            self._write(0, _first_batch(self.task))

    def _begin(self, step: int) -> None:
        """From here on, what was written of later steps than this one counts no more; only the chief writes."""
        if self.task.machine.is_chief and "tensorboard" in self.task.config.watch:
            self._writer = self._writer or EventFileWriter(str(self.loop.run.path / "tensorboard"))
            first = step + 1 if step else 0  # of a run that begins anew, the graph and the images too
            self._writer.add_event(Event(wall_time=time.time(), step=first, session_log=SessionLog(status=SessionLog.START)))

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Keras' running mean of the loss begins anew."""
        self._noted = (0, 0.0)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Every few steps: the learning rate, and the mean loss of the steps since the last point."""
        step, (before, earlier) = self.loop.state.progress.step, self._noted
        if self._writer is None or step % self._every:
            return
        total = float((logs or {})["loss"]) * (batch + 1) * self.task.step_images  # over all places of the batches, filled up or not
        place = self.loop.state.place
        images = self.task.images_before(place) - self.task.images_before(place - (batch + 1 - before))
        if not images:  # steps of an accumulated batch that only fill it up
            return
        self._noted = (batch + 1, total)
        self._write(step, _scalars({"step/lr": self.loop.state.lr(), "step/loss": (total - earlier) / images}))

    def write_epoch(self, row: Mapping[str, Any]) -> None:
        """Show an epoch: its row, now and then histograms and a curve of precision and recall. `deployed` has its weights already."""
        step, epoch, epochs = row["step"], row["epoch"], self.task.config.epochs
        if self._writer is None:  # a run that goes on with the report of its last epoch
            self._begin(step)
        if self._writer is None:
            return
        self._write(step, _scalars({key.replace("_", "/", 1): row[key] for key in row if key not in ("epoch", "step")}))
        if _due(epoch, epochs, _HISTOGRAMS):
            for variable in self.task.deployed.trainable_variables:
                values = keras.ops.convert_to_numpy(variable).reshape(-1)
                self._write(step, histogram_pb(f"weights/{variable.path}", values[:: -(-values.size // _VALUES)]))
        if _due(epoch, epochs, _CURVES) and self.task.machine.cluster is None:
            self._write(step, _precision_recall(self.task))
        self._writer.flush()

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._writer:
            self._writer.close()
            self._writer = None

    def _write(self, step: int, summary: Summary) -> None:
        if self._writer:
            self._writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))


def _due(epoch: int, epochs: int, times: int) -> bool:
    """Whether an epoch is one of so many, the last one among them."""
    return epoch == epochs or epoch % math.ceil(epochs / times) == 0


def _scalars(values: Mapping[str, float]) -> Summary:
    return Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])


def _graph(task: Task) -> Summary:
    """The layers, as keras.callbacks.TensorBoard writes them."""
    value = Summary.Value(tag="keras", tensor=make_tensor_proto(task.deployed.to_json(), dtype="string"))
    value.metadata.plugin_data.plugin_name = metadata.PLUGIN_NAME_KERAS_MODEL
    value.metadata.plugin_data.content = b"1"
    return Summary(value=[value])


def _first_batch(task: Task) -> Summary:
    """The images that training sees first, after their augmentations, with their classes."""
    config = replace(task.config, image_cache="none")  # a few images are decoded sooner than all
    seen = first_images(config, task.data, task.card, min(_IMAGES, len(task.data.train)))
    labels = [sheet.label(target, task.card.class_names) for target in seen.targets]
    drawn, encoded = sheet.draw((config.data, config.preset), seen.pixels, labels), io.BytesIO()
    drawn.save(encoded, "PNG")
    image = Summary.Image(height=drawn.height, width=drawn.width, colorspace=3, encoded_image_string=encoded.getvalue())
    return Summary(value=[Summary.Value(tag="first images", image=image)])


def _precision_recall(task: Task) -> Summary:
    """Over all classes together: each pair of an image and a class is one answer, right where it is the image's class."""
    val = task.data.val
    few = val.take(np.unique(np.linspace(0, len(val) - 1, _JUDGED).astype(int)))
    answers: list[np.ndarray] = []
    wanted: list[np.ndarray] = []
    for pixels, targets, weights in pipeline.eval_batches(
        few, task.card.preprocessing, batch_size=task.config.batch_size
    ).as_numpy_iterator():
        real = weights > 0
        answers.append(keras.ops.convert_to_numpy(task.deployed(pixels.astype("float32"), training=False))[real])
        wanted.append(targets[real] > 0)
    curve = pr_curve.pb("validation/precision and recall", np.concatenate(wanted), np.concatenate(answers).clip(0.0, 1.0))
    return Summary.FromString(curve.SerializeToString())  # from TensorFlow's class of that name
