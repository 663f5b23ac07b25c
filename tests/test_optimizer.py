"""Schedules and optimizers: the curves, decay by group, averages."""

import keras
import numpy as np
import pytest

from kclassify.config import OptimizerConfig, ScheduleConfig
from kclassify.training.optimizer import averaged, make_groups, make_optimizer
from kclassify.training.schedules import Table, learning_rates


def test_the_schedule_rises_and_falls():
    values = learning_rates(ScheduleConfig(warmup_epochs=1.0), 0.4, total_steps=110, steps_per_epoch=10)
    np.testing.assert_allclose(values[:11], np.linspace(0, 0.4, 11), atol=1e-7)
    np.testing.assert_allclose(values[10:], 0.2 * (1 + np.cos(np.pi * np.arange(100) / 100)), atol=1e-6)
    np.testing.assert_allclose([float(Table(values)(step)) for step in (0, 50, 109, 500)], values[[0, 50, 109, 109]], rtol=1e-6)


@pytest.mark.parametrize(("total", "warmup"), [(1, 0), (1, 5), (2, 5), (5, 5), (3, 0)])
def test_a_short_run_has_a_schedule_too(total, warmup):
    values = learning_rates(ScheduleConfig(warmup_epochs=float(warmup)), 0.4, total_steps=total, steps_per_epoch=1)
    assert len(values) == total and (values >= 0).all() and (values <= 0.4 + 1e-6).all()


def model_of_one_kernel(**settings: float) -> keras.Model:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones", bias_initializer="ones")])
    config = OptimizerConfig(momentum=0.0, **{"weight_decay": 0.0, "ema": 0.0, **settings})
    model.compile(make_optimizer(config, 0.1, make_groups(config, model)), "mse", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def test_l2_pulls_kernels_alone():
    model = model_of_one_kernel(weight_decay=0.5)
    model.optimizer.apply([np.zeros((2, 1), "float32"), np.zeros(1, "float32")])
    kernel, bias = (keras.ops.convert_to_numpy(variable) for variable in model.trainable_variables)
    np.testing.assert_allclose(kernel, 1 - 0.1 * 0.5)  # lr * l2 * weight, as in PyTorch
    np.testing.assert_allclose(bias, 1)


def test_averages_begin_as_a_mean_and_are_only_borrowed():
    model = model_of_one_kernel(ema=0.9)
    seen, average = [], None
    for step in range(40):
        model.optimizer.apply([np.ones((2, 1), "float32"), np.ones(1, "float32")])
        raw = keras.ops.convert_to_numpy(model.trainable_variables[1]).item()
        seen.append(raw)
        decay = 0.0 if step == 0 else min(0.9, (1 + step) / (10 + step))
        average = raw if average is None else decay * average + (1 - decay) * raw
    with averaged(model):
        assert keras.ops.convert_to_numpy(model.trainable_variables[1]).item() == pytest.approx(average, rel=1e-5)
    assert keras.ops.convert_to_numpy(model.trainable_variables[1]).item() == seen[-1]
    model.optimizer.finalize_variable_values(model.trainable_variables)
    assert keras.ops.convert_to_numpy(model.trainable_variables[1]).item() == seen[-1]
