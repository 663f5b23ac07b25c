"""The parts of the training engine by themselves: curves, losses, balance, initial weights, accumulation, clusters."""

import keras
import numpy as np
import pytest

from kclassify.config import DistillConfig, LossConfig, OptimizerConfig, ScheduleConfig
from kclassify.config.limits import LOSSES, SCHEDULES
from kclassify.devices import cluster
from kclassify.errors import UsageError
from kclassify.models import create_model
from kclassify.training.initial import draw_weights
from kclassify.training.losses import ClassificationLoss, balanced_weights
from kclassify.training.optimizer import make_groups, make_optimizer
from kclassify.training.schedules import Table, learning_rates


@pytest.mark.parametrize(
    ("settings", "steps", "expected"),
    [
        ({"name": "constant"}, [0, 50, 99], [1, 1, 1]),
        ({"name": "linear"}, [0, 50, 75], [1, 0.5, 0.25]),
        ({"name": "polynomial", "power": 2.0}, [0, 50], [1, 0.25]),
        ({"name": "step", "step_epochs": 3.0}, [0, 29, 30, 60], [1, 1, 0.1, 0.01]),
        ({"name": "piecewise", "milestones": (2.0, 5.0), "gamma": 0.5}, [0, 19, 20, 50], [1, 1, 0.5, 0.25]),
        ({"name": "cosine", "cycles": 2}, [0, 25, 50, 75], [1, 0.5, 1, 0.5]),
        ({"name": "cosine", "min_lr": 0.1}, [0, 50], [1, 0.55]),
    ],
)
def test_learning_rates_follow_their_curve(settings, steps, expected):
    found = learning_rates(ScheduleConfig(**settings, warmup_epochs=0.0), 1.0, total_steps=100, steps_per_epoch=10)
    np.testing.assert_allclose(found[steps], expected, atol=1e-12)


@pytest.fixture
def batch():
    random = np.random.default_rng(0)
    return random.dirichlet(np.ones(5), 8).astype("float32"), random.normal(size=(8, 5)).astype("float32")


def test_cross_entropy_and_focal_loss_are_keras_own(batch):
    targets, logits = batch
    smooth = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)(targets, logits)
    assert float(ClassificationLoss(LossConfig(), 5)(targets, logits)) == pytest.approx(float(smooth), rel=1e-5)
    focal = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=2.0, from_logits=True)(targets, logits)
    found = ClassificationLoss(LossConfig(name="focal", label_smoothing=0.0), 5)(targets, logits)
    assert float(found) == pytest.approx(float(focal), rel=1e-5)
    binary = keras.losses.BinaryCrossentropy(from_logits=True)(targets, logits)
    found = ClassificationLoss(LossConfig(name="bce", label_smoothing=0.0), 5)(targets, logits)
    assert float(found) == pytest.approx(5 * float(binary), rel=1e-5)


def test_class_weights_are_scikit_learns(batch):
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.array([0, 0, 0, 1, 2, 2])
    weights = balanced_weights(labels, 5)
    np.testing.assert_allclose(weights[:3], compute_class_weight("balanced", classes=np.arange(3), y=labels), rtol=1e-6)
    one_hot, logits = np.eye(5, dtype="float32")[[0, 1, 2, 2, 0, 0, 1, 2]], batch[1]
    by_sample = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, reduction=None)(one_hot, logits)
    expected = np.mean(np.asarray(by_sample) * weights[one_hot.argmax(1)])
    assert float(ClassificationLoss(LossConfig(), 5, class_weights=weights)(one_hot, logits)) == pytest.approx(expected, rel=1e-5)


def test_a_teacher_that_agrees_has_no_gradient(batch):
    targets, logits = batch
    distill = DistillConfig(teacher="x", weight=1.0, temperature=2.0)
    loss = ClassificationLoss(LossConfig(), 5, distill=distill)
    at_teacher = float(loss(targets, np.concatenate([logits, logits], axis=1)))
    for step in (0.1, -0.1):
        moved = logits + step * np.eye(5, dtype="float32")[np.arange(8) % 5]
        assert float(loss(targets, np.concatenate([moved, logits], axis=1))) > at_teacher


def test_initial_weights_depend_on_seed_and_layer_alone():
    first, second = (create_model("resnet18", num_classes=3, input_shape=(32, 32, 3)) for _ in range(2))
    for model in (first, second):
        draw_weights(model, 7)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    kernel = np.asarray(first.get_layer("layer4-1-conv2").kernel)
    assert kernel.std() == pytest.approx(np.sqrt(2 / (9 * 512)), rel=0.02)  # He et al., fan out
    draw_weights(second, 8)
    assert not np.array_equal(kernel, np.asarray(second.get_layer("layer4-1-conv2").kernel))


