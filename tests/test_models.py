"""Making models and giving them weights: real ones, files that fit, and files that are refused."""

import dataclasses
import functools
import json
import re
import sys

import keras
import numpy as np
import pytest
import reference_weights as reference

from kclassify import presets
from kclassify.errors import ModelError, SetupError, UsageError
from kclassify.models import create_model, load_state, load_weights, state_dict
from kclassify.models.blocks import activate, add
from kclassify.reference import find, open_keras


def shapes_of(model):
    return {name: tensor.shape for name, tensor in state_dict(model).items()}


def small(name="mobilenetv3_small", **options):
    return create_model(name, **{"num_classes": 3, "input_shape": (32, 32, 3), **options})


def test_the_real_weights_know_real_photographs():
    skimage_data = pytest.importorskip("skimage.data")
    image_module = pytest.importorskip("PIL.Image")
    row = presets.get("efficientnet_lite0")
    model, names = create_model(row.name, weights="pretrained"), presets.imagenet_class_names()
    guesses = {}
    for photo in ("cat", "coffee", "rocket"):
        image = image_module.fromarray(getattr(skimage_data, photo)()).convert("RGB")
        scale, size = row.preprocessing.resize_short / min(image.size), row.preprocessing.size
        image = image.resize([round(side * scale) for side in image.size], image_module.Resampling.BICUBIC)
        left, top = (image.width - size) // 2, (image.height - size) // 2
        pixels = np.asarray(image.crop((left, top, left + size, top + size)), "float32")[None]
        probabilities = keras.ops.convert_to_numpy(model(pixels, training=False))[0]
        guesses[photo] = [(names[index], float(probabilities[index])) for index in np.argsort(-probabilities)[:3]]
    # The network shares the cat between three kinds of cat; which one leads depends on the last digit of the resize.
    assert {name for name, _ in guesses["cat"]} == {"tiger cat", "Egyptian cat", "tabby"}
    assert sum(probability for _, probability in guesses["cat"]) > 0.8
    assert guesses["coffee"][0][0] == "espresso" and guesses["coffee"][0][1] > 0.8
    assert guesses["rocket"][0][0] == "missile"


def write_safetensors(path, state):
    header, offset = {}, 0
    for name, tensor in state.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(b"".join([len(text).to_bytes(8, "little"), text, *(tensor.tobytes() for tensor in state.values())]))
    return path


@pytest.mark.parametrize("suffix", ["safetensors", "keras"])
def test_a_file_of_our_own_loads_with_and_without_its_head(tmp_path, suffix):
    source = small()
    state = reference.draw_state(shapes_of(source))
    load_state(source, state, source="drawn")
    path = tmp_path / f"weights.{suffix}"
    source.save(path) if suffix == "keras" else write_safetensors(path, state_dict(source))

    same = state_dict(small(weights=path))
    assert all(np.array_equal(same[name], state[name]) for name in state)

    model = small(num_classes=5)
    before = state_dict(model)
    report = load_weights(model, path, row=presets.get("mobilenetv3_small"))
    after = state_dict(model)
    assert sorted(report.left_out) == ["classifier.bias", "classifier.weight"] and report.tensors == len(state) - 2
    assert all(np.array_equal(after[name], (before if name.startswith("classifier.") else state)[name]) for name in state)


def without(name):
    return lambda state: {key: tensor for key, tensor in state.items() if key != name}


