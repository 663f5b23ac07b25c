"""Schedules and optimizers: the curves, decay by group, averages."""

import keras
import numpy as np
import pytest

from kclassify.config import OptimizerConfig, ScheduleConfig
from kclassify.models import create_model
from kclassify.training.optimizer import averaged, groups_table, make_groups, make_optimizer
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


def steps(name: str, start: np.ndarray, gradients: list[np.ndarray], **settings: float) -> np.ndarray:
    """A kernel after these gradients, on a layer before the head, with a learning rate of 0.1."""
    rows, columns = start.shape
    model = keras.Sequential([keras.Input((rows,)), keras.layers.Dense(columns, use_bias=False), keras.layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign(start)
    config = OptimizerConfig(name=name, **{"ema": 0.0, "weight_decay": 0.0, "momentum": 0.9, **settings})
    optimizer = make_optimizer(config, 0.1, make_groups(config, model))
    optimizer.build(model.trainable_variables)
    for gradient in gradients:
        optimizer.apply([gradient, np.zeros((columns, 1), "float32")])
    return keras.ops.convert_to_numpy(model.layers[0].kernel)


@pytest.fixture
def kernel_and_gradients():
    random = np.random.default_rng(0)
    return random.normal(size=(6, 4)).astype("float32"), [random.normal(size=(6, 4)).astype("float32") for _ in range(3)]


def test_rmsprop_is_tensorflows_first(kernel_and_gradients):
    """tf.compat.v1.train.RMSPropOptimizer: mean of squares from 1, epsilon inside the root, momentum over whole steps."""
    import tensorflow as tf

    start, gradients = kernel_and_gradients
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variable, pulled = tf.compat.v1.get_variable("kernel", initializer=start), tf.compat.v1.placeholder("float32")
        optimizer = tf.compat.v1.train.RMSPropOptimizer(0.1, decay=0.9, momentum=0.9, epsilon=1e-3)
        step = optimizer.apply_gradients([(tf.reshape(pulled, start.shape), variable)])
        session.run(tf.compat.v1.global_variables_initializer())
        for gradient in gradients:
            session.run(step, {pulled: gradient})
        expected = session.run(variable)
    np.testing.assert_allclose(steps("rmsprop", start, gradients, beta1=0.9, epsilon=1e-3), expected, rtol=1e-5)


@pytest.mark.parametrize("decay", [0.0, 0.2])
def test_lamb_measures_the_whole_step(kernel_and_gradients, decay):
    """arXiv:1904.00962, algorithm 2; without decay there is nothing to measure, as in timm."""
    start, gradients = kernel_and_gradients
    weights, mean, square = start.astype(float), 0.0, 0.0
    for number, gradient in enumerate(gradients, start=1):
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        step = mean / (1 - 0.9**number) / (np.sqrt(square / (1 - 0.999**number)) + 1e-6) + decay * weights
        ratio = np.linalg.norm(weights) / np.linalg.norm(step) if decay else 1.0
        weights = weights - 0.1 * ratio * step
    np.testing.assert_allclose(steps("lamb", start, gradients, weight_decay=decay, epsilon=1e-6), weights, rtol=2e-4, atol=1e-6)


def test_muon_takes_steps_in_all_directions_alike():
    """Of a convolution's kernel as a matrix; a gradient of one direction more than all others does not win."""
    random = np.random.default_rng(0)
    model = keras.Sequential([keras.Input((8, 8, 2)), keras.layers.Conv2D(6, 3), keras.layers.Flatten(), keras.layers.Dense(2)])
    config = OptimizerConfig(name="muon", ema=0.0, weight_decay=0.0)
    optimizer = make_optimizer(config, 0.1, make_groups(config, model))
    optimizer.build(model.trainable_variables)
    before = [keras.ops.convert_to_numpy(variable) for variable in model.trainable_variables]
    gradients = [random.choice([-0.01, 0.01], array.shape).astype("float32") for array in before]
    gradients[0] = (1.0 + random.normal(size=before[0].shape) * 1e-2).astype("float32")
    optimizer.apply(gradients)
    moved = [first - keras.ops.convert_to_numpy(variable) for first, variable in zip(before, model.trainable_variables, strict=True)]
    lengths = np.linalg.svd(moved[0].reshape(18, 6), compute_uv=False) / (0.1 * 0.2 * np.sqrt(18))
    assert lengths.max() < 1.3 and lengths.min() > 0.5
    for step, gradient in zip(moved[1:], gradients[1:], strict=True):  # Adam's first step, for offsets and the head
        np.testing.assert_allclose(step, 0.1 * np.sign(gradient), rtol=1e-3)


def test_agc_limits_each_unit_but_not_the_head(kernel_and_gradients):
    start, (gradient, *_) = kernel_and_gradients
    moved = start - steps("sgd", start, [gradient], momentum=0.0, nesterov=False, clip_agc=0.01)
    limit = 0.01 * np.linalg.norm(start, axis=0)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=0), 0.1 * limit, rtol=1e-4)
    np.testing.assert_allclose(moved / np.linalg.norm(moved, axis=0), gradient / np.linalg.norm(gradient, axis=0), rtol=1e-3)
    model = model_of_one_kernel(clip_agc=0.01)  # which is a head
    model.optimizer.apply([np.full((2, 1), 5.0, "float32"), np.zeros(1, "float32")])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model.trainable_variables[0]), 1 - 0.1 * 5.0, rtol=1e-6)


