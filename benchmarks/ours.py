"""kclassify's own pipeline in its forms, and its augmentations alone beside the layers of Keras."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from measure import Case, Work
from peers import BATCH, SIZE, pulling

from kclassify.data import dataset, order
from kclassify.data.augment.erasing import ERASINGS, erase
from kclassify.data.augment.mixing import mix
from kclassify.data.augment.policies import POLICIES
from kclassify.data.decoded import DecodedImages, keep_decoded
from kclassify.data.index import Index
from kclassify.data.pipeline import TrainTransform, train_batches
from kclassify.data.repack import pack_dataset
from kclassify.presets import augmentations

POLICY = {"autoaugment": augmentations.AutoAugment(), "randaugment": augmentations.RandAugment()}
ERASING = {
    "cutout": augmentations.Cutout(),
    "gridmask": augmentations.GridMask(ramp_epochs=0),  # else it does nothing in the first epoch
    "hide_and_seek": augmentations.HideAndSeek(),
    "random_erasing": augmentations.RandomErasing(),
}
MIXING = {"mixup": augmentations.Mixup(), "cutmix": augmentations.CutMix()}
KERAS = {"randaugment": "RandAugment", "random_erasing": "RandomErasing", "mixup": "MixUp", "cutmix": "CutMix"}
_MANY = 1 << 40  # steps: more than are ever run
_KERAS_BATCH = 16  # of its RandAugment, which takes tens of milliseconds an image
_CLASSES = 10
_MEAN = (124, 116, 104)


def cases(folder: Path, packed: Path) -> Iterator[Case]:
    """The pipeline on a folder of images; `packed` is an empty folder for shards of smaller ones."""
    images = dataset.load(str(folder), None, val_fraction=0.02, seed=0, max_bad=0.0)

    def shards() -> Index:
        pack_dataset(images, packed, short_side=256)
        return dataset.load(str(packed), None, val_fraction=0.02, seed=0, max_bad=0.0).train

    yield Case("kclassify, 2 threads", lambda: _pipeline(images.train, threads=2), BATCH)
    yield Case("kclassify", lambda: _pipeline(images.train), BATCH)
    yield Case("kclassify, --cache ram", lambda: _pipeline(images.train, decoded=keep_decoded(images.train, "ram")), BATCH)
    yield Case("kclassify, data pack --short-side 256", lambda: _pipeline(shards()), BATCH)
    for op in (ERASING | MIXING | POLICY).items():
        yield Case(f"kclassify, {op[0]}", lambda op=op: _pipeline(images.train, ops=(op,)), BATCH)


def operations(photographs: np.ndarray) -> Iterator[Case]:
    """Augmentations alone, on uint8 [BATCH, SIZE, SIZE, 3] in memory, and Keras' layers on the same as float32."""
    yield Case("randaugment alone", lambda: _policy_alone("randaugment", photographs), BATCH)
    for name in ("random_erasing", *MIXING):
        yield Case(f"{name} alone", lambda name=name: _batch_alone(name, photographs), BATCH)
    for name, layer in KERAS.items():
        batch = _KERAS_BATCH if name == "randaugment" else BATCH
        yield Case(f"keras.layers.{layer}", lambda layer=layer, batch=batch: _layer_alone(layer, photographs[:batch]), batch)


def _pipeline(index: Index, *, ops: tuple[tuple[str, Any], ...] = (), threads: int = 1, decoded: DecodedImages | None = None) -> Work:
    how = {"batch_size": BATCH, "seed": 0, "first_step": 0, "last_step": _MANY, "decoded": decoded, "threads": threads}
    return pulling(train_batches(index, TrainTransform(SIZE, ops=ops), **how))


def _policy_alone(name: str, photographs: np.ndarray) -> Work:
    """The policy's operations on image after image, as the pipeline applies them."""
    policy, settings = POLICIES[name], POLICY[name]
    random = order.uniforms(0, tf.constant(0, tf.int64), 1024, table=name, columns=policy.draws(settings))
    chosen = policy.choose(random, settings, SIZE)
    pixels = tf.constant(photographs)

    def apply(number: tf.Tensor) -> tf.Tensor:
        return policy.apply(pixels[number % BATCH], tuple(part[number % 1024] for part in chosen), settings)

    return pulling(tf.data.Dataset.range(_MANY).map(apply, num_parallel_calls=1, deterministic=True).batch(BATCH))


def _batch_alone(name: str, photographs: np.ndarray) -> Work:
    pixels, targets = tf.constant(photographs), tf.one_hot(np.arange(len(photographs)) % _CLASSES, _CLASSES)

    @tf.function(autograph=False)
    def apply(number: tf.Tensor) -> Any:
        if name in ERASINGS:
            return erase(pixels, [(name, ERASING[name])], seed=0, number=number, epoch=number // 1000, mean=_MEAN)
        random = order.uniforms(0, number, 1, table="mixing", columns=4)[0]
        return mix(pixels, targets, [(name, MIXING[name])], random=random, seed=0, number=number)

    return _repeating(apply, len(photographs))


def _layer_alone(name: str, photographs: np.ndarray) -> Work:
    layer = getattr(keras.layers, name)(**({} if name in ("MixUp", "CutMix") else {"value_range": (0, 255)}))
    pixels, targets = tf.constant(photographs, tf.float32), tf.one_hot(np.arange(len(photographs)) % _CLASSES, _CLASSES)

    @tf.function
    def apply(number: tf.Tensor) -> Any:
        return layer({"images": pixels, "labels": targets} if name in ("MixUp", "CutMix") else pixels, training=True)

    return _repeating(apply, len(photographs))


def _repeating(apply: Callable[[tf.Tensor], Any], batch: int) -> Work:
    def work(images: int) -> None:
        for number in range(images // batch):
            apply(tf.constant(number * batch, tf.int64))

    return work
