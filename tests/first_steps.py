"""Prints the losses of the first steps of a run as JSON; in double precision, so that only what is computed differently can differ."""

import json
import sys

from kclassify import config, devices

devices.start()

import keras  # noqa: E402 - TensorFlow starts quietly first

from kclassify.console import Console  # noqa: E402
from kclassify.data import pipeline  # noqa: E402
from kclassify.training import setup  # noqa: E402

if sys.argv[1] == "float64":
    keras.config.set_floatx("float64")
    devices.POLICIES["float32"] = "float64"
task = setup.prepare(config.resolve(settings=sys.argv[2:]).config, Console(quiet=True))
sums: list[float] = []


class Note(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        sums.append(float(logs["loss"]) * (batch + 1))


last = task.steps_per_epoch
batches = pipeline.train_batches(
    task.data.train, task.transform, batch_size=task.config.batch_size, seed=task.config.seed, first_step=0, last_step=last
)
task.model.fit(batches, callbacks=[Note()], shuffle=False, verbose=0)
print(json.dumps([after - before for before, after in zip([0.0, *sums], sums, strict=False)]))
