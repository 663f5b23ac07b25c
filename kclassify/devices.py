"""The machine: which devices a run uses, in which precision, and how exactly. The only file that asks which backend runs."""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from kclassify.errors import SetupError, UsageError

LOGICAL_CPUS = "KCLASSIFY_LOGICAL_CPUS"  # for tests alone: train on so many logical CPU devices as if they were GPUs
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
_strategies: dict[tuple[str, ...], Any] = {}  # a second MirroredStrategy over the same devices in one process fails in its collectives


@dataclass(frozen=True)
class Devices:
    """The devices of a run. `strategy` is None on a single device; `text` is a line for the user."""

    strategy: Any
    replicas: int
    text: str

    def scope(self) -> AbstractContextManager[Any]:
        """Where models and optimizers are to be made."""
        return self.strategy.scope() if self.strategy else nullcontext()


def start() -> None:
    """Import Keras and TensorFlow without their start-up notes, which C++ code writes to stderr and no setting stops.

    Calling it again costs nothing.
    """
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        importlib.import_module("keras")
        importlib.import_module("tensorflow")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def select(gpus: str | None = None) -> Devices:
    """Choose the devices of a run.

    Args:
        gpus: numbers such as "0,1,2,3", "all", "none" for the CPU, or None for the first GPU if there is one.

    Raises:
        SetupError: a GPU that is not there; the message names those that are.
    """
    start()
    import tensorflow as tf

    if os.environ.get(LOGICAL_CPUS):
        return _logical_cpus(os.environ[LOGICAL_CPUS])
    found = tf.config.list_physical_devices("GPU")
    wanted = _numbers(gpus, len(found))
    missing = [number for number in wanted if number >= len(found)]
    if missing:
        there = f"GPUs 0 to {len(found) - 1}" if found else "no GPU that TensorFlow can use"
        raise SetupError(
            f"--gpus {gpus}: GPU {missing[0]} is not there; this machine has {there}.\n"
            'Leave --gpus out to use what is there. For NVIDIA GPUs on Linux: pip install "kclassify[gpu]"'
        )
    chosen = [found[number] for number in wanted]
    _set_visible(tf, chosen)
    for device in chosen:
        tf.config.experimental.set_memory_growth(device, True)
    if not chosen:
        return Devices(None, 1, "CPU" + (" (no GPU found)" if not found else ""))
    if len(chosen) == 1:
        idle = f"; {len(found) - 1} more can be used with --gpus all" if gpus is None and len(found) > 1 else ""
        return Devices(None, 1, f"GPU {wanted[0]}{idle}")
    strategy = _mirrored(tuple(f"GPU:{position}" for position in range(len(chosen))))
    return Devices(strategy, len(chosen), f"GPUs {','.join(map(str, wanted))}, MirroredStrategy")


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Models made inside compute in float32, bfloat16 or float16 (the last is trained with loss scaling); their weights are float32."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[name])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def require_tensorflow(what: str) -> None:
    """Raise SetupError unless Keras computes with TensorFlow."""
    import keras

    if keras.config.backend() != "tensorflow":
        raise SetupError(f"{what} needs Keras on TensorFlow, it runs on {keras.config.backend()}. Set: KERAS_BACKEND=tensorflow")


def set_seeds(seed: int, *, deterministic: bool) -> None:
    """Seed Python, NumPy and the backend; `deterministic` also makes every op give the same bits in every run."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()


def replica() -> tuple[Any, int]:
    """Inside a training step: the number of this replica (a tensor or 0) and how many there are."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return 0, 1
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0, 1
    return context.replica_id_in_sync_group, context.num_replicas_in_sync


def mean_over_replicas(value: Any) -> Any:
    """Inside a training step on several replicas: the mean of their values, the same on each; differentiable."""
    import tensorflow as tf

    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, value)


def _numbers(gpus: str | None, found: int) -> list[int]:
    if gpus is None:
        return [0] if found else []
    if gpus.strip() in ("none", "cpu", ""):
        return []
    if gpus.strip() == "all":
        return list(range(found))
    parts = [part.strip() for part in gpus.split(",")]
    if not all(part.isdecimal() for part in parts) or len(set(parts)) != len(parts):
        raise UsageError(f"--gpus: expected different numbers such as 0,1,2,3, or all, or none; got '{gpus}'.")
    return [int(part) for part in parts]


def _set_visible(tf: Any, chosen: list[Any]) -> None:
    try:
        tf.config.set_visible_devices(chosen, "GPU")
    except RuntimeError as error:  # in a notebook that has used its GPUs already
        if set(tf.config.get_visible_devices("GPU")) != set(chosen):
            raise SetupError("The GPUs of this process are in use already. Restart it (the notebook's kernel) to choose others.") from error


def _logical_cpus(text: str) -> Devices:
    import tensorflow as tf

    if not text.isdecimal() or not int(text):
        raise SetupError(f"{LOGICAL_CPUS}: expected a whole number of devices, got '{text}'.")
    count = int(text)
    try:
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    except RuntimeError as error:
        raise SetupError(f"{LOGICAL_CPUS}={count} must be set before TensorFlow has started.") from error
    if count == 1:
        return Devices(None, 1, "1 logical CPU")
    return Devices(_mirrored(tuple(f"CPU:{number}" for number in range(count))), count, f"{count} logical CPUs, MirroredStrategy")


def _mirrored(names: tuple[str, ...]) -> Any:
    import tensorflow as tf

    if names not in _strategies:
        on_cpu = names[0].startswith("CPU")
        operations = tf.distribute.ReductionToOneDevice() if on_cpu else None  # NCCL is for GPUs
        _strategies[names] = tf.distribute.MirroredStrategy(list(names), cross_device_ops=operations)
    return _strategies[names]
