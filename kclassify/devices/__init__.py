"""The machine: which devices a run uses, in which precision, and how exactly. The only file that asks which backend runs."""

import importlib
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from kclassify.devices.cluster import Cluster, Team, join_jax, join_tensorflow
from kclassify.devices.direct import batch_norm, convolution, depthwise
from kclassify.devices.replicas import (
    assign_on_replicas,
    backend,
    bring_home,
    held_unless,
    mean_over_replicas,
    replica,
    sum_over_replicas,
    when,
)
from kclassify.errors import KClassifyError, SetupError, UsageError

__all__ = [
    "Devices",
    "assign_on_replicas",
    "backend",
    "batch_norm",
    "bring_home",
    "convolution",
    "depthwise",
    "held_unless",
    "mean_over_replicas",
    "on_gpu",
    "precision",
    "replica",
    "require_tensorflow",
    "select",
    "set_seeds",
    "start",
    "sum_over_replicas",
    "when",
]

LOGICAL_CPUS = "KCLASSIFY_LOGICAL_CPUS"  # for tests alone: train on so many logical CPU devices as if they were GPUs
BACKENDS = ("tensorflow", "jax", "torch")
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
_LOST_SECONDS = 10.0  # within which a dead worker is found, once its connections are broken
_strategies: dict[tuple[str, ...], Any] = {}  # a second MirroredStrategy over the same devices in one process fails in its collectives


@dataclass(frozen=True)
class Devices:
    """The devices of a run. `strategy` is tf.distribute's where there is one; `text` is a line for the user."""

    strategy: Any
    replicas: int
    text: str
    cluster: Cluster | None = None
    team: Team | None = None

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes the run."""
        return self.cluster is None or self.cluster.is_chief

    @property
    def part(self) -> tuple[int, int]:
        """Which part of every batch this process trains on, and how many parts there are."""
        return (self.cluster.rank, len(self.cluster.nodes)) if self.cluster else (0, 1)

    def metrics_of_all(self, model: Any, logs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Inside `fit`: a model's metrics so far, over all replicas; `logs`, which Keras gives after a step, are of this worker alone."""
        return model.get_metrics_result() if self.strategy else logs

    def any_worker(self, says: bool) -> bool:
        """Whether this worker or, asked at the same step, any other one says yes: all go the same way."""
        return self.team.any_of(says) if self.team else says

    def lost_worker(self) -> KClassifyError | None:
        """After a failure on several machines: the error that names a worker which has died, if that was the cause."""
        return self.team.watch.dead_worker(_LOST_SECONDS) if self.team else None

    def leave(self) -> None:
        """At the end of a run: wait until the other workers are done too."""
        if self.team:
            self.team.leave()

    def scope(self) -> AbstractContextManager[Any]:
        """Where models and optimizers are to be made."""
        return self.strategy.scope() if self.strategy else nullcontext()


def start(backend: str | None = None) -> None:
    """Import Keras, on `backend` if it is given, and TensorFlow, whose tf.data feeds all backends.

    Their start-up notes, which C++ code writes to stderr and no setting stops, are kept out. Calling it again costs nothing.

    Raises:
        SetupError: the backend is not installed, or this process has begun with another one.
    """
    if "keras" in sys.modules:
        return _check_backend(backend)
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if platform.machine().lower() in ("x86_64", "amd64"):
        # TensorFlow alone has oneDNN's convolutions on the newest processors; with AVX2 too they take half to two thirds of its time.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    count = os.environ.get(LOGICAL_CPUS, "")
    if os.environ.get("KERAS_BACKEND") == "jax" and count:
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={count}"
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        importlib.import_module("keras")
        importlib.import_module("tensorflow")
    except ModuleNotFoundError as error:
        wanted = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise SetupError(f'The {wanted} backend needs {error.name}. Install it with: pip install "kclassify[{wanted}]"') from error
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def select(
    gpus: str | None = None,
    cluster: Cluster | None = None,
    *,
    join_seconds: float = 300.0,
    note: Callable[[str], None] = lambda text: None,
) -> Devices:
    """Choose the devices of a run.

    Args:
        gpus: numbers such as "0,1,2,3", "all", "none" for the CPU, or None for the first GPU if there is one.
        cluster: where several machines take part; each uses all its devices, and waits `join_seconds` for the others.
        note: is told what is waited for.

    Raises:
        SetupError: a GPU or a worker that is not there; the message names those that are, or the worker.
    """
    start()
    if cluster:
        return _select_cluster(cluster, join_seconds, note)
    choose = {"tensorflow": _select_tensorflow, "jax": _select_jax, "torch": _select_torch}[backend()]
    return choose(gpus)


def on_gpu() -> bool:
    """Whether the devices that `select` has chosen are GPUs, or others with a memory of their own."""
    if backend() == "jax":
        import jax

        return jax.default_backend() != "cpu"
    if backend() == "torch":
        import torch

        return torch.get_default_device().type != "cpu"
    import tensorflow as tf

    return bool(tf.config.get_visible_devices("GPU"))