CHANGES = {
    "missing": (without("blocks.1.0.conv_dw.weight"), "lacks 'blocks.1.0.conv_dw.weight'"),
    "unused": (lambda state: state | {"extra.weight": np.zeros(1, "f4")}, "has no 'extra.weight'"),
    "shape": (lambda state: state | {"bn1.bias": np.zeros(17, "f4")}, r"'bn1.bias' is float32 \[17\], expected float \[16\]"),
    "layout": (
        lambda state: state | {"conv_stem.weight": np.zeros((3, 3, 3, 16), "f4")},
        r"\[3, 3, 3, 16\], expected float \[16, 3, 3, 3\]",
    ),
    "type": (lambda state: state | {"bn1.bias": np.zeros(16, "i4")}, "'bn1.bias' is int32"),
    "headless": (without("classifier.bias"), "lacks 'classifier.bias'"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_weights_that_do_not_fit_are_refused_and_change_nothing(tmp_path, change, message):
    model = small()
    before = state_dict(model)
    path = write_safetensors(tmp_path / "other.safetensors", before)
    with pytest.raises(ModelError, match=message) as error:
        load_state(model, change(before), source=str(path))
    assert str(path) in str(error.value) and str(error.value).count("\n") <= 2
    after = state_dict(model)
    assert all(np.array_equal(after[name], before[name]) for name in before)


def test_weights_without_a_classifier_give_a_new_one(tmp_path):
    """DINOv2 is published so; of any other row a file without its head is a mistake."""
    row = presets.get("vit_small_patch14_reg4_dinov2")
    source = small(row.name, input_shape=(42, 42, 3))
    state = reference.draw_state(shapes_of(source))
    path = write_safetensors(tmp_path / "backbone.safetensors", {name: tensor for name, tensor in state.items() if "head" not in name})
    model = small(row.name, input_shape=(56, 28, 3), num_classes=5)
    before = state_dict(model)
    report = load_weights(model, path, row=row, class_names=presets.imagenet_class_names()[:5])
    after = state_dict(model)
    assert report.left_out == ("head.weight", "head.bias") and (report.tensors, report.kept) == (len(state) - 2, 0)
    assert after["pos_embed"].shape == (1, 4 * 2, 384) and state["pos_embed"].shape == (1, 3 * 3, 384)
    assert all(np.array_equal(after[name], (before if "head" in name else state)[name]) for name in state if name != "pos_embed")
    with pytest.raises(ModelError, match=r"it lacks 'head\.bias', 'head\.weight'"):
        load_weights(model, path, row=dataclasses.replace(row, headless=False))
    with pytest.raises(ModelError, match=rf"^{row.name}: its weights have no classifier\. Train one: .* --weights pretrained$"):
        open_keras(find(row.name))
    finetuned = write_safetensors(tmp_path / "finetuned.safetensors", after)
    assert load_weights(model, finetuned, row=row).left_out == ()


def test_weights_that_are_not_there_say_what_to_type(tmp_path, monkeypatch):
    unpublished = dataclasses.replace(presets.get("resnet18"), sources=())
    with pytest.raises(ModelError, match=r"^resnet18: no pretrained weights.*--preset resnet18 --weights none") as error:
        load_weights(small("resnet18"), "pretrained", row=unpublished)
    assert error.value.exit_code == 4
    monkeypatch.setenv("KCLASSIFY_OFFLINE", "1")
    with pytest.raises(SetupError, match=r"^timm/resnet18\.a1_in1k: .*KCLASSIFY_OFFLINE.*\nWith model\.safetensors"):
        small("resnet18", weights="pretrained")
    with pytest.raises(ModelError, match=r"none\.pth: no such weights file"):
        small(weights=tmp_path / "none.pth")
    for name in ("broken.keras", "broken.pth", "broken.safetensors", "notes.txt"):
        (tmp_path / name).write_text("not weights")
        with pytest.raises(ModelError, match=re.escape(name)):
            small(weights=tmp_path / name)


# 28 * 4 pixels fill the windows of the first stages alone.
SMALL_SWIN = {"name": "swin_tiny_patch4_window7_224", "input_shape": (112, 112, 3)}


def test_values_that_make_no_model_are_refused():
    for options in (
        {"num_classes": -1},
        {"in_channels": 0, "input_shape": (32, 32, 0)},
        {"in_channels": 1, "input_shape": (32, 32, 4)},
        {"in_channels": 4, "input_shape": (32, 32, 3)},
        {"pooling": "avg"},
        {"pooling": "min", "include_top": False},
        {"activation": "tanh"},
        {"dropout": 1.0},
        {"input_shape": (32, 32)},
        {"name": "resnet"},
        SMALL_SWIN,
    ):
        with pytest.raises(UsageError):
            create_model(**{"name": "resnet18", **options})


def test_real_weights_answer_alike_for_grey_and_for_more_channels():
    """As timm adapts a first convolution: what the channels repeat changes no answer."""
    pixels = reference.draw_images(shapes=[(64, 64)])[0].round()
    grey = pixels @ np.array([[0.299], [0.587], [0.114]], "float32")
    make = functools.partial(create_model, "efficientnet_lite0", weights="pretrained", activation=None)
    colour = make(input_shape=(64, 64, 3))
    expected = colour.predict_on_batch(np.repeat(grey, 3, axis=-1))
    for model, given in ((make(input_shape=(64, 64, 3), in_channels=1), pixels), (make(input_shape=(64, 64, 1)), grey)):
        assert state_dict(model)["conv_stem.weight"].shape == (32, 1, 3, 3)
        assert reference.largest_difference(model.predict_on_batch(given), expected) < 1e-4
    six = make(input_shape=(64, 64, 6)).predict_on_batch(np.concatenate([pixels, pixels], axis=-1))
    assert reference.largest_difference(six, colour.predict_on_batch(pixels)) < 1e-4


@pytest.mark.parametrize("name", ["mobilenetv3_small", "resnet18", "deit_tiny_distilled_patch16_224"])
def test_a_backbone_gives_what_the_head_would_take(name):
    """Of num_classes 0, include_top and features; the weights are those of the whole model."""
    side = 224 if name.startswith("deit") else 64
    whole = create_model(name, input_shape=(side, side, 3), activation=None)
    state = reference.draw_state(shapes_of(whole))
    load_state(whole, state, source="drawn")
    pixels = reference.draw_images(shapes=[(side, side)])[0]

    def answer(**options):
        model = create_model(name, input_shape=(side, side, 3), **options)
        load_state(model, {key: state[key] for key in state_dict(model)}, source="drawn")
        return model.predict_on_batch(pixels)

    row, maps = presets.get(name), answer(features=True)
    embedding = answer(num_classes=0).reshape(len(pixels), -1)
    if len(row.heads) == 1:
        logits = embedding @ state[f"{row.heads[0]}.weight"].T + state[f"{row.heads[0]}.bias"]
        assert reference.largest_difference(logits, whole.predict_on_batch(pixels)) < 1e-5
    last = answer(include_top=False)
    np.testing.assert_array_equal(last, (maps if isinstance(maps, list) else [maps])[-1])
    np.testing.assert_allclose(answer(include_top=False, pooling="avg"), last.mean(axis=(1, 2)), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(answer(include_top=False, pooling="max"), last.max(axis=(1, 2)))


def test_half_precision_keeps_float32_at_both_ends():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = small()
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("normalise").compute_dtype == model.get_layer("classifier").compute_dtype == model.output.dtype == "float32"
    assert model.get_layer("conv_stem").compute_dtype == "float16"


def test_a_graph_of_more_steps_than_python_recurses_is_made():
    """MaxViT's have 2,348; Keras walks back from the answer to the picture by recursion, and finds the way past all branches."""
    x = image = keras.Input((1, 1, 2))
    for number in range(150):
        y = x
        for step in range(sys.getrecursionlimit() // 125):
            y = activate(y, "relu", name=f"block.{number}.{step}")
        x = add(y, x, name=f"block.{number}")
    model = keras.Model(image, x)
    assert len(model.layers) > sys.getrecursionlimit()
    assert len(keras.models.clone_model(model).layers) == len(model.layers)