def toy(name, **settings):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)])
    accumulate = settings.pop("accumulate", 1)
    config = OptimizerConfig(name=name, ema=0.9, **settings)
    model.compile(make_optimizer(config, config.lr, make_groups(config, model), accumulate=accumulate), "mse", jit_compile=False)
    return model


@pytest.mark.parametrize(
    ("name", "lr"),
    [("sgd", 0.05), ("rmsprop", 0.003), ("adamw", 0.03), ("lamb", 0.05), ("lion", 0.01), ("adafactor", 0.05), ("muon", 0.05)],
)
def test_every_optimizer_solves_a_toy_problem(name, lr):
    random = np.random.default_rng(0)
    x = random.normal(size=(64, 4)).astype("float32")
    y = x @ np.array([[1.0], [-2.0], [0.5], [0.0]], "float32")
    model = toy(name, lr=lr, clip_norm=10.0, momentum=0.9)
    before = model.evaluate(x, y, batch_size=64, verbose=0)
    model.fit(np.tile(x, (60, 1)), np.tile(y, (60, 1)), batch_size=32, shuffle=False, verbose=0)
    assert model.evaluate(x, y, batch_size=64, verbose=0) < 0.2 * before


@pytest.mark.parametrize("settings", [*({"schedule": name} for name in SCHEDULES), *({"loss": name} for name in LOSSES)], ids=str)
def test_every_schedule_and_every_loss_trains_a_toy_classifier(settings):
    random = np.random.default_rng(0)
    x, labels = random.normal(size=(64, 4)).astype("float32"), np.arange(64) % 3
    x[np.arange(64), labels] += 3.0
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    schedule = ScheduleConfig(name=settings.get("schedule", "cosine"), milestones=(10.0, 20.0), step_epochs=10.0, cycles=2)
    rates, config = learning_rates(schedule, 0.05, total_steps=60, steps_per_epoch=2), OptimizerConfig()
    loss = ClassificationLoss(LossConfig(name=settings.get("loss", "cross_entropy")), 3)
    model.compile(make_optimizer(config, Table(rates), make_groups(config, model)), loss, metrics=["accuracy"], jit_compile=False)
    y = np.eye(3)[labels]
    before, _ = model.evaluate(x, y, batch_size=64, verbose=0)
    model.fit(np.tile(x, (30, 1)), np.tile(y, (30, 1)), batch_size=32, shuffle=False, verbose=0)
    after, accuracy = model.evaluate(x, y, batch_size=64, verbose=0)
    assert after < 0.8 * before and accuracy > 0.9


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_accumulated_parts_of_a_batch_are_the_batch(name):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(48, 4)).astype("float32"), random.normal(size=(48, 1)).astype("float32")
    whole, parts = toy(name, lr=0.01, clip_norm=0.1), toy(name, lr=0.01, clip_norm=0.1, accumulate=4)
    whole.fit(x, y, epochs=3, batch_size=16, shuffle=False, verbose=0)
    parts.fit(x, y, epochs=3, batch_size=4, shuffle=False, verbose=0)
    for one, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    averages = (model.optimizer._model_variables_moving_average for model in (whole, parts))
    for one, other in zip(*averages, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), atol=1e-6)


def test_a_cluster_is_found_in_options_then_in_the_environment():
    assert cluster.find("a:1,b:2", 1, {}) == cluster.Cluster(("a:1", "b:2"), 1)
    config = '{"cluster": {"worker": ["h1:5", "h2:5"]}, "task": {"type": "worker", "index": 0}}'
    found = cluster.find(None, None, {"TF_CONFIG": config})
    assert found == cluster.Cluster(("h1:5", "h2:5"), 0) and found.is_chief
    assert cluster.find(None, None, {}) is None


@pytest.mark.parametrize(
    ("nodes", "rank", "environment"),
    [
        ("a:1", 0, {}),
        ("a:1,b", 0, {}),
        ("a:1,a:1", 0, {}),
        ("a:1,b:2", 2, {}),
        ("a:1,b:2", None, {}),
        (None, 1, {}),
        (None, None, {"TF_CONFIG": "{"}),
    ],
)
def test_a_cluster_that_cannot_be_is_a_usage_error(nodes, rank, environment):
    with pytest.raises(UsageError):
        cluster.find(nodes, rank, environment)
