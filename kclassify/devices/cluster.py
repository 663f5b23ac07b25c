"""Several machines: who takes part, from --nodes and --rank, TF_CONFIG or Slurm, and how each backend joins them."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kclassify.devices.watch import Door, Watch, call, gather
from kclassify.errors import SetupError, UsageError

_PORT = 29_400  # where Slurm's tasks listen, plus their number
_JOIN_SECONDS = 60  # for what the backends do once every worker is there
# JAX ends every process at once, with a stack trace, when the one dies in which its coordinator is. So it gets a process of its own, which
# ends three quarters of a minute after worker 0, when the others have ended themselves.
_COORDINATOR = """
import sys, time
from jaxlib import _jax
service = _jax.get_distributed_runtime_service(sys.argv[1], int(sys.argv[2]), heartbeat_timeout=int(sys.argv[3]), shutdown_timeout=60)
print("listening", flush=True)
sys.stdin.read()
time.sleep(45)
"""
_COORDINATOR_PATIENCE = 600  # seconds: longer than our own watch, which names the dead one


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


@dataclass(frozen=True)
class Team:
    """The joined workers. `any_of` is whether any of them says yes, asked by all at the same step; `leave` waits until all are done."""

    watch: Watch
    any_of: Callable[[bool], bool]
    leave: Callable[[], None]


def join_tensorflow(cluster: Cluster, seconds: float, note: Callable[[str], None]) -> tuple[Any, Team]:
    """MultiWorkerMirroredStrategy over the cluster; to be called before TensorFlow computes anything.

    Raises:
        SetupError: not all workers are there within so many seconds.
    """
    import tensorflow as tf

    gather(cluster.nodes, cluster.rank, seconds, note).close()  # TensorFlow listens at the same address
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": cluster.nodes}, "task": {"type": "worker", "index": cluster.rank}})
    handler = signal.getsignal(signal.SIGTERM)
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)  # TensorFlow has put its own in its place
    _let_keras_fit(tf)
    watch = Watch(cluster.nodes, cluster.rank)

    def any_of(said: bool) -> bool:
        values = strategy.experimental_distribute_values_from_function(lambda _: tf.constant(float(said)))
        return bool(strategy.reduce("SUM", values, axis=None) > 0)

    def leave() -> None:
        any_of(False)
        watch.stop()

    return strategy, Team(watch, any_of, leave)


def join_jax(cluster: Cluster, seconds: float, note: Callable[[str], None]) -> Team:
    """Connect the processes; afterwards JAX sees the devices of all. Worker 0's door tells the others where JAX' coordinator is.

    Raises:
        SetupError: as `join_tensorflow`.
    """
    import jax
    import numpy as np
    from jax._src.distributed import global_state  # jax.distributed.initialize would put the coordinator into worker 0
    from jax.experimental import multihost_utils
    from jaxlib import _jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    door = gather(cluster.nodes, cluster.rank, seconds, note)
    watch = Watch(cluster.nodes, cluster.rank)
    coordinator = _start_coordinator(door, len(cluster.nodes)) if cluster.is_chief else None
    address = _coordinator_address(cluster)
    settings = {"init_timeout": _JOIN_SECONDS, "heartbeat_timeout": _COORDINATOR_PATIENCE, "use_compression": True}
    client = _jax.get_distributed_runtime_client(address, cluster.rank, shutdown_on_destruction=False, **settings)
    client.connect()
    global_state.coordinator_address, global_state.client = address, client
    global_state.process_id, global_state.num_processes = cluster.rank, len(cluster.nodes)

    def any_of(said: bool) -> bool:
        return bool(multihost_utils.process_allgather(np.array([said])).any())

    def leave() -> None:
        any_of(False)
        watch.stop()
        client.shutdown()  # returns when all have called it
        if coordinator:
            coordinator.terminate()
            coordinator.communicate()

    return Team(watch, any_of, leave)


def _start_coordinator(door: Door, workers: int) -> subprocess.Popen[bytes]:
    with socket.socket() as probe:
        probe.bind(("", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-c", _COORDINATOR, f"[::]:{port}", str(workers), str(_COORDINATOR_PATIENCE)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
    if not process.stdout or not process.stdout.readline():
        raise SetupError(f"JAX' coordinator could not be started at port {port} of this machine.")
    door.text = port
    return process


def _coordinator_address(cluster: Cluster) -> str:
    until = time.monotonic() + _JOIN_SECONDS
    while not (port := call(cluster.nodes[0])):
        if time.monotonic() > until:
            raise SetupError(f"Worker 0 ({cluster.nodes[0]}) did not begin within {_JOIN_SECONDS} s. See there what keeps it.")
        time.sleep(0.2)
    return f"{cluster.nodes[0].rpartition(':')[0]}:{port}"


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
