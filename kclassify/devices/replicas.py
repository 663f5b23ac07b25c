"""Inside a training step: what replicas do together, and what each backend needs for a change that depends on a condition."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def backend() -> str:
    """What Keras computes with: tensorflow, jax or torch."""
    import keras

    return str(keras.config.backend())


def replica() -> tuple[Any, int]:
    """Inside a training step: the number of this replica (a tensor or 0) and how many there are."""
    if backend() != "tensorflow":
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


def sum_over_replicas(values: list[Any]) -> list[Any]:
    """Inside a training step: the sums over all replicas, the same on each; the values themselves where there is one."""
    if replica()[1] == 1:
        return values
    import tensorflow as tf

    return list(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values))


def assign_on_replicas(variables: list[Any], values: list[Any]) -> None:
    """Inside a training step: give variables values that are the same on every replica."""
    if replica()[1] == 1:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return
    import tensorflow as tf

    def assign(strategy: Any, variables: list[Any], values: list[Any]) -> None:
        for variable, value in zip(variables, values, strict=True):
            strategy.extended.update(variable, lambda part, new: part.assign(new), args=(value,), group=False)

    tf.distribute.get_replica_context().merge_call(assign, args=([variable.value for variable in variables], values))


def when(condition: Any, do: Any) -> None:
    """Do something to variables if a tensor is true. JAX has no such thing: there it is always done, see `held_unless`."""
    if condition is True or backend() == "jax":
        do()
    elif backend() == "torch":
        if bool(condition):
            do()
    else:
        import tensorflow as tf

        def done() -> Any:
            do()
            return tf.constant(0)

        tf.cond(condition, done, lambda: tf.constant(0))


@contextmanager
def held_unless(condition: Any, variables: list[Any]) -> Iterator[None]:
    """On JAX, variables have their old values again at the end unless a tensor is true; elsewhere `when` has seen to that."""
    if backend() != "jax" or not variables:
        yield
        return
    from keras import ops

    before = [variable.value for variable in variables]
    yield
    for variable, value in zip(variables, before, strict=True):
        variable.assign(ops.where(condition, variable.value, value))


def bring_home(model: Any) -> None:
    """Inside `fit`: put the state of this step into the model's variables, which Keras on JAX does at the end of an epoch only."""
    if backend() == "jax" and getattr(model, "_jax_state", None):
        model.jax_state_sync()
