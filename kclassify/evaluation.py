"""A model and a data set in, an Evaluation out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kclassify import devices, reference
from kclassify.console import Console


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on some images: shares of right answers in 0..1 and the mean cross-entropy."""

    model: str
    data: str
    images: int
    classes: int
    top1: float
    top5: float
    loss: float

    def to_json(self) -> dict[str, Any]:
        """The result as `kclassify eval --json` prints it."""
        return {"schema_version": 1, **asdict(self)}


def evaluate(model: str, data: str | None = None, *, batch_size: int = 32, gpus: str | None = None, console: Console) -> Evaluation:
    """Judge RUN | MODEL.keras | PRESET on `data`: its validation part if it has one, else all of it.

    Without `data` a run is judged on its own validation set.

    Raises:
        ModelError, DataError: the model or the data cannot be used, or do not fit each other.
    """
    found = reference.find(model)
    console.line(f"device: {devices.select(gpus).text}")
    keras_model, card = reference.open_keras(found)
    index, name = _data(found, data, card.class_names)
    from kclassify.data.pipeline import eval_batches
    from kclassify.metrics import results

    batches = eval_batches(index, card.preprocessing, batch_size=batch_size)
    logs = _measure(keras_model, batches, len(card.class_names), console, total=-(-len(index) // batch_size))
    return Evaluation(model, name, len(index), len(card.class_names), **results(logs, len(index)))


def _data(found: reference.Reference, data: str | None, class_names: tuple[str, ...]) -> tuple[Any, str]:
    from kclassify.data import dataset
    from kclassify.errors import UsageError

    if data is not None:
        return dataset.load_for_eval(data, class_names), data
    if found.run is None:
        raise UsageError(f"Which data? Only a run folder brings its own. Such as: kclassify eval {found.name} --data FOLDER")
    from kclassify.training.run_folder import RunFolder

    run = RunFolder.open(found.run)
    config = run.config()
    own = dataset.load(config.data, config.val, val_fraction=config.val_fraction, seed=config.seed, max_bad=config.max_bad)
    run.check_data(own)
    return own.val, f"{config.data} (validation)"


def _measure(model: Any, batches: Any, classes: int, console: Console, *, total: int) -> Mapping[str, Any]:
    import keras

    from kclassify.metrics import training_metrics
    from kclassify.models.bundle import logits_model

    judged = logits_model(model)
    judged.compile(
        weighted_metrics=training_metrics(classes), loss=keras.losses.CategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    with console.progress("evaluating", total) as bar:

        class Advance(keras.callbacks.Callback):
            """Moves the bar."""

            def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
                bar.advance(batch + 1, {})

        logs: Mapping[str, Any] = judged.evaluate(batches, verbose=0, return_dict=True, callbacks=[Advance()])
    return logs
