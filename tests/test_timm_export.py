"""Weights on their way back to timm: the files that it reads, and the same answers from them."""

import dataclasses
import json

import numpy as np
import pytest
import reference_weights as reference
from safetensors.numpy import load_file

from kclassify import formats, presets
from kclassify.errors import ModelError
from kclassify.formats import keras_file
from kclassify.models import create_model, load_state, state_dict
from kclassify.presets.card import ModelCard, Preprocessing
from kclassify.statefiles import safetensor

SIDE = 48
CARD = ModelCard("mobilenetv3_small", ("cat", "Hündin", "犬"), Preprocessing(size=SIDE, crop_pct=0.9, interpolation="bicubic"))


@pytest.fixture(scope="module")
def model():
    made = create_model(CARD.preset, num_classes=3, input_shape=(SIDE, SIDE, 3))
    load_state(made, reference.draw_state({name: tensor.shape for name, tensor in state_dict(made).items()}), source="drawn")
    return made


def test_the_folder_holds_what_timm_reads_and_answers_as_keras(model, tmp_path):
    report = formats.export_model(model, CARD, "timm", tmp_path / "out")
    assert report.max_difference < 1e-5 and report.images >= 4
    state, written = state_dict(model), load_file(tmp_path / "out" / "model.safetensors")
    assert written.keys() == state.keys() and all(np.array_equal(written[name], state[name]) for name in state)
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (config["architecture"], config["num_classes"]) == ("mobilenetv3_small_100", 3)
    assert config["pretrained_cfg"]["input_size"] == [3, SIDE, SIDE] and config["pretrained_cfg"]["label_names"] == list(CARD.class_names)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 60, 80, 3), dtype=np.uint8)
    opened = formats.open_export(tmp_path / "out")
    np.testing.assert_allclose(opened.forward(pixels), keras_file.keras_forward(model, CARD)(pixels), atol=1e-6)
    assert opened.card == CARD
    formats.export_model(model, CARD, "timm", tmp_path / "out")  # over its like


def test_a_model_that_timm_lacks_is_refused(model, tmp_path, monkeypatch):
    monkeypatch.setitem(presets.MODELS, CARD.preset, dataclasses.replace(presets.get(CARD.preset), timm=""))
    with pytest.raises(ModelError, match="timm has no equal architecture"):
        formats.export_model(model, CARD, "timm", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_what_is_written_is_read_again(tmp_path):
    state = {"b.weight": np.arange(6, dtype="float32").reshape(2, 3), "a": np.float32([1.5]), "none": np.zeros((0, 3), "float32")}
    safetensor.write(tmp_path / "x.safetensors", state)
    for read in (safetensor.read, load_file):
        again = read(tmp_path / "x.safetensors")
        assert again.keys() == state.keys() and all(np.array_equal(again[name], state[name]) for name in state)
