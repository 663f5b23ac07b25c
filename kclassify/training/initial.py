"""Initial weights drawn by NumPy from the seed and a layer's name, so that every backend of Keras begins with the same numbers."""

import zlib

import keras
import numpy as np
from keras import initializers

_TRUNCATION = 0.87962566103423978  # standard deviation of a normal distribution that is cut off at two of its own


def draw_weights(model: keras.Model, seed: int) -> None:
    """Draw every weight of a model that its layers start at random anew, in the distribution of the layer's own initializer.

    The states of its random layers follow the seed too.
    """
    for layer in model.layers:
        draw_layer(layer, seed)
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            generator.state.assign(np.array([zlib.crc32(f"{seed}/{layer.name}".encode()) % 2**31, 0]))


def draw_layer(layer: keras.layers.Layer, seed: int) -> None:
    """Draw the weights of one layer that it starts at random anew."""
    for kind in ("kernel", "depthwise", "embeddings"):
        initializer, variable = getattr(layer, f"{kind}_initializer", None), getattr(layer, kind, None)
        if initializer is None or variable is None:
            continue
        random = np.random.default_rng([seed, zlib.crc32(f"{layer.name}/{kind}".encode())])
        values = _draw(random, tuple(variable.shape), initializer)
        if values is not None:
            variable.assign(values.astype(np.float32))


def _draw(random: np.random.Generator, shape: tuple[int, ...], initializer: initializers.Initializer) -> np.ndarray | None:
    """Values from an initializer's distribution; None for one that is not random."""
    if isinstance(initializer, initializers.VarianceScaling):
        receptive = int(np.prod(shape[:-2]))
        fan_in, fan_out = receptive * shape[-2], receptive * shape[-1]
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        variance = initializer.scale / max(1.0, fans[initializer.mode])
        if initializer.distribution == "uniform":
            return random.uniform(-np.sqrt(3 * variance), np.sqrt(3 * variance), shape)
        if initializer.distribution == "truncated_normal":
            return _truncated(random, shape) * np.sqrt(variance) / _TRUNCATION
        return random.normal(0.0, np.sqrt(variance), shape)
    if isinstance(initializer, initializers.TruncatedNormal):
        return initializer.mean + initializer.stddev * _truncated(random, shape)
    if isinstance(initializer, initializers.RandomNormal):
        return random.normal(initializer.mean, initializer.stddev, shape)
    if isinstance(initializer, initializers.RandomUniform):
        return random.uniform(initializer.minval, initializer.maxval, shape)
    return None


def _truncated(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A standard normal distribution without what is further than 2 from 0."""
    values = random.normal(size=shape)
    while (far := np.abs(values) > 2.0).any():
        values[far] = random.normal(size=int(far.sum()))
    return values
