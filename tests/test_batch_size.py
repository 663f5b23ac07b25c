"""`--batch-size auto`: the rule for a CPU, the search on a GPU, and what is an error."""

import types

import pytest

from kclassify import config, devices
from kclassify.console import Console
from kclassify.errors import SetupError, UsageError
from kclassify.training import batch_size, changes


@pytest.mark.parametrize(
    ("images", "parts", "size"), [(100_000, 1, 32), (256, 1, 32), (255, 1, 16), (20, 1, 2), (1, 1, 1), (20, 4, 4), (100_000, 3, 33)]
)
def test_on_a_cpu_a_small_data_set_has_small_batches(images, parts, size):
    assert batch_size.for_cpu(images, parts) == size


@pytest.mark.parametrize(
    ("limit", "images", "parts", "size"),
    [(300, 10**6, 1, 256), (300, 1000, 1, 64), (5, 10**6, 1, 4), (1, 10**6, 1, 1), (100, 10**6, 4, 64), (10**9, 50, 1, 8)],
)
def test_on_a_gpu_it_is_the_largest_that_fits(limit, images, parts, size):
    tried = []
    assert batch_size.largest(images, parts, lambda size: tried.append(size) or size <= limit) == size
    assert len(tried) == len(set(tried)) and max(tried) <= max(2 * limit, 8 * parts)


def test_a_gpu_on_which_nothing_fits_is_an_error():
    with pytest.raises(SetupError, match=r"one image on a device.*--image-size"):
        batch_size.largest(1000, 2, lambda size: False)


@pytest.fixture
def choose(monkeypatch):
    """The choice for 1000 images on a GPU with room for 20, with the errors of TensorFlow, JAX or PyTorch."""
    from kclassify.training import setup

    def chosen(error, cluster=None):
        def steps(settings, *_):
            if settings.batch_size > 20:
                raise error

        monkeypatch.setattr(devices, "on_gpu", lambda: True)
        monkeypatch.setattr(setup, "_try_steps", steps)
        machine = types.SimpleNamespace(cluster=cluster, replicas=1)
        data = types.SimpleNamespace(train=range(1000))
        return setup._choose_batch_size(config.resolve({"batch_size": "auto"}).config, data, machine, Console())

    return chosen


def test_running_out_of_memory_ends_the_search(choose, capsys):
    import tensorflow as tf

    out_of_memory = type("OutOfMemoryError", (RuntimeError,), {})
    for error in (
        tf.errors.ResourceExhaustedError(None, None, "OOM"),
        RuntimeError("RESOURCE_EXHAUSTED: ..."),
        out_of_memory("CUDA"),
        MemoryError(),
    ):
        assert choose(error) == 16
        assert capsys.readouterr().err == "batch size: 16, the largest power of two that fits\n"


def test_any_other_error_is_none_of_memory(choose):
    with pytest.raises(ValueError, match="shapes"):
        choose(ValueError("shapes"))


def test_several_machines_need_a_number(choose):
    with pytest.raises(UsageError, match="batch_size: auto looks at one machine"):
        choose(None, cluster=object())


def test_a_resumed_run_takes_a_number():
    before, after = (config.resolve({"batch_size": value}).config for value in (16, "auto"))
    with pytest.raises(UsageError, match="batch_size: auto is for a new run, this one was begun with 16"):
        changes.check(changes.compare(before, after), "runs/x")


@pytest.mark.parametrize("text", ["some", "1.5", "-1"])
def test_another_word_is_no_batch_size(text):
    with pytest.raises(UsageError, match="batch_size: expected"):
        config.resolve({"batch_size": text})