def _select_cluster(cluster: Cluster, seconds: float, note: Callable[[str], None]) -> Devices:
    text = f"worker {cluster.rank} of {len(cluster.nodes)} ({', '.join(cluster.nodes)})"
    if backend() == "tensorflow":
        strategy, team = join_tensorflow(cluster, seconds, note)
        return Devices(strategy, strategy.num_replicas_in_sync, f"{text}, MultiWorkerMirroredStrategy", cluster, team)
    if backend() == "jax":
        import keras
        import tensorflow as tf

        tf.config.set_visible_devices([], "GPU")
        team = join_jax(cluster, seconds, note)
        keras.distribution.set_distribution(keras.distribution.DataParallel())
        return Devices(None, len(keras.distribution.list_devices()), f"{text}, JAX data parallelism", cluster, team)
    raise SetupError("Keras on PyTorch trains on one device. For several machines: --backend tensorflow or jax")


def _check_backend(wanted: str | None) -> None:
    if wanted and backend() != wanted:
        raise SetupError(
            f"Keras runs on {backend()} in this process. For {wanted}, restart it (the notebook's kernel) with KERAS_BACKEND={wanted}."
        )


def _select_tensorflow(gpus: str | None) -> Devices:
    import tensorflow as tf

    if os.environ.get(LOGICAL_CPUS):
        return _logical_cpus(os.environ[LOGICAL_CPUS])
    found = tf.config.list_physical_devices("GPU")
    wanted = _wanted(gpus, len(found), "TensorFlow")
    chosen = [found[number] for number in wanted]
    _set_visible(tf, chosen)
    for device in chosen:
        tf.config.experimental.set_memory_growth(device, True)
    if len(chosen) < 2:
        return Devices(None, 1, _named(wanted, len(found), gpus))
    strategy = _mirrored(tuple(f"GPU:{position}" for position in range(len(chosen))))
    return Devices(strategy, len(chosen), f"GPUs {','.join(map(str, wanted))}, MirroredStrategy")


def _select_jax(gpus: str | None) -> Devices:
    """Data parallelism by `keras.distribution`: batches are cut up, everything else is on each device."""
    import jax
    import keras
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")  # TensorFlow only reads the pictures
    found = [device for device in jax.devices() if device.platform != "cpu"]
    if os.environ.get(LOGICAL_CPUS):
        found, gpus = jax.devices(), "all"
    wanted = _wanted(gpus, len(found), "JAX")
    if len(wanted) < 2:
        keras.distribution.set_distribution(None)
        return Devices(None, 1, f"{_named(wanted, len(found), gpus)}, JAX")
    names = [f"{found[number].platform}:{found[number].id}" for number in wanted]
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=names))
    kind = "logical CPUs" if found[0].platform == "cpu" else "GPUs"
    return Devices(None, len(wanted), f"{kind} {','.join(map(str, wanted))}, JAX data parallelism")


def _select_torch(gpus: str | None) -> Devices:
    import tensorflow as tf
    import torch

    tf.config.set_visible_devices([], "GPU")
    wanted = _wanted(gpus, torch.cuda.device_count(), "PyTorch")
    if len(wanted) > 1:
        raise SetupError(
            f"--gpus {gpus}: Keras on PyTorch trains on one device. Name one GPU, or use --backend tensorflow or jax for {len(wanted)}."
        )
    torch.set_default_device(f"cuda:{wanted[0]}" if wanted else "cpu")
    return Devices(None, 1, f"{_named(wanted, torch.cuda.device_count(), gpus)}, PyTorch")


def _named(wanted: list[int], found: int, gpus: str | None) -> str:
    if not wanted:
        return "CPU" + (" (no GPU found)" if not found else "")
    idle = f"; {found - 1} more can be used with --gpus all" if gpus is None and found > 1 else ""
    return f"GPU {wanted[0]}{idle}"


def _wanted(gpus: str | None, found: int, user: str) -> list[int]:
    wanted = _numbers(gpus, found)
    missing = [number for number in wanted if number >= found]
    if missing:
        there = f"GPUs 0 to {found - 1}" if found else f"no GPU that {user} can use"
        raise SetupError(
            f"--gpus {gpus}: GPU {missing[0]} is not there; this machine has {there}.\n"
            'Leave --gpus out to use what is there. For NVIDIA GPUs on Linux: pip install "kclassify[gpu]"'
        )
    return wanted


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
    if backend() != "tensorflow":
        raise SetupError(f"{what} needs Keras on TensorFlow, it runs on {backend()}. Set: KERAS_BACKEND=tensorflow")


def set_seeds(seed: int, *, deterministic: bool) -> None:
    """Seed Python, NumPy and the backend; `deterministic` also makes every op give the same bits in every run."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    if deterministic and backend() == "torch":
        import torch

        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # no operation of ours reads what none has written


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
