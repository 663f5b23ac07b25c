"""The optimizer and its schedule: SGD with L2 on kernels alone and averaged weights that are ready from the first steps on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from kclassify.config import OptimizerConfig


def cosine_with_warmup(lr: float, *, total_steps: int, warmup_steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """A linear rise from 0 to `lr` over `warmup_steps`, then half a cosine down to 0 at `total_steps` (arXiv:1608.03983).

    Both change with every step. A run shorter than its warm-up only rises.
    """
    warmup = min(warmup_steps, total_steps - 1)
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(lr, total_steps)
    return keras.optimizers.schedules.CosineDecay(0.0, total_steps - warmup, warmup_target=lr, warmup_steps=warmup)


@keras.saving.register_keras_serializable("kclassify")
class SGD(keras.optimizers.SGD):
    """Keras' SGD with two changes that recipes ask for.

    `l2` times the kernel is added to a kernel's gradient, as the weight decay of PyTorch and PaddleClas is; BatchNorm and biases are
    left alone. The average of the weights (`ema` is its decay, 0 for none) starts as a plain mean, decay min(ema, (1 + t) / (10 + t)),
    and never replaces the raw weights: `averaged` borrows it.
    """

    def __init__(self, learning_rate: Any, *, l2: float = 0.0, ema: float = 0.0, **settings: Any):
        super().__init__(
            learning_rate, use_ema=ema > 0, **{key: value for key, value in settings.items() if not key.startswith(("use_ema", "ema_"))}
        )
        self.l2 = l2
        self.ema = ema

    @property
    def ema_momentum(self) -> Any:
        """The decay of the average at this step."""
        steps = ops.cast(self.iterations, "float32")
        return ops.minimum(self.ema, (1.0 + steps) / (10.0 + steps))

    @ema_momentum.setter
    def ema_momentum(self, _value: float) -> None:
        """Keras' constructor sets it; ours is a function of the step."""

    def build(self, variables: list[Any]) -> None:
        """Make the slots, and note which variables are kernels."""
        if not self.built:
            self._is_kernel = [variable.name == "kernel" for variable in variables]
        super().build(variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One variable's step; under a strategy `gradient` is the sum over the replicas already, so L2 counts once."""
        if self.l2 and self._is_kernel[self._get_variable_index(variable)]:
            gradient = gradient + ops.cast(self.l2, gradient.dtype) * ops.cast(variable, gradient.dtype)
        super().update_step(gradient, variable, learning_rate)

    def finalize_variable_values(self, var_list: list[Any]) -> None:
        """Leave the raw weights in the model at the end of `fit`: an interrupted epoch goes on from them."""

    def get_config(self) -> dict[str, Any]:
        """Settings to make it again."""
        return {**super().get_config(), "l2": self.l2, "ema": self.ema}


def make_optimizer(config: OptimizerConfig, schedule: Any) -> SGD:
    """The optimizer that a config describes."""
    return SGD(schedule, momentum=config.momentum, nesterov=config.nesterov, l2=config.weight_decay, ema=config.ema)


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Inside, the model has its averaged weights; afterwards its raw ones again, bit by bit."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    variables = model.trainable_variables
    raw = [ops.convert_to_numpy(variable) for variable in variables]
    for variable, average in zip(variables, optimizer._model_variables_moving_average, strict=True):
        variable.assign(ops.convert_to_numpy(average))
    try:
        yield
    finally:
        for variable, value in zip(variables, raw, strict=True):
            variable.assign(value)
