"""Several machines: who takes part, from --nodes and --rank, TF_CONFIG or Slurm, and how each backend joins them."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kclassify.errors import SetupError, UsageError

_PORT = 29_400  # where Slurm's tasks listen, plus their number
_HEALTH_SECONDS = 15  # between two looks at whether the others are alive


@dataclass(frozen=True)
class Cluster:
    """The `nodes` of a run as host:port, and the number of this one."""

    nodes: tuple[str, ...]
    rank: int

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run."""
        return self.rank == 0


def find(nodes: str | None, rank: int | None, environment: Mapping[str, str]) -> Cluster | None:
    """The cluster that this process is part of, or None: --nodes first, then TF_CONFIG, then Slurm.

    Raises:
        UsageError: a part is missing or cannot be read.
    """
    if nodes:
        return _from_options(nodes, rank)
    if rank is not None:
        raise UsageError(f"--rank {rank} needs --nodes host1:port,host2:port, the same on every machine.")
    if environment.get("TF_CONFIG"):
        return _from_tf_config(environment["TF_CONFIG"])
    if int(environment.get("SLURM_NTASKS", "1")) > 1 and "SLURM_PROCID" in environment and "SLURM_STEP_NODELIST" in environment:
        return _from_slurm(environment)
    return None


def _from_options(nodes: str, rank: int | None) -> Cluster:
    parts = tuple(part.strip() for part in nodes.split(","))
    if len(parts) < 2 or not all(re.fullmatch(r".+:\d{1,5}", part) for part in parts) or len(set(parts)) != len(parts):
        raise UsageError(f"--nodes: expected different host:port parts such as a:4000,b:4000, got '{nodes}'.")
    if rank is None or not 0 <= rank < len(parts):
        raise UsageError(f"--rank: expected the place of this machine in --nodes, 0 to {len(parts) - 1}, got {rank}.")
    return Cluster(parts, rank)


def _from_tf_config(text: str) -> Cluster | None:
    try:
        config = json.loads(text)
        workers, task = config["cluster"]["worker"], config["task"]
        if set(config["cluster"]) != {"worker"} or task["type"] != "worker":
            raise ValueError("only tasks of the type worker take part")
        return Cluster(tuple(map(str, workers)), int(task["index"])) if len(workers) > 1 else None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"TF_CONFIG: expected a cluster of workers and the task of this one, got {text[:80]!r} ({error}).") from error


def _from_slurm(environment: Mapping[str, str]) -> Cluster:
    command = ["scontrol", "show", "hostnames", environment["SLURM_STEP_NODELIST"]]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    hosts, count = listed.stdout.split(), int(environment["SLURM_NTASKS"])
    if not hosts:
        raise SetupError("Slurm started several tasks, but scontrol does not say on which hosts. Name them with --nodes and --rank.")
    each = -(-count // len(hosts))
    nodes = tuple(f"{hosts[task // each]}:{_PORT + task % each}" for task in range(count))
    return Cluster(nodes, int(environment["SLURM_PROCID"]))


def join_tensorflow(cluster: Cluster) -> Any:
    """MultiWorkerMirroredStrategy over the cluster; to be called before TensorFlow computes anything."""
    import tensorflow as tf

    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": cluster.nodes}, "task": {"type": "worker", "index": cluster.rank}})
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    strategy.extended._check_health_interval = _HEALTH_SECONDS
    _let_keras_fit(tf)
    return strategy


def join_jax(cluster: Cluster) -> None:
    """Connect the processes; afterwards JAX sees the devices of all."""
    import jax
    import keras

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    keras.distribution.initialize(cluster.nodes[0], len(cluster.nodes), cluster.rank)


def _let_keras_fit(tf: Any) -> None:
    """Two functions of Keras 3 that fail on several workers, where a value per replica is found by `local_results` alone (keras#20585)."""
    import keras
    from keras.src.backend.tensorflow import trainer

    concatenating = trainer.reduce_per_replica

    def build(self: Any, iterator: Any = None, data_batch: Any = None) -> None:
        if self._distribute_strategy is None:
            return
        for _, _, batches in iterator or ():
            data_batch = tf.nest.map_structure(lambda value: self.distribute_strategy.experimental_local_results(value)[0], next(batches))
            break
        with self.distribute_strategy.scope():
            self._symbolic_build(data_batch=data_batch)

    def reduce(values: Any, strategy: Any, reduction: str) -> Any:
        if reduction == "concat":
            return concatenating(values, strategy, reduction)

        def first(value: Any) -> Any:
            return strategy.experimental_local_results(value)[0] if isinstance(value, tf.distribute.DistributedValues) else value

        return keras.tree.map_structure(first, values)

    trainer.TensorFlowTrainer._maybe_symbolic_build = build
    trainer.reduce_per_replica = reduce
