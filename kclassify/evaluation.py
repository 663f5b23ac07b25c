"""A model and a data set in, an Evaluation out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kclassify import devices, reference
from kclassify.console import Console
from kclassify.presets.card import MULTI_LABEL, ONE_LABEL, ModelCard


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on some images: shares of right answers in 0..1 and the mean cross-entropy.

    `top1` and `top5` are of models for one label a picture, `map` and `f1` of those for several (see metrics.py); the others are None.
    """

    model: str
    data: str
    images: int
    classes: int
    loss: float
    top1: float | None = None
    top5: float | None = None
    map: float | None = None
    f1: float | None = None

    def measured(self) -> dict[str, float]:
        """What the model is judged by, and the loss."""
        values = {name: getattr(self, name) for name in (*ONE_LABEL, *MULTI_LABEL, "loss")}
        return {name: value for name, value in values.items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        """The result as `kclassify eval --json` prints it."""
        facts = {name: getattr(self, name) for name in ("model", "data", "images", "classes")}
        return {"schema_version": 1, **facts, **self.measured()}


def evaluate(model: str, data: str | None = None, *, batch_size: int = 32, gpus: str | None = None, console: Console) -> Evaluation:
    """Judge RUN | MODEL.keras | PRESET on `data`: its validation part if it has one, else all of it.

    Without `data` a run is judged on its own validation set.

    Raises:
        ModelError, DataError: the model or the data cannot be used, or do not fit each other.
    """
    found = reference.find(model)
    console.line(f"device: {devices.select(gpus).text}")
    keras_model, card = reference.open_keras(found)
    index, name = _data(found, data, card)
    from kclassify.data.pipeline import eval_batches

    batches = eval_batches(index, card.preprocessing, batch_size=batch_size)
    measured = _measure(keras_model, batches, index, card.multi_label, console, total=-(-len(index) // batch_size))
    return Evaluation(model, name, len(index), len(card.class_names), **measured)


def _data(found: reference.Reference, data: str | None, card: ModelCard) -> tuple[Any, str]:
    from kclassify.data import dataset
    from kclassify.errors import UsageError

    if data is not None:
        return dataset.load_for_eval(data, card.class_names, multi_label=card.multi_label), data
    if found.run is None:
        raise UsageError(f"Which data? Only a run folder brings its own. Such as: kclassify eval {found.name} --data FOLDER")
    from kclassify.training.run_folder import RunFolder

    run = RunFolder.open(found.run)
    config = run.config()
    how: dict[str, Any] = {"max_bad": config.max_bad, "multi_label": config.multi_label}
    own = dataset.load(config.data, config.val, val_fraction=config.val_fraction, seed=config.seed, **how)
    run.check_data(own)
    return own.val, f"{config.data} (validation)"


def _measure(model: Any, batches: Any, index: Any, multi_label: bool, console: Console, *, total: int) -> Mapping[str, float]:
    import keras

    from kclassify.metrics import multi_label_results, results, training_metrics
    from kclassify.models.head import logits_model

    judged = logits_model(model)
    with console.progress("evaluating", total) as bar:

        class Advance(keras.callbacks.Callback):
            """Moves the bar."""

            def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
                bar.advance(batch + 1, {})

            on_predict_batch_end = on_test_batch_end

        if multi_label:
            logits = judged.predict(batches, verbose=0, callbacks=[Advance()])
            return multi_label_results(index.target_table()[index.labels], logits[: len(index)])
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        judged.compile(weighted_metrics=training_metrics(len(index.class_names)), loss=loss, jit_compile=False)
        logs = judged.evaluate(batches, verbose=0, return_dict=True, callbacks=[Advance()])
    return results(logs, len(index))
