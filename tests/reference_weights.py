"""Weights and pictures that NumPy draws from a seed: tools/parity.py gives them to timm, the tests to ours, and both must agree."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

REFERENCES = Path(__file__).parent / "data" / "reference"  # one file of logits for each module of the zoo
SEED = 20261123
NUM_CLASSES = 16
SHAPES = ((64, 64), (75, 53))  # odd sides tell torch's padding from TensorFlow's
EVEN, LARGE = ((64, 64), (96, 64)), ((96, 96), (107, 85))
# PaddleClas' ResNeSt, DLA and HRNet take no odd sides; of 64 pixels Inception leaves nothing.
OTHER_SHAPES = {"resnest50": EVEN, "resnest50_fast_1s1x64d": EVEN, "dla*": EVEN, "*hrnet_*": EVEN, "inception_*": LARGE}
BUFFERS = ("num_batches_tracked", "relative_position_index", "attn_mask", "attention_bias_idxs")  # kept by torch, but no weights
# Makes kernels from the picture, which are then multiplied with it: of large numbers each block would make their square.
INVOLUTION = "conv2.conv2.conv.weight"
# LeViT's attention has no norm before it: with larger numbers it picks one place, and rounding decides which.
SHARP = (".qkv.linear.weight", ".kv.linear.weight", ".q.ln.linear.weight")
# MaxViT's branches begin with a BatchNorm: its statistics, drawn at random, let each block make numbers half as large again, and after
# 24 blocks torch in single precision is 8 % off torch in double.
GROWING = "conv.conv3_1x1.weight"
TOLERANCE = 2e-5  # of the largest logit
GATES = ("conv2.fc2.weight", "conv2.conv3.weight", "se.fc2.weight")  # saturated ones turn rounding into other logits


def tensor_of(name: str, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Numbers with which no row's signal dies out: the logits of two pictures differ by a fifth or more (they reach 3,000 in ResNet-50)."""
    if name.endswith("running_var"):
        return generator.uniform(0.5, 1.5, shape).astype("float32")
    if name.endswith("running_mean") or name.endswith(".bias"):
        return (0.1 * generator.standard_normal(shape)).astype("float32")
    if len(shape) == 1:  # the scale of a norm, or a layer scale
        return generator.uniform(0.75, 1.25, shape).astype("float32")
    if not name.endswith(".weight"):  # tables of positions, tokens
        return (0.2 * generator.standard_normal(shape)).astype("float32")
    if name.endswith(INVOLUTION):
        return (1e-3 * generator.standard_normal(shape)).astype("float32")
    smaller = 0.03 if name.endswith(GATES) else 0.1 if name.endswith((*SHARP, GROWING)) else 1
    spread = math.sqrt((2 if len(shape) == 4 else 1) / math.prod(shape[1:])) * smaller
    return (spread * generator.standard_normal(shape)).astype("float32")


def draw_state(shapes: Mapping[str, tuple[int, ...]], seed: int = SEED) -> dict[str, np.ndarray]:
    """A torch state dict drawn in the sorted order of its names: a name too many or too few changes all that follow."""
    generator = np.random.Generator(np.random.PCG64(seed))
    return {name: tensor_of(name, tuple(shapes[name]), generator) for name in sorted(shapes)}


def position_table(places: int) -> np.ndarray:
    """[places, 2] numbers that differ from place to place, for tools/position_references.py and its test."""
    return np.sin(0.7 * np.arange(2 * places)).astype("float32").reshape(places, 2)


def draw_image_pair(generator: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Two pictures [2, H, W, 3] of coloured squares with noise: of noise alone, every picture gets nearly the same logits."""
    squares = generator.uniform(0, 255, (2, height // 16 + 1, width // 16 + 1, 3)).repeat(16, axis=1).repeat(16, axis=2)
    noise = generator.uniform(0, 255, (2, height, width, 3))
    return (0.8 * squares[:, :height, :width] + 0.2 * noise).astype("float32")


def draw_images(seed: int = SEED, shapes: Iterable[tuple[int, int]] = SHAPES) -> list[np.ndarray]:
    """Float32 RGB pixels in 0..255, two pictures [2, H, W, 3] for each (H, W)."""
    generator = np.random.Generator(np.random.PCG64(seed))
    return [draw_image_pair(generator, height, width) for height, width in shapes]


def build(row: Any, *, num_classes: int = NUM_CLASSES) -> Any:
    """The row's model with logits at its end, of any input size if it can be."""
    from kclassify.errors import UsageError
    from kclassify.models import create_model

    try:
        return create_model(row.name, num_classes=num_classes, activation=None, input_shape=(None, None, 3))
    except UsageError:
        return create_model(row.name, num_classes=num_classes, activation=None)


def shapes_for(model: Any) -> Sequence[tuple[int, int]]:
    """Two sizes, one of them odd where that can be, for a model of any size, else its own."""
    side = model.input_shape[1]
    if side is not None:
        return [(side, side)]
    return next((shapes for name, shapes in OTHER_SHAPES.items() if fnmatch(model.name, name)), SHAPES)


def images_for(model: Any, seed: int = SEED) -> list[np.ndarray]:
    """A batch of each of the model's sizes."""
    return draw_images(seed, shapes_for(model))


def layout_digest(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """The sha256 of the sorted names and shapes: equal digests mean that real weights of the one load into the other."""
    rows = [[name, list(shapes[name])] for name in sorted(shapes) if not name.endswith(BUFFERS)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def largest_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference in parts of the largest logit; absolute ones say nothing, some networks have logits near 1,000."""
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())