@pytest.fixture(scope="module")
def resnet():
    return create_model("resnet18", num_classes=3, input_shape=(32, 32, 3))


def test_layers_further_from_the_head_learn_more_slowly(resnet):
    """As timm's param_groups_layer_decay has it: a block is a block of the net, with the stem before and the head after them."""
    groups = make_groups(OptimizerConfig(layer_decay=0.5), resnet, heads=["fc"])
    factors = {variable.path: group.lr for variable, group in zip(resnet.trainable_variables, groups, strict=True)}
    blocks = [f"layer{stage}-{place}" for stage in range(1, 5) for place in range(2)]
    for depth, block in enumerate([*reversed(blocks)], start=1):
        assert {factor for path, factor in factors.items() if path.startswith(block)} == {0.5**depth}
    assert {factors[path] for path in ("conv1/kernel", "bn1/gamma", "bn1/beta")} == {0.5**9}
    assert {factors[path] for path in ("fc/kernel", "fc/bias")} == {1.0}


def test_the_record_of_groups_counts_every_variable_once(resnet):
    kernels = sum(variable.name == "kernel" for variable in resnet.trainable_variables)
    table = groups_table(make_groups(OptimizerConfig(weight_decay=0.1), resnet, frozen_steps=7), resnet)
    assert sum(row["parameters"] for row in table) == resnet.count_params() - sum(v.numpy().size for v in resnet.non_trainable_variables)
    assert sum(row["variables"] for row in table if row["weight_decay"] == 0.1) == kernels
    assert sum(row["variables"] for row in table if row["weight_decay"] == 0.0) == len(resnet.trainable_variables) - kernels
    assert sorted((row["frozen_steps"], row["head"]) for row in table) == [(0, True), (0, True), (7, False), (7, False)]


def test_what_is_frozen_moves_when_its_time_has_come():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, kernel_initializer="ones"), keras.layers.Dense(1)])
    config = OptimizerConfig(ema=0.0, weight_decay=0.1)
    optimizer = make_optimizer(config, 0.1, make_groups(config, model, frozen_steps=3))
    optimizer.build(model.trainable_variables)
    seen = []
    for _ in range(5):
        optimizer.apply([np.ones(variable.shape, "float32") for variable in model.trainable_variables])
        seen.append([float(keras.ops.sum(layer.kernel)) for layer in model.layers])
    body, head = zip(*seen, strict=True)
    assert body[:3] == (4.0, 4.0, 4.0) and body[2] > body[3] > body[4]
    assert list(head) == sorted(head, reverse=True) and len(set(head)) == 5
