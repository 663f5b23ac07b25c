"""Recipes: their rates, decay and losses are those of their sources, and each of them trains."""

import keras
import numpy as np
import pytest

from kclassify import screen
from kclassify.config import resolve
from kclassify.presets.recipes import RECIPES, chosen_recipe
from kclassify.training.losses import ClassificationLoss
from kclassify.training.optimizer import make_groups, make_optimizer
from kclassify.training.schedules import Table, learning_rates
from kclassify.training.setup import peak_learning_rate

STEPS = 20  # an epoch
# By recipe: the batch size that is asked for (None: the recipe's), and the learning rate after so many epochs, as the source has it.
RATES = {
    "paddleclas_quick_start": (None, {0: 0.0, 5: 0.00375, 12.5: 0.001875, 19.95: 0.0}),
    "paddleclas_imagenet": (256, {0: 0.0, 2.5: 0.65 / 8, 5: 0.65 / 4, 359.95: 0.0}),
    "paddleclas_resnet50": (None, {0: 0.1, 29.95: 0.1, 30: 0.01, 60: 1e-3, 119.95: 1e-4}),
    "torchvision_v2": (None, {0: 0.005, 5: 0.5, 302.5: 0.25, 599.95: 0.0}),
    "timm_a1": (512, {0: 0.0, 5: 2.5e-3, 302.5: 1.25e-3}),
    "timm_a2": (None, {0: 0.0, 5: 5e-3, 152.5: 2.5e-3}),
    "timm_a3": (None, {0: 0.0, 5: 8e-3, 52.5: 4e-3}),
    "deit": (None, {0: 1e-6, 5: 1e-3, 299.95: 1e-5}),
    "convnext": (None, {0: 0.0, 20: 4e-3, 299.95: 1e-6}),
    "efficientnet": (None, {0: 0.0, 5: 0.256 * 0.97**2, 7.2: 0.256 * 0.97**3, 24: 0.256 * 0.97**10}),
}


@pytest.mark.parametrize("recipe", RATES)
def test_rates_are_the_source_s(recipe):
    batch_size, expected = RATES[recipe]
    config = resolve({"recipe": recipe, "data": "photos", "batch_size": batch_size}).config
    peak = peak_learning_rate(config.optimizer, config.batch_size)
    rates = learning_rates(config.schedule, peak, total_steps=config.epochs * STEPS, steps_per_epoch=STEPS)
    found = {epoch: rates[round(epoch * STEPS)] for epoch in expected}
    assert found == pytest.approx(expected, rel=0.01, abs=peak * 1e-4)


def test_every_published_recipe_has_its_rates_checked():
    assert set(RATES) == set(RECIPES) - {"default", "finetune", "scratch"}


@pytest.mark.parametrize(
    ("preset", "weights", "expected"),
    [
        ("efficientnet_lite0", None, "finetune"),
        ("efficientnet_lite0", "none", "scratch"),
        ("resnet18", None, "scratch"),
        ("resnet18", "resnet18.safetensors", "finetune"),
    ],
)
def test_the_default_recipe_follows_the_weights(preset, weights, expected):
    found = resolve({"preset": preset, "weights": weights, "data": "photos"})
    assert found.origins["optimizer.reference_batch"] == f"recipe {expected}" and found.config.recipe == "default"


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_is_shown_with_the_origin_of_its_values(recipe, capsys):
    """As `kclassify config show` prints it in a pipe: one line a setting, name, value and origin."""
    screen.settings(found := resolve({"recipe": recipe, "preset": "resnet18", "data": "photos"}), as_json=False)
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    row = chosen_recipe(recipe, from_weights=False)
    assert [line[0] for line in lines if line[2] == f"recipe {row}"] == [key for key in found.origins if key in RECIPES[row]]


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_trains(recipe):
    """Its optimizer, decay and loss on a problem that can be learned, over a short run of its schedule."""
    config = resolve({"recipe": recipe, "data": "photos", "batch_size": 32}).config
    random = np.random.default_rng(0)
    x, labels = random.normal(size=(64, 4)).astype("float32"), np.arange(64) % 3
    x[np.arange(64), labels] += 4.0
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)])
    rates = learning_rates(config.schedule, config.optimizer.lr, total_steps=200, steps_per_epoch=1)
    optimizer = make_optimizer(config.optimizer, Table(rates), make_groups(config.optimizer, model))
    model.compile(optimizer, ClassificationLoss(config.loss, 3), run_eagerly=True)
    targets = np.eye(3, dtype="float32")[labels]
    losses = model.fit(x, targets, epochs=10, batch_size=32, shuffle=False, verbose=0).history["loss"]
    assert losses[-1] < losses[0] and np.isfinite(losses).all()
