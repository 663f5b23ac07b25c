"""The optimizer: any of Keras', with decay by group, clipping, accumulation and averaged weights, exact on any number of devices."""

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kclassify import devices
from kclassify.config import OptimizerConfig

_AGC_EPSILON = 1e-3
_Optimizer: Any = keras.optimizers.Optimizer if TYPE_CHECKING else object  # it is mixed into those, and is none by itself


@dataclass(frozen=True)
class Group:
    """What holds for one variable: the factor of its learning rate, its weight decay, and whether its gradient may be clipped by AGC."""

    lr: float = 1.0
    weight_decay: float = 0.0
    agc: bool = True


class _Recipe(_Optimizer):
    """Mixed into a Keras optimizer.

    Gradients are summed over the replicas first, and everything after that is the same on each: accumulation over `accumulate` calls,
    clipping, decay (`coupled`: added to the gradient), the step. A step counts when the weights change, so schedules and the averages
    know nothing of accumulation. `lr_factor` multiplies the schedule's learning rate, and changes while a run goes on. The average of the
    weights (`ema` is its decay, 0 for none) starts as a plain mean, decay min(ema, (1 + t) / (10 + t)), and never replaces the raw weights:
    `averaged` borrows it.
    """

    def __init__(self, learning_rate: Any, *, groups: Sequence[Group], config: OptimizerConfig, accumulate: int = 1, **settings: Any):
        super().__init__(learning_rate, use_ema=config.ema > 0, **settings)
        self._groups, self._config, self._accumulate = groups, config, accumulate
        self._coupled = config.name in ("sgd", "rmsprop")
        self._due: Any = True
        self.lr_factor = self.add_variable((), initializer="ones", dtype="float32", name="lr_factor")

    @property
    def iterations(self) -> Any:
        """Steps that have changed the weights."""
        return self._iterations // self._accumulate if self._accumulate > 1 else self._iterations

    def iterations_made(self, count: int) -> None:
        """Go on as if so many batches had been seen: schedules follow."""
        self._iterations.assign(count)

    @property
    def ema_momentum(self) -> Any:
        """The decay of the average at this step; 1 while gradients are only gathered."""
        steps = ops.cast(self.iterations, "float32")
        decay = ops.minimum(self._config.ema, (1.0 + steps) / (10.0 + steps))
        return decay if self._accumulate == 1 else ops.where(self._due, decay, 1.0)

    @ema_momentum.setter
    def ema_momentum(self, _value: float) -> None:
        """Keras' constructor sets it; ours is a function of the step."""

    def build(self, variables: list[Any]) -> None:
        """Make the slots, and the sums of gradients."""
        if not self.built:
            super().build(variables)
            if self._accumulate > 1:
                self._sums = [self.add_variable_from_reference(variable, "sum") for variable in variables]

    def _get_current_learning_rate(self) -> Any:
        schedule = self._learning_rate
        if not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            return super()._get_current_learning_rate()
        return schedule(self.iterations) * self.lr_factor

    def _backend_apply_gradients(self, gradients: list[Any], variables: list[Any]) -> None:
        numbers = [self._get_variable_index(variable) for variable in variables]
        gradients = devices.sum_over_replicas(gradients)
        if self._accumulate > 1:
            self._due = ops.equal((self._iterations + 1) % self._accumulate, 0)
            sums = [gradient + ops.cast(self._sums[i], gradient.dtype) for gradient, i in zip(gradients, numbers, strict=True)]
            kept = [ops.where(self._due, ops.zeros_like(total), total) for total in sums]
            devices.assign_on_replicas([self._sums[i] for i in numbers], kept)
            gradients = [total / self._accumulate for total in sums]
        gradients = self._clipped(gradients, variables, numbers)
        rate = self._get_current_learning_rate()
        slots = [*variables, *self.variables] if self._accumulate > 1 else []
        with devices.held_unless(self._due, slots):
            self._backend_update_step(gradients, variables, rate)
        if self.use_ema:
            self._update_model_variables_moving_average(self._trainable_variables)

    def _all_reduce_sum_gradients(self, pairs: list[Any]) -> list[Any]:
        """Keras sums over the replicas here; ours are summed already, for clipping needs the sums."""
        return pairs

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One variable's step, with its group's factor and decay."""

        def step() -> None:
            group, rate, pulled = self._groups[self._get_variable_index(variable)], learning_rate, gradient
            if group.lr != 1.0:
                rate = rate * ops.cast(group.lr, rate.dtype)
            if group.weight_decay and self._coupled:
                pulled = pulled + ops.cast(group.weight_decay, pulled.dtype) * ops.cast(variable, pulled.dtype)
            elif group.weight_decay:
                self.assign_sub(variable, variable * ops.cast(rate * group.weight_decay, variable.dtype))
            super(_Recipe, self).update_step(pulled, variable, rate)

        devices.when(self._due, step)

    def _clipped(self, gradients: list[Any], variables: list[Any], numbers: list[int]) -> list[Any]:
        if self._config.clip_agc:
            gradients = [
                _adaptively_clipped(gradient, ops.convert_to_tensor(variable), self._config.clip_agc) if self._groups[i].agc else gradient
                for gradient, variable, i in zip(gradients, variables, numbers, strict=True)
            ]
        if self._config.clip_norm:
            norm = ops.sqrt(sum(ops.sum(ops.square(ops.cast(gradient, "float32"))) for gradient in gradients))
            factor = self._config.clip_norm / ops.maximum(norm, self._config.clip_norm)
            gradients = [gradient * ops.cast(factor, gradient.dtype) for gradient in gradients]
        return gradients

    def finalize_variable_values(self, var_list: list[Any]) -> None:
        """Leave the raw weights in the model at the end of `fit`: an interrupted epoch goes on from them."""


def _adaptively_clipped(gradient: Any, variable: Any, limit: float) -> Any:
    """Unit by unit - the last axis of a kernel - no longer than `limit` times the weights (Brock et al., arXiv:2102.06171)."""
    axes = tuple(range(len(variable.shape) - 1)) if len(variable.shape) > 1 else None
    weights, pulls = (ops.sqrt(ops.sum(ops.square(tensor), axis=axes, keepdims=True)) for tensor in (variable, gradient))
    longest = limit * ops.maximum(weights, _AGC_EPSILON)
    return ops.where(pulls > longest, gradient * (longest / ops.maximum(pulls, 1e-6)), gradient)


@functools.cache
def _with_recipe(base: type) -> type:
    return type(base.__name__, (_Recipe, base), {})


def make_optimizer(config: OptimizerConfig, schedule: Any, groups: Sequence[Group], *, accumulate: int = 1) -> Any:
    """The optimizer that a config describes; `groups` has one entry for each trainable variable, in their order."""
    adaptive = {"beta_1": config.beta1, "beta_2": config.beta2}
    kinds: dict[str, tuple[type, dict[str, Any]]] = {
        "sgd": (keras.optimizers.SGD, {"momentum": config.momentum, "nesterov": config.nesterov}),
        "rmsprop": (keras.optimizers.RMSprop, {"rho": config.beta1, "momentum": config.momentum, "epsilon": config.epsilon}),
        "adamw": (keras.optimizers.Adam, {**adaptive, "epsilon": config.epsilon}),
        "lamb": (keras.optimizers.Lamb, {**adaptive, "epsilon": config.epsilon}),
        "lion": (keras.optimizers.Lion, adaptive),
        "adafactor": (keras.optimizers.Adafactor, {"relative_step": False}),
        "muon": (keras.optimizers.Muon, {"weight_decay": None, "adam_weight_decay": None, "momentum": config.momentum}),
    }
    base, settings = kinds[config.name]
    return _with_recipe(base)(schedule, groups=groups, config=config, accumulate=accumulate, **settings)


def make_groups(config: OptimizerConfig, model: keras.Model) -> list[Group]:
    """One Group for each trainable variable of a model.

    Decay is for kernels alone unless `decay_all`; the head's gradient is left out of AGC; with `layer_decay` a layer's learning rate is
    `layer_decay ** (blocks between it and the head)`, blocks being the first two parts of a layer's name (`layer1-0`, `blocks-3`).
    """
    blocks = list(dict.fromkeys("-".join(layer.name.split("-")[:2]) for layer in model.layers if layer.trainable_variables))
    last = model.layers[-1] if model.layers[-1].trainable_variables else model.layers[-2]
    groups = {}
    for layer in model.layers:
        depth = len(blocks) - 1 - blocks.index(block) if (block := "-".join(layer.name.split("-")[:2])) in blocks else 0
        for variable in layer.trainable_variables:
            decayed = config.decay_all or variable.name == "kernel"
            decay = config.weight_decay if decayed else 0.0
            groups[variable.path] = Group(config.layer_decay**depth, decay, agc=layer is not last)
    return [groups[variable.path] for variable in model.trainable_variables]


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
