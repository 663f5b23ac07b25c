"""The optimizer: any of Keras', with decay by group, clipping, accumulation and averaged weights, exact on any number of devices."""

import functools
import math
import re
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
    """What holds for one variable: the factor of its learning rate, its weight decay, and for how many steps it stands still.

    The gradients of the `head` are left alone by AGC, and by Muon, which is for the layers between pixels and classes.
    """

    lr: float = 1.0
    weight_decay: float = 0.0
    frozen_steps: int = 0
    head: bool = False


class _Recipe(_Optimizer):
    """Mixed into a Keras optimizer.

    Gradients are summed over the replicas first, and everything after that is the same on each: accumulation over `accumulate` calls,
    clipping, decay (`coupled`: added to the gradient), the step. A step counts when the weights change, so schedules and the averages
    know nothing of accumulation. What stands still has a learning rate of 0. `lr_factor` multiplies the schedule's learning rate, and
    changes while a run goes on. The average of the weights (`ema` is its decay, 0 for none) starts as a plain mean, decay
    min(ema, (1 + t) / (10 + t)), and never replaces the raw weights: `averaged` borrows it.
    """

    def __init__(self, learning_rate: Any, *, groups: Sequence[Group], config: OptimizerConfig, accumulate: int = 1, **settings: Any):
        super().__init__(learning_rate, use_ema=config.ema > 0, **settings)
        self.groups, self._config, self._accumulate = groups, config, accumulate
        self._coupled, self._decoupled = config.name in ("sgd", "rmsprop"), config.name not in ("sgd", "rmsprop", "lamb")
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
            group, rate, pulled = self.groups[self._get_variable_index(variable)], learning_rate, gradient
            if group.lr != 1.0:
                rate = rate * ops.cast(group.lr, rate.dtype)
            if group.frozen_steps:
                rate = ops.where(self.iterations < group.frozen_steps, ops.zeros_like(rate), rate)
            if group.weight_decay and self._coupled:
                pulled = pulled + ops.cast(group.weight_decay, pulled.dtype) * ops.cast(variable, pulled.dtype)
            elif group.weight_decay and self._decoupled:
                self.assign_sub(variable, variable * ops.cast(rate * group.weight_decay, variable.dtype))
            super(_Recipe, self).update_step(pulled, variable, rate)

        devices.when(self._due, step)

    def _clipped(self, gradients: list[Any], variables: list[Any], numbers: list[int]) -> list[Any]:
        if self._config.clip_agc:
            gradients = [
                _adaptively_clipped(gradient, ops.convert_to_tensor(variable), self._config.clip_agc)
                if not self.groups[i].head
                else gradient
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


class _RMSpropTF(keras.optimizers.RMSprop):
    """RMSprop as TensorFlow 1 had it, and EfficientNet was trained: the mean of squares starts at 1, so that first steps are small."""

    def build(self, variables: list[Any]) -> None:
        """Make the slots."""
        if not self.built:
            super().build(variables)
            for velocity in self._velocities:
                velocity.assign(ops.ones_like(velocity))


class _Lamb(keras.optimizers.Lamb):
    """LAMB as published (arXiv:1904.00962, algorithm 2): decay is a part of the step that is measured against the weights.

    Keras takes decay off beforehand. Without decay (BatchNorm, biases) a step is Adam's, as in timm.
    """

    groups: Sequence[Group]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One variable's step."""
        number, count = self._get_variable_index(variable), ops.cast(self.iterations + 1, variable.dtype)
        mean, square, weights = self._momentums[number], self._velocities[number], ops.convert_to_tensor(variable)
        gradient, decay = ops.cast(gradient, variable.dtype), self.groups[number].weight_decay
        self.assign_add(mean, (gradient - mean) * (1 - self.beta_1))
        self.assign_add(square, (ops.square(gradient) - square) * (1 - self.beta_2))
        spread = ops.sqrt(square / (1 - ops.power(ops.cast(self.beta_2, count.dtype), count))) + self.epsilon
        step = mean / (1 - ops.power(ops.cast(self.beta_1, count.dtype), count)) / spread + decay * weights
        if decay:
            length, own = (ops.sqrt(ops.sum(ops.square(tensor))) for tensor in (weights, step))
            step = step * ops.where((length > 0) & (own > 0), length / ops.maximum(own, 1e-12), 1.0)
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * step)


