"""Layers of Keras as augmentations: one works in a run's pipeline, and nothing that is not one is ever made or executed."""

import numpy as np
import pytest
import tensorflow as tf

from kclassify.data import index, sources
from kclassify.data.augment import layers
from kclassify.data.pipeline import TrainTransform, train_batches
from kclassify.errors import SetupError, UsageError

BRIGHTER = "keras:RandomBrightness(factor=[0.2, 0.2])"  # random from 0.2 to 0.2


def batches(found, *ops) -> list[np.ndarray]:
    transform = TrainTransform(24, ops=tuple((name, None) for name in ops))
    return [pixels.numpy() for pixels, _, _ in train_batches(found, transform, batch_size=6, seed=0, first_step=0, last_step=2)]


def test_layers_work_in_the_pipeline(photos, own_cache):
    found = index.scan(sources.find(str(photos)).train)
    plain, contrast, brighter = (batches(found, *ops) for ops in ([], ["keras:RandomContrast(factor=0.2)"], [BRIGHTER]))
    for before, after in zip(plain, brighter, strict=True):
        assert after.dtype == np.uint8
        np.testing.assert_array_equal(after, np.clip(before.astype(int) + 51, 0, 255))  # a fifth of 255
    spreads = np.array([[np.std(image.astype(float)) for batch in found for image in batch] for found in (plain, contrast)])
    ratios = spreads[1] / spreads[0]
    assert ratios.min() > 0.7 and ratios.max() < 1.25 and (np.abs(ratios - 1) > 0.005).any()


@pytest.mark.parametrize("text", ["keras:RandomContrast(factor=0.2)", "keras:RandomFlip", "keras:RandomFlip(mode='vertical')"])
def test_layers_are_made_once_and_keep_the_size(text):
    assert layers.make_layer(text) is layers.make_layer(text)
    assert layers.apply_layer(text, tf.zeros([2, 20, 30, 3], tf.uint8)).shape == (2, 20, 30, 3)


NONE_OF_THEM = {
    "keras:Dense": "has no augmentation layer 'Dense'",
    "keras:Lambda(function=1)": "has no augmentation layer 'Lambda'",
    "keras:BaseImageAugmentationLayer": "has no augmentation layer",
    "keras:RandomContrst(factor=0.2)": "Did you mean 'RandomContrast'",
    "keras:RandomContrast": "factor",
    "keras:RandomContrast(0.2)": "named arguments",
    "keras:RandomContrast(factor=0.2": "named arguments",
    "keras:RandomContrast(factor='strong')": "strong",
    "keras:RandomContrast(strength=0.2)": "factor",
    "keras:RandomFlip(**{'mode': 'vertical'})": "named arguments",
    "keras:CenterCrop(height=8, width=8)": "size of images",
    "keras:": "named arguments",
    "keras:layers.RandomFlip()": "named arguments",
}


@pytest.mark.parametrize(("text", "reason"), NONE_OF_THEM.items())
def test_what_is_no_augmentation_is_refused(text, reason):
    with pytest.raises(UsageError) as caught:
        layers.make_layer(text)
    assert str(caught.value).startswith(text) and reason in str(caught.value) and len(str(caught.value).splitlines()) <= 3


@pytest.mark.parametrize(
    "text",
    [
        "keras:RandomContrast(factor=__import__('pathlib').Path('{}').touch())",
        "keras:RandomContrast(factor=open('{}', 'w'))",
        "keras:__import__('pathlib').Path('{}').touch()",
        "keras:RandomFlip(mode=[open('{}', 'w') for _ in 'x'])",
    ],
)
def test_nothing_in_a_name_is_executed(text, tmp_path):
    with pytest.raises(UsageError, match="named arguments"):
        layers.make_layer(text.format(tmp_path / "made"))
    assert not list(tmp_path.iterdir())


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "keras_cv", None)
    monkeypatch.setitem(sys.modules, "keras_cv.layers", None)
    with pytest.raises(SetupError, match=r"keras_cv is not installed.*pip install"):
        layers.make_layer("keras_cv:RandAugment(value_range=[0, 255])")