class _Muon(keras.optimizers.Muon):
    """Muon for convolutions too: a kernel is a matrix of [inputs of a unit, units], as its author does (Jordan et al., 2024).

    Keras orthogonalises two-dimensional variables alone, which in a convolutional net is the head, the one layer that Muon is not for.
    Of depthwise kernels a unit's matrix would be a vector: they, offsets and the head take AdamW's step.
    """

    groups: Sequence[Group]

    def _should_use_adamw(self, variable: Any) -> bool:
        group = self.groups[self._get_variable_index(variable)]
        return group.head or len(variable.shape) < 2 or variable.shape[-1] == 1

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """The orthogonal matrix next to a kernel's gradient: the same shape."""
        return ops.reshape(super().zeropower_via_newtonschulz5(_as_matrix(x), steps), x.shape)

    def lr_adjust(self, x: Any) -> Any:
        """A step as long as Adam's (arXiv:2502.16982)."""
        return x * (self.rms_rate * math.sqrt(max(_as_matrix(x).shape)))


def _as_matrix(kernel: Any) -> Any:
    return ops.reshape(kernel, (math.prod(kernel.shape[:-1]), kernel.shape[-1]))


@functools.cache
def _with_recipe(base: type) -> type:
    return type(base.__name__.strip("_"), (_Recipe, base), {})


def make_optimizer(config: OptimizerConfig, schedule: Any, groups: Sequence[Group], *, accumulate: int = 1) -> Any:
    """The optimizer that a config describes; `groups` has one entry for each trainable variable, in their order."""
    adaptive = {"beta_1": config.beta1, "beta_2": config.beta2}
    kinds: dict[str, tuple[type, dict[str, Any]]] = {
        "sgd": (keras.optimizers.SGD, {"momentum": config.momentum, "nesterov": config.nesterov}),
        "rmsprop": (_RMSpropTF, {"rho": config.beta1, "momentum": config.momentum, "epsilon": config.epsilon}),
        "adamw": (keras.optimizers.Adam, {**adaptive, "epsilon": config.epsilon}),
        "lamb": (_Lamb, {**adaptive, "epsilon": config.epsilon}),
        "lion": (keras.optimizers.Lion, adaptive),
        "adafactor": (keras.optimizers.Adafactor, {"relative_step": False}),
        "muon": (_Muon, {"weight_decay": None, "adam_weight_decay": None, "momentum": config.momentum, "nesterov": config.nesterov}),
    }
    base, settings = kinds[config.name]
    return _with_recipe(base)(schedule, groups=groups, config=config, accumulate=accumulate, **settings)


def make_groups(config: OptimizerConfig, model: keras.Model, *, heads: Sequence[str] = (), frozen_steps: int = 0) -> list[Group]:
    """One Group for each trainable variable of a model.

    Decay is for kernels alone unless `decay_all`. With `layer_decay` a layer's learning rate is `layer_decay ** (blocks between it and the
    head)`; a block is what has one number in its layers' names (`layer1-0`, `blocks-3-1`), and layers without a number belong to the block
    before them, the first ones to the stem, as in timm. `heads` are the names of the classifiers, by default the last layer that has
    weights; everything before them stands still for `frozen_steps`.
    """
    layers = [layer for layer in model.layers if layer.trainable_variables]
    heads = heads or [layers[-1].name]
    blocks: dict[str, int] = {}
    depths: dict[str, int] = {}
    depth = 0
    for number, layer in enumerate(layers):
        block = numbered[0] if (numbered := re.match(r"[a-z_0-9]+(-\d+)+", layer.name)) else ""
        depth += bool(number and (layer.name == heads[0] or (block and block not in blocks)))
        depths[layer.name] = blocks.setdefault(block, depth) if block else depth
    groups = {}
    for layer in layers:
        own = layer.name not in heads
        matrix = not isinstance(layer, keras.layers.EinsumDense)  # such a layer's kernel is a layer scale or a table of positions
        for variable in layer.trainable_variables:
            decay = config.weight_decay if config.decay_all or (matrix and variable.name == "kernel") else 0.0
            factor = config.layer_decay ** max(0, depths[heads[0]] - depths[layer.name])
            groups[variable.path] = Group(factor, decay, frozen_steps if own else 0, head=not own)
    return [groups[variable.path] for variable in model.trainable_variables]


def groups_table(groups: Sequence[Group], model: keras.Model) -> list[dict[str, Any]]:
    """The groups for a run's record: what holds in each, and for how many variables and numbers."""
    pairs = list(zip(groups, model.trainable_variables, strict=True))
    return [
        {
            **{"lr_factor": group.lr, "weight_decay": group.weight_decay, "frozen_steps": group.frozen_steps, "head": group.head},
            "variables": sum(other == group for other, _ in pairs),
            "parameters": sum(math.prod(variable.shape) for other, variable in pairs if other == group),
        }
        for group in dict.fromkeys(groups)
    ]


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
